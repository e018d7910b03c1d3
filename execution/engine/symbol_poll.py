"""One symbol's part of a poll: reading its open orders and trades, and looking up children that these omit."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import ParamSpec, TypeVar

import structlog

from execution.core.reconcile import evidence_counts_from
from execution.core.states import CHILD_FINAL, CHILD_ON_THE_BOOK, ChildStatus
from execution.core.types import OrderRef, OrderReport, Trade
from execution.engine.by_symbol import by_symbol
from execution.engine.context import EngineContext
from execution.engine.differences import Differences
from execution.engine.foreign_orders import ForeignOrders
from execution.engine.patient_reads import PatientReads, ends_poll
from execution.engine.stream_watch import StreamWatch
from execution.selectors.decisions.sessions import (
    SessionChild,
    known_exchange_orders,
    reports_of_children,
    trades_known,
)
from execution.services.children.absence import NotFoundObservation, child_gone, child_not_found
from execution.services.children.children import child_mark_unknown, child_report
from execution.services.children.fills import fill_record
from execution.services.children.foreign_trades import foreign_trades_record
from execution.services.children.reconciliation import attach_answered
from execution.venues.protocol import Listing, VenueReadFailed

log = structlog.get_logger(__name__)

P = ParamSpec("P")
T = TypeVar("T")

#: Trades are requested from this long before their order was decided, because our clocks may differ.
MARGIN = timedelta(seconds=30)
RESTING = frozenset({ChildStatus.OPEN, ChildStatus.PARTLY_FILLED})


@dataclass(frozen=True, slots=True)
class SymbolTask:
    """A symbol to be read, and its children that may have been sent.

    From ``trades_since`` on, some trades may not be recorded yet. ``is_any_nameless`` is True if a child of the symbol
    has no exchange id yet, perhaps because its request is unanswered. With ``all_trades`` the symbol's trades are read
    even if the open orders give no reason to.
    """

    symbol: str
    children: tuple[SessionChild, ...]
    trades_since: datetime
    is_any_nameless: bool = False
    all_trades: bool = True


@dataclass(frozen=True, slots=True)
class Answers:
    """One symbol's part of the answers for the whole account. ``begun`` is the time of the first request.

    A list is None if it has to be requested for this symbol alone.
    """

    begun: datetime
    orders: Listing[OrderReport] | None = None
    trades: Listing[Trade] | None = None


@dataclass(frozen=True, slots=True)
class SymbolRead:
    """The exchange's lists for a symbol.

    Their contents are recorded already. ``trades`` is None if trades were not read.
    """

    task: SymbolTask
    begun: datetime
    orders: Listing[OrderReport]
    trades: Listing[Trade] | None


class SymbolPoll:
    """Reads the symbols of one account, and records what the exchange reports."""

    def __init__(
        self,
        context: EngineContext,
        reads: PatientReads,
        account_pk: int,
        foreign: ForeignOrders,
        differences: Differences,
        stream: StreamWatch,
        is_under_way: Callable[[int], bool],
    ) -> None:
        self._context = context
        self._reads = reads
        self._account_pk = account_pk
        self._foreign = foreign
        self._differences = differences
        self._stream = stream
        self._is_under_way = is_under_way
        #: Orders that were looked up together, by symbol and exchange id.
        self._looked_up: dict[tuple[str, str], OrderReport] = {}
        #: Symbols with a report that gave no filled quantity, since their trades were last read.
        self.without_figure: set[str] = set()
        #: Symbols with a report that brought news, since missing fills were last read.
        self.with_news: set[str] = set()
        #: The whole account's trades that are evidence in this poll, by symbol, and the earliest decision that needs
        #: them.
        self._evidence: dict[str, Listing[Trade]] | None = None
        self._evidence_since: datetime | None = None
        self._evidence_turn = asyncio.Lock()

    async def read(self, task: SymbolTask, answers: Answers) -> SymbolRead:
        """Read a symbol's open orders, then its trades if the task needs all of them, and record both.

        Trades are read last, so that they show an order that fills between the two reads. Raises
        ``VenueReadFailed``.
        """
        symbol, orders, trades = task.symbol, answers.orders, answers.trades
        if orders is None:
            orders = await self._reads.open_orders(symbol)
        if trades is None and task.all_trades:
            trades = await self._reads.trades(symbol, task.trades_since)
        await self._foreign.refuse_ours(symbol, orders.unreadable, is_any_nameless=task.is_any_nameless)
        self._differences.note_unreadable(symbol, "orders", orders.unreadable)
        await self._record_reports(symbol, orders)
        if trades is None:
            self._differences.keep_unreadable_trades(symbol)
        else:
            await self.take_trades(task, trades)
            self._differences.note_unreadable(symbol, "trades", trades.unreadable)
        await self._differences.note_orders(symbol, orders)
        return SymbolRead(task, answers.begun, orders, trades)

    async def take_trades(self, task: SymbolTask, trades: Listing[Trade]) -> None:
        """Record trades of a symbol. Raises the error of the first unreadable trade that may be ours."""
        symbol = task.symbol
        await self._foreign.refuse_ours(symbol, trades.unreadable, is_any_nameless=task.is_any_nameless)
        without_child = await self._record_trades(symbol, trades)
        self._differences.note_trades(symbol, trades, without_child)

    async def look_up(self, reads: Iterable[SymbolRead], at_once: int) -> None:
        """Look up the children that are missing in the lists of open orders.

        One request looks up ``at_once`` children, of all symbols together.

        If a request fails, its children and those of later requests are looked up one by one.
        """
        self._looked_up = {}
        wanted = [
            (child.ref.symbol, child.ref.exchange_id)
            for read in reads
            for child in _missing(read)
            if child.ref.exchange_id and not child.attach_id
        ]
        if len(wanted) < 2:
            return
        for first in range(0, len(wanted), at_once):
            part = wanted[first : first + at_once]
            try:
                found = await self._reads.find_all([exchange_id for _, exchange_id in part])
            except VenueReadFailed as error:
                if ends_poll(error):
                    raise
                log.warning("orders could not be looked up together", error=str(error))
                return
            self._looked_up |= {(symbol, one): found[one] for symbol, one in part if one in found}

    def begin_settling(self, reads: Iterable[SymbolRead]) -> None:
        """Prepare ``settle`` for the symbols in ``reads``.

        Drop the lists that the last poll read as evidence, so that they are read again.
        """
        doubtful = (ChildStatus.UNKNOWN, ChildStatus.SUBMITTED)
        children = [child for read in reads for child in _missing(read) if child.status in doubtful]
        self._evidence = None
        self._evidence_since = min((child.intended_at for child in children), default=None)

    async def settle(self, read: SymbolRead, goes_on: Callable[[], bool]) -> bool:
        """Look up each child of a symbol that is missing in the open orders.

        Collect evidence about those of unknown outcome.

        Stop and return False as soon as ``goes_on`` returns False. Raises ``VenueReadFailed``.
        """
        unknown = []
        for child in _missing(read):
            if not goes_on():
                return False
            if await self._is_unknown(child, read.begun):
                unknown.append(child)
        if any(self._counts(child, read.begun) for child in unknown):
            await self._gather_evidence(read, unknown)
        self._stream.read(read.task.symbol, read.begun)
        return True

    async def _is_unknown(self, child: SessionChild, begun: datetime) -> bool:
        """Look up a child. Return True if its outcome is known neither to us nor to the exchange."""
        if child.attach_id and await self._is_attached(child):
            return False
        report = self._looked_up.get((child.ref.symbol, child.ref.exchange_id or ""))
        if report is None:
            report = await self._reads.find(child.ref)
        if report is not None:
            await self._record_report(report)
            return False
        if child.status in CHILD_ON_THE_BOOK and child.ref.exchange_id:
            self._differences.note_gone(child)
            await self._keep(
                child_gone,
                child_pk=child.pk,
                begun_at=begun,
                guarantees=self._reads.guarantees,
                now=self._now(),
            )
        if child.status is ChildStatus.SUBMITTED and not self._is_under_way(child.pk):
            # Its answer was never recorded, and no request of this session waits for one any more.
            message = "no answer arrived, and the exchange does not list it"
            await self._keep(child_mark_unknown, child_pk=child.pk, message=message, now=self._now())
        return child.status is ChildStatus.UNKNOWN

    async def _is_attached(self, child: SessionChild) -> bool:
        report = await self._reads.find(OrderRef("", child.ref.symbol, child.attach_id))
        is_it = await self._keep(attach_answered, child_pk=child.pk, report=report, now=self._now())
        self._context.poke_order(child.order_pk)
        return is_it

    # --- evidence -------------------------------------------------------------------------------

    def _counts(self, child: SessionChild, begun: datetime) -> bool:
        """Return True if a poll that began at ``begun`` is late enough to be evidence of a child's outcome."""
        from_ = evidence_counts_from(
            child.last_possible_send_at, self._reads.guarantees, was_shown=child.was_shown
        )
        return from_ is not None and begun >= from_

    async def _gather_evidence(self, read: SymbolRead, unknown: list[SessionChild]) -> None:
        task, trades = read.task, read.trades
        since = min(child.intended_at for child in unknown) - MARGIN
        if trades is None or task.trades_since > since:
            trades = await self._evidence_trades(task.symbol, since)
            await self.take_trades(task, trades)
        closed = await self._reads.closed_orders(task.symbol, since)
        await self._foreign.refuse_ours(task.symbol, closed.unreadable, is_any_nameless=task.is_any_nameless)
        await self._record_reports(task.symbol, closed)
        shown = {report.client_id for report in closed}
        kinds = ["open_orders", "closed_orders"]
        if await self._all_known(task.symbol, trades, closed):
            kinds.append("trades")
        polls = [NotFoundObservation(kind, read.begun, since) for kind in kinds]
        for child in unknown:
            if child.ref.client_id in shown:
                continue
            is_over = await self._keep(
                child_not_found,
                child_pk=child.pk,
                polls=polls,
                guarantees=self._reads.guarantees,
                now=self._now(),
            )
            if is_over:
                log.info("what became of a child is proven", child=child.ref.client_id)
                self._context.poke_order(child.order_pk)

    async def _evidence_trades(self, symbol: str, since: datetime) -> Listing[Trade]:
        """Return a symbol's trades. If a list of all symbols costs no more, request it once for the whole poll."""
        if self._evidence_since is None or not self._reads.lists_all_trades:
            return await self._reads.trades(symbol, since)
        async with self._evidence_turn:
            if self._evidence is None:
                listing = await self._reads.trades(None, self._evidence_since - MARGIN)
                self._evidence = by_symbol(listing)
        return self._evidence.get(symbol, Listing())

    async def _all_known(self, symbol: str, trades: Listing[Trade], closed: Listing[OrderReport]) -> bool:
        ids = {trade.exchange_id for trade in trades if trade.exchange_id}
        if any(trade.exchange_id is None for trade in trades):
            return False
        known = await self._context.database.read_soon(known_exchange_orders, self._account_pk, symbol, ids)
        for report in closed:
            if not self._foreign.is_marked(report.client_id):
                self._foreign.add(symbol, report.exchange_id)
        # Perhaps an order from before the window; only the exchange can tell whose.
        for exchange_id in sorted(ids - known):
            if not await self._foreign.is_foreign(symbol, exchange_id):
                return False
        return True

    # --- recording ------------------------------------------------------------------------------

    async def _record_reports(self, symbol: str, reports: Listing[OrderReport]) -> None:
        """Record the reports on our children. Ignore reports on other orders, at the cost of a few queries."""
        if reports:
            ours = await self._context.database.read_soon(
                reports_of_children, self._account_pk, symbol, reports
            )
            for report in ours:
                await self._record_report(report)

    async def _record_report(self, report: OrderReport) -> None:
        if report.filled is None:
            self.without_figure.add(report.symbol)
        order_pk = await self._keep(child_report, account_pk=self._account_pk, report=report, now=self._now())
        if order_pk is not None:
            self.with_news.add(report.symbol)
            self._stream.found_report(report, self._now())
            self._context.poke_order(order_pk)

    async def _record_trades(self, symbol: str, trades: Listing[Trade]) -> set[str]:
        """Record the trades that are new. Return the ids of those that belong to no child of ours.

        Each trade of a child is recorded under its order's lock. All other trades are recorded together.
        """
        known = await self._context.database.read_soon(trades_known, self._account_pk, symbol, trades)
        others: list[Trade] = []
        for trade in trades:
            name = (trade.trade_id, trade.side)
            if name in known.complete:
                continue
            if not known.is_of_child(trade):
                others.append(trade)
            elif await self._keep(fill_record, account_pk=self._account_pk, trade=trade, now=self._now()):
                self._stream.found_trade(trade, self._now())
        fresh = [trade for trade in others if (trade.trade_id, trade.side) not in known.recorded]
        if fresh:
            await self._keep(
                foreign_trades_record,
                account_pk=self._account_pk,
                symbol=symbol,
                trades=fresh,
                now=self._now(),
            )
        return {trade.trade_id for trade in others}

    def _now(self) -> datetime:
        return self._context.clock.now()

    async def _keep(self, function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        return await self._context.database.retry_until_committed(function, *args, **kwargs)


def _missing(read: SymbolRead) -> list[SessionChild]:
    """Return the children that are not among the open orders, and whose end or filled quantity is not known."""
    listed = {report.client_id for report in read.orders} | {report.exchange_id for report in read.orders}
    listed.discard(None)  # an order without a client id is no child whose exchange id is not known yet
    return [
        child
        for child in read.task.children
        if child.ref.client_id not in listed
        and child.ref.exchange_id not in listed
        and not (child.status in CHILD_FINAL and child.reported_filled is not None)
    ]
