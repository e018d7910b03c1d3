"""The engine's interface to a venue. The ccxt gateway implements it, and so does a simulated exchange."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal, Protocol, TypeVar

from execution.core.guarantees.promise import Guarantees
from execution.core.market_data.feeds import FeedState, MarketEvent
from execution.core.types import (
    BalanceAmounts,
    Book,
    CancelFailed,
    CancelOutcome,
    CandleHistory,
    ChildRequest,
    CreateOutcome,
    KeyPermissions,
    Market,
    OrderRef,
    OrderReport,
    PublicTrade,
    Quote,
    StreamEvent,
    Trade,
)

T = TypeVar("T")

#: A question that an exchange may take for all symbols of an account at once.
AccountQuestion = Literal["open_orders", "trades"]
#: What the trades of some orders are asked for by: the whole account, each symbol, or each order.
TradesQuestion = Literal["account", "symbol", "order"]
#: The open orders that one request cancels.
CancelScope = Literal["symbol", "account"]


class VenueReadFailed(Exception):  # an outcome, named like the others
    """A read did not succeed, so it is no evidence of anything. ``retry_after`` is the pause that the exchange asks
    for.

    ``refuses_key``: the exchange answered, and refuses this key. ``shows`` is the state of the feed that the answer
    proves: its symbol is not listed, or the book has only one side. ``kind`` and ``incident`` are set when our own
    code failed at the answer: the class of the error, and the id of its traceback in the log.
    """

    def __init__(
        self,
        message: str,
        *,
        retry_after: timedelta | None = None,
        refuses_key: bool = False,
        shows: FeedState | None = None,
        kind: str = "",
        incident: str = "",
    ) -> None:
        super().__init__(message)
        self.retry_after = retry_after
        self.refuses_key = refuses_key
        self.shows = shows
        self.kind = kind
        self.incident = incident


@dataclass(frozen=True, slots=True)
class Unreadable:
    """An entry of a list that could not be converted, with the ids of its order. ``error`` is the reason.

    ``is_empty``: it is a trade of quantity zero, by which nothing was traded.
    """

    symbol: str
    exchange_id: str | None
    client_id: str | None
    error: VenueReadFailed
    is_empty: bool = False


class Listing(list[T]):
    """An exchange's list, converted. ``unreadable`` are the entries that could not be converted."""

    def __init__(self, entries: Iterable[T] = (), unreadable: Iterable[Unreadable] = ()) -> None:
        super().__init__(entries)
        self.unreadable = tuple(unreadable)


class MarketStream(Protocol):
    """A venue's public streams. They never end, and reconnect by themselves."""

    def events(self) -> AsyncGenerator[MarketEvent, None]:
        """Yield the events, to one taker only. A slow taker gets only the latest quotes and books."""

    @property
    def shows_missing_trades(self) -> bool:
        """Return True if the stream itself shows when a trade is missing. Otherwise the venue's list must."""

    def want_books(self, symbols: Collection[str]) -> None:
        """Stream the books of exactly these symbols from now on."""

    def reconnect(self, reason: str) -> None:
        """Connect again, because the stream brings nothing although the market moves."""


class MarketGateway(Protocol):
    """The public side of a venue, which needs no key. Every method raises ``VenueReadFailed``."""

    async def open(self) -> None:
        """Load the markets and the clock's difference. Call it once before anything else."""

    async def close(self) -> None:
        """Close connections and streams; safe to call twice."""

    async def quote(self, symbol: str) -> Quote: ...

    async def quotes(self, symbols: Sequence[str]) -> dict[str, Quote]:
        """Return quotes in one request, without symbols that have none; empty where the exchange has no such
        request.
        """

    async def book(self, symbol: str) -> Book:
        """Return the best levels of the venue's own book, at least one on either side."""

    async def missed_trades(self, symbol: str, after: PublicTrade | None) -> list[PublicTrade]:
        """Return the newest public trades, oldest first; all since ``after`` where the exchange supports it."""

    async def candles(self, symbol: str, since: datetime, until: datetime) -> CandleHistory:
        """Return five-minute candles that opened from ``since`` on and ended by ``until``. A stretch without a
        trade may be missing.
        """

    def watch_market(self, symbols: Sequence[str]) -> MarketStream:
        """Watch quotes, books and public trades. A symbol that the venue does not list is reported."""


class Gateway(MarketGateway, Protocol):
    """One account at one venue. Every method but ``create``, ``cancel`` and ``cancel_all`` raises
    ``VenueReadFailed``.

    ``create`` and ``cancel`` never raise (except ``asyncio.CancelledError``): every failure is an outcome.
    """

    @property
    def guarantees(self) -> Guarantees:
        """Return the exchange's promises about orders."""

    async def markets(self, symbols: Sequence[str]) -> dict[str, Market]:
        """Read limits and fees. Symbols that the venue does not list are left out."""

    async def ready(
        self, kind: Literal["create", "cancel"], symbol: str, age: timedelta | None = None
    ) -> None:
        """Wait until a create or a cancel may be sent at once, and take its place in the rate limit.

        ``age`` is that of the order to be cancelled, because some exchanges charge more for a young one. The session
        awaits it before its last check. ``create`` and ``cancel`` themselves never wait, so the check is fresh when
        the request is sent.
        """

    def give_back(self, kind: Literal["create", "cancel"], symbol: str) -> None:
        """Give back a place in the rate limit whose request was not sent."""

    def share_limits(self, clients: int) -> None:
        """Keep to an equal part of the limits that the exchange counts by address. ``clients`` is the number that
        share them.
        """

    async def create(self, request: ChildRequest, *, valid_for: timedelta) -> CreateOutcome:
        """Place an order. Where possible, the exchange refuses it if it arrives later than ``valid_for``.

        A ``valid_for`` below the exchange's shortest is raised to it.
        """

    async def cancel(self, ref: OrderRef) -> CancelOutcome: ...

    @property
    def cancels_all(self) -> CancelScope | None:
        """Return the scope of ``cancel_all``; None where the exchange has no such call."""

    async def cancel_all(self, symbol: str | None) -> Mapping[str, OrderReport] | CancelFailed:
        """Cancel every open order of a symbol, or of the account for None. Return the answer's news by exchange id.

        It waits for its place in the rate limit. An order that the answer leaves out may be cancelled all the same.
        Never raises.
        """

    async def find(self, ref: OrderRef) -> OrderReport | None:
        """Return the order by exchange id or client id; None when the exchange says that there is none."""

    @property
    def orders_at_once(self) -> int:
        """Return how many orders ``find_all`` asks for in one request."""

    async def find_all(self, exchange_ids: Sequence[str]) -> Mapping[str, OrderReport]:
        """Find orders of any symbols by their ids, in one request. A missing order may still exist."""

    def seconds_of(self, kind: Literal["balances", "find", "trades"]) -> float:
        """Return the seconds of the whole rate limit that such a read takes; a find is one by our own id."""

    def seconds_of_trades(self, symbols: int, count: int) -> float:
        """Return the seconds of the limit that lists of so many trades of so many symbols take."""

    def account_questions(self, symbols: int) -> Collection[AccountQuestion]:
        """Return the questions that cost less for the whole account than for so many symbols one by one."""

    async def open_orders(self, symbol: str | None) -> Listing[OrderReport]:
        """Return the open orders of a symbol, or of all symbols for None, where the account can be asked as a
        whole.
        """

    async def closed_orders(self, symbol: str, since: datetime) -> Listing[OrderReport]:
        """Return orders of any state that were created at or after ``since``."""

    async def trades(self, symbol: str | None, since: datetime) -> Listing[Trade]:
        """Return all own trades at or after ``since``, from every page; for None those of all
        symbols, if supported.
        """

    def cheapest_trades(self, orders: Collection[int]) -> TradesQuestion:
        """Return the cheapest way to read the trades of so many orders in each of some symbols."""

    async def order_trades(self, ref: OrderRef) -> Listing[Trade]:
        """Return all trades of an order whose exchange id is known, where ``cheapest_trades`` recommends it."""

    async def balances(self) -> dict[str, BalanceAmounts]: ...

    async def permissions(self) -> KeyPermissions: ...

    async def arm_switch(self, seconds: int) -> None:
        """Let the exchange cancel every open order of the account in so many seconds, counted from now.

        Only where the guarantees include a dead-man's switch. After a failure it may be armed or not.
        """

    async def disarm_switch(self) -> None:
        """Disarm the dead-man's switch."""

    def watch_account(self, symbols: Sequence[str]) -> AsyncIterator[StreamEvent]:
        """Watch the private stream for ever. It reconnects by itself and reports ``lost`` and ``resumed``."""

    def reconnect_account(self, reason: str) -> None:
        """Connect the private stream again, because it omits reports."""
