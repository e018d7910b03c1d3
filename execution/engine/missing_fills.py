"""The trades of children of which the exchange tells more filled than our books have."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping
from datetime import datetime, timedelta
from functools import partial

import structlog

from execution.core.types import OrderRef
from execution.engine.account_questions import SAME_WINDOW, by_symbol
from execution.engine.context import EngineContext
from execution.engine.patient_reads import PatientReads, ends_poll
from execution.engine.poll_needs import is_sent
from execution.engine.side_by_side import side_by_side
from execution.engine.symbol_poll import SymbolPoll, SymbolTask
from execution.selectors.decisions.sessions import SessionChild, unsettled_children
from execution.venues.protocol import Gateway, Listing, VenueReadFailed

log = structlog.get_logger(__name__)

#: Trades are asked for from so long before their order was decided: our clocks may differ.
MARGIN = timedelta(seconds=30)
AT_ONCE = 8


class MissingFills:
    """Reads and records them in the way that costs least: for the account, by symbol or by order."""

    def __init__(
        self,
        context: EngineContext,
        gateway: Gateway,
        reads: PatientReads,
        poll: SymbolPoll,
        account_pk: int,
    ) -> None:
        self._context = context
        self._gateway = gateway
        self._reads = reads
        self._poll = poll
        self._account_pk = account_pk

    async def read(
        self, tasks: Mapping[str, SymbolTask], failed: Callable[[str, VenueReadFailed], None]
    ) -> None:
        """Read what is missing of the symbols of ``tasks``. ``failed`` is called with each that cannot be read.

        Raises ``VenueReadFailed`` where every other request would fail too.
        """
        if not self._may_miss_some(tasks.values()):
            return
        self._poll.with_news -= tasks.keys()
        behind = await self._behind(tasks.keys())
        if not behind:
            return
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
        """Return True if a child was behind before the poll, or the poll has told something new."""
        told = self._poll.with_news | self._poll.without_figure
        return any(task.symbol in told or any(map(_is_behind, task.children)) for task in tasks)

    async def _behind(self, symbols: Collection[str]) -> dict[str, list[SessionChild]]:
        """Return the children with fills missing, by symbol, the oldest first.

        Where a figure was not told, any child of its symbol may be one.
        """
        behind: defaultdict[str, list[SessionChild]] = defaultdict(list)
        for child in await self._context.database.read(unsettled_children, self._account_pk):
            symbol = child.ref.symbol
            is_open_question = symbol in self._poll.without_figure and is_sent(child)
            if symbol in symbols and (_is_behind(child) or is_open_question):
                behind[symbol].append(child)
        return dict(behind)

    def _is_by_order(self, question: str, symbol: str) -> bool:
        return question == "order" and symbol not in self._poll.without_figure

    async def _read_account(
        self, tasks: Mapping[str, SymbolTask], behind: dict[str, list[SessionChild]]
    ) -> None:
        """Read the trades of all symbols at once, and take what they tell out of ``behind``.

        What is much older than the rest stays, and everything when the question fails.
        """
        newest = max(_since(children) for children in behind.values())
        together = [s for s, children in behind.items() if newest - _since(children) <= SAME_WINDOW]
        try:
            listing = await self._reads.trades(None, min(_since(behind[symbol]) for symbol in together))
        except VenueReadFailed as error:
            if ends_poll(error):
                raise
            log.warning("a question for the whole account failed", error=str(error))
            return
        found = by_symbol(listing)
        for symbol in together:
            await self._poll.take_trades(tasks[symbol], found.get(symbol, Listing()))
            self._poll.without_figure.discard(symbol)
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
            await self._poll.take_trades(task, await self._reads.trades(task.symbol, _since(children)))
            self._poll.without_figure.discard(task.symbol)
        except VenueReadFailed as error:
            failed(task.symbol, error)

    async def _read_order(self, task: SymbolTask, ref: OrderRef) -> None:
        await self._poll.take_trades(task, await self._reads.order_trades(ref))


def _is_behind(child: SessionChild) -> bool:
    return child.reported_filled is not None and child.reported_filled > child.filled


def _since(children: list[SessionChild]) -> datetime:
    return min(child.intended_at for child in children) - MARGIN
