"""The conversion of ccxt's market, together with the exchange's raw answer, into core's ``Market``."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import Any

from execution.core.types import ZERO, Market, MarketStatus
from execution.venues.convert import as_mapping, plain, positive_or_none
from execution.venues.spec import MarketFields, Path
from execution.venues.values import AnswerError, decimal_or_none

#: ccxt's precision modes.
DECIMAL_PLACES, SIGNIFICANT_DIGITS, TICK_SIZE = 2, 3, 4
#: binance's filters of a price against the reference price. Each has four fields: the lower and upper multiplier for a
#: buy, then for a sell.
BAND_FILTERS = {
    "PERCENT_PRICE": ("multiplierDown", "multiplierUp", "multiplierDown", "multiplierUp"),
    "PERCENT_PRICE_BY_SIDE": (
        "bidMultiplierDown",
        "bidMultiplierUp",
        "askMultiplierDown",
        "askMultiplierUp",
    ),
}

#: For an exchange whose raw markets are not read.
NOTHING_MORE = MarketFields()

Fees = tuple[Decimal | None, Decimal | None]


def market_limits(
    market: Any, *, precision_mode: int, fees: Fees | None = None, said: MarketFields = NOTHING_MORE
) -> Market:
    """Return a market's rules and fees.

    ``fees`` are the account's own (maker, taker) rates. Without them, the rates that ccxt publishes are used.

    ``said`` names the fields of the raw answer that ccxt does not read. Raise ``AnswerError`` if tick or lot cannot be
    read.
    """
    fields = as_mapping(market)
    raw = fields.get("info")
    info: Mapping[str, Any] = raw if isinstance(raw, Mapping) else {}
    precision, limits = as_mapping(fields.get("precision")), as_mapping(fields.get("limits"))
    symbol = str(fields["symbol"])
    tick = _at(info, said.tick)
    lot = step_of(precision.get("amount"), precision_mode=precision_mode, what=f"lot of {symbol}")
    maker, taker = fees or (decimal_or_none(fields.get("maker")), decimal_or_none(fields.get("taker")))
    status, word = market_status(fields, info, said)
    buy_low, buy_high, sell_low, sell_high = _band(info, said)
    return Market(
        symbol=symbol,
        base=str(fields["base"]),
        quote=str(fields["quote"]),
        tick=plain(tick)
        if tick is not None
        else step_of(precision.get("price"), precision_mode=precision_mode, what=f"tick of {symbol}"),
        lot=lot,
        min_quantity=plain(_limit(limits, "amount", "min") or lot),
        min_notional=plain(_limit(limits, "cost", "min") or ZERO),
        max_quantity=_smallest(info, said.max_quantity) or _limit(limits, "amount", "max"),
        max_notional=_smallest(info, said.max_notional) or _limit(limits, "cost", "max"),
        maker_fee=maker,
        taker_fee=taker,
        buy_band_low=buy_low,
        buy_band_high=buy_high,
        sell_band_low=sell_low,
        sell_band_high=sell_high,
        status=status,
        status_word=word,
    )


def is_closed(market: Mapping[str, Any], said: MarketFields) -> bool:
    """Return True if no order may be sent to ccxt's ``market`` now. The limits of a closed market may be missing."""
    info = market.get("info")
    status, _ = market_status(market, info if isinstance(info, Mapping) else {}, said)
    return status not in {MarketStatus.OPEN, MarketStatus.POST_ONLY}


def market_status(
    market: Mapping[str, Any], info: Mapping[str, Any], said: MarketFields
) -> tuple[MarketStatus, str]:
    """Return the market's status and the venue's word for it.

    1. The first status field whose value does not mean open sets the status. An unknown value means halted.
    2. If all status fields mean open, the market is open.
    3. Without any status field, ccxt's ``active`` decides. If that is missing too, the market is halted.
    """
    found = [(field.words, info.get(field.name), field.name) for field in said.status]
    known = [(words, raw, name) for words, raw, name in found if isinstance(raw, bool | str) and raw != ""]
    for words, raw, name in known:
        status = words.get(str(raw).lower(), MarketStatus.HALTED)
        if status is not MarketStatus.OPEN:
            return status, raw if isinstance(raw, str) else name if raw else f"{name}: false"
    if known:
        return MarketStatus.OPEN, next((raw for _, raw, _ in known if isinstance(raw, str)), "")
    active = market.get("active")
    if active is True:
        return MarketStatus.OPEN, ""
    return MarketStatus.HALTED, "inactive" if active is False else "nothing of its status"


def _band(info: Mapping[str, Any], said: MarketFields) -> tuple[Decimal | None, ...]:
    """Return four factors of the reference price: lowest and highest for a buy, then for a sell. None is unknown."""
    if said.has_filters:
        return _filter_band(info)
    above, below = _at(info, said.buy_ratio), _at(info, said.sell_ratio)
    return (
        None,
        None if above is None else 1 + above,
        # A ratio of 1 and more bounds nothing.
        None if below is None or below >= 1 else 1 - below,
        None,
    )


def _filter_band(info: Mapping[str, Any]) -> tuple[Decimal | None, ...]:
    listed = info.get("filters")
    for entry in listed if isinstance(listed, list) else ():
        names = BAND_FILTERS.get(entry.get("filterType", "")) if isinstance(entry, Mapping) else None
        if names is not None:
            return tuple(positive_or_none(entry.get(name)) for name in names)
    return (None, None, None, None)


def _at(info: Mapping[str, Any], path: Path | None) -> Decimal | None:
    """Return the positive number at ``path`` in the raw market; None if there is none."""
    if path is None:
        return None
    found: Any = info
    for key in path:
        found = found.get(key) if isinstance(found, Mapping) else None
    return positive_or_none(found)


def _smallest(info: Mapping[str, Any], paths: tuple[Path, ...]) -> Decimal | None:
    known: Iterator[Decimal] = (number for path in paths if (number := _at(info, path)) is not None)
    return min(known, default=None)


def _limit(limits: Mapping[str, Any], name: str, bound: str) -> Decimal | None:
    return positive_or_none((limits.get(name) or {}).get(bound))


def step_of(precision: Any, *, precision_mode: int, what: str) -> Decimal:
    """Return the step of prices or quantities, the tick or the lot.

    Raise ``AnswerError`` if there is no fixed step.
    """
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
