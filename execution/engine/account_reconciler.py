"""The part of an account session that looks: REST is the truth, streams are hints.

Every 20 s while all is well, every 1.5 s while something is unsettled, at once after a reconnect or claim.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Callable
from datetime import datetime, timedelta

import structlog

from execution.core.faults import RECONCILIATION, SESSION
from execution.core.identifiers import has_our_mark
from execution.core.reconcile import LISTING_DELAY
from execution.core.states import ChildStatus
from execution.core.types import OrderRef, OrderReport, Trade
from execution.engine.clock import pause
from execution.engine.context import EngineContext
from execution.engine.differences import Differences
from execution.engine.failures import Health, unseen
from execution.engine.order_submitter import CALL_BUDGET
from execution.selectors.decisions.sessions import (
    SessionChild,
    complete_trades,
    known_exchange_orders,
    reconciliation_start,
    trades_without_child,
    unsettled_children,
)
from execution.services.accounts.sessions import account_failed, account_reconciled, account_seen
from execution.services.children.absence import NotFoundObservation, child_not_found
from execution.services.children.children import child_mark_unknown, child_report
from execution.services.children.fills import fill_record
from execution.services.children.reconciliation import Policy, attach_answered
from execution.venues.protocol import Gateway, VenueReadFailed

log = structlog.get_logger(__name__)

CALM, UNSETTLED = 20.0, 1.5  # seconds between looks
#: A cancel that was not confirmed for this long is looked into.
ANSWERED_WITHIN = timedelta(seconds=1)
#: Trades are asked for from this long before the mark: a venue may list them late.
OVERLAP = timedelta(seconds=60)
#: A look's window begins this long before the order was intended: our clocks may differ.
MARGIN = timedelta(seconds=30)
#: A child in one of these is looked at until it is settled; a resting one is the stream's business.
RESTING = frozenset({ChildStatus.OPEN, ChildStatus.PARTLY_FILLED})
ON_THE_BOOK = RESTING | {ChildStatus.CANCELLING}


class AccountReconciler:
    """Reconciles one account with its venue."""

    def __init__(
        self,
        parts: EngineContext,
        gateway: Gateway,
        *,
        account_pk: int,
        fence: int,
        marks: frozenset[str],
        is_under_way: Callable[[int], bool],
        symbols: tuple[str, ...] = (),
        orphans: Policy = "adopt",
        health: Health | None = None,
    ) -> None:
        self._context = parts
        self._gateway = gateway
        self._account_pk = account_pk
        self._fence = fence
        self._marks = marks
        #: The first look is at every symbol of the account: an earlier holder may have left orders anywhere.
        self._first_symbols = frozenset(symbols)
        self._differences = Differences(parts, gateway, account_pk=account_pk, marks=marks, orphans=orphans)
        self._is_under_way = is_under_way
        self._health = health or unseen(parts.clock)
        self._wake = asyncio.Event()
        self.stream_is_healthy = False

    def poke(self) -> None:
        self._wake.set()

    async def run(self) -> None:
        while True:
            self._wake.clear()
            wait = await self._guarded_look()
            if wait < CALM:
                await self._pause(wait)
                continue
            # What was calm may be unsettled soon: the rows are read again long before the venue is asked.
            for _ in range(round(CALM / UNSETTLED)):
                if await self._pause(UNSETTLED) or not await self._is_calm():
                    break

    async def _pause(self, seconds: float) -> bool:
        return await pause(self._context.clock, self._wake, seconds)

    async def _guarded_look(self) -> float:
        """A look; the seconds until the next one."""
        try:
            wait = await self.look()
        except VenueReadFailed as error:
            log.warning("a look failed", account=self._account_pk, error=str(error))
            await self._context.database.retry_until_committed(
                account_failed, account_pk=self._account_pk, error=str(error), now=self._context.clock.now()
            )
            pause = await self._health.failed(RECONCILIATION, error) if error.incident else UNSETTLED
            return max(pause, error.retry_after.total_seconds() if error.retry_after else 0.0)
        except Exception as error:  # noqa: BLE001  counted, logged and shown with the account
            return max(UNSETTLED, await self._health.failed(RECONCILIATION, error))
        await self._health.worked(RECONCILIATION)
        await self._health.worked(SESSION)
        return wait

    async def look(self) -> float:
        """Ask for open orders and trades of every symbol that matters, then for each child that they leave open.

        Moves the account's mark when all of it succeeded. Raises ``VenueReadFailed``.
        """
        begun = self._context.clock.now()
        children = await self._context.database.read(unsettled_children, self._account_pk)
        sent = [child for child in children if child.was_taken and not self._is_under_way(child.pk)]
        start, symbols = await self._context.database.read(reconciliation_start, self._account_pk, now=begun)
        by_symbol: defaultdict[str, list[SessionChild]] = defaultdict(list)
        for child in sent:
            by_symbol[child.ref.symbol].append(child)
        failures: list[VenueReadFailed] = []
        self._differences.begin(sent, begun)
        looked_at = symbols | set(by_symbol) | self._first_symbols
        for symbol in sorted(looked_at):
            oldest = min((child.intended_at for child in by_symbol[symbol]), default=start)
            try:
                await self._look_at(symbol, by_symbol[symbol], min(start - OVERLAP, oldest - MARGIN), begun)
            except VenueReadFailed as error:
                if error.retry_after is not None:
                    raise
                failures.append(error)  # one symbol's trouble does not keep the others from being settled
        if failures:
            raise failures[0]
        await self._context.database.run(
            account_reconciled, account_pk=self._account_pk, fence=self._fence, until=begun
        )
        self._first_symbols = frozenset()
        elapsed = (self._context.clock.now() - begun) / timedelta(milliseconds=1)
        await self._context.database.run(
            account_seen,
            account_pk=self._account_pk,
            looked_at=begun,
            # A sign of life: the stream itself only says when it is lost and when it is back.
            stream_at=begun if self.stream_is_healthy else None,
            latency_ms=elapsed if looked_at else None,
        )
        await self._differences.keep(looked_at, self._context.clock.now())
        self._context.poke_account(self._account_pk)  # what waited for the look may go
        return CALM if await self._is_calm() else UNSETTLED

    async def _is_calm(self) -> bool:
        """Nothing waits for a look; what cannot be read here fails again in the look, which counts it."""
        try:
            children = await self._context.database.read(unsettled_children, self._account_pk)
        except Exception:  # noqa: BLE001  the look that follows fails for the same reason, and is counted
            return False
        return not any(self._wants_a_look(child) for child in children if child.was_taken)

    def _wants_a_look(self, child: SessionChild) -> bool:
        """Something about it is unsettled for longer than an answer or the stream takes.

        A request that has just left is no reason to ask: looks cost the budget that creates need.
        """
        now = self._context.clock.now()
        if child.status in RESTING:
            return not self.stream_is_healthy
        if child.status is ChildStatus.INTENDED:
            return child.last_possible_send_at is None or child.last_possible_send_at < now
        if child.status is ChildStatus.CANCELLING:
            return child.cancel_requested_at is None or child.cancel_requested_at < now - ANSWERED_WITHIN
        return True

    async def _look_at(
        self, symbol: str, children: list[SessionChild], since: datetime, begun: datetime
    ) -> None:
        open_orders = await self._gateway.open_orders(symbol)
        trades = await self._gateway.trades(symbol, since)
        for shown in open_orders:
            await self._record_report(shown)
        without_child = await self._record_trades(symbol, trades)
        await self._differences.note_orders(symbol, open_orders)
        self._differences.note_trades(symbol, trades, without_child)
        listed = {report.client_id for report in open_orders} | {report.exchange_id for report in open_orders}
        listed.discard(None)  # an order without a client id is no child whose exchange id is not known yet
        missing = [c for c in children if c.ref.client_id not in listed and c.ref.exchange_id not in listed]
        unknown: list[SessionChild] = []
        for child in missing:
            if child.attach_id and await self._is_attached(child):
                continue
            report = await self._gateway.find(child.ref)
            if report is None and child.status in ON_THE_BOOK and child.ref.exchange_id:
                self._differences.note_gone(child)
            if report is not None:
                await self._record_report(report)
            elif child.status is ChildStatus.UNKNOWN:
                unknown.append(child)
            elif child.status is ChildStatus.INTENDED and not self._is_under_way(child.pk):
                # Its answer was never recorded, and no request of this session waits for one any more.
                message = "its answer was lost, and the exchange does not show it"
                await self._context.database.retry_until_committed(
                    child_mark_unknown, child_pk=child.pk, message=message, now=self._context.clock.now()
                )
        if unknown:
            await self._gather_evidence(symbol, unknown, trades, since, begun)

    async def _is_attached(self, child: SessionChild) -> bool:
        """A person found an order id for it: the exchange says whether it is this child's."""
        report = await self._gateway.find(OrderRef("", child.ref.symbol, child.attach_id))
        is_it = await self._context.database.retry_until_committed(
            attach_answered, child_pk=child.pk, report=report, now=self._context.clock.now()
        )
        self._context.poke_order(child.order_pk)
        return is_it

    async def _gather_evidence(
        self,
        symbol: str,
        unknown: list[SessionChild],
        trades: list[Trade],
        since: datetime,
        begun: datetime,
    ) -> None:
        """Open orders and trades did not show these; closed orders are asked, and every trade accounted for."""
        closed = await self._gateway.closed_orders(symbol, since)
        for report in closed:
            await self._record_report(report)
        shown = {report.client_id for report in closed}
        kinds = ["open_orders", "closed_orders"]
        if await self._all_known(symbol, trades, closed):
            kinds.append("trades")
        looks = [NotFoundObservation(kind, begun, since) for kind in kinds]
        for child in unknown:
            if child.ref.client_id in shown:
                continue
            absent = await self._context.database.retry_until_committed(
                child_not_found,
                child_pk=child.pk,
                looks=looks,
                validity=CALL_BUDGET,
                listing_delay=LISTING_DELAY,
                now=self._context.clock.now(),
            )
            if absent:
                log.info("child proven absent", child=child.ref.client_id)
                self._context.poke_order(child.order_pk)

    async def _all_known(self, symbol: str, trades: list[Trade], closed: list[OrderReport]) -> bool:
        """Every trade of the window belongs to a child of ours or to a foreign order that we can see."""
        ids = {trade.exchange_id for trade in trades if trade.exchange_id}
        if any(trade.exchange_id is None for trade in trades):
            return False
        known = await self._context.database.read(known_exchange_orders, self._account_pk, symbol, ids)
        foreign = {
            report.exchange_id
            for report in closed
            if report.exchange_id and not has_our_mark(report.client_id, self._marks)
        }
        for exchange_id in sorted(ids - known - foreign):
            # Perhaps an order from before the window; only the exchange can tell whose.
            report = await self._gateway.find(OrderRef("", symbol, exchange_id))
            if report is None or report.client_id is None or has_our_mark(report.client_id, self._marks):
                return False
        return True

    async def _record_report(self, report: OrderReport) -> None:
        now = self._context.clock.now()
        order_pk = await self._context.database.retry_until_committed(
            child_report, account_pk=self._account_pk, report=report, now=now
        )
        if order_pk is not None:
            self._context.poke_order(order_pk)

    async def _record_trades(self, symbol: str, trades: list[Trade]) -> set[str]:
        """Those that would tell something new: each one recorded takes its order's lock.

        The ids of those that belong to no child of ours.
        """
        complete = await self._context.database.read(
            complete_trades, self._account_pk, symbol, {trade.trade_id for trade in trades}
        )
        for trade in trades:
            if (trade.trade_id, trade.side) in complete:
                continue
            await self._context.database.retry_until_committed(
                fill_record, account_pk=self._account_pk, trade=trade, now=self._context.clock.now()
            )
        told = {trade.trade_id for trade in trades if (trade.trade_id, trade.side) not in complete}
        if not told:
            return set()
        return await self._context.database.read(trades_without_child, self._account_pk, symbol, told)
