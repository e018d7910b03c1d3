"""The types that every layer shares: sides, orders, quotes, markets, and the answers of an exchange.

Money and quantities are ``Decimal``; times are timezone-aware UTC ``datetime``. ``None`` means unknown, never zero.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from enum import StrEnum

ZERO = Decimal(0)
BASIS_POINT = Decimal("0.0001")


class Side(StrEnum):
    BUY = "buy"
    SELL = "sell"

    @property
    def sign(self) -> int:
        """Return +1 for a buy, -1 for a sell: the sign of the order's effect on the base balance."""
        return 1 if self is Side.BUY else -1

    @property
    def opposite(self) -> Side:
        return Side.SELL if self is Side.BUY else Side.BUY


class Role(StrEnum):
    """The role of a person at the desk."""

    TRADER = "trader"
    SUPERVISOR = "supervisor"
    ADMIN = "admin"

    @property
    def label(self) -> str:
        return self.value.capitalize()


class Unit(StrEnum):
    BASE = "base"
    QUOTE = "quote"


class OrderType(StrEnum):
    LIMIT = "limit"
    MARKET = "market"


class TimeInForce(StrEnum):
    GTC = "gtc"  #: rests until filled or cancelled
    IOC = "ioc"  #: fills at once what it can, the rest expires
    POST_ONLY = "post_only"  #: rests, refused by the exchange if it would take


class Liquidity(StrEnum):
    MAKER = "maker"
    TAKER = "taker"


class VenueStatus(StrEnum):
    """An order's status as the exchange reports it.

    PENDING_SUBMIT, SUBMITTED, CANCELLING and UNKNOWN are missing, because only the desk uses those statuses.
    """

    OPEN = "open"
    FILLED = "filled"
    CANCELLED = "cancelled"
    EXPIRED = "expired"
    REJECTED = "rejected"


class MarketStatus(StrEnum):
    """The kinds of orders that a market accepts now. ``Market.status_word`` is the venue's own word for this state."""

    OPEN = "open"
    POST_ONLY = "post_only"  #: only orders that rest
    BUY_ONLY = "buy_only"
    SELL_ONLY = "sell_only"
    CANCEL_ONLY = "cancel_only"
    HALTED = "halted"
    NOT_LISTED = "not_listed"


@dataclass(frozen=True, slots=True)
class Market:
    """Rules and fees of a symbol at a venue. Fees are fractions of the notional (0.001 is 10 bp).

    The maximums are those of one order. A band bounds the price of a buy or a sell by factors of the venue's
    reference price, which is near the mid. None means that there is no limit, or that it is not known.
    """

    symbol: str
    base: str
    quote: str
    tick: Decimal
    lot: Decimal
    min_quantity: Decimal
    min_notional: Decimal
    max_quantity: Decimal | None = None
    maker_fee: Decimal | None = None
    taker_fee: Decimal | None = None
    max_notional: Decimal | None = None
    buy_band_low: Decimal | None = None
    buy_band_high: Decimal | None = None
    sell_band_low: Decimal | None = None
    sell_band_high: Decimal | None = None
    status: MarketStatus = MarketStatus.OPEN
    status_word: str = ""  #: the venue's own


@dataclass(frozen=True, slots=True)
class Quote:
    """Best bid and ask with their sizes, as of ``at`` (when we received it)."""

    bid: Decimal
    ask: Decimal
    bid_size: Decimal | None
    ask_size: Decimal | None
    at: datetime

    @property
    def mid(self) -> Decimal:
        return (self.bid + self.ask) / 2

    @property
    def is_sane(self) -> bool:
        """Return whether the quote is finite, positive and not crossed.

        A crossed quote shows an error, because a single venue's book is never crossed.
        """
        numbers_fine = self.bid.is_finite() and self.ask.is_finite()
        return numbers_fine and ZERO < self.bid < self.ask

    def passive(self, side: Side) -> Decimal:
        """Return the best price of the order's own side: the bid for a buy, the ask for a sell."""
        return self.bid if side is Side.BUY else self.ask

    def aggressive(self, side: Side) -> Decimal:
        """Return the best price that an order would take: the ask for a buy, the bid for a sell."""
        return self.ask if side is Side.BUY else self.bid


Level = tuple[Decimal, Decimal]  #: price and quantity


@dataclass(frozen=True, slots=True)
class Book:
    """The best levels of a venue's own book, best first, as of ``at`` (when we received it)."""

    bids: tuple[Level, ...]
    asks: tuple[Level, ...]
    at: datetime

    @property
    def is_sane(self) -> bool:
        """Return whether the book has both sides, and finite, positive best prices that are not crossed."""
        return bool(self.bids and self.asks) and self.touch.is_sane

    @property
    def touch(self) -> Quote:
        """Return the best bid and ask of a book that has both sides."""
        (bid, bid_size), (ask, ask_size) = self.bids[0], self.asks[0]
        return Quote(bid, ask, bid_size, ask_size, self.at)

    def to_take(self, side: Side) -> tuple[Level, ...]:
        """Return the levels that an order of ``side`` takes from, best first."""
        return self.asks if side is Side.BUY else self.bids


@dataclass(frozen=True, slots=True)
class Candle:
    """A bar of a market's history; ``volume`` is in base units."""

    opened_at: datetime
    open: Decimal
    high: Decimal
    low: Decimal
    close: Decimal
    volume: Decimal

    @property
    def typical(self) -> Decimal:
        """Return the bar's typical price, (high + low + close) / 3."""
        return (self.high + self.low + self.close) / 3


@dataclass(frozen=True, slots=True)
class CandleHistory:
    """Finished candles of a market, oldest first.

    ``unknown`` are the opening times of candles that the exchange lists in an unreadable form, or no longer lists.
    Their volume is not zero.
    """

    candles: tuple[Candle, ...] = ()
    unknown: tuple[datetime, ...] = ()


@dataclass(frozen=True, slots=True)
class Traded:
    """The volume that all participants traded in a stretch of time, in base units."""

    starts_at: datetime
    ends_at: datetime
    volume: Decimal


@dataclass(frozen=True, slots=True)
class ChildRequest:
    """A child order in the fields that are sent to the exchange."""

    client_id: str
    symbol: str
    side: Side
    type: OrderType
    quantity: Decimal
    price: Decimal | None
    time_in_force: TimeInForce


@dataclass(frozen=True, slots=True)
class OrderRef:
    """The ids by which the exchange finds an order: its own id when known, and always the desk's client id."""

    client_id: str
    symbol: str
    exchange_id: str | None = None


@dataclass(frozen=True, slots=True)
class OrderReport:
    """The exchange's report on one order, from an answer, the stream or a poll.

    ``filled`` is cumulative base quantity, gross of fees.
    """

    symbol: str
    client_id: str | None
    exchange_id: str | None
    status: VenueStatus | None
    filled: Decimal | None
    side: Side | None = None
    quantity: Decimal | None = None
    price: Decimal | None = None
    average: Decimal | None = None
    at: datetime | None = None


@dataclass(frozen=True, slots=True)
class TradeFee:
    """A part of a trade's fee. A negative amount is a rebate."""

    amount: Decimal
    currency: str


@dataclass(frozen=True, slots=True)
class Trade:
    """One execution of one of our orders. It is identified by account, symbol, trade id and side together.

    ``fee`` is None until all of it is known. ``more_fees`` are the parts that were charged in other currencies.
    """

    symbol: str
    trade_id: str
    side: Side
    price: Decimal
    quantity: Decimal
    at: datetime
    exchange_id: str | None = None
    client_id: str | None = None
    fee: Decimal | None = None
    fee_currency: str | None = None
    more_fees: tuple[TradeFee, ...] = ()
    liquidity: Liquidity | None = None


@dataclass(frozen=True, slots=True)
class PublicTrade:
    """One trade of the market by any participant. ``at`` is the exchange's time, corrected to our clock.

    ``side`` is as the exchange reports it: that of the maker at coinbase, that of the taker everywhere else.
    """

    symbol: str
    price: Decimal
    quantity: Decimal
    at: datetime
    trade_id: str | None = None
    side: Side | None = None


@dataclass(frozen=True, slots=True)
class BalanceAmounts:
    """The free and locked amounts of one currency of an account.

    An amount that the exchange does not report is None.
    """

    free: Decimal | None
    locked: Decimal | None


# --- the outcomes of a request -------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Accepted:
    """The result of a create that the exchange accepted. ``trades`` are the fills that its answer listed."""

    report: OrderReport
    trades: tuple[Trade, ...] = ()


@dataclass(frozen=True, slots=True)
class Rejected:
    """The result of a create that the exchange refused: no order exists. ``kind`` names the class of the refusal."""

    kind: str
    message: str


@dataclass(frozen=True, slots=True)
class NotSent:
    """The result of a create that provably never reached the matching engine. The client id may be sent again."""

    message: str
    retry_after: timedelta = timedelta(seconds=1)


@dataclass(frozen=True, slots=True)
class Unknown:
    """The result of a create without a clear answer. The order is assumed to exist until it is proven absent."""

    message: str


CreateOutcome = Accepted | Rejected | NotSent | Unknown


@dataclass(frozen=True, slots=True)
class CancelConfirmed:
    """The result of a cancel that the exchange carried out.

    ``report`` has the filled quantity, if the answer gave it.
    """

    report: OrderReport


@dataclass(frozen=True, slots=True)
class CancelGone:
    """The result of a cancel when the exchange has no such open order.

    The order was filled, was cancelled before, or was never placed. A poll must find out which.
    """

    message: str


@dataclass(frozen=True, slots=True)
class CancelFailed:
    """The result of a cancel whose outcome is unknown. It is tried again until it is confirmed."""

    message: str
    retry_after: timedelta = timedelta(seconds=1)


CancelOutcome = CancelConfirmed | CancelGone | CancelFailed


@dataclass(frozen=True, slots=True)
class KeyPermissions:
    """The permissions of a key, as the exchange reports them. A permission that it does not report is None."""

    read: bool | None = None
    trade: bool | None = None
    withdraw: bool | None = None


@dataclass(frozen=True, slots=True)
class StreamEvent:
    """News from the account's private stream: reports, trades, or changes of the connection.

    ``resumed`` means that the stream (re)connected and may have missed something, so a poll over REST is due at once.
    ``lost`` means that the stream is down.
    """

    reports: tuple[OrderReport, ...] = ()
    trades: tuple[Trade, ...] = ()
    resumed: bool = False
    lost: bool = False
