"""The supervisors' websockets: the wall, which shows the whole desk, and the progress of a halt."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.utils import timezone

from dashboard.live.consumers import NOT_FOUND, ROLE_CHANGED, LiveConsumer
from execution.core.types import Role
from execution.notify import WALL_GROUP
from execution.payloads.halts import HaltDetail
from execution.selectors.halts import halt_row
from execution.selectors.wall.desk import Wall, WallPicture

if TYPE_CHECKING:
    from execution.models import User


class SupervisorConsumer(LiveConsumer):
    """The base of the supervisors' consumers. Every event of the desk wakes them."""

    group = WALL_GROUP
    number = 0

    wall_changed = LiveConsumer.ring

    def refusal(self, person: User) -> int | None:
        return None if person.role == Role.SUPERVISOR else ROLE_CHANGED

    def changes(self) -> list[dict[str, Any]]:
        whole, self.wants_snapshot = self.wants_snapshot, False
        content = self.change(whole=whole)
        if not content:
            return []
        self.number += 1
        kind = "snapshot" if whole else "delta"
        return [{"type": kind, "from": self.number - 1, "version": self.number, **content}]

    def change(self, *, whole: bool) -> dict[str, Any]:
        """Return everything if ``whole``, otherwise the changes since the last message.

        The result is empty if nothing has changed.
        """
        raise NotImplementedError


class WallConsumer(SupervisorConsumer):
    """Sends the wall: first all rows, then the changed rows. It sends the sequence of the rows, or a panel,
    when that has changed.
    """

    wall: Wall | None = None
    shown: WallPicture | None = None

    def change(self, *, whole: bool) -> dict[str, Any]:
        self.wall = self.wall or Wall()
        before, self.shown = None if whole else self.shown, self.wall.read(timezone.now())
        return wall_changes(before, self.shown)


def wall_changes(before: WallPicture | None, after: WallPicture) -> dict[str, Any]:
    """Return the parts of ``after`` that differ from ``before``; all parts if ``before`` is None."""
    if before is None:
        rows = list(after["rows"].values())
        return {"rows": rows, "order": after["order"], "panels": dict(after["panels"])}
    content: dict[str, Any] = {}
    rows = [row for key, row in after["rows"].items() if before["rows"].get(key) != row]
    panels = {name: panel for name, panel in after["panels"].items() if before["panels"].get(name) != panel}
    if rows:
        content["rows"] = rows
    if after["order"] != before["order"]:
        content["order"] = after["order"]
    if panels:
        content["panels"] = panels
    return content


class HaltConsumer(SupervisorConsumer):
    """Sends a halt's progress until the exchanges have confirmed that none of its orders is open.

    It also sends the news that the halt was lifted.
    """

    shown: HaltDetail | None = None

    def refusal(self, person: User) -> int | None:
        code = super().refusal(person)
        if code is None and self.read_row() is None:
            return NOT_FOUND
        return code

    def change(self, *, whole: bool) -> dict[str, Any]:
        row = self.read_row()
        if row is None or (row == self.shown and not whole):
            return {}
        self.shown = row
        return {"halt": row}

    def read_row(self) -> HaltDetail | None:
        return halt_row(self.scope["url_route"]["kwargs"]["public_id"])
