"""Questions about a whole account in one request, where the exchange takes them and they cost less."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol, TypeVar

import structlog

from execution.core.types import OrderReport, Trade
from execution.engine.clock import Clock
from execution.engine.patient_reads import PatientReads, ends_poll
from execution.engine.symbol_poll import Answers, SymbolTask
from execution.venues.protocol import Gateway, Listing, Unreadable, VenueReadFailed

log = structlog.get_logger(__name__)

#: A symbol whose trades are wanted from much longer ago than the others' is asked for by itself.
SAME_WINDOW = timedelta(minutes=10)


class OfSymbol(Protocol):
    @property
    def symbol(self) -> str: ...


E = TypeVar("E", bound=OfSymbol)


@dataclass(frozen=True, slots=True)
class AccountAnswers:
    """What the exchange said of the whole account; None where it was not asked, or did not answer."""

    begun: datetime | None = None
    orders: dict[str, Listing[OrderReport]] | None = None
    trades: dict[str, Listing[Trade]] | None = None
    #: Trades are known from here on.
    trades_since: datetime | None = None

    def of(self, task: SymbolTask, now: datetime) -> Answers:
        """Return what was said of one symbol. What was not is asked from ``now`` on."""
        is_covered = self.trades_since is not None and self.trades_since <= task.since
        orders = None if self.orders is None else self.orders.get(task.symbol, Listing())
        trades = self.trades.get(task.symbol, Listing()) if self.trades is not None and is_covered else None
        is_told = self.begun is not None and (orders is not None or trades is not None)
        return Answers(self.begun if is_told and self.begun is not None else now, orders, trades)


async def ask_account(
    reads: PatientReads, gateway: Gateway, tasks: Sequence[SymbolTask], clock: Clock
) -> AccountAnswers:
    """Ask what can be asked for all symbols at once. An answer that fails leaves its question to each symbol.

    Trades are asked for the tasks that want all of them.

    Open orders come before trades: an order that fills between the two is in the second.
    """
    with_trades = [task for task in tasks if task.all_trades]
    begun = clock.now()
    orders: dict[str, Listing[OrderReport]] | None = None
    trades: dict[str, Listing[Trade]] | None = None
    since: datetime | None = None
    try:
        if len(tasks) > 1 and "open_orders" in gateway.account_questions(len(tasks)):
            orders = by_symbol(await reads.open_orders(None))
        if len(with_trades) > 1 and "trades" in gateway.account_questions(len(with_trades)):
            newest = max(task.since for task in with_trades)
            since = min(task.since for task in with_trades if newest - task.since <= SAME_WINDOW)
            trades = by_symbol(await reads.trades(None, since))
    except VenueReadFailed as error:
        if ends_poll(error):
            raise
        log.warning("a question for the whole account failed", error=str(error))
    return AccountAnswers(begun, orders, trades, since)


def by_symbol(listing: Listing[E]) -> dict[str, Listing[E]]:
    """Take a list of all symbols apart."""
    entries: defaultdict[str, list[E]] = defaultdict(list)
    unreadable: defaultdict[str, list[Unreadable]] = defaultdict(list)
    for entry in listing:
        entries[entry.symbol].append(entry)
    for one in listing.unreadable:
        unreadable[one.symbol].append(one)
    return {symbol: Listing(entries[symbol], unreadable[symbol]) for symbol in {*entries, *unreadable}}
