"""The chosen accounts of a ticket, side by side: the cost of the order's first slice at each, and its free balance."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

from dashboard.present import numbers
from dashboard.present.numbers import DASH
from execution.core.market_data.freshness import is_fresh
from execution.core.numbers import grouped
from execution.core.orders.reservation import Cost
from execution.core.routing.account_selection import effective_price
from execution.core.types import ZERO, Book, Market, Quote, Side
from execution.selectors.quotes import book_latest
from execution.services.orders.order_market import OrderMarket
from execution.services.orders.stages import Preview


@dataclass(frozen=True, slots=True)
class AccountPlace:
    label: str
    price: str
    touch: str
    fee: str
    steps: str
    free: str
    reserved: str
    is_best: bool


def account_places(preview: Preview | None) -> list[AccountPlace]:
    """Return a row for each account in the preview's request.

    The cheapest account is marked. An unknown figure is a dash.
    """
    if preview is None or preview.market is None or not preview.slices:
        return []
    market, quantity = preview.market, preview.slices[0].quantity
    prices = {
        account.public_id: _price(market, account.public_id, account.venue_id, quantity)
        for account in market.accounts
    }
    best = _best(market.side, prices)
    return [
        _row(market, account.public_id, account.label, prices[account.public_id], best)
        for account in market.accounts
    ]


def _row(
    order: OrderMarket, public_id: str, label: str, price: Decimal | None, best: str | None
) -> AccountPlace:
    market = order.markets[public_id]
    return AccountPlace(
        label=label,
        price=numbers.price(price, market.tick),
        touch=_touch(order.quotes.get(public_id)),
        fee=_fee(market),
        steps=f"{grouped(market.lot)}, {grouped(market.tick)}",
        free=_free(order.balances.get(public_id)),
        reserved=_reserved([each.reserve[public_id].total for each in order.spending.on(public_id)]),
        is_best=public_id == best,
    )


def _price(order: OrderMarket, public_id: str, venue_id: int, quantity: Decimal) -> Decimal | None:
    market = order.markets[public_id]
    data: Book | Quote | None = book_latest(venue_id, market.symbol) or order.quotes.get(public_id)
    if data is None or not is_fresh(data.at, order.now):
        return None
    return effective_price(order.side, quantity, data, market.taker_fee)


def _best(side: Side, prices: Mapping[str, Decimal | None]) -> str | None:
    known = {public_id: price for public_id, price in prices.items() if price is not None}
    return min(known, key=lambda public_id: known[public_id] * side.sign, default=None)


def _touch(quote: Quote | None) -> str:
    return DASH if quote is None else f"{grouped(quote.bid)} / {grouped(quote.ask)}"


def _fee(market: Market) -> str:
    return DASH if market.taker_fee is None else f"{grouped(market.taker_fee * 10_000)} bp"


def _reserved(costs: Sequence[Cost]) -> str:
    """Return the sum of the amounts that live orders reserve. If one of them is unknown, return the least
    possible sum after a ``≥``.
    """
    amount = _free(sum((cost.amount for cost in costs), ZERO))
    return amount if all(cost.is_known for cost in costs) else f"≥ {amount}"


def _free(amount: Decimal | None) -> str:
    if amount is None:
        return DASH
    return f"{amount:,.2f}" if amount >= 1 else grouped(amount)
