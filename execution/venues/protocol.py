"""What the engine asks of a venue. The ccxt gateway is one answer, a simulated exchange another."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from datetime import datetime, timedelta
from typing import Literal, Protocol

from execution.core.types import (
    BalanceAmounts,
    Book,
    CancelOutcome,
    Candle,
    ChildRequest,
    CreateOutcome,
    KeyPermissions,
    Market,
    MarketEvent,
    OrderRef,
    OrderReport,
    Quote,
    StreamEvent,
    Trade,
)


class VenueReadFailed(Exception):  # an outcome, named like the others
    """A read did not succeed: no evidence of anything. ``retry_after`` is the exchange's wish, if any.

    ``refuses_key``: the exchange answered, and will not have this key. ``kind`` and ``incident`` are set when
    our own code failed at what it answered: the class of the error, and the id of its traceback in the log.
    """

    def __init__(
        self,
        message: str,
        *,
        retry_after: timedelta | None = None,
        refuses_key: bool = False,
        kind: str = "",
        incident: str = "",
    ) -> None:
        super().__init__(message)
        self.retry_after = retry_after
        self.refuses_key = refuses_key
        self.kind = kind
        self.incident = incident


class Gateway(Protocol):
    """One account at one venue. Every method but ``create`` and ``cancel`` raises ``VenueReadFailed``.

    ``create`` and ``cancel`` never raise (but ``asyncio.CancelledError``): whatever goes wrong is an outcome.
    """

    async def open(self) -> None:
        """Load the markets and the clock's difference. To be called once before anything else."""

    async def close(self) -> None:
        """Close connections and streams; safe to call twice."""

    async def markets(self, symbols: Sequence[str]) -> dict[str, Market]:
        """Limits and fees, asked anew; symbols that the venue does not list are left out."""

    async def ready(self, kind: Literal["create", "cancel"]) -> None:
        """Wait until a create or a cancel may leave at once, and take its place in the rate limit.

        To be awaited before the session's last check: ``create`` and ``cancel`` themselves never wait,
        so nothing that was checked can be stale when the request leaves.
        """

    async def create(self, request: ChildRequest, *, valid_for: timedelta) -> CreateOutcome:
        """Place an order. The exchange itself refuses it when it arrives after ``valid_for``."""

    async def cancel(self, ref: OrderRef) -> CancelOutcome: ...

    async def find(self, ref: OrderRef) -> OrderReport | None:
        """The order, by exchange id or client id; None when the exchange says there is none."""

    async def open_orders(self, symbol: str) -> list[OrderReport]: ...

    async def closed_orders(self, symbol: str, since: datetime) -> list[OrderReport]:
        """Orders of any state that were created at or after ``since``."""

    async def trades(self, symbol: str, since: datetime) -> list[Trade]:
        """All our trades at or after ``since``, every page of them."""

    async def balances(self) -> dict[str, BalanceAmounts]: ...

    async def permissions(self) -> KeyPermissions: ...

    async def quote(self, symbol: str) -> Quote: ...

    async def book(self, symbol: str) -> Book:
        """The best levels of the venue's own book, at least one on either side."""

    async def candles(self, symbol: str, since: datetime, until: datetime) -> list[Candle]:
        """Finished five-minute candles that opened from ``since`` on, oldest first; a stretch in which nobody
        traded may be missing."""

    def watch_account(self, symbols: Sequence[str]) -> AsyncIterator[StreamEvent]:
        """The private stream, for ever: reconnects by itself and says so with ``lost`` and ``resumed``."""

    def watch_market(self, symbols: Sequence[str]) -> AsyncIterator[MarketEvent]:
        """Quotes and public trades, for ever: reconnects by itself."""
