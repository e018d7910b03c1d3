"""Orders of other programs on the same account. The exchange's order ids distinguish them from ours."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Collection, Iterable

from execution.core.identifiers import has_our_mark
from execution.core.types import OrderRef
from execution.engine.context import EngineContext
from execution.engine.patient_reads import PatientReads
from execution.selectors.decisions.sessions import known_exchange_orders
from execution.venues.protocol import Unreadable

#: The number of ids that a session remembers.
REMEMBERED = 20_000


class ForeignOrders:
    """Remembers the exchange's ids of other programs' orders, so that each order is looked up only once."""

    def __init__(
        self, context: EngineContext, reads: PatientReads, *, account_pk: int, marks: frozenset[str]
    ) -> None:
        self._context = context
        self._reads = reads
        self._account_pk = account_pk
        self._marks = marks
        self._ids: OrderedDict[tuple[str, str], None] = OrderedDict()

    def add(self, symbol: str, exchange_id: str | None) -> None:
        if exchange_id:
            self._ids[symbol, exchange_id] = None
            if len(self._ids) > REMEMBERED:
                self._ids.popitem(last=False)

    def has(self, symbol: str, exchange_id: str | None) -> bool:
        return (symbol, exchange_id) in self._ids

    def is_marked(self, client_id: str | None) -> bool:
        """Return True if a client id has a mark of this desk."""
        return has_our_mark(client_id, self._marks)

    async def is_foreign(self, symbol: str, exchange_id: str) -> bool:
        """Return True if an order is certainly not ours. An unknown one is looked up at the exchange."""
        if self.has(symbol, exchange_id):
            return True
        report = await self._reads.find(OrderRef("", symbol, exchange_id))
        if report is None or report.client_id is None or self.is_marked(report.client_id):
            return False
        self.add(symbol, exchange_id)
        return True

    async def refuse_ours(
        self, symbol: str, unreadable: Collection[Unreadable], *, is_any_nameless: bool
    ) -> None:
        """Raise the error of the first unreadable entry that may be ours. Entries of other programs do not matter.

        ``is_any_nameless`` is True if a child of the symbol has no exchange id yet. In that case an entry with an
        unknown id may be that child.
        """
        known = await self._known(symbol, (one.exchange_id for one in unreadable))
        for one in unreadable:
            if one.is_empty:
                continue
            if not await self._is_of_others(symbol, one, known, is_any_nameless):
                raise one.error

    async def _is_of_others(
        self, symbol: str, one: Unreadable, known: Collection[str], is_any_nameless: bool
    ) -> bool:
        if one.exchange_id in known or self.is_marked(one.client_id):
            return False
        if one.client_id:
            return True
        if one.exchange_id is None:
            return False
        return not is_any_nameless or await self.is_foreign(symbol, one.exchange_id)

    async def _known(self, symbol: str, exchange_ids: Iterable[str | None]) -> set[str]:
        ids = {one for one in exchange_ids if one}
        if not ids:
            return set()
        return await self._context.database.read_soon(known_exchange_orders, self._account_pk, symbol, ids)
