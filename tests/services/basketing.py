"""Baskets as tests write and send them."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import redis

from execution.core.orders.basket import BasketRow
from execution.core.orders.terms import parse_order_request
from execution.models import Basket, User
from execution.services.orders.basket_confirmation import BasketConfirmation
from execution.services.orders.basket_preview import BasketPreview, basket_preview
from execution.services.orders.basket_submit import basket_submit
from tests.factories import NOW, Rows

#: Nothing confirmed, as the desk's own code sends.
PLAIN = BasketConfirmation()


def without_market(rows: Rows) -> None:
    """Take every quote away."""
    with redis.Redis.from_url(rows.redis_url) as client:
        client.flushdb()


def basket_rows(rows: Rows, *changes: dict[str, Any]) -> list[BasketRow]:
    """Return a basket: the usual order with each of these changes."""
    return [
        BasketRow(number, parse_order_request(rows.raw(**change)))
        for number, change in enumerate(changes, start=1)
    ]


def parts(rows: Rows, count: int, **changes: Any) -> list[BasketRow]:
    """Return a basket of so many orders that differ in their reference alone."""
    return basket_rows(rows, *({**changes, "client_reference": str(number)} for number in range(count)))


def previewed(rows: Rows, basket: list[BasketRow]) -> BasketPreview:
    return basket_preview(person=rows.trader, name="", rows=basket, clock=lambda: NOW)


def sent(
    rows: Rows,
    basket: list[BasketRow],
    *,
    key: str = "basket-1",
    person: User | None = None,
    name: str = "",
    confirmed: BasketConfirmation = PLAIN,
    now: datetime = NOW,
) -> Basket:
    return basket_submit(
        person=person or rows.trader, name=name, rows=basket, key=key, clock=lambda: now, confirmed=confirmed
    )
