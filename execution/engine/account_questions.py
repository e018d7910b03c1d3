"""Requests for all symbols of an account at once, where this costs less than a request for each symbol."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import structlog

from execution.core.types import OrderReport, Trade
from execution.engine.by_symbol import by_symbol
from execution.engine.clock import Clock
from execution.engine.patient_reads import PatientReads, ends_poll
from execution.engine.symbol_poll import Answers, SymbolTask
from execution.venues.protocol import AccountQuestion, Gateway, Listing, VenueReadFailed

log = structlog.get_logger(__name__)

#: Each symbol needs trades since some time. Symbols whose time is at most this long before the latest one share a
#: list. The trades of the others are read one symbol at a time.
SAME_WINDOW = timedelta(minutes=10)
#: After this many failed requests in a row, each symbol is read by itself.
GIVEN_UP_AFTER = 3


@dataclass(frozen=True, slots=True)
class AccountAnswers:
    """The exchange's answers for a whole account, by symbol. None stands for no request or no answer."""

    begun: datetime | None = None
    orders: dict[str, Listing[OrderReport]] | None = None
    trades: dict[str, Listing[Trade]] | None = None
    #: ``trades`` is complete from this time on.
    trades_since: datetime | None = None

    def of(self, task: SymbolTask, now: datetime) -> Answers:
        """Return the open orders and the trades of the symbol of ``task``, from the answers for the whole account.

        A list is None if it has to be requested for this symbol alone. If both lists are None, the result's ``begun``
        is ``now``.
        """
        is_covered = self.trades_since is not None and self.trades_since <= task.trades_since
        orders = None if self.orders is None else self.orders.get(task.symbol, Listing())
        trades = self.trades.get(task.symbol, Listing()) if self.trades is not None and is_covered else None
        is_told = self.begun is not None and (orders is not None or trades is not None)
        return Answers(self.begun if is_told and self.begun is not None else now, orders, trades)


class AccountQuestions:
    """The requests that read all symbols of an account at once.

    If they keep failing, the poll reads each symbol by itself, which costs much more. So the first failures, which may
    be temporary, only end the poll. The next poll tries again.
    """

    def __init__(self, reads: PatientReads, gateway: Gateway, clock: Clock) -> None:
        self._reads = reads
        self._gateway = gateway
        self._clock = clock
        self._failures = 0

    def failed(self, error: VenueReadFailed) -> None:
        """Count a failed request. Raise ``error`` to end the poll, or return to read each symbol by itself.

        The method returns if our own code failed, and from the third failure in a row on. A ban or a refused key is
        always raised.
        """
        self._failures += 1
        if ends_poll(error) or (not error.incident and self._failures < GIVEN_UP_AFTER):
            raise error
        log.warning("a question for the whole account failed", error=str(error))

    def worked(self) -> None:
        self._failures = 0

    async def ask(self, tasks: Sequence[SymbolTask]) -> AccountAnswers:
        """Read the open orders, and the trades of the tasks with ``all_trades``. Raises ``VenueReadFailed``.

        Open orders are read before trades. So if an order fills between the two requests, its trades are
        found.
        """
        with_trades = [task for task in tasks if task.all_trades]
        begun = self._clock.now()
        orders: dict[str, Listing[OrderReport]] | None = None
        trades: dict[str, Listing[Trade]] | None = None
        since: datetime | None = None
        try:
            if self._is_cheaper("open_orders", len(tasks)):
                orders = by_symbol(await self._reads.open_orders(None))
                self.worked()
            if self._is_cheaper("trades", len(with_trades)):
                windows = [task.trades_since for task in with_trades]
                since = min(one for one in windows if max(windows) - one <= SAME_WINDOW)
                trades = by_symbol(await self._reads.trades(None, since))
                self.worked()
        except VenueReadFailed as error:
            self.failed(error)
        return AccountAnswers(begun, orders, trades, since)

    def _is_cheaper(self, question: AccountQuestion, symbols: int) -> bool:
        return symbols > 1 and question in self._gateway.account_questions(symbols)
