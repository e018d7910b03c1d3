"""The reading of missing trades.

Trades are missing when the exchange reports more of a child as filled than our books do.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping
from datetime import datetime, timedelta
from functools import partial

from execution.core.types import OrderRef
from execution.engine.account_questions import SAME_WINDOW, AccountQuestions
from execution.engine.by_symbol import by_symbol
from execution.engine.context import EngineContext
from execution.engine.patient_reads import PatientReads
from execution.engine.poll_needs import CHEAP_TRADES, is_sent
from execution.engine.side_by_side import side_by_side
from execution.engine.symbol_poll import MARGIN, SymbolPoll, SymbolRead, SymbolTask
from execution.selectors.decisions.sessions import SessionChild, unsettled_children
from execution.venues.protocol import Gateway, Listing, VenueReadFailed

#: A trade may be listed this much later than the exchange promises, by our clock.
CLOCKS = timedelta(seconds=5)
AT_ONCE = 8
#: Where a list of trades takes much of the rate limit, the stream has this long to bring the trades of a reported
#: filled quantity. After a reconnect it brings the last fills once more.
TOLD_BY_STREAM = timedelta(seconds=4)


class MissingFills:
    """Reads and records missing trades in the cheapest way: for the account, by symbol or by order."""

    def __init__(
        self,
        context: EngineContext,
        gateway: Gateway,
        reads: PatientReads,
        questions: AccountQuestions,
        poll: SymbolPoll,
        account_pk: int,
    ) -> None:
        self._context = context
        self._gateway = gateway
        self._reads = reads
        self._questions = questions
        self._poll = poll
        self._account_pk = account_pk
        #: For each symbol, the time from which on trades may not be recorded yet.
        self._read_until: dict[str, datetime] = {}
        #: By symbol and child, the time since when more is reported as filled than recorded. Used to wait for the
        #: stream.
        self._behind_since: dict[str, dict[int, datetime]] = {}

    def note_read(self, symbol: str, begun: datetime) -> None:
        """Note that the trades of a symbol were recorded. ``begun`` is the time at which they were requested."""
        self._read_until[symbol] = begun - self.late

    async def read(
        self, reads: Mapping[str, SymbolRead], failed: Callable[[str, VenueReadFailed], None]
    ) -> None:
        """Read the missing trades of the symbols in ``reads``, whose orders a poll has read.

        ``failed`` is called with each symbol that could not be read, and the error. Raises ``VenueReadFailed`` if
        every other request would fail too.
        """
        tasks = {symbol: read.task for symbol, read in reads.items()}
        behind = await self._behind(tasks.keys()) if self._may_miss_some(tasks.values()) else {}
        self._poll.with_news -= tasks.keys()
        for symbol in tasks.keys() - behind.keys():
            self.note_read(symbol, reads[symbol].begun)  # every figure of then is recorded
        if self._gateway.seconds_of("trades") > CHEAP_TRADES:
            behind = self._overdue(tasks.keys(), behind)
        if behind:
            await self.read_of(tasks, behind, failed)

    def _overdue(
        self, symbols: Collection[str], behind: Mapping[str, list[SessionChild]]
    ) -> dict[str, list[SessionChild]]:
        """Return, by symbol, children whose trades the stream has not brought in ``TOLD_BY_STREAM``."""
        now, late = self._context.clock.now(), {}
        for symbol in symbols:
            children, before = behind.get(symbol, []), self._behind_since.get(symbol, {})
            since = self._behind_since[symbol] = {child.pk: before.get(child.pk, now) for child in children}
            if overdue := [child for child in children if now - since[child.pk] >= TOLD_BY_STREAM]:
                late[symbol] = overdue
        return late

    def requests_for(self, behind: Mapping[str, list[SessionChild]]) -> int:
        """Return the number of requests that are needed to read the trades of these children in the cheapest way."""
        orders = [len(children) for children in behind.values()]
        return {"account": 1, "symbol": len(orders), "order": sum(orders)}[
            self._gateway.cheapest_trades(orders)
        ]

    async def read_of(
        self,
        tasks: Mapping[str, SymbolTask],
        behind: dict[str, list[SessionChild]],
        failed: Callable[[str, VenueReadFailed], None],
    ) -> None:
        """Read the missing trades of the children in ``behind``, in the cheapest way.

        If one list of the whole account's trades serves some symbols, they are removed from ``behind``. ``failed`` is
        called with each symbol that could not be read, and the error. Raises ``VenueReadFailed`` as ``read`` does.
        """
        question = self._gateway.cheapest_trades([len(children) for children in behind.values()])
        if question == "account":
            await self._read_account(tasks, behind)
        jobs = [
            partial(
                self._read_symbol,
                tasks[symbol],
                children,
                failed,
                by_order=self._is_by_order(question, symbol),
            )
            for symbol, children in behind.items()
        ]
        await side_by_side(jobs, at_once=AT_ONCE)

    def _may_miss_some(self, tasks: Iterable[SymbolTask]) -> bool:
        """Return True if a child had fewer trades than its filled quantity says, or if the poll brought a report that
        changed a child or gave no filled quantity.
        """
        told = self._poll.with_news | self._poll.without_figure
        return any(
            task.symbol in told or any(child.misses_trades for child in task.children) for task in tasks
        )

    async def _behind(self, symbols: Collection[str]) -> dict[str, list[SessionChild]]:
        """Return the children that may lack trades, by symbol, the oldest first.

        If a report did not give the filled quantity, any sent child of its symbol may lack trades.
        """
        behind: defaultdict[str, list[SessionChild]] = defaultdict(list)
        for child in await self._context.database.read_soon(unsettled_children, self._account_pk):
            symbol = child.ref.symbol
            is_open_question = symbol in self._poll.without_figure and is_sent(child)
            if symbol in symbols and (child.misses_trades or is_open_question):
                behind[symbol].append(child)
        return dict(behind)

    def _is_by_order(self, question: str, symbol: str) -> bool:
        return question == "order" and symbol not in self._poll.without_figure

    async def _read_account(
        self, tasks: Mapping[str, SymbolTask], behind: dict[str, list[SessionChild]]
    ) -> None:
        """Read the trades of all symbols in one request, and remove the symbols that it covers from ``behind``.

        Symbols whose missing trades are much older than the others' stay in ``behind``. If the request fails, all
        symbols stay.
        """
        since = {symbol: self._since(symbol, children) for symbol, children in behind.items()}
        newest = max(since.values())
        together = [symbol for symbol in behind if newest - since[symbol] <= SAME_WINDOW]
        begun = self._context.clock.now()
        try:
            listing = await self._reads.trades(None, min(since[symbol] for symbol in together))
        except VenueReadFailed as error:
            self._questions.failed(error)
            return
        self._questions.worked()
        found = by_symbol(listing)
        for symbol in together:
            await self._poll.take_trades(tasks[symbol], found.get(symbol, Listing()))
            self._poll.without_figure.discard(symbol)
            self._note_read_from(symbol, since[symbol], begun)
            del behind[symbol]

    async def _read_symbol(
        self,
        task: SymbolTask,
        children: list[SessionChild],
        failed: Callable[[str, VenueReadFailed], None],
        *,
        by_order: bool,
    ) -> None:
        try:
            if by_order and all(child.ref.exchange_id for child in children):
                for ref in (child.ref for child in children):
                    await self._read_order(task, ref)
                return
            begun = self._context.clock.now()
            since = self._since(task.symbol, children)
            trades = await self._reads.trades(task.symbol, since)
            await self._poll.take_trades(task, trades)
            self._poll.without_figure.discard(task.symbol)
            self._note_read_from(task.symbol, since, begun)
        except VenueReadFailed as error:
            failed(task.symbol, error)

    def _note_read_from(self, symbol: str, since: datetime, begun: datetime) -> None:
        """Note that the trades of a symbol from ``since`` on were recorded.

        Do nothing if trades between the previous list and ``since`` were not read. Another child may lack a trade
        from that gap.
        """
        if since <= self._read_until.get(symbol, since):
            self.note_read(symbol, begun)

    def _since(self, symbol: str, children: list[SessionChild]) -> datetime:
        """Return the earliest time of a trade that ``children`` may lack.

        It is not before the last list of their symbol's trades.
        """
        decided = min(child.intended_at for child in children) - MARGIN
        return max(decided, self._read_until.get(symbol, decided))

    @property
    def late(self) -> timedelta:
        """Return the longest delay, by the desk's clock, between a trade and its appearance in the exchange's
        lists.
        """
        return self._reads.guarantees.listing_delay.value + CLOCKS

    async def _read_order(self, task: SymbolTask, ref: OrderRef) -> None:
        await self._poll.take_trades(task, await self._reads.order_trades(ref))
