"""The websocket of the market beside a ticket or an order: the price ladder and the candles that the page requests."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from time import monotonic
from typing import TYPE_CHECKING, Any

from asgiref.sync import sync_to_async
from django.utils import timezone
from pydantic import ValidationError

from dashboard.forms.market_watch import MarketWatch
from dashboard.live.consumers import MIN_PAUSE, NOT_FOUND, UNREADABLE, LiveConsumer
from dashboard.live.db_thread import reading
from execution import notify
from execution.payloads.market import Candles, Ladder
from execution.selectors.ladder import LadderPlace, ladder_of_order, ladder_of_ticket, ladder_read
from execution.selectors.market_candles import CandlePlace, candle_place, candles_read
from execution.selectors.orders.visibility import order_alone, order_find, orders_visible
from execution.selectors.quote_signatures import signing_key

if TYPE_CHECKING:
    from execution.models import User


#: Seconds between two reads of stored candles and of our fills.
CANDLES_AGAIN = 2.0  # seconds


@dataclass(frozen=True, slots=True)
class Shown:
    """The parts of a market that a page shows, and the page's request.

    Ladder and candles are None if the request names no market.
    """

    watch: MarketWatch
    ladder: Ladder | None
    candles: Candles | None


class MarketConsumer(LiveConsumer):
    """Sends a logged-in person the market of an order that they may see, or of their own accounts.

    Rows are read once a second on the database thread. Published market data is read up to four times a second on
    another thread, so that a hanging Redis delays no other socket. The page gets nothing before it sends ``watch``. It
    sends ``watch`` again after each change of its form.
    """

    watch: MarketWatch | None = None
    #: The page's request for which the ladder and candles were last set up.
    placed: MarketWatch | None = None
    ladder: LadderPlace | None = None
    candles: CandlePlace | None = None
    candles_at = -CANDLES_AGAIN
    shown: Shown | None = None
    number = 0

    def refusal(self, person: User) -> int | None:  # noqa: ARG002
        return None

    async def join(self) -> None:
        """Join no group, because no message announces market data."""

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
        changes = self.change(await read(self.placed, self.ladder, self.candles, with_beat))
        return [*changes, self.beat()] if with_beat else changes

    def read_place(self) -> int | None:
        """Read the accounts and the desk's orders in the market. Return the code with which the socket has to
        be closed, or None if it may stay open.
        """
        code, watch, now = self.verdict(), self.watch, timezone.now()
        if code is not None or watch is None or self.person is None:
            return code
        signing_key()  # the other thread must not ask the database for it
        if watch.order:
            order_pk = order_find(person=self.person, public_id=watch.order)
            if order_pk is None:
                return NOT_FOUND
            ladder, orders = ladder_of_order(order_pk=order_pk, now=now), order_alone(order_pk)
        else:
            ladder, orders = ticket_ladder(self.person, watch), orders_visible(self.person)
        if ladder is None:
            self.candles = None
        elif watch is not self.placed or monotonic() - self.candles_at >= CANDLES_AGAIN:
            self.candles_at = monotonic()
            self.candles = candle_place(
                venues=ladder.venues,
                symbol=ladder.market.symbol,
                minutes=watch.minutes,
                orders=orders,
                now=now,
            )
        self.placed, self.ladder = watch, ladder
        return None

    def read_market(
        self, watch: MarketWatch, ladder: LadderPlace | None, candles: CandlePlace | None, with_beat: bool
    ) -> Shown:
        """Read the published market data. With each heartbeat, tell the engines that somebody watches, and read the
        candles.
        """
        if ladder is None or candles is None:
            return Shown(watch, None, None)
        now = timezone.now()
        if with_beat:
            notify.request_books(ladder.venues, ladder.market.symbol, now)
        known = self.shown.candles if self.shown is not None and self.shown.watch is watch else None
        found = candles_read(candles, now=now) if with_beat or known is None else known
        return Shown(watch, ladder_read(ladder, group=watch.group, now=now), found)

    def change(self, found: Shown) -> list[dict[str, Any]]:
        """Return a list with one message, which has the changed parts; empty if none has changed.

        After a new ``watch`` from the page, the message has all parts.
        """
        before, self.shown = self.shown, found
        whole = self.wants_snapshot or before is None or before.watch is not found.watch
        self.wants_snapshot = False
        if whole:
            news: dict[str, Any] = {"ladder": found.ladder, "candles": found.candles}
        else:
            news = changes_between(before, found) if before is not None else {}
        if not news:
            return []
        self.number += 1
        kind = "snapshot" if whole else "delta"
        return [{"type": kind, "from": self.number - 1, "version": self.number, **news}]


def ticket_ladder(person: User, watch: MarketWatch) -> LadderPlace | None:
    """Return the basis of a ticket's price ladder: the venues, the desk's orders at these venues, and the form's
    values. None if no account trades the symbol.
    """
    found = ladder_of_ticket(person=person, accounts=watch.accounts, symbol=watch.symbol)
    return found and replace(
        found,
        side=watch.side,
        slice_quantity=watch.slice,
        quantity=watch.quantity,
        limit=watch.limit,
        collar_bp=watch.collar_bp,
    )


def changes_between(before: Shown, after: Shown) -> dict[str, Any]:
    """Return the parts that differ from ``before``. Of the candles, return only new and changed rows."""
    news: dict[str, Any] = {}
    if after.ladder != before.ladder:
        news["ladder"] = after.ladder
    if after.candles is None or before.candles is None:
        if after.candles != before.candles:
            news["candles"] = after.candles
    elif after.candles != before.candles:
        known = set(before.candles["rows"])
        news["candles"] = {
            **after.candles,
            "rows": [row for row in after.candles["rows"] if row not in known],
        }
    return news
