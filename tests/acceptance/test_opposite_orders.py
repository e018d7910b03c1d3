"""A buy and a sell of the desk on one account, on a paper exchange with self-trade prevention, in both dialects.

``TRANCHE_OPPOSITE_SECONDS`` makes the orders longer than those of the suite.
"""

from __future__ import annotations

import os
from decimal import Decimal
from typing import Any

from execution.core.states import OrderStatus
from execution.models import Venue
from tests.acceptance.dialects import okx_options
from tests.desk.running import wait_until
from tests.engine.running import EngineThread, World, check_books

SECONDS = float(os.environ.get("TRANCHE_OPPOSITE_SECONDS", "20"))
#: The sell crosses at once, where the buy rests at the touch or inside the spread.
URGENCIES = {"buy": "0.5", "sell": "1"}
DUST = Decimal("0.0002")  #: less than the exchange's minimum
#: How the paper exchange keeps an order that self-trade prevention ended, in either dialect.
PREVENTED = "EXPIRED_IN_MATCH"


def test_a_buy_and_a_sell_on_one_account_complete_and_never_meet(world: World, engine: EngineThread) -> None:
    options = okx_options(f"http://127.0.0.1:{world.exchange.port}")
    okx = Venue.objects.create(label="okx", exchange="okx", options=options)
    world.exchange.add_accounts(["binance", "okx"])
    accounts = {"binance": world.account("binance"), "okx": world.account("okx", okx)}
    engine.start()
    world.wait_open(accounts.values())
    wait_until(okx.markets.exists, within=20, what="the limits of okx")
    orders = [
        world.submit(
            account,
            key=f"{label} {side}",
            side=side,
            quantity="0.4",
            parameters={"duration": str(SECONDS), "slices": "5", "urgency": urgency},
        )
        for label, account in accounts.items()
        for side, urgency in URGENCIES.items()
    ]
    world.wait_final(orders, within=SECONDS + 60)
    theirs = world.exchange.ledger()
    for label in accounts:
        prevented = [row for row in theirs[label]["orders"] if row["status"] == PREVENTED]
        assert not prevented, "self-trade prevention ended a child of the desk"
    for order in orders:
        order.refresh_from_db()
        # A part fill may leave less than the exchange's minimum, which nobody takes.
        assert order.status == OrderStatus.COMPLETED or order.quantity - order.filled < DUST, order.reason
        own = {child.client_id for child in order.children.all()}
        check_books(order, its_own(theirs[order.accounts.get().label], own))


def its_own(theirs: dict[str, Any], own: set[str]) -> dict[str, Any]:
    """Return orders and trades of one of the orders on an account, as the exchange has them."""
    return {name: [row for row in theirs[name] if row["client_id"] in own] for name in ("orders", "trades")}
