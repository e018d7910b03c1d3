"""The real engine on a real paper exchange in each dialect, and in two of them at once."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from execution.core.states import ORDER_FINAL, OrderStatus
from execution.models import Account, Order, Venue
from tests.acceptance.dialects import COINBASE, OKX, Dialect
from tests.desk.running import wait_until
from tests.engine.running import EngineThread, World, check_books

D = Decimal
LABELS = ("twap", "iceberg", "router", "binance")


@pytest.fixture(params=[OKX, COINBASE], ids=lambda dialect: str(dialect.exchange))
def spoken(request: pytest.FixtureRequest) -> Dialect:
    """Return the dialect beside binance's."""
    dialect: Dialect = request.param
    return dialect


@pytest.fixture
def accounts(world: World, engine: EngineThread, spoken: Dialect) -> dict[str, Account]:
    """Return accounts by label: in the dialect, of which "twap" has no base to begin with, and one on binance."""
    options = spoken.options(f"http://127.0.0.1:{world.exchange.port}")
    venue = Venue.objects.create(label=spoken.exchange, exchange=spoken.exchange, options=options)
    world.exchange.add_accounts(["twap"], {"USDT": "100000"})
    world.exchange.add_accounts(["iceberg", "router", "binance"])
    opened = {label: world.account(label, None if label == "binance" else venue) for label in LABELS}
    engine.start()
    world.wait_open(opened.values())
    wait_until(venue.markets.exists, within=20, what=f"the limits of {spoken.exchange}")
    return opened


def completed(order: Order, within: float = 60) -> Order:
    def is_final() -> bool:
        order.refresh_from_db()
        return order.status in ORDER_FINAL

    wait_until(is_final, within=within, what=f"the end of {order.algorithm}")
    assert order.status == OrderStatus.COMPLETED, order.why
    return order


def theirs(world: World, *labels: str) -> dict[str, Any]:
    """Return orders and trades of some accounts, as the exchange has them."""
    ledger = world.exchange.ledger()
    return {name: [row for label in labels for row in ledger[label][name]] for name in ("orders", "trades")}


def test_orders_end_in_the_dialect_and_on_two_exchanges_at_once_with_books_that_agree(
    accounts: dict[str, Account], world: World, spoken: Dialect
) -> None:
    """Filled is gross; the account holds it less the fee, where that was taken of what came."""
    patient = {"duration": "24", "urgency": "0.875"}  # a busy machine must not run out of an order's time
    twap = world.submit(accounts["twap"], parameters=patient)
    iceberg = world.submit(
        accounts["iceberg"],
        algorithm="iceberg",
        quantity="0.03",
        # It only rests: the market has to come to it.
        parameters={"duration": "200", "visible_quantity": "0.01"},
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
    assert fees > 0
    assert (twap.filled, held) == (D("0.02"), D("0.02") - (fees if spoken.charges_base else 0))

    check_books(completed(iceberg, within=200), theirs(world, "iceberg"))
    assert max(child.quantity for child in iceberg.children.all()) == D("0.01")
    check_books(completed(split), theirs(world, "router", "binance"))
