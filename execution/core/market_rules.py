"""The rules of a market: checks of orders against them, words for their changes, and their JSON form.

The rules include the status, the price band and the maximums.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, fields, replace
from decimal import Decimal
from typing import Any

from execution.core.numbers import grouped, plain
from execution.core.quantities import ceil_to, floor_to, is_multiple
from execution.core.types import ChildRequest, Market, MarketStatus, Side, TimeInForce

_WORDS = {
    MarketStatus.BUY_ONLY: "takes only buys now",
    MarketStatus.SELL_ONLY: "takes only sells now",
    MarketStatus.POST_ONLY: "takes only orders that rest now",
    MarketStatus.CANCEL_ONLY: "takes only cancels now",
    MarketStatus.HALTED: "is not trading now",
    MarketStatus.NOT_LISTED: "is no longer listed",
}
_TEXTS = frozenset({"symbol", "base", "quote", "status_word"})
#: Fees are those of the account, at the moment at which the order was sent. So they are no rules of the market.
_FEES = frozenset({"maker_fee", "taker_fee"})


# --- as JSON ---------------------------------------------------------------------------------------


def market_to_json(market: Market) -> dict[str, str | None]:
    """Convert a market to the JSON that is stored with orders and estimates. Decimals become text."""
    return {name: None if value is None else str(value) for name, value in asdict(market).items()}


def market_from_json(data: Mapping[str, Any]) -> Market:
    """Convert JSON back to the market. This is the inverse of ``market_to_json``."""
    values: dict[str, Any] = {
        name: text if name in _TEXTS or text is None else Decimal(text)
        for name, text in data.items()
        if name != "status"
    }
    # An order of before the status was known has none.
    return Market(status=MarketStatus(data.get("status", MarketStatus.OPEN)), **values)


# --- status ----------------------------------------------------------------------------------------


def status_words(market: Market) -> str:
    """Return the market's status in words, with the venue's own word for it; empty for an open market."""
    if market.status is MarketStatus.OPEN:
        return ""
    said = f" (the venue says {market.status_word})" if market.status_word else ""
    return f"{market.symbol} {_WORDS[market.status]}{said}"


def market_block(market: Market, side: Side) -> str:
    """Return the reason why the market accepts no new order of ``side`` now.

    The text is empty if the market accepts some new orders of ``side``, even if only orders that rest.
    """
    open_to = {MarketStatus.OPEN, MarketStatus.POST_ONLY}
    open_to.add(MarketStatus.BUY_ONLY if side is Side.BUY else MarketStatus.SELL_ONLY)
    return "" if market.status in open_to else status_words(market)


def misfit(market: Market, request: ChildRequest) -> str:
    """Return the reason why the market would reject ``request`` under its current rules; empty if it would not."""
    if block := market_block(market, request.side):
        return block
    if market.status is MarketStatus.POST_ONLY and request.time_in_force is not TimeInForce.POST_ONLY:
        return status_words(market)
    if not is_multiple(request.quantity, market.lot):
        return f"the lot of {market.symbol} is {plain(market.lot)} now"
    if request.price is not None and not is_multiple(request.price, market.tick):
        return f"the tick of {market.symbol} is {plain(market.tick)} now"
    return ""


# --- the price band --------------------------------------------------------------------------------


def band_edge(market: Market, side: Side, mid: Decimal) -> Decimal | None:
    """Return the worst price that the price band allows for an order of ``side``: the highest for a buy, the lowest
    for a sell.

    It is on the tick. None if the band has no such edge.
    """
    if side is Side.BUY:
        return None if market.buy_band_high is None else floor_to(mid * market.buy_band_high, market.tick)
    return None if market.sell_band_low is None else ceil_to(mid * market.sell_band_low, market.tick)


def band_far_edge(market: Market, side: Side, mid: Decimal) -> Decimal | None:
    """Return the most passive price that the price band allows for an order of ``side``.

    It is the lowest price for a buy and the highest for a sell, on the tick. None if the band has no such edge.
    """
    if side is Side.BUY:
        return None if market.buy_band_low is None else ceil_to(mid * market.buy_band_low, market.tick)
    return None if market.sell_band_high is None else floor_to(mid * market.sell_band_high, market.tick)


def too_far_to_rest(market: Market, side: Side, price: Decimal, mid: Decimal) -> str:
    """Return the reason why ``price`` is too passive for the venue's price band; empty if an order can rest at
    ``price``.
    """
    edge = band_far_edge(market, side, mid)
    if edge is None or (price - edge) * side.sign >= 0:
        return ""
    bound = "at least" if side is Side.BUY else "at most"
    return f"{grouped(price)} is outside the venue's price band, which asks for {bound} {grouped(edge)} now"


# --- the maximums ----------------------------------------------------------------------------------


def largest_quantity(market: Market, price: Decimal) -> Decimal | None:
    """Return the largest base quantity that one order at ``price`` may have, on the lot; None if there is no limit."""
    bounds = [] if market.max_quantity is None else [market.max_quantity]
    if market.max_notional is not None:
        bounds.append(market.max_notional / price)
    return floor_to(min(bounds), market.lot) if bounds else None


def within_most(market: Market, quantity: Decimal, price: Decimal) -> Decimal:
    """Return ``quantity``, or the largest quantity that one order at ``price`` may have if that is less."""
    most = largest_quantity(market, price)
    return quantity if most is None else min(quantity, most)


# --- what has changed ------------------------------------------------------------------------------


def rules_changed(before: Market, after: Market) -> dict[str, tuple[str | None, str | None]]:
    """Return the old and the new value of each rule that differs, by its name.

    Fees are not rules. The venue's own word for the status is compared only if the market was not open before and is
    not open now.
    """
    names = [field.name for field in fields(Market) if field.name not in _FEES | {"status_word"}]
    if after.status is not MarketStatus.OPEN and before.status is not MarketStatus.OPEN:
        names.append("status_word")
    pairs = {name: (getattr(before, name), getattr(after, name)) for name in names}
    return {name: (_text(was), _text(now)) for name, (was, now) in pairs.items() if was != now}


def with_new_rules(before: Market, after: Market) -> Market:
    """Return ``after``, the market with its new rules, but with the fees of ``before``."""
    return replace(after, maker_fee=before.maker_fee, taker_fee=before.taker_fee)


def change_words(market: Market, changes: dict[str, tuple[str | None, str | None]]) -> str:
    """Return words such as ``tick 0.01 → 0.05, BTC/USDT is not trading now (the venue says BREAK)``."""
    numbers = [
        f"{name.replace('_', ' ')} {was or 'none'} → {now or 'none'}"
        for name, (was, now) in changes.items()
        if name not in ("status", "status_word")
    ]
    is_status = "status" in changes or "status_word" in changes
    words = [status_words(market) or f"{market.symbol} trades again"] if is_status else []
    return ", ".join([*words, *numbers])


def _text(value: object) -> str | None:
    if value is None:
        return None
    return plain(value) if isinstance(value, Decimal) else str(value)
