"""The conversion of ccxt's structures into the types of ``execution.core``. No other module converts them.

``None`` stays ``None``. A structure of the wrong kind raises ``AnswerError``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from itertools import islice
from typing import Any, TypeVar

from execution.core.types import (
    ZERO,
    Book,
    Level,
    Liquidity,
    OrderReport,
    PublicTrade,
    Quote,
    Side,
    Trade,
    VenueStatus,
)
from execution.venues.fees import trade_fees
from execution.venues.protocol import Unreadable, VenueReadFailed
from execution.venues.spec import ExchangeSpec
from execution.venues.values import AnswerError, OneSided, decimal_or_none, text_or_none, time_or_none

T = TypeVar("T")

STATUSES: Mapping[str, VenueStatus] = {
    "open": VenueStatus.OPEN,
    "canceling": VenueStatus.OPEN,  # asked for, not yet done: it can still fill
    "closed": VenueStatus.FILLED,
    "canceled": VenueStatus.CANCELLED,
    "expired": VenueStatus.EXPIRED,
    "rejected": VenueStatus.REJECTED,
    # ccxt hands these on as they are (coinbase): on the way to the book, or asked to leave it, and may fill yet.
    "PENDING": VenueStatus.OPEN,
    "QUEUED": VenueStatus.OPEN,
    "EDIT_QUEUED": VenueStatus.OPEN,
    "CANCEL_QUEUED": VenueStatus.OPEN,
}


def order_report(order: Any, *, symbol: str, spec: ExchangeSpec) -> OrderReport:
    """Convert ccxt's order structure to a report.

    ``symbol`` is the requested symbol. An order in another symbol raises ``AnswerError``.
    """
    fields = _mapping(order)
    if fields.get("symbol") not in (None, symbol):
        raise AnswerError(f"an order of {fields['symbol']!r} where {symbol!r} was asked for")
    quantity = decimal_or_none(fields.get("amount"))
    filled = _filled(fields, spec)
    return OrderReport(
        symbol=symbol,
        client_id=_client_id(fields.get("clientOrderId"), spec),
        exchange_id=text_or_none(fields.get("id")),
        status=_status(fields.get("status"), quantity=quantity, filled=filled),
        filled=filled,
        side=_side_or_none(fields.get("side")),
        quantity=quantity,
        price=_positive(fields.get("price")),
        average=_positive(fields.get("average")),
        at=time_or_none(fields.get("lastUpdateTimestamp") or fields.get("timestamp")),
    )


def own_trade(trade: Any, *, symbol: str, spec: ExchangeSpec, order: OrderReport | None = None) -> Trade:
    """Convert one of our own trades.

    A trade in the answer to a create may lack its side, its time and the order's ids. ``order``, the report in the
    same answer, supplies what is missing. ccxt's trades carry no client id, but some exchanges' raw stream messages
    do.
    """
    fields = _mapping(trade)
    if fields.get("symbol") not in (None, symbol):
        raise AnswerError(f"a trade of {fields['symbol']!r} where {symbol!r} was asked for")
    fees = trade_fees(fields, spec)
    raw = fields.get("info")
    named = spec.stream_trade_client_id
    client_id = raw.get(named) if named is not None and isinstance(raw, Mapping) else None
    side = _side_or_none(fields.get("side")) or (order.side if order else None)
    at = time_or_none(fields.get("timestamp")) or (order.at if order else None)
    return Trade(
        symbol=symbol,
        trade_id=_required(text_or_none(fields.get("id")), "trade without an id"),
        side=_required(side, "trade without a side"),
        price=_required(_positive(fields.get("price")), "trade without a price"),
        quantity=_required(_positive(fields.get("amount")), "trade without a quantity"),
        at=_required(at, "trade without a time"),
        exchange_id=text_or_none(fields.get("order")) or (order.exchange_id if order else None),
        client_id=_client_id(client_id, spec) or (order.client_id if order else None),
        fee=fees[0].amount if fees else None,
        fee_currency=fees[0].currency if fees else None,
        more_fees=fees[1:],
        liquidity=_liquidity(fields.get("takerOrMaker")),
    )


def symbol_of(entry: Any, symbol: str | None) -> str:
    """Return the requested ``symbol``.

    If it is None, because all symbols were requested, return the entry's own symbol.
    """
    return symbol or _required(text_or_none(_mapping(entry).get("symbol")), "an entry without a symbol")


def unreadable(
    entry: Any, *, symbol: str | None, spec: ExchangeSpec, error: VenueReadFailed
) -> Unreadable | None:
    """Return the ids of an order or trade that cannot be converted; None if the entry names no order."""
    if not isinstance(entry, Mapping):
        return None
    own_symbol = text_or_none(entry.get("symbol"))
    if own_symbol is None or (symbol is not None and own_symbol != symbol):
        return None
    is_trade = "order" in entry
    exchange_id = text_or_none(entry.get("order" if is_trade else "id"))
    client_id = _client_id(entry.get("clientOrderId"), spec)
    is_empty = is_trade and _is_zero(entry.get("amount"))
    if exchange_id is None and client_id is None and not is_empty:
        return None
    return Unreadable(own_symbol, exchange_id, client_id, error, is_empty)


def _is_zero(value: Any) -> bool:
    try:
        return decimal_or_none(value) == ZERO
    except AnswerError:
        return False


def trades_of_answer(answer: Any, *, order: OrderReport, spec: ExchangeSpec) -> tuple[Trade, ...]:
    """Return the fills in the answer to a create; none if any of them cannot be read.

    The order counts as accepted in any case, and a later read brings the fills. If a fill has no id, the desk invents
    none. With an invented id, the later read would record the fill a second time.
    """
    try:
        listed = _mapping(answer).get("trades") or []
        return tuple(own_trade(trade, symbol=order.symbol, spec=spec, order=order) for trade in listed)
    except (AnswerError, TypeError):
        return ()


def public_trade(trade: Any, *, symbol: str) -> PublicTrade:
    fields = _mapping(trade)
    return PublicTrade(
        symbol=symbol,
        price=_required(_positive(fields.get("price")), "trade without a price"),
        quantity=_required(_positive(fields.get("amount")), "trade without a quantity"),
        at=_required(time_or_none(fields.get("timestamp")), "trade without a time"),
        trade_id=text_or_none(fields.get("id")),
        side=_side_or_none(fields.get("side")),
    )


def absorbed_ids(trade: Any, spec: ExchangeSpec) -> list[str]:
    """Return the ids of the earlier trades that the exchange has merged into a streamed trade.

    The streamed trade has the id of the last of them.
    """
    raw, name = _mapping(trade).get("info"), spec.trade_count_field
    if name is None or not isinstance(raw, Mapping):
        return []
    count, last = decimal_or_none(raw.get(name)), decimal_or_none(_mapping(trade).get("id"))
    if count is None or last is None:
        return []
    return [str(number) for number in range(int(last - count) + 1, int(last))]


def quote_of_ticker(ticker: Any, *, at: datetime) -> Quote:
    fields = _mapping(ticker)
    bid, ask = _positive(fields.get("bid")), _positive(fields.get("ask"))
    if bid is None or ask is None:
        raise OneSided(f"there are no {'bids' if bid is None else 'asks'}")
    return Quote(
        bid=bid,
        ask=ask,
        bid_size=decimal_or_none(fields.get("bidVolume")),
        ask_size=decimal_or_none(fields.get("askVolume")),
        at=at,
    )


def book_of(book: Any, *, at: datetime) -> Book:
    """Convert ccxt's order book, whose numbers are floats; best levels first."""
    fields = _mapping(book)
    return Book(_levels(fields.get("bids"), "bids"), _levels(fields.get("asks"), "asks"), at)


def _levels(side: Any, name: str) -> tuple[Level, ...]:
    """Return a side's levels without those of size 0. Exchanges send a level with size 0 to remove it."""
    try:
        levels = tuple((_positive(price), decimal_or_none(size)) for price, size, *_ in side)
    except (TypeError, ValueError):
        raise AnswerError("a book's side that cannot be read") from None
    levels = tuple((price, size) for price, size in levels if size != ZERO)
    known = tuple((price, size) for price, size in levels if price is not None and size and size > ZERO)
    if not levels:
        raise OneSided(f"there are no {name}")
    if len(known) != len(levels):
        raise AnswerError("a book with an empty level")
    return known


def top_of_book(book: Any, levels: int, *, at: datetime) -> Book:
    """Return the best ``levels`` of either side of ccxt's order book."""
    fields = _mapping(book)
    return book_of({name: _best(fields.get(name), levels) for name in ("bids", "asks")}, at=at)


def quote_of_book(book: Any, *, at: datetime) -> Quote:
    """Return the best bid and ask of ccxt's order book."""
    return top_of_book(book, 1, at=at).touch


def _best(side: Any, levels: int) -> Any:
    """Return the first ``levels`` levels that are not empty. To save time, deeper levels are not read."""
    if not isinstance(side, list):
        return side
    return list(islice((level for level in side if not _is_gone(level)), levels))


def _is_gone(level: Any) -> bool:
    return isinstance(level, Sequence) and len(level) > 1 and decimal_or_none(level[1]) == ZERO


def plain(number: Decimal) -> Decimal:
    """Return a number without trailing zeros and without an exponent."""
    short = number.normalize()
    return short.quantize(Decimal(1)) if short == short.to_integral_value() else short


def as_mapping(value: Any) -> Mapping[str, Any]:
    if not isinstance(value, Mapping):
        raise AnswerError(f"a mapping was expected, not {type(value).__name__}")
    return value


_mapping = as_mapping


def _required(value: T | None, message: str) -> T:
    if value is None:
        raise AnswerError(message)
    return value


def _client_id(value: Any, spec: ExchangeSpec) -> str | None:
    text = text_or_none(value)
    return None if text is None else text.removeprefix(spec.client_id_prefix)


def positive_or_none(value: Any) -> Decimal | None:
    """Return a price or quantity, or None for 0, which exchanges write for "none"."""
    number = decimal_or_none(value)
    return number if number is not None and number > 0 else None


_positive = positive_or_none


def _side_or_none(value: Any) -> Side | None:
    return Side(value) if value in ("buy", "sell") else None


def _liquidity(value: Any) -> Liquidity | None:
    return Liquidity(value) if value in ("maker", "taker") else None


def _filled(order: Mapping[str, Any], spec: ExchangeSpec) -> Decimal | None:
    """Return the cumulative filled quantity; None if ccxt wrote a zero in place of a missing figure."""
    raw = order.get("info")
    if spec.filled_fields and not (
        isinstance(raw, Mapping) and any(raw.get(name) not in (None, "") for name in spec.filled_fields)
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
