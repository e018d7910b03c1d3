"""The ticket's chosen accounts beside each other: what the first slice would cost at each, and what is free."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import ROUND_HALF_EVEN, Decimal

from execution.core.numbers import grouped
from execution.core.orders.view import MAX_QUOTE_AGE
from execution.core.routing.account_selection import effective_price
from execution.core.types import Book, Market, Quote
from execution.selectors.quotes import book_latest
from execution.services.orders.orders import Preview

DASH = "–"


@dataclass(frozen=True, slots=True)
class AccountPlace:
    label: str
    price: str
    touch: str
    fee: str
    steps: str
    free: str
    is_best: bool


def account_places(preview: Preview | None) -> list[AccountPlace]:
    """A row for each account of the request, the cheapest marked; what is not known is a dash."""
    if preview is None or not preview.slices:
        return []
    prices = {
        account.public_id: _price(preview, account.public_id, account.venue_id)
        for account in preview.accounts
    }
    best = _best(preview, prices)
    return [
        _row(preview, account.public_id, account.label, prices[account.public_id], best)
        for account in preview.accounts
    ]


def _row(
    preview: Preview, public_id: str, label: str, price: Decimal | None, best: str | None
) -> AccountPlace:
    market = preview.markets[public_id]
    return AccountPlace(
        label=label,
        price=_shown(price, market.tick),
        touch=_touch(preview.quotes.get(public_id)),
        fee=_fee(market),
        steps=f"{grouped(market.lot)}, {grouped(market.tick)}",
        free=_free(preview.balances.get(public_id)),
        is_best=public_id == best,
    )


def _price(preview: Preview, public_id: str, venue_id: int) -> Decimal | None:
    """What a unit of the first slice costs (a sell: brings) there, crossing now; None unless data are fresh."""
    market = preview.markets[public_id]
    data: Book | Quote | None = book_latest(venue_id, market.symbol) or preview.quotes.get(public_id)
    if data is None or preview.now - data.at > MAX_QUOTE_AGE:
        return None
    return effective_price(preview.request.side, preview.slices[0].quantity, data, market.taker_fee)


def _best(preview: Preview, prices: Mapping[str, Decimal | None]) -> str | None:
    known = {public_id: price for public_id, price in prices.items() if price is not None}
    sign = preview.request.side.sign
    return min(known, key=lambda public_id: known[public_id] * sign, default=None)


def _shown(price: Decimal | None, tick: Decimal) -> str:
    """One digit more than the tick: fees are finer than it."""
    if price is None:
        return DASH
    return f"{price.quantize(tick.normalize() / 10, ROUND_HALF_EVEN):,f}"


def _touch(quote: Quote | None) -> str:
    return DASH if quote is None else f"{grouped(quote.bid)} / {grouped(quote.ask)}"


def _fee(market: Market) -> str:
    return DASH if market.taker_fee is None else f"{grouped(market.taker_fee * 10_000)} bp"


def _free(amount: Decimal | None) -> str:
    if amount is None:
        return DASH
    return f"{amount:,.2f}" if amount >= 1 else grouped(amount)
