"""An order's driver: it reads, decides, writes, and waits until there is a reason to check again."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from decimal import Decimal
from typing import TypeVar

import structlog
from structlog.contextvars import bind_contextvars

from execution.core.algorithms.decide import decide
from execution.core.faults import FAILURES_IN_A_ROW
from execution.core.market_data.feeds import Feed
from execution.core.market_data.freshness import is_fresh
from execution.core.orders.view import CancelChild, Decision, PlaceChild, memo_after
from execution.core.states import ORDER_FINAL, OrderStatus
from execution.core.types import Book, Quote
from execution.engine.clock import pause
from execution.engine.context import EngineContext
from execution.engine.failures import FailureRow, is_outage
from execution.engine.market_reading import newest_market
from execution.selectors.decisions.order_view import (
    MarketData,
    OrderCache,
    OrderMarkets,
    OrderSnapshot,
    build_order_view,
    order_markets,
    with_new_market,
)
from execution.selectors.quotes import feeds_latest
from execution.services.engine.apply_decision import Applied, decision_apply
from execution.services.engine.driver_failures import order_driver_failed, order_driver_waits

log = structlog.get_logger(__name__)

#: Without any news the driver checks again after this long, whatever its decision says. If news of a row is lost, the
#: engine's own poll wakes the driver.
MAX_WAIT = 60.0  # seconds
AFTER_ERROR = 0.5  # seconds
#: The waits after the first and the second failure of our own code in a row. The third pauses the order.
AFTER_FAILURES = (1.0, 2.0)  # seconds
#: A new child is sent, and the answer is news. Without an answer the driver checks again after this long.
AFTER_INTENT = 1.0  # seconds


Data = TypeVar("Data", Quote, Book)


class OrderDriver:
    """Drives one claimed order until it is final or belongs to another worker."""

    def __init__(self, parts: EngineContext, order_pk: int, fence: int) -> None:
        self._context = parts
        self._order_pk = order_pk
        self.fence = fence
        self._wake = asyncio.Event()
        self._below: Decimal | None = None
        self._above: Decimal | None = None
        self._known = OrderCache()
        #: The rows of the last check. None if something may have changed since.
        self._snapshot: OrderSnapshot | None = None
        #: True if news came in while the rows were read.
        self._news = False
        #: The order's version at the last check, and the newest version that a wake-up has named.
        self.seen = self._told = -1
        #: What failed since the last step that succeeded.
        self._failing: FailureRow | None = None
        self._has_checked = False
        self._markets: OrderMarkets | None = None
        self._unlisten: list[Callable[[], None]] = []

    def poke(self, version: int | None = None) -> None:
        """Wake the driver, because something about the order is new.

        Do nothing if the driver's last check has seen ``version`` already.
        """
        if version is not None and version <= self.seen:
            return
        if version is None:
            self._snapshot, self._news = None, True
        else:
            self._told = max(self._told, version)
        self._wake.set()

    async def run(self) -> None:
        """Drive the order. Return when this driver has nothing more to do."""
        bind_contextvars(order=self._order_pk)  # every line that this task logs
        try:
            while (wait := await self._guarded_step()) is not None:
                await self._pause(wait)
        finally:
            for end in self._unlisten:
                end()

    async def _guarded_step(self) -> float | None:
        """Run a step. If it fails, only this order is affected. Return the maximum wait in seconds, or None when the
        driver is done.
        """
        self._wake.clear()
        try:
            if self._markets is None:
                self._markets = await self._context.database.read(order_markets, self._order_pk)
                if self._markets is None:
                    return None
                self._unlisten = self._listen(self._markets)
            wait = await self._step(self._markets)
        except Exception as error:  # noqa: BLE001  counted, logged, and the order pauses for it
            return await self._failed(error)
        self._failing = None
        return wait

    def _listen(self, markets: OrderMarkets) -> list[Callable[[], None]]:
        board = self._context.quotes
        return [board.listen(pk, markets.symbol, self._on_quote) for pk in markets.venue_pks]

    async def _failed(self, error: Exception) -> float:
        """Handle a failed step. Return the maximum wait in seconds.

        After an outage of the database, Redis or the network, the driver tries again soon. A failure of our own code
        is counted. The third such failure in a row pauses the order.
        """
        now = self._context.clock.now()
        failing = self._failing = self._failing or FailureRow(now)
        self._snapshot = None
        if is_outage(error):
            failing.add_outage(
                error, now, "the driver's database, Redis or network failed", order=self._order_pk
            )
            if failing.is_to_be_shown(now):
                failing.is_shown = await self._written(order_driver_waits, why=self._unattended(), now=now)
            return AFTER_ERROR
        failing.add(error, "an order's driver failed", order=self._order_pk)
        if failing.count < FAILURES_IN_A_ROW:
            await self._context.clock.sleep(AFTER_FAILURES[failing.count - 1])
            return 0.0
        if self._context.lease.left() <= 0 or not await self._written(
            order_driver_failed, error=failing.error, incident=failing.incident, now=now
        ):
            return AFTER_ERROR
        failing.count = 0  # resumed by a person it is given as many attempts again
        return MAX_WAIT

    async def _written(self, write: Callable[..., object], **facts: object) -> bool:
        """Call the service ``write`` for this order with ``facts``. Return False if an outage prevents it."""
        try:
            await self._context.database.run(
                write,
                order_pk=self._order_pk,
                worker_pk=self._context.lease.worker_pk,
                fence=self.fence,
                **facts,
            )
        except Exception as error:
            if not is_outage(error):
                raise
            log.warning("what fails could not be written", order=self._order_pk, error=str(error))
            return False
        return True

    def _unattended(self) -> str:
        """Return why the order was not checked until now; empty if this driver's last step succeeded."""
        failing = self._failing
        if failing is None:
            return "" if self._has_checked else "no engine was driving it at its end"
        what = f"its driver has been failing since {failing.since:%H:%M:%S} UTC"
        if failing.incident:
            return f"{what}: {failing.error} (incident {failing.incident} in the log)"
        return f"the engine has had no database or Redis since {failing.since:%H:%M:%S} UTC: {failing.error}"

    async def _step(self, markets: OrderMarkets) -> float | None:
        """Check and decide once. Return the maximum wait in seconds, or None when the driver is done.

        Usually only the market has changed since the last check. While no row is known to have changed, the rows of
        the last check are used. Rows are read again only if something is to be done or written.
        """
        data = await self._market_data(markets)
        if (waits := self._with_rows_of_before(data)) is not None:
            return self._seconds_until(waits)
        now = self._context.clock.now()
        self._snapshot = None
        snapshot = await self._read_view(data, now)
        if snapshot.fence != self.fence or snapshot.owner != self._context.lease.worker_pk:
            return None
        if snapshot.view.status in ORDER_FINAL:
            return None
        if self._context.lease.left() <= 0:
            return AFTER_ERROR
        decision = decide(snapshot.view)
        self._below, self._above = decision.wake_below, decision.wake_above
        if not _is_to_be_written(snapshot, decision):
            return self._seconds_until(decision)
        return await self._apply(snapshot, decision)

    async def _read_view(self, data: MarketData, now: datetime) -> OrderSnapshot:
        """Read the order's rows. Keep them for the next checks, unless news came in during the read."""
        self._news = False
        snapshot = await self._context.database.read(
            build_order_view,
            order_pk=self._order_pk,
            data=data,
            now=now,
            known=self._known,
            unattended=self._unattended(),
            held_back=self._context.room(),
        )
        self._has_checked = True
        self.seen = snapshot.version
        self._snapshot = None if self._news else snapshot
        return snapshot

    def _with_rows_of_before(self, data: MarketData) -> Decision | None:
        """Return the decision on the last check's rows and the new market ``data``.

        Return None when rows must be read or an action is due.
        """
        if self._snapshot is None or self._told > self.seen:
            return None
        again = with_new_market(self._snapshot, data, self._context.clock.now())
        if again is None or self._context.lease.left() <= 0:
            return None
        decision = decide(again.view)
        if _is_to_be_written(again, decision):
            return None
        self._below, self._above = decision.wake_below, decision.wake_above
        return decision

    async def _apply(self, snapshot: OrderSnapshot, decision: Decision) -> float | None:
        applied, version = await self._context.database.run_batchable(
            decision_apply,
            order_pk=self._order_pk,
            worker_pk=self._context.lease.worker_pk,
            fence=self.fence,
            version=snapshot.version,
            decision=decision,
            quotes=snapshot.view.quotes,
            now=self._context.clock.now(),
            view=snapshot.view,
        )
        if applied is Applied.FENCED:
            log.info("the order is another driver's now", order=self._order_pk)
            return None
        self._snapshot = None  # the version has risen, or will have been somebody else's doing
        if version is not None:
            self.seen = version  # the doorbell tells of our own writing, too: that is no news
        if applied is Applied.STALE or decision.commands:
            for account_pk in _accounts_touched(snapshot, decision):
                self._context.poke_account(account_pk)
            is_sent_soon = applied is Applied.DONE and all(
                isinstance(c, PlaceChild) for c in decision.commands
            )
            return min(AFTER_INTENT, self._seconds_until(decision)) if is_sent_soon else 0.0
        return self._seconds_until(decision)

    async def _market_data(self, markets: OrderMarkets) -> MarketData:
        desk_book = self._context.desk_book
        quotes, books = await newest_market(self._context, markets.venue_pks, markets.symbol)
        desk = {pk: await desk_book.resting(pk, markets.symbol, markets.side) for pk in markets.venue_pks}
        return MarketData(quotes, books, await self._feeds(markets, quotes), desk)

    async def _feeds(self, markets: OrderMarkets, quotes: Mapping[int, Quote]) -> dict[int, str]:
        """Describe the fault of each market without a fresh quote.

        If another engine watches a market, the state of its feed comes from Redis.
        """
        now = self._context.clock.now()
        fresh = {pk for pk, quote in quotes.items() if is_fresh(quote.at, now)}
        missing = [(pk, markets.symbol) for pk in markets.venue_pks if pk not in fresh]
        known = {pair: self._context.quotes.feed(*pair, Feed.QUOTES) for pair in missing}
        if unknown := [pair for pair, status in known.items() if status is None]:
            told = await self._context.database.compute(feeds_latest, unknown)
            known |= {pair: feeds.get(Feed.QUOTES) for pair, feeds in told.items()}
        return {pk: status.words(Feed.QUOTES) for (pk, _), status in known.items() if status is not None}

    def _on_quote(self, quote: Quote) -> None:
        if not quote.is_sane:
            return  # what is not a number is neither above nor below
        below, above = self._below, self._above
        if (below is not None and quote.ask <= below) or (above is not None and quote.bid >= above):
            self._wake.set()

    def _seconds_until(self, decision: Decision) -> float:
        if decision.due_at is None:
            return MAX_WAIT
        left = decision.due_at - self._context.clock.now()
        return min(max(left / timedelta(seconds=1), 0.0), MAX_WAIT)

    async def _pause(self, seconds: float) -> None:
        if seconds <= 0:
            await self._context.clock.sleep(0)
            return
        await pause(self._context.clock, self._wake, seconds)


def _is_to_be_written(snapshot: OrderSnapshot, decision: Decision) -> bool:
    """Return True if a decision has commands, or data that pages or the next decision need.

    The time of a working order's next check alone is not written, because it would be a commit at every check.
    """
    view = snapshot.view
    is_moved = view.status is not OrderStatus.WORKING and decision.due_at != snapshot.due_at
    is_remembered = memo_after(view.memo, decision.memo) != view.memo
    arrives = view.arrival_mid is None and bool(view.quotes)
    return bool(decision.commands) or decision.why != snapshot.why or is_moved or is_remembered or arrives


def _accounts_touched(snapshot: OrderSnapshot, decision: Decision) -> set[int]:
    """Return the primary keys of the accounts on which a child is to be placed or cancelled."""
    children = {child.sequence: child.account for child in snapshot.view.children}
    named = {
        command.account if isinstance(command, PlaceChild) else children[command.sequence]
        for command in decision.commands
        if isinstance(command, PlaceChild | CancelChild)
    }
    return {snapshot.account_pks[account] for account in named}
