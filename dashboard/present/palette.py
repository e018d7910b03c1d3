"""The items of the palette: names, details and addresses of what a search found."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any
from urllib.parse import urlencode

from django.urls import reverse

from dashboard.present.pages import Page
from execution.core.durations import as_clock, as_words
from execution.core.numbers import grouped, plain
from execution.core.orders.order_words import WordedOrder
from execution.core.orders.terms import ALGORITHMS
from execution.core.types import Unit
from execution.payloads.palette import PaletteItem

SIDES = {"buy": "▲ BUY", "sell": "▼ SELL"}


def page_item(page: Page) -> PaletteItem:
    return PaletteItem(label=page.label, detail=page.detail, url=page.url)


def ticket_url(fields: Mapping[str, str | Sequence[str]]) -> str:
    """Return the address of a ticket with these fields filled in."""
    return f"{reverse('ticket')}?{urlencode(fields, doseq=True)}"


def worded_item(order: WordedOrder) -> PaletteItem:
    """Return an item that opens the ticket of an order in words. Its detail says which parts are still missing."""
    market, rate = order.market, order.participation_rate
    currency = market.quote if order.unit is Unit.QUOTE else market.base
    size = "" if order.quantity is None else f"{grouped(order.quantity)} {currency}"
    parts = [
        f"{SIDES[order.side]} {size or market.base}",
        market.symbol,
        ALGORITHMS[order.algorithm].label if order.algorithm else "",
        "" if rate is None else f"{grouped(rate.scaleb(2))} % of the volume",
        "" if order.duration is None else as_words(order.duration),
        "" if order.limit_price is None else f"limit {grouped(order.limit_price)}",
        ", ".join(account.label for account in order.accounts),
    ]
    fields = worded_fields(order)
    asked = (
        ("quantity", "quantity"),
        ("algorithm", "algorithm"),
        *_required(order.algorithm),
        ("duration", "duration"),
        ("accounts", "account"),
    )
    missing = [label for name, label in asked if name not in fields]
    return PaletteItem(
        label=" · ".join(filter(None, parts)),
        detail=f"opens the ticket; still to choose: {', '.join(missing)}" if missing else "opens the ticket",
        url=ticket_url(fields),
    )


def _required(algorithm: str) -> list[tuple[str, str]]:
    """Return the names and labels of the algorithm's parameters that have no default."""
    known = ALGORITHMS[algorithm].parameters.model_fields if algorithm else {}
    return [(name, (info.title or name).lower()) for name, info in known.items() if info.is_required()]


def worded_fields(order: WordedOrder) -> dict[str, str | list[str]]:
    """Return an order in words as the fields of the ticket. Parts that were not written are left out."""
    fields: dict[str, str | list[str]] = {"side": order.side.value, "symbol": order.market.symbol}
    if order.quantity is not None:
        fields |= {"quantity": plain(order.quantity), "unit": order.unit.value}
    if order.algorithm:
        fields["algorithm"] = order.algorithm
    if order.participation_rate is not None:
        fields["participation_rate"] = plain(order.participation_rate.scaleb(2))
    if order.duration is not None:
        fields["duration"] = as_clock(order.duration)
    if order.limit_price is not None:
        fields["limit_price"] = plain(order.limit_price)
    if order.accounts:
        fields["accounts"] = [account.label for account in order.accounts]
    return fields


def symbol_items(symbols: Iterable[str], *, may_trade: bool) -> list[PaletteItem]:
    """Return an item for each symbol.

    For a trader it opens a new ticket, for others the list of the symbol's live orders.
    """
    if may_trade:
        return [
            PaletteItem(label=symbol, detail="new order", url=ticket_url({"symbol": symbol}))
            for symbol in symbols
        ]
    return [
        PaletteItem(
            label=symbol,
            detail="live orders",
            url=f"{reverse('orders')}?{urlencode({'symbol': symbol, 'state': 'live'})}",
        )
        for symbol in symbols
    ]


def order_item(order: Any, *, with_trader: bool) -> PaletteItem:
    parts = [
        order.status.replace("_", " "),
        order.algorithm.upper(),
        order.client_reference,
        order.trader.get_username() if with_trader else "",
    ]
    return PaletteItem(
        label=f"{SIDES[order.side]} {grouped(order.quantity)} {order.symbol} · {order.public_id}",
        detail=" · ".join(filter(None, parts)),
        url=reverse("order", args=[order.public_id]),
    )


def basket_item(basket: Any) -> PaletteItem:
    orders = f"{basket.size} order{'' if basket.size == 1 else 's'}"
    return PaletteItem(
        label=f"Basket {basket.name or basket.public_id}",
        detail=f"{orders} · {basket.created_at:%Y-%m-%d %H:%M} UTC · {basket.public_id}",
        url=reverse("basket", args=[basket.public_id]),
    )


def account_item(account: Any) -> PaletteItem:
    return PaletteItem(
        label=f"Account {account.label}",
        detail=account.venue,
        url=reverse("account", args=[account.public_id]),
    )
