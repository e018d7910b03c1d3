"""The real engine on a real paper exchange in okx's dialect, and in both at once."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from execution.core.states import ORDER_FINAL, OrderStatus
from execution.models import Account, Order, Venue
from tests.acceptance.dialects import okx_options
from tests.desk.running import wait_until
from tests.engine.conftest import engine, exchange, world
from tests.engine.running import EngineThread, World, check_books

__all__ = ["engine", "exchange", "world"]

D = Decimal
LABELS = ("twap", "iceberg", "router", "binance")


@pytest.fixture
def accounts(world: World, engine: EngineThread) -> dict[str, Account]:
    """By label: accounts on okx, of which "twap" has no base to begin with, and one on binance."""
    options = okx_options(f"http://127.0.0.1:{world.exchange.port}")
    okx = Venue.objects.create(label="okx", exchange="okx", options=options)
    world.exchange.add_accounts(["twap"], {"USDT": "100000"})
    world.exchange.add_accounts(["iceberg", "router", "binance"])
    opened = {label: world.account(label, None if label == "binance" else okx) for label in LABELS}
    engine.start()
    world.wait_open(opened.values())
    wait_until(okx.markets.exists, within=20, what="the limits of okx")
    return opened


def completed(order: Order, within: float = 60) -> Order:
    def is_final() -> bool:
        order.refresh_from_db()
        return order.status in ORDER_FINAL

    wait_until(is_final, within=within, what=f"the end of {order.algorithm}")
    assert order.status == OrderStatus.COMPLETED, order.why
    return order


def theirs(world: World, *labels: str) -> dict[str, Any]:
    """Orders and trades of some accounts, as the exchange has them."""
    ledger = world.exchange.ledger()
    return {name: [row for label in labels for row in ledger[label][name]] for name in ("orders", "trades")}


def test_orders_end_on_okx_and_on_both_exchanges_at_once_with_books_that_agree(
    accounts: dict[str, Account], world: World
) -> None:
    """Filled is gross; the account holds it less the fee, which was taken of what came."""
    patient = {"duration": "24", "urgency": "0.875"}  # a busy machine must not run out of an order's time
    twap = world.submit(accounts["twap"], parameters=patient)
    iceberg = world.submit(
        accounts["iceberg"],
        algorithm="iceberg",
        quantity="0.03",
        parameters={"duration": "60", "visible_quantity": "0.01"},
    )
    split = world.submit(
        accounts["router"],
        accounts=["router", "binance"],
        quantity="3",
        parameters=patient,
    )
    check_books(completed(twap), theirs(world, "twap"))
    fees = sum((fill.fee for fill in twap.fills.all() if fill.fee is not None), D(0))
    held = D(world.exchange.ledger()["twap"]["balances"]["BTC"]["free"])
    assert (twap.filled, held) == (D("0.02"), D("0.02") - fees)

    check_books(completed(iceberg), theirs(world, "iceberg"))
    assert max(child.quantity for child in iceberg.children.all()) == D("0.01")
    check_books(completed(split), theirs(world, "router", "binance"))
