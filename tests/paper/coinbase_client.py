"""Shared by the tests of the coinbase dialect."""

from __future__ import annotations

import time
from decimal import Decimal
from typing import Any

from tests.paper.running import SYMBOL, Paper, eventually


async def place(
    client: Any, client_id: str, price: Decimal | None, quantity: str = "0.01", **more: Any
) -> Any:
    side = more.pop("side", "buy")
    kind = "limit" if price else "market"
    return await client.create_order(
        SYMBOL,
        kind,
        side,
        float(quantity),
        float(price) if price else None,
        {"client_order_id": client_id, **more},
    )


async def raw(client: Any, order_id: str) -> Any:
    return (await client.fetch_order(order_id))["info"]


async def shown(client: Any, order_id: str, status: str) -> Any:
    """Return the order as soon as it has this state, which may take a moment."""

    async def look() -> Any:
        order = await raw(client, order_id)
        return order if order["status"] == status else None

    return await eventually(look)


class Clock:
    """The exchange's clock, which a test sets ahead of the client's, or has stand still."""

    def __init__(self) -> None:
        self.ahead = 0.0
        self.stands_at: float | None = None

    def __call__(self) -> float:
        return (time.time() if self.stands_at is None else self.stands_at) + self.ahead


async def has_passed(paper: Paper, clock: Clock) -> bool:
    """Return whether the exchange's market has reached the clock's time. It moves each tenth of a second."""
    now = int(clock() * 1000)
    return bool((await paper.control("GET", "status"))["advanced"] >= now)
