"""The reading of ended children's trades, apart from the polls.

An order ends only when all trades of its children are recorded.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

import structlog

from execution.core.states import CHILD_FINAL
from execution.engine.account_part import AccountPart
from execution.engine.clock import pause
from execution.engine.context import EngineContext
from execution.engine.failures import Health
from execution.engine.missing_fills import MissingFills
from execution.engine.poll_needs import CHEAP_TRADES, is_sent
from execution.engine.repeats import PART, Repeats
from execution.engine.symbol_poll import SymbolTask
from execution.selectors.decisions.sessions import SessionChild, unsettled_children
from execution.venues.protocol import Gateway, VenueReadFailed

log = structlog.get_logger(__name__)

#: Exchanges list trades a moment after an order's end. After this wait, orders that end together are read together.
LISTED_AFTER = 0.3  # seconds
#: The shortest time between two requests, and between the first and the second for the same trades.
APART = 1.0  # seconds
#: The rows are checked this often without a wake-up. An end that an answer reports causes no wake-up, and wake-ups may
#: be lost.
UNTOLD = 1.5  # seconds


class EndedFills(AccountPart):
    """Reads the missing trades of ended children, with growing pauses while the exchange lists none of them.

    It does not wait for a poll, because a poll reads everything about an account and may take seconds. At an exchange
    where lists of trades are expensive (kraken), it reads nothing and leaves these trades to the polls. A second
    reader would use up the rate limit.
    """

    def __init__(
        self,
        context: EngineContext,
        gateway: Gateway,
        fills: MissingFills,
        *,
        account_pk: int,
        fence: int,
        health: Health | None = None,
    ) -> None:
        super().__init__(context, gateway, account_pk=account_pk, fence=fence, health=health)
        self._fills = fills
        self._repeats = Repeats(APART, gateway.seconds_of("trades"))

    async def run(self) -> None:
        """Run until cancelled. Return at once on an exchange where only polls read these trades."""
        if self._gateway.seconds_of("trades") > CHEAP_TRADES:
            return
        while True:
            self._wake.clear()
            wait = await self.look()
            if wait is None and not await pause(self._context.clock, self._wake, UNTOLD):
                continue
            await self._context.clock.sleep(LISTED_AFTER if wait is None else wait)

    async def look(self) -> float | None:
        """Read the missing trades that are due. Return the seconds until the next reading.

        Return None if nothing is missing.
        """
        children = await self._context.database.read_soon(unsettled_children, self._account_pk)
        ended: defaultdict[str, list[SessionChild]] = defaultdict(list)
        for child in children:
            if child.status in CHILD_FINAL and child.misses_trades:
                ended[child.ref.symbol].append(child)
        if not ended:
            return None
        now = self._now()
        due = {symbol: ended[symbol] for symbol in ended if self._repeats.is_due(symbol, ended[symbol], now)}
        if not due:
            return LISTED_AFTER
        tasks = {symbol: _task(symbol, due[symbol], children) for symbol in due}
        begun, requests = self._context.clock.boot(), self._fills.requests_for(due)
        try:
            await self._fills.read_of(tasks, due, self._note_failure)
        except VenueReadFailed as error:
            if error.incident:
                raise
            self._note_failure(", ".join(sorted(due)), error)
            return max(APART, error.retry_after.total_seconds() if error.retry_after else 0.0)
        least = requests * self._gateway.seconds_of("trades") / PART
        return max(APART, least - (self._context.clock.boot() - begun))

    def _note_failure(self, symbol: str, error: VenueReadFailed) -> None:
        """Log a failed read. The next ``look`` tries again, and so does the next poll, which shows the failure."""
        log.warning("trades of ended children could not be read", symbol=symbol, error=str(error))


def _task(symbol: str, ended: Sequence[SessionChild], children: Sequence[SessionChild]) -> SymbolTask:
    oldest = min(child.intended_at for child in ended)
    own = [child for child in children if child.ref.symbol == symbol and is_sent(child)]
    is_any_nameless = any(child.ref.exchange_id is None for child in own)
    return SymbolTask(symbol, tuple(ended), oldest, is_any_nameless, all_trades=False)
