"""The part of an account session that polls. What REST requests return is relied on. Streams only speed things up.

All symbols are polled every 20 s, and those with unsettled children (live, or with missing trades) every 1.5 s. All
symbols are polled at once after an engine takes over the account or the stream is lost. When the stream is back,
symbols with children at the exchange are polled at once. Each symbol is read by itself, so a failure delays no other.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Awaitable, Callable, Iterable
from datetime import datetime, timedelta
from functools import partial

import structlog

from execution.core.faults import RECONCILIATION, SESSION
from execution.engine.account_part import AccountPart
from execution.engine.account_questions import AccountAnswers, AccountQuestions
from execution.engine.all_trades import TRADES_EVERY, AllTrades
from execution.engine.clock import pause
from execution.engine.context import EngineContext
from execution.engine.differences import Differences
from execution.engine.failures import Health
from execution.engine.foreign_orders import ForeignOrders
from execution.engine.missing_fills import MissingFills
from execution.engine.patient_reads import PatientReads, ends_poll
from execution.engine.poll_needs import CHEAP_TRADES, UNSETTLED, is_sent, wants_poll
from execution.engine.repeats import Repeats
from execution.engine.side_by_side import side_by_side
from execution.engine.stream_watch import StreamWatch
from execution.engine.symbol_poll import MARGIN, SymbolPoll, SymbolRead, SymbolTask
from execution.engine.unread_symbols import UnreadSymbols
from execution.selectors.decisions.sessions import SessionChild, reconciliation_start, unsettled_children
from execution.services.accounts.sessions import (
    UnreadSymbol,
    account_reconciled,
    account_seen,
    account_symbol_read,
    account_symbols_unread,
)
from execution.services.children.reconciliation import Policy
from execution.venues.protocol import Gateway, VenueReadFailed

log = structlog.get_logger(__name__)

CALM = 20.0  # seconds between polls of everything
#: The number of symbols that are read at the same time, and of those that are then settled. The rate limit sets the
#: speed. Few are settled at a time, because symbols in doubt wait behind them.
SIDE_BY_SIDE, SETTLED_AT_ONCE = 8, 3


async def _nothing(_: str) -> None: ...


class AccountReconciler(AccountPart):
    """Compares the desk's records of one account with its venue, symbol by symbol, and records what is missing."""

    def __init__(
        self,
        context: EngineContext,
        gateway: Gateway,
        *,
        account_pk: int,
        fence: int,
        marks: frozenset[str],
        is_under_way: Callable[[int], bool],
        symbols: tuple[str, ...] = (),
        orphans: Policy = "adopt",
        health: Health | None = None,
        is_unlisted: Callable[[str], bool] = lambda _: False,
        suspect_stream: Callable[[str], Awaitable[None]] = _nothing,
    ) -> None:
        """Set up a reconciler. ``is_unlisted`` returns True for a symbol that the venue no longer lists.

        ``suspect_stream`` is called with a text about a report that the private stream omitted."""
        super().__init__(context, gateway, account_pk=account_pk, fence=fence, health=health)
        self._is_unlisted = is_unlisted
        self._suspect_stream = suspect_stream
        #: The first poll covers every symbol of the account: an earlier holder may have left orders anywhere.
        self._first_symbols = frozenset(symbols)
        self._is_under_way = is_under_way
        self._reads = PatientReads(gateway, context.clock)
        foreign = ForeignOrders(context, self._reads, account_pk=account_pk, marks=marks)
        self._differences = Differences(
            context, gateway, account_pk=account_pk, foreign=foreign, orphans=orphans
        )
        self.stream, self.stream_is_healthy = StreamWatch(), False
        self._symbol_poll = SymbolPoll(
            context, self._reads, account_pk, foreign, self._differences, self.stream, is_under_way
        )
        self._questions = AccountQuestions(self._reads, gateway, context.clock)
        self.missing_fills = MissingFills(
            context, gateway, self._reads, self._questions, self._symbol_poll, account_pk
        )
        #: When the last complete poll of each symbol began.
        self._read_at: dict[str, datetime] = {}
        self._all_trades = AllTrades(gateway)
        self._repeats = Repeats(UNSETTLED, gateway.seconds_of("find"))
        self._unread = UnreadSymbols()
        self._shown_unread: dict[str, UnreadSymbol] | None = None
        #: Reports from before this time may have been missed, until the account is reconciled to a later time.
        self._doubted_at: datetime | None = None
        self._is_in_doubt = True
        self._everything_at: datetime | None = None
        self._is_everything_wanted = False
        #: The time at which the private stream came back. Symbols with children are read once more after it.
        self._resumed_at: datetime | None = None

    def doubt(self, now: datetime) -> None:
        """Poll at once each symbol that was last read before ``now``, because a report may have been missed."""
        self._is_in_doubt, self._doubted_at = True, now
        super().poke()

    def poke(self) -> None:
        """Poll all symbols now, including all of their trades."""
        self._is_everything_wanted = True
        self._all_trades.want(self._now())
        super().poke()

    def catch_up(self, now: datetime) -> None:
        """Poll the symbols with sent children, because the stream is back since ``now`` and may have omitted
        reports.
        """
        self._resumed_at = now
        super().poke()

    # --- the rhythm -----------------------------------------------------------------------------

    async def run(self) -> None:
        everything = True
        while True:
            self._wake.clear()
            self._is_everything_wanted = False
            wait = await self._guarded_poll(everything=everything)
            everything = await self._rest(wait)

    async def _rest(self, wait: float) -> bool:
        """Wait until a poll is due. Return True if it is a poll of all symbols.

        During the wait a child may become unsettled. So the children's rows are read every ``UNSETTLED`` seconds.
        """
        if wait != CALM:
            await self._pause(wait)
            await self._check_stream()
            return self._is_everything_due()
        while not self._is_everything_due():
            is_woken = await self._pause(UNSETTLED)
            await self._check_stream()
            if is_woken or not await self._is_calm():
                break
        return self._is_everything_due()

    def _is_everything_due(self) -> bool:
        at = self._everything_at
        return self._is_everything_wanted or at is None or self._now() - at >= timedelta(seconds=CALM)

    async def _pause(self, seconds: float) -> bool:
        return await pause(self._context.clock, self._wake, seconds)

    async def _check_stream(self) -> None:
        """Report the private stream as suspect if it omitted something that a poll found some seconds ago."""
        if self.stream_is_healthy and (silence := self.stream.silence(self._now())):
            log.warning("the private stream is suspect", account=self._account_pk, why=silence)
            await self._suspect_stream(silence)

    async def _guarded_poll(self, *, everything: bool = True) -> float:
        try:
            wait = await self.poll(everything=everything)
        except VenueReadFailed as error:
            log.warning("a poll failed", account=self._account_pk, error=str(error))
            await self._note_error(str(error))
            pause = await self._health.failed(RECONCILIATION, error) if error.incident else UNSETTLED
            return max(pause, error.retry_after.total_seconds() if error.retry_after else 0.0)
        except Exception as error:  # noqa: BLE001  counted, logged and shown with the account
            return max(UNSETTLED, await self._health.failed(RECONCILIATION, error))
        await self._health.worked(RECONCILIATION)
        await self._health.worked(SESSION)
        return wait

    # --- one poll -------------------------------------------------------------------------------

    async def poll(self, *, everything: bool = True) -> float:
        """Read symbols that need a poll, or all if ``everything``. Return the seconds until the next poll.

        A symbol counts as reconciled as soon as it was read. The account counts as reconciled once all symbols that
        the venue lists were read. Unsettled children of unlisted symbols stay unsettled. Raises ``VenueReadFailed``
        when no listed symbol can be read, or the exchange asks for a pause or refuses the key.
        """
        begun = self._now()
        if everything:
            self._everything_at = None
        children = await self._context.database.read_soon(unsettled_children, self._account_pk)
        start, symbols = await self._context.database.read_soon(
            reconciliation_start, self._account_pk, now=begun
        )
        sent = [child for child in children if is_sent(child) and not self._is_under_way(child.pk)]
        wanted = symbols | {child.ref.symbol for child in sent} | self._first_symbols
        due = wanted if everything else {one for one in wanted if self._is_due(one, sent, begun)}
        if not everything and not due:
            return CALM if await self._is_calm() else UNSETTLED
        tasks = self._tasks(due, children, sent, start, everything=everything)
        self._differences.begin([child for child in sent if child.ref.symbol in due], begun)
        answers = await self._questions.ask(tasks)
        settled = await self._read_symbols(tasks, answers, wanted)
        if everything:
            self._everything_at = begun
            if not self._unread:
                self.stream.read_everything(begun)
        await self._finish(wanted, settled, start, begun)
        return CALM if await self._is_calm() else UNSETTLED

    def _is_due(self, symbol: str, sent: Iterable[SessionChild], now: datetime) -> bool:
        """Return True if a symbol must be read before the next poll of all symbols."""
        if symbol in self._unread:
            return self._unread.is_due(symbol, now)
        if symbol in self._first_symbols or (self._is_in_doubt and not self._is_cleared(symbol)):
            return True
        own = [child for child in sent if child.ref.symbol == symbol]
        if self._is_behind(symbol, own):
            return True
        unsettled = [child for child in own if self._wants_poll(child)]
        return bool(unsettled) and self._repeats.is_due(symbol, unsettled, now)

    def _wants_poll(self, child: SessionChild) -> bool:
        dear = self._gateway.seconds_of("trades") > CHEAP_TRADES
        return wants_poll(child, self._now(), self.stream_is_healthy, with_ended=dear)

    def _is_behind(self, symbol: str, own: list[SessionChild]) -> bool:
        """Return True if the symbol has children and was not read since the private stream came back."""
        read = self._read_at.get(symbol)
        return bool(own) and self._resumed_at is not None and (read is None or read < self._resumed_at)

    def _tasks(
        self,
        due: Iterable[str],
        children: Iterable[SessionChild],
        sent: Iterable[SessionChild],
        start: datetime,
        *,
        everything: bool,
    ) -> list[SymbolTask]:
        """Return a task for each due symbol. First come symbols whose children wait to be sent."""
        by_symbol: defaultdict[str, list[SessionChild]] = defaultdict(list)
        for child in sent:
            by_symbol[child.ref.symbol].append(child)
        waiting = {child.ref.symbol for child in children if not is_sent(child)}
        nameless = {c.ref.symbol for c in children if is_sent(c) and c.ref.exchange_id is None}
        due, now, is_due = set(due), self._now(), self._all_trades.is_due
        is_regular = everything and self._is_time_for_all_trades(len(due), is_quiet=not by_symbol)
        tasks = []
        for symbol in sorted(due, key=lambda one: (one not in waiting, one)):
            last = self._all_trades.last(symbol)
            recent = (last or start - TRADES_EVERY) - self.missing_fills.late
            oldest = min((child.intended_at - MARGIN for child in by_symbol[symbol]), default=recent)
            tasks.append(
                SymbolTask(
                    symbol,
                    tuple(by_symbol[symbol]),
                    trades_since=min(recent, oldest) if last is None else recent,
                    is_any_nameless=symbol in nameless,
                    all_trades=self._all_trades.is_must(symbol) or (is_regular and is_due(symbol, now)),
                )
            )
        return tasks

    def _is_time_for_all_trades(self, symbols: int, *, is_quiet: bool) -> bool:
        """Return True if a poll may also read all trades, because no symbol waits for a poll before it may send."""
        return not self._is_in_doubt and (is_quiet or self._all_trades.is_cheap(symbols, self.stream.trades))

    async def _read_symbols(
        self, tasks: Iterable[SymbolTask], answers: AccountAnswers, wanted: Iterable[str]
    ) -> set[str]:
        """Read symbols, look up children that the lists omit, and read missing fills. Return settled symbols.

        The look-ups may take long. If the account may have missed a report during the look-ups, they end early, so
        that all symbols are read again first.
        """
        reads: list[SymbolRead] = []
        settled: set[str] = set()
        try:
            jobs = [partial(self._read_symbol, task, answers, reads) for task in tasks]
            await side_by_side(jobs, at_once=SIDE_BY_SIDE)
            doubted_at = self._doubted_at
            self._symbol_poll.begin_settling(reads)
            if self._gateway.orders_at_once > 1:
                await self._symbol_poll.look_up(reads, self._gateway.orders_at_once)
            jobs = [partial(self._settle_symbol, read, doubted_at, settled) for read in reads]
            await side_by_side(jobs, at_once=SETTLED_AT_ONCE)
            await self._read_missing_fills(reads, settled)
        finally:
            await self._show_unread(wanted)
        return settled

    async def _read_missing_fills(self, reads: Iterable[SymbolRead], settled: set[str]) -> None:
        def failed(symbol: str, error: VenueReadFailed) -> None:
            settled.discard(symbol)
            self._note_failure(symbol, error)

        without = {read.task.symbol: read for read in reads if read.trades is None}
        await self.missing_fills.read(
            {symbol: read for symbol, read in without.items() if symbol in settled}, failed
        )

    async def _read_symbol(self, task: SymbolTask, answers: AccountAnswers, reads: list[SymbolRead]) -> None:
        """Read one symbol and record the complete poll. Raise an error only if all requests would fail too."""
        told = answers.of(task, self._now())
        try:
            reads.append(await self._symbol_poll.read(task, told))
        except VenueReadFailed as error:
            self._note_failure(task.symbol, error)
            return
        self._first_symbols -= {task.symbol}
        self._read_at[task.symbol] = told.begun
        if task.all_trades:
            self._all_trades.note_read(task.symbol, told.begun, self.stream.trades)
            self.missing_fills.note_read(task.symbol, told.begun)
        if self._is_in_doubt and self._is_cleared(task.symbol):
            await self._keep(
                account_symbol_read,
                account_pk=self._account_pk,
                fence=self._fence,
                symbol=task.symbol,
                begun=told.begun,
            )
            self._context.poke_account(self._account_pk)  # what waited for this symbol may go

    async def _settle_symbol(self, read: SymbolRead, doubted_at: datetime | None, settled: set[str]) -> None:
        try:
            is_settled = await self._symbol_poll.settle(read, lambda: self._doubted_at == doubted_at)
        except VenueReadFailed as error:
            self._note_failure(read.task.symbol, error)
            return
        if is_settled:
            self._unread.was_read(read.task.symbol)
            settled.add(read.task.symbol)

    def _note_failure(self, symbol: str, error: VenueReadFailed) -> None:
        """Note that one symbol could not be read. Raise ``error`` if all other requests would fail too."""
        if ends_poll(error):
            raise error
        self._unread.failed(symbol, error, self._now(), is_unlisted=self._is_unlisted(symbol))

    def _is_cleared(self, symbol: str) -> bool:
        """Return True if a complete poll of the symbol began after the last call of ``doubt``."""
        read = self._read_at.get(symbol)
        return read is not None and (self._doubted_at is None or read >= self._doubted_at)

    # --- after it -------------------------------------------------------------------------------

    async def _show_unread(self, wanted: Iterable[str]) -> None:
        """Store which symbols cannot be read, if they have changed."""
        self._unread.keep(set(wanted))
        unread = self._unread.shown()
        if unread == self._shown_unread:
            return
        await self._keep(
            account_symbols_unread, account_pk=self._account_pk, fence=self._fence, unread=unread
        )
        self._shown_unread = unread

    async def _finish(self, wanted: set[str], settled: set[str], start: datetime, begun: datetime) -> None:
        """Store the results of a poll. After a complete poll, store the time up to which the account is reconciled."""
        listed = {one for one in wanted if not self._unread.is_unlisted(one)}
        failing = sorted(listed & set(self._unread))
        if failing and len(failing) == len(listed):
            raise self._unread.error_of(failing[0])
        if not failing and (not self._is_in_doubt or all(self._is_cleared(one) for one in listed)):
            until = min((self._read_at.get(symbol, start) for symbol in listed), default=begun)
            await self._keep_mark(until)
        elapsed = (self._now() - begun) / timedelta(milliseconds=1)
        await self._context.database.run(
            account_seen,
            account_pk=self._account_pk,
            polled_at=begun,
            # A sign of life: the stream itself only says when it is lost and when it is back.
            stream_at=begun if self.stream_is_healthy else None,
            latency_ms=elapsed if settled else None,
            error=self._unread.words(),
        )
        await self._differences.keep(settled, self._now())
        await self._check_stream()
        self._context.poke_account(self._account_pk)  # what waited for the poll may go

    async def _keep_mark(self, until: datetime) -> None:
        is_kept = await self._context.database.run(
            account_reconciled, account_pk=self._account_pk, fence=self._fence, until=until
        )
        if is_kept and (self._doubted_at is None or until >= self._doubted_at):
            self._is_in_doubt = False

    async def _is_calm(self) -> bool:
        """Return True if nothing needs a poll. Return False on a database error, which the next poll then counts."""
        if self._unread or self._is_in_doubt:
            return False
        try:
            children = await self._context.database.read_soon(unsettled_children, self._account_pk)
        except Exception:  # noqa: BLE001  the poll that follows fails for the same reason, and is counted
            return False
        return not any(self._wants_poll(child) for child in children if is_sent(child))
