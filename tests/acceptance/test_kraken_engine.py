"""The real engine on a real paper exchange in kraken's dialect."""

from __future__ import annotations

from typing import Any

from execution.models import Venue
from tests.acceptance.dialects import kraken_options, kraken_trade_id
from tests.acceptance.test_engine import completed
from tests.engine.running import EngineThread, World, check_books


def theirs(world: World, label: str) -> dict[str, Any]:
    """Return orders and trades of an account, as the exchange has them, with kraken's ids of trades."""
    ledger = world.exchange.ledger()[label]
    trades = [{**trade, "id": kraken_trade_id(trade)} for trade in ledger["trades"]]
    return {"orders": ledger["orders"], "trades": trades}


def test_an_order_ends_on_kraken_with_books_that_agree_and_no_counter_passed(
    world: World, engine: EngineThread
) -> None:
    options = kraken_options(f"http://127.0.0.1:{world.exchange.port}")
    world.venue = Venue.objects.create(label="kraken", exchange="kraken", options=options)
    world.exchange.add_accounts(["kraken"])
    account = world.account("kraken")
    engine.start()
    world.wait_open([account])
    order = world.submit(account, parameters={"duration": "24", "urgency": "0.875"})
    check_books(completed(order), theirs(world, "kraken"))
    counted = world.exchange.control("GET", "limits")["counters"]["kraken"]
    assert counted["refused"] == {}
    for counter in (counted["calls"], *counted["trading"].values()):
        assert 0 < counter["peak"] <= counter["limit"]
    assert {fill.fee_currency for fill in order.fills.all()} == {"USDT"}
