"""The exchange is down at launch, and again for a while in the middle: the order waits and goes on."""

from __future__ import annotations

import time

from execution.core.states import OrderStatus
from tests.desk.running import wait_until
from tests.engine.exchange import Exchange
from tests.engine.running import EngineThread, World, check_against_ledger, end_in

OUTAGE = 10.0  # seconds


def test_an_order_waits_for_an_exchange_that_is_down_says_why_and_goes_on(
    exchange: Exchange, world: World, engine: EngineThread
) -> None:
    exchange.add_accounts(["outage"])
    account = world.account("outage")
    engine.start()
    world.wait_open([account])

    exchange.kill()
    time.sleep(6)  # until the market data is too old to act on
    parameters = {"duration": "3600", "slices": "720", "catch_up_cap": "9"}
    order = world.submit(account, quantity="0.3", parameters=parameters)

    def why() -> str:
        order.refresh_from_db()
        return order.why

    reasons = ("market data", "not reconciled")
    wait_until(
        lambda: any(word in why() for word in reasons), within=10, what="the order to say why it waits"
    )
    assert order.filled == 0
    exchange.start()
    wait_until(lambda: why() and order.filled > 0, within=40, what="the order to go on after the launch")

    exchange.kill()
    time.sleep(OUTAGE)
    assert order.children.filter(is_settled=False).count() <= 1
    assert any(word in why() for word in ("market data", "settled", "rests", "not reconciled")), why()
    exchange.start()
    filled = order.filled
    wait_until(lambda: why() and order.filled > filled, within=40, what="the order to go on after the outage")
    end_in(20, order)

    world.wait_final([order], within=90)
    order.refresh_from_db()
    time.sleep(1)
    check_against_ledger(order, exchange.ledger())
    assert order.status in {OrderStatus.COMPLETED, OrderStatus.EXPIRED}
    if order.status == OrderStatus.EXPIRED:
        assert "left" in order.reason
