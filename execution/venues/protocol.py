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

#: A list that some exchanges give for all symbols of an account at once.
AccountQuestion = Literal["open_orders", "trades"]
#: The way to read the trades of some orders: one list for the account, for each symbol, or for each order.
TradesQuestion = Literal["account", "symbol", "order"]
#: The open orders that one request cancels.
CancelScope = Literal["symbol", "account"]


class VenueReadFailed(Exception):  # an outcome, named like the others
    """A read failed, so it proves nothing. ``retry_after`` is the pause that the exchange asks for.

    ``refuses_key`` means that the exchange answered and refuses this key. ``shows`` is a state of the symbol's market
    data that the failed read still proves: not listed, or a book with only one side. If our own code failed on the
    answer, ``kind`` is the class of the error, and ``incident`` the id of its traceback in the log.
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

    ``is_empty`` means that the entry is a trade of quantity zero, so nothing was traded.
    """

    symbol: str
    exchange_id: str | None
    client_id: str | None
    error: VenueReadFailed
    is_empty: bool = False


class Listing(list[T]):
    """The converted entries of an exchange's list. ``unreadable`` has the entries that could not be converted."""

    def __init__(self, entries: Iterable[T] = (), unreadable: Iterable[Unreadable] = ()) -> None:
        super().__init__(entries)
        self.unreadable = tuple(unreadable)


class MarketStream(Protocol):
    """A venue's public streams. After a failure they reconnect by themselves, and they run until they are closed."""

    def events(self) -> AsyncGenerator[MarketEvent, None]:
        """Yield the events, to one caller only.

        A slow caller gets all trades, but only the latest quotes and books.
        """

    @property
    def shows_missing_trades(self) -> bool:
        """Return True if this venue numbers trades without gaps, so that a gap in the stream means a missed trade.

        If False, only the venue's list of trades can show that a trade was missed.
        """

    def want_books(self, symbols: Collection[str]) -> None:
        """Stream the books of exactly these symbols from now on."""

    def reconnect(self, reason: str) -> None:
        """Connect again, because the stream sends nothing although the market moves."""


class MarketGateway(Protocol):
    """The public data of a venue, which needs no key. Every method may raise ``VenueReadFailed``."""

    async def open(self) -> None:
        """Load the markets and measure the difference of the clocks. Call it once, before anything else."""

    async def close(self) -> None:
        """Close connections and streams; safe to call twice."""

    async def quote(self, symbol: str) -> Quote: ...

    async def quotes(self, symbols: Sequence[str]) -> dict[str, Quote]:
        """Return quotes by symbol, from one request, without symbols that have none. Empty if the exchange has no such
        request.
        """

    async def book(self, symbol: str) -> Book:
        """Return the best levels of the venue's book, at least one on each side."""

    async def missed_trades(self, symbol: str, after: PublicTrade | None) -> list[PublicTrade]:
        """Return the newest public trades, oldest first.

        If the exchange can list trades by id, return all trades since ``after``.
        """

    async def candles(self, symbol: str, since: datetime, until: datetime) -> CandleHistory:
        """Return the five-minute candles that opened at or after ``since`` and ended by ``until``.

        Candles of a time without a trade may be missing.
        """

    def watch_market(self, symbols: Sequence[str]) -> MarketStream:
        """Watch quotes, books and public trades. A symbol that the venue does not list is reported."""


class Gateway(MarketGateway, Protocol):
    """One account at one venue.

    ``create``, ``cancel`` and ``cancel_all`` never raise (except ``asyncio.CancelledError``). They return every
    failure as an outcome. Every other method may raise ``VenueReadFailed``.
    """

    @property
    def guarantees(self) -> Guarantees:
        """Return the exchange's promises about orders."""

    @property
    def listed_symbols(self) -> frozenset[str]:
        """Return the spot symbols that the exchange listed when ``markets`` last answered; empty before that."""

    async def markets(self, symbols: Sequence[str]) -> dict[str, Market]:
        """Read limits and fees. Symbols that the venue does not list are left out."""

    async def ready(
        self, kind: Literal["create", "cancel"], symbol: str, age: timedelta | None = None
    ) -> None:
        """Wait until a create or a cancel may be sent at once, and take its place in the rate limit.

        ``age`` is the age of the order to cancel, because some exchanges charge more for a young one. The session
        awaits this method, then makes its last check of the order, and then calls ``create`` or ``cancel``, which
        never wait. So no time passes between the check and the request.
        """

    def give_back(self, kind: Literal["create", "cancel"], symbol: str) -> None:
        """Give back a place in the rate limit whose request was not sent."""

    def share_limits(self, clients: int) -> None:
        """Use only an equal part of the limits that the exchange counts by address. ``clients`` is the number of
        gateways that share the limits.
        """

    async def create(self, request: ChildRequest, *, valid_for: timedelta) -> CreateOutcome:
        """Place an order. An exchange that can do so refuses it if it arrives later than ``valid_for``.

        A ``valid_for`` below the exchange's minimum is raised to that minimum.
        """

    async def cancel(self, ref: OrderRef) -> CancelOutcome: ...

    @property
    def cancels_all(self) -> CancelScope | None:
        """Return the scope of ``cancel_all``; None if the exchange has no such call."""

    async def cancel_all(self, symbol: str | None) -> Mapping[str, OrderReport] | CancelFailed:
        """Cancel every open order of a symbol, or of the whole account if ``symbol`` is None.

        Return the reports in the answer, by exchange id.

        The call waits for a place in the rate limit. An order without a report in the answer may be cancelled too.
        Never raises.
        """

    async def find(self, ref: OrderRef) -> OrderReport | None:
        """Return the order by exchange id or client id; None when the exchange says that there is none."""

    @property
    def orders_at_once(self) -> int:
        """Return the number of orders that ``find_all`` may look up in one request."""

    async def find_all(self, exchange_ids: Sequence[str]) -> Mapping[str, OrderReport]:
        """Find orders of any symbols by their ids, in one request.

        An order that is missing in the result may still exist.
        """

    def seconds_of(self, kind: Literal["balances", "find", "trades"]) -> float:
        """Return the cost of one read in seconds: the time in which the rate limit frees as many units as the read
        costs.

        For ``find`` this is the cost of looking up one order by our client id.
        """

    def seconds_of_trades(self, symbols: int, count: int) -> float:
        """Return the cost of reading ``count`` trades of ``symbols`` symbols in seconds, measured as in
        ``seconds_of``.
        """

    def account_questions(self, symbols: int) -> Collection[AccountQuestion]:
        """Return the lists that are best read for the whole account at once.

        Reading such a list for the account costs no more than reading it for each of ``symbols`` symbols.
        """

    async def open_orders(self, symbol: str | None) -> Listing[OrderReport]:
        """Return the open orders of a symbol. For None, return those of all symbols, if the exchange can list them."""

    async def closed_orders(self, symbol: str, since: datetime) -> Listing[OrderReport]:
        """Return orders of any state that were created at or after ``since``."""

    async def trades(self, symbol: str | None, since: datetime) -> Listing[Trade]:
        """Return all of our trades of ``symbol`` at or after ``since``, from every page. If ``symbol`` is None, return
        those of all symbols, if the exchange can list them.
        """

    def cheapest_trades(self, orders: Collection[int]) -> TradesQuestion:
        """Return the cheapest way to read the trades of some orders: for the account, by symbol or by order.

        ``orders`` has the number of orders in each symbol.
        """

    async def order_trades(self, ref: OrderRef) -> Listing[Trade]:
        """Return all trades of an order whose exchange id is known. Use it only if ``cheapest_trades`` returned
        "order".
        """

    async def balances(self) -> dict[str, BalanceAmounts]: ...

    async def permissions(self) -> KeyPermissions: ...

    async def arm_switch(self, seconds: int) -> None:
        """Make the exchange cancel every open order of the account after ``seconds``, unless this is called again
        before.

        This arms the dead-man's switch.

        Call it only if the guarantees include a dead-man's switch. If the call fails, the switch may or may not be
        armed.
        """

    async def disarm_switch(self) -> None:
        """Disarm the dead-man's switch."""

    def watch_account(self, symbols: Sequence[str]) -> AsyncIterator[StreamEvent]:
        """Yield the events of the private stream. It reconnects by itself and reports ``lost`` and ``resumed``."""

    def reconnect_account(self, reason: str) -> None:
        """Connect the private stream again, because it has omitted reports."""
