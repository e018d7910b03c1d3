"""The supervisor's websockets: the wall of the whole desk, and a halt's progress."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from channels.db import database_sync_to_async
from django.utils import timezone

from dashboard.consumers import NOT_FOUND, ROLE_CHANGED, LiveConsumer
from execution.notify import WALL_GROUP
from execution.selectors.halts import halt_row
from execution.selectors.payloads import HaltRow
from execution.selectors.texts import milliseconds
from execution.selectors.wall import Wall, WallPicture

if TYPE_CHECKING:
    from execution.models import User


class SupervisorConsumer(LiveConsumer):
    """Admits supervisors only; everything that happens at the desk rings for it."""

    group = WALL_GROUP
    number = 0

    wall_changed = LiveConsumer.ring

    def refusal(self, person: User) -> int | None:
        return None if person.role == "supervisor" else ROLE_CHANGED

    async def send_change(self, content: dict[str, Any]) -> None:
        """A snapshot or what changed, with the version that it starts from and the one that it leads to."""
        kind = "snapshot" if self.wants_snapshot else "delta"
        message = {"type": kind, "from": self.number, "version": self.number + 1, **content}
        self.number, self.wants_snapshot = self.number + 1, False
        await self.send_json(message)

    async def send_beat(self) -> None:
        await self.send_json({"type": "beat", "now": milliseconds(timezone.now())})


class WallConsumer(SupervisorConsumer):
    """The wall: all rows first, then those that changed; their order and each panel when they differ."""

    wall: Wall | None = None
    shown: WallPicture | None = None

    async def send_news(self, with_beat: bool) -> None:
        picture = await self.read()
        before = None if self.wants_snapshot else self.shown
        if content := wall_changes(before, picture):
            self.shown = picture
            await self.send_change(content)
        if with_beat:
            await self.send_beat()

    @database_sync_to_async
    def read(self) -> WallPicture:
        self.wall = self.wall or Wall()
        return self.wall.read(timezone.now())


def wall_changes(before: WallPicture | None, after: WallPicture) -> dict[str, Any]:
    """What a page that shows ``before`` needs to show ``after``; everything for one that shows nothing."""
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
    """A halt's progress until the exchanges have confirmed that nothing of it is open, and its lifting."""

    shown: HaltRow | None = None

    def refusal(self, person: User) -> int | None:
        code = super().refusal(person)
        if code is None and self.read_row() is None:
            return NOT_FOUND
        return code

    async def send_news(self, with_beat: bool) -> None:
        row = await database_sync_to_async(self.read_row)()
        if row is not None and (self.wants_snapshot or row != self.shown):
            self.shown = row
            await self.send_change({"halt": row})
        if with_beat:
            await self.send_beat()

    def read_row(self) -> HaltRow | None:
        return halt_row(self.scope["url_route"]["kwargs"]["public_id"])
