"""The websocket of the home page: live orders, their totals and the person's watchlist."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING, Any

from asgiref.sync import sync_to_async
from django.core.exceptions import ObjectDoesNotExist
from django.utils import timezone

from dashboard.live.consumers import MIN_PAUSE, ROLE_CHANGED, LiveConsumer
from dashboard.live.db_thread import reading
from execution.notify import WALL_GROUP, trader_group
from execution.payloads.home import HomePicture
from execution.selectors.balances import may_see_balances
from execution.selectors.home.desk import Home
from execution.selectors.orders.visibility import sees_several
from execution.selectors.quote_signatures import signing_key

if TYPE_CHECKING:
    from execution.models import User


class HomeConsumer(LiveConsumer):
    """Sends traders and supervisors the orders that they may see.

    After a group message, the next update reads the rows. There are at most four updates a second, however many
    messages come.
    """

    home: Home | None = None
    shown: HomePicture | None = None
    number = 0
    rows_due = True

    async def ring(self, _event: Mapping[str, Any]) -> None:
        self.rows_due = True

    order_changed = orders_changed = wall_changed = ring

    def refusal(self, person: User) -> int | None:
        if not may_see_balances(person):
            return ROLE_CHANGED
        self.group = WALL_GROUP if sees_several(person) else trader_group(person.pk)
        return None

    async def rest(self, seconds: float) -> None:
        await super().rest(min(seconds, MIN_PAUSE))

    async def messages(self, with_beat: bool) -> list[dict[str, Any]] | int:
        whole = self.wants_snapshot
        if with_beat or self.rows_due or whole or self.home is None:
            self.rows_due = False
            code = await reading(partial(self.read_rows, whole))
            if code is not None:
                return code
        if self.home is None:
            return []
        picture = await sync_to_async(self.read_picture, thread_sensitive=False)(self.home)
        return [*self.change(picture), self.beat()] if with_beat else self.change(picture)

    def read_rows(self, whole: bool) -> int | None:
        """Read the rows from the database. Return the code with which the socket has to be closed, or None if
        it may stay open.
        """
        code = self.verdict()
        if code is None and self.person is not None:
            with suppress(ObjectDoesNotExist):  # of a desk that is not installed, and publishes nothing
                signing_key()  # the other thread must not ask the database for it
            self.home = self.home or Home()
            self.home.read_rows(self.person, timezone.now(), whole=whole)
        return code

    @staticmethod
    def read_picture(home: Home) -> HomePicture:
        home.read_market()
        return home.picture(timezone.now())

    def change(self, picture: HomePicture) -> list[dict[str, Any]]:
        """Return a list with one message, which has the changed parts of the page; empty if none has changed.

        If the page has requested a snapshot, the message has the whole page.
        """
        whole, self.wants_snapshot = self.wants_snapshot, False
        before, self.shown = None if whole else self.shown, picture
        content = home_changes(before, picture)
        if not content:
            return []
        self.number += 1
        kind = "delta" if before is not None else "snapshot"
        return [{"type": kind, "from": self.number - 1, "version": self.number, **content}]


def home_changes(before: HomePicture | None, after: HomePicture) -> dict[str, Any]:
    """Return the parts of ``after`` that differ from ``before``; all parts if ``before`` is None."""
    if before is None:
        rows, watch = list(after["rows"].values()), list(after["watch"].values())
        return {
            "rows": rows,
            "order": after["order"],
            "watch": watch,
            "symbols": after["symbols"],
            "groups": after["groups"],
        }
    content: dict[str, Any] = {}
    if rows := [row for key, row in after["rows"].items() if before["rows"].get(key) != row]:
        content["rows"] = rows
    if watch := [row for key, row in after["watch"].items() if before["watch"].get(key) != row]:
        content["watch"] = watch
    if after["order"] != before["order"]:
        content["order"] = after["order"]
    if after["symbols"] != before["symbols"]:
        content["symbols"] = after["symbols"]
    if after["groups"] != before["groups"]:
        content["groups"] = after["groups"]
    return content
