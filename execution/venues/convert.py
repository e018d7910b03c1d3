"""ccxt's structures become the core's types here and nowhere else.

``None`` stays ``None``. What is not the structure that was asked for raises ``AnswerError``.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from typing import Any, TypeVar

from execution.core.types import (
    ZERO,
    BalanceAmounts,
    Book,
    Level,
    Liquidity,
    Market,
    OrderReport,
    PublicTrade,
    Quote,
    Side,
    Trade,
    VenueStatus,
)
from execution.venues.quirks import ExchangeSpec

T = TypeVar("T")

#: ccxt's precision modes.
DECIMAL_PLACES, SIGNIFICANT_DIGITS, TICK_SIZE = 2, 3, 4

STATUSES: Mapping[str, VenueStatus] = {
    "open": VenueStatus.OPEN,
    "canceling": VenueStatus.OPEN,  # asked for, not yet done: it can still fill
    "closed": VenueStatus.FILLED,
    "canceled": VenueStatus.CANCELLED,
    "expired": VenueStatus.EXPIRED,
    "rejected": VenueStatus.REJECTED,
}


class AnswerError(ValueError):
    """An answer that is not what was asked for."""


def listed(answer: Any) -> list[Any]:
    if not isinstance(answer, list):
        raise AnswerError(f"a list was expected, not {type(answer).__name__}")
    return answer


def decimal_or_none(value: Any) -> Decimal | None:
    """The exact number; ``AnswerError`` for what is no finite number."""
    if value is None or value == "":
        return None
    if isinstance(value, bool) or not isinstance(value, str | int | float | Decimal):
        raise AnswerError(f"{value!r} is no number")
    try:
        number = Decimal(str(value))  # the shortest digits of a float, which are those on the wire
    except InvalidOperation:
        raise AnswerError(f"{value!r} is no number") from None
    if not number.is_finite():
        raise AnswerError(f"{value!r} is not finite")
    return number


def time_or_none(milliseconds: Any) -> datetime | None:
    number = decimal_or_none(milliseconds)
    if number is None:
        return None
    try:
        return datetime.fromtimestamp(float(number / 1000), UTC)
    except (OverflowError, ValueError, OSError):
        raise AnswerError(f"{milliseconds!r} is no time") from None


def milliseconds_of(moment: datetime) -> int:
    """Whole milliseconds since the epoch, rounded down."""
    return int(moment.timestamp() * 1000)


def order_report(order: Any, *, symbol: str, quirks: ExchangeSpec) -> OrderReport:
    """A report from ccxt's order structure; ``symbol`` is the one asked for."""
    fields = _mapping(order)
    if fields.get("symbol") not in (None, symbol):
        raise AnswerError(f"an order of {fields['symbol']!r} where {symbol!r} was asked for")
    quantity = decimal_or_none(fields.get("amount"))
    filled = _filled(fields, quirks)
    return OrderReport(
        symbol=symbol,
        client_id=_client_id(fields.get("clientOrderId"), quirks),
        exchange_id=_text(fields.get("id")),
        status=_status(fields.get("status"), quantity=quantity, filled=filled),
        filled=filled,
        side=_side_or_none(fields.get("side")),
        quantity=quantity,
        price=_positive(fields.get("price")),
        average=_positive(fields.get("average")),
        at=time_or_none(fields.get("lastUpdateTimestamp") or fields.get("timestamp")),
    )


def own_trade(trade: Any, *, symbol: str, quirks: ExchangeSpec, order: OrderReport | None = None) -> Trade:
    """A trade of ours. ``order`` stands in for what its fills leave out where its answer lists them.

    ccxt's trades carry no client id; the raw message of some exchanges' streams does.
    """
    fields = _mapping(trade)
    if fields.get("symbol") not in (None, symbol):
        raise AnswerError(f"a trade of {fields['symbol']!r} where {symbol!r} was asked for")
    fee, fee_currency = _fee(fields)
    raw = fields.get("info")
    if fee is not None and quirks.fee_currency_field is not None and isinstance(raw, Mapping):
        fee_currency = _text(raw.get(quirks.fee_currency_field)) or fee_currency
    named = quirks.stream_trade_client_id
    client_id = raw.get(named) if named is not None and isinstance(raw, Mapping) else None
    side = _side_or_none(fields.get("side")) or (order.side if order else None)
    at = time_or_none(fields.get("timestamp")) or (order.at if order else None)
    return Trade(
        symbol=symbol,
        trade_id=_required(_text(fields.get("id")), "trade without an id"),
        side=_required(side, "trade without a side"),
        price=_required(_positive(fields.get("price")), "trade without a price"),
        quantity=_required(_positive(fields.get("amount")), "trade without a quantity"),
        at=_required(at, "trade without a time"),
        exchange_id=_text(fields.get("order")) or (order.exchange_id if order else None),
        client_id=_client_id(client_id, quirks) or (order.client_id if order else None),
        fee=fee,
        fee_currency=fee_currency,
        liquidity=_liquidity(fields.get("takerOrMaker")),
    )


def trades_of_answer(answer: Any, *, order: OrderReport, quirks: ExchangeSpec) -> tuple[Trade, ...]:
    """The fills that the answer to a create lists, or none where one cannot be read: the order is
    accepted all the same, a look will bring them, and a made-up id would count them twice."""
    try:
        listed = _mapping(answer).get("trades") or []
        return tuple(own_trade(trade, symbol=order.symbol, quirks=quirks, order=order) for trade in listed)
    except (AnswerError, TypeError):
        return ()


def public_trade(trade: Any, *, symbol: str) -> PublicTrade:
    fields = _mapping(trade)
    return PublicTrade(
        symbol=symbol,
        price=_required(_positive(fields.get("price")), "trade without a price"),
        quantity=_required(_positive(fields.get("amount")), "trade without a quantity"),
        at=_required(time_or_none(fields.get("timestamp")), "trade without a time"),
    )


def quote_of_ticker(ticker: Any, *, at: datetime) -> Quote:
    fields = _mapping(ticker)
    return Quote(
        bid=_required(decimal_or_none(fields.get("bid")), "quote without a bid"),
        ask=_required(decimal_or_none(fields.get("ask")), "quote without an ask"),
        bid_size=decimal_or_none(fields.get("bidVolume")),
        ask_size=decimal_or_none(fields.get("askVolume")),
        at=at,
    )


def book_of(book: Any, *, at: datetime) -> Book:
    """ccxt's order book, whose numbers are floats; best levels first."""
    fields = _mapping(book)
    return Book(_levels(fields.get("bids")), _levels(fields.get("asks")), at)


def _levels(side: Any) -> tuple[Level, ...]:
    try:
        levels = tuple((_positive(price), _positive(size)) for price, size, *_ in side)
    except (TypeError, ValueError):
        raise AnswerError("a book's side that cannot be read") from None
    known = tuple((price, size) for price, size in levels if price is not None and size is not None)
    if not known or len(known) != len(levels):
        raise AnswerError("a book with an empty side or level")
    return known


def quote_of_book(book: Any, *, at: datetime) -> Quote:
    """The top of ccxt's order book."""
    fields = _mapping(book)
    top = {
        name: side[:1] if isinstance(side := fields.get(name), list) else side for name in ("bids", "asks")
    }
    return book_of(top, at=at).touch


def balances(balance: Any, *, quirks: ExchangeSpec) -> dict[str, BalanceAmounts]:
    """Free and locked by currency; a currency of which one figure is unknown is left out."""
    fields = _mapping(balance)
    raw = fields.get("info")
    if quirks.balance_field is not None and not (isinstance(raw, Mapping) and quirks.balance_field in raw):
        raise AnswerError(f"a balance answer without {quirks.balance_field!r}")
    free, used = _mapping(fields.get("free")), _mapping(fields.get("used"))
    amounts = {code: (decimal_or_none(free[code]), decimal_or_none(used.get(code))) for code in free}
    return {
        code: BalanceAmounts(free=there, locked=locked)
        for code, (there, locked) in amounts.items()
        if there is not None and locked is not None
    }


def market_limits(
    market: Any, *, precision_mode: int, fees: tuple[Decimal | None, Decimal | None] | None = None
) -> Market:
    """A market's limits; ``fees`` are the account's own (maker, taker), above ccxt's published ones."""
    fields = _mapping(market)
    precision, limits = _mapping(fields.get("precision")), _mapping(fields.get("limits"))
    symbol = str(fields["symbol"])
    lot = step_of(precision.get("amount"), precision_mode=precision_mode, what=f"lot of {symbol}")
    published = (decimal_or_none(fields.get("maker")), decimal_or_none(fields.get("taker")))
    maker, taker = fees or published
    return Market(
        symbol=symbol,
        base=str(fields["base"]),
        quote=str(fields["quote"]),
        tick=step_of(precision.get("price"), precision_mode=precision_mode, what=f"tick of {symbol}"),
        lot=lot,
        min_quantity=plain(_limit(limits, "amount", "min") or lot),
        min_notional=plain(_limit(limits, "cost", "min") or ZERO),
        max_quantity=_limit(limits, "amount", "max"),
        maker_fee=maker,
        taker_fee=taker,
    )


def step_of(precision: Any, *, precision_mode: int, what: str) -> Decimal:
    """The step that prices or quantities are multiples of; ``AnswerError`` where there is no fixed one."""
    number = decimal_or_none(precision)
    if number is None:
        raise AnswerError(f"{what} is not given")
    if precision_mode == TICK_SIZE:
        step = number
    elif precision_mode == DECIMAL_PLACES:
        step = Decimal(1).scaleb(-int(number))
    else:
        raise AnswerError(f"{what} is in significant digits, which have no fixed step")
    if step <= 0:
        raise AnswerError(f"{what} is {step}")
    return plain(step)


def plain(number: Decimal) -> Decimal:
    """Without trailing zeros and without exponent."""
    short = number.normalize()
    return short.quantize(Decimal(1)) if short == short.to_integral_value() else short


def _mapping(value: Any) -> Mapping[str, Any]:
    if not isinstance(value, Mapping):
        raise AnswerError(f"a mapping was expected, not {type(value).__name__}")
    return value


def _required(value: T | None, message: str) -> T:
    if value is None:
        raise AnswerError(message)
    return value


def _text(value: Any) -> str | None:
    return None if value is None or value == "" else str(value)


def _client_id(value: Any, quirks: ExchangeSpec) -> str | None:
    text = _text(value)
    return None if text is None else text.removeprefix(quirks.client_id_prefix)


def _positive(value: Any) -> Decimal | None:
    """Prices and quantities: exchanges write 0 for "none"."""
    number = decimal_or_none(value)
    return number if number is not None and number > 0 else None


def _limit(limits: Mapping[str, Any], name: str, bound: str) -> Decimal | None:
    return _positive((limits.get(name) or {}).get(bound))


def _side_or_none(value: Any) -> Side | None:
    return Side(value) if value in ("buy", "sell") else None


def _liquidity(value: Any) -> Liquidity | None:
    return Liquidity(value) if value in ("maker", "taker") else None


def _filled(order: Mapping[str, Any], quirks: ExchangeSpec) -> Decimal | None:
    """Cumulative filled; None where ccxt put a zero in the place of a figure that was not there."""
    raw = order.get("info")
    if quirks.filled_fields and not (
        isinstance(raw, Mapping) and any(raw.get(name) not in (None, "") for name in quirks.filled_fields)
    ):
        return None
    filled = decimal_or_none(order.get("filled"))
    if filled is not None and filled < 0:
        raise AnswerError(f"a filled quantity of {filled}")
    return None if filled == 0 and order.get("status") is None else filled


def _status(value: Any, *, quantity: Decimal | None, filled: Decimal | None) -> VenueStatus | None:
    status = STATUSES.get(value) if isinstance(value, str) else None
    if status is VenueStatus.REJECTED and filled:
        return VenueStatus.CANCELLED  # bybit rejects what is left of an order that was partly filled
    is_short = quantity is not None and filled is not None and filled < quantity
    # Some exchanges' "closed" also covers "partly filled, then cancelled" (bybit).
    return VenueStatus.CANCELLED if status is VenueStatus.FILLED and is_short else status


def _fee(trade: Mapping[str, Any]) -> tuple[Decimal | None, str | None]:
    """The fee, when it was charged in one currency; (None, None) otherwise: half of it would be wrong."""
    listed: Iterable[Any] = trade.get("fees") or [trade.get("fee")]
    known = [
        (cost, str(fee["currency"]))
        for fee in listed
        if isinstance(fee, Mapping) and fee.get("currency")
        if (cost := decimal_or_none(fee.get("cost"))) is not None
    ]
    charged = [entry for entry in known if entry[0] != 0] or known[:1]
    return charged[0] if len(charged) == 1 else (None, None)
