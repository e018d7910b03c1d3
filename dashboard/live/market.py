"""The market's websocket, beside a ticket or an order: the ladder of what the page asks to watch."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from asgiref.sync import sync_to_async
from django.utils import timezone
from pydantic import ValidationError

from dashboard.forms.market_watch import MarketWatch
from dashboard.live.consumers import MIN_PAUSE, NOT_FOUND, UNREADABLE, LiveConsumer
from dashboard.live.db_thread import reading
from execution import notify
from execution.selectors.ladder import LadderPlace, ladder_of_order, ladder_of_ticket, ladder_read
from execution.selectors.orders.visibility import order_find
from execution.selectors.quote_signatures import signing_key

if TYPE_CHECKING:
    from execution.models import User


class MarketConsumer(LiveConsumer):
    """Admits everybody who is logged in; what is watched must be an order that they see, or their own accounts.

    Rows are read once a second on the database's thread, what engines publish up to four times a second on another:
    a Redis that hangs holds up no other socket. The page says ``watch`` before anything is sent, and again at each
    change of its form.
    """

    watch: MarketWatch | None = None
    #: The watch that ``place`` was read for.
    placed: MarketWatch | None = None
    place: LadderPlace | None = None
    shown: dict[str, Any] | None = None
    number = 0

    def refusal(self, person: User) -> int | None:  # noqa: ARG002
        return None

    async def join(self) -> None:
        """Join no group: nobody rings for a market."""

    async def receive_json(self, content: Any, **kwargs: Any) -> None:
        if not (isinstance(content, Mapping) and content.get("type") == "watch"):
            await super().receive_json(content, **kwargs)
            return
        try:
            self.watch = MarketWatch.model_validate(content)
        except ValidationError:
            await self.close(code=UNREADABLE)
            return
        self.wants_snapshot = True
        self.woken.set()

    async def rest(self, seconds: float) -> None:
        await super().rest(min(seconds, MIN_PAUSE))

    async def messages(self, with_beat: bool) -> list[dict[str, Any]] | int:
        if with_beat or self.watch is not self.placed:
            code = await reading(self.read_place)
            if code is not None:
                return code
        if self.placed is None:
            return [self.beat()] if with_beat else []
        read = sync_to_async(self.read_market, thread_sensitive=False)
        found = await read(self.placed, self.place, with_beat)
        changes = self.change(found)
        return [*changes, self.beat()] if with_beat else changes

    def read_place(self) -> int | None:
        """Read whose books are wanted and what stands against them; return the code to close with, or None."""
        code, watch, now = self.verdict(), self.watch, timezone.now()
        if code is not None or watch is None or self.person is None:
            return code
        signing_key()  # the other thread must not ask the database for it
        if watch.order:
            order_pk = order_find(person=self.person, public_id=watch.order)
            if order_pk is None:
                return NOT_FOUND
            place = ladder_of_order(order_pk=order_pk, now=now)
        else:
            place = ladder_of_ticket(person=self.person, accounts=watch.accounts, symbol=watch.symbol)
            place = place and replace(
                place,
                side=watch.side,
                slice_quantity=watch.slice,
                quantity=watch.quantity,
                collar_bp=watch.collar_bp,
            )
        self.placed, self.place = watch, place
        return None

    def read_market(self, watch: MarketWatch, place: LadderPlace | None, with_beat: bool) -> dict[str, Any]:
        """Read what engines publish. With each beat they are told that somebody looks at the books."""
        if place is None:
            return {"ladder": None}
        now = timezone.now()
        if with_beat:
            notify.request_books(place.venues, place.market.symbol, now)
        return {"ladder": ladder_read(place, group=watch.group, now=now)}

    def change(self, found: dict[str, Any]) -> list[dict[str, Any]]:
        """Return the message that says what is new, if anything is."""
        whole, self.wants_snapshot = self.wants_snapshot, False
        if found == self.shown and not whole:
            return []
        self.shown = found
        self.number += 1
        kind = "snapshot" if whole else "delta"
        return [{"type": kind, "from": self.number - 1, "version": self.number, **found}]
