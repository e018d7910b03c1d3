"""The real engine on a real paper exchange in kraken's dialect."""

from __future__ import annotations

import time
from typing import Any

from execution.models import Account, ChildOrder, Venue
from execution.services.orders.orders import order_cancel
from tests.acceptance.dialects import kraken_options, kraken_trade_id
from tests.acceptance.test_engine import completed
from tests.desk.running import wait_until
from tests.engine.running import EngineThread, World, check_books, now
from tests.patience import slowness

#: Cancelled one by one, they cost eight of the trading counter each: 96, of which 48 are left, and one grows back in a
#: second.
RESTING, GONE_WITHIN = 12, 10.0


def theirs(world: World, label: str) -> dict[str, Any]:
    """Return orders and trades of an account, as the exchange has them, with kraken's ids of trades."""
    ledger = world.exchange.ledger()[label]
    trades = [{**trade, "id": kraken_trade_id(trade)} for trade in ledger["trades"]]
    return {"orders": ledger["orders"], "trades": trades}


def kraken_account(world: World) -> Account:
    """Return an account at the paper exchange, which speaks kraken's dialect."""
    options = kraken_options(f"http://127.0.0.1:{world.exchange.port}")
    world.venue = Venue.objects.create(label="kraken", exchange="kraken", options=options)
    world.exchange.add_accounts(["kraken"])
    return world.account("kraken")


def test_an_order_ends_on_kraken_with_books_that_agree_and_no_counter_passed(
    world: World, engine: EngineThread
) -> None:
    account = kraken_account(world)
    engine.start()
    world.wait_open([account])
    order = world.submit(account, parameters={"duration": "24", "urgency": "0.875"})
    check_books(completed(order), theirs(world, "kraken"))
    counted = world.exchange.control("GET", "limits")["counters"]["kraken"]
    assert counted["refused"] == {}
    for counter in (counted["calls"], *counted["trading"].values()):
        assert 0 < counter["peak"] <= counter["limit"]
    assert {fill.fee_currency for fill in order.fills.all()} == {"USDT"}


def test_many_young_children_of_a_pair_are_gone_without_waiting_for_its_counter(
    world: World, engine: EngineThread
) -> None:
    account = kraken_account(world)
    Account.objects.update(is_exclusive=True)
    engine.start()
    world.wait_open([account])
    world.exchange.control("POST", "market", {"symbol": "BTC/USDT", "freeze": True})
    parameters = {"duration": "300", "slices": "1", "urgency": "0"}
    orders = [world.submit(account, key=f"order {n}", parameters=parameters) for n in range(RESTING)]
    wait_until(
        lambda: ChildOrder.objects.filter(status="open").count() == RESTING,
        within=60,
        what="resting children",
    )
    begun = time.monotonic()
    for order in orders:
        order_cancel(public_id=order.public_id, person=order.trader, reason="", now=now())
    world.wait_final(orders, within=90)
    took = time.monotonic() - begun
    print(f"{RESTING} young children were gone after {took:.1f} s")
    assert took < GONE_WITHIN * slowness()
    # Requests that overtake each other are refused for their nonce, and sent again.
    assert set(world.exchange.control("GET", "limits")["counters"]["kraken"]["refused"]) <= {"nonce"}
