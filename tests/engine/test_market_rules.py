"""A market that closes, or whose tick and lot change, while an order runs: the order waits, says why, takes over the
new rules and goes on, with no person. The real engine, ccxt's own classes, and the paper exchange in two dialects."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from execution.core.problems import Refused
from execution.engine import market_rules
from execution.models import Account, Market, Order, Venue
from execution.selectors.markets import market_from_json
from tests.acceptance.dialects import okx_options
from tests.desk.running import wait_until
from tests.engine.exchange import Exchange
from tests.engine.running import EngineThread, World, check_against_ledger, end_in
from tests.factories import D

pytestmark = pytest.mark.real_process


def rules(exchange: Exchange, **changes: str) -> None:
    exchange.control("POST", "rules", {"symbol": "BTC/USDT", **changes})


def opened(world: World, engine: EngineThread, *labels: str) -> list[Account]:
    """Open accounts of a running engine: of okx's dialect by that label, of binance's by any other."""
    options = okx_options(f"http://127.0.0.1:{world.exchange.port}")
    okx = Venue.objects.create(label="okx", exchange="okx", options=options)
    world.exchange.add_accounts(list(labels))
    accounts = [world.account(label, okx if label == "okx" else None) for label in labels]
    engine.start()
    world.wait_open(accounts)
    wanted = len({account.venue_id for account in accounts})
    wait_until(lambda: Market.objects.count() == wanted, within=40, what="the limits of every venue")
    return accounts


def wait_why(orders: dict[str, Order], words: dict[str, str]) -> None:
    def all_say() -> bool:
        for order in orders.values():
            order.refresh_from_db()
        return all(words[label] in order.why for label, order in orders.items())

    try:
        wait_until(all_say, within=80, what=f"orders to say {words}")
    except BaseException:
        print([(label, order.status, order.why) for label, order in orders.items()])
        raise


def wait_market(status: str) -> None:
    def is_so() -> bool:
        return set(Market.objects.values_list("status", flat=True)) == {status}

    wait_until(is_so, within=40, what=f"markets to be {status}")


def test_orders_wait_for_a_market_that_closes_say_why_and_go_on_by_themselves(
    world: World, engine: EngineThread, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(market_rules, "REFRESH_SOONEST", 0.2)
    monkeypatch.setattr(market_rules, "REFRESH_EVERY", 1.0)
    monkeypatch.setattr(market_rules, "REFRESH_WAITING", 0.5)
    accounts = opened(world, engine, "binance", "okx")
    usual: dict[str, Any] = {"quantity": "0.36", "parameters": {"duration": "3600", "slices": "720"}}
    orders = {account.label: world.submit(account, **usual) for account in accounts}
    for status, binance, okx in (
        ("halted", "the venue says BREAK", "the venue says suspend"),
        ("cancel_only", "the venue says CANCEL_ONLY", "the venue says suspend"),
        ("not_listed", "no longer listed", "no longer listed"),
    ):
        rules(world.exchange, status=status)
        wait_why(orders, {"binance": binance, "okx": okx})
        for account in accounts:
            words = {"binance": binance, "okx": okx}[account.label]
            with pytest.raises(Refused, match=words) as refused:
                world.submit(account, key=f"{account.label}-{status}", **usual)
            assert "market_closed" in [problem.code for problem in refused.value.problems]
        rules(world.exchange, status="open")
        wait_market("open")
    for order in orders.values():
        end_in(20, order)
    world.wait_final(orders.values(), within=60)
    ledger = world.exchange.ledger()
    for order in orders.values():
        order.refresh_from_db()
        assert (order.status, order.needs_person) == ("completed", False), order.reason
        assert order.journal.filter(kind="market").count() == 6
        assert not order.journal.filter(kind="pause").exists()
        check_against_ledger(order, ledger)


def test_tick_lot_and_minimum_that_change_under_a_running_order_are_adopted_after_a_refusal(
    world: World, engine: EngineThread, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The rules are asked for again only because the exchange refused a child."""
    monkeypatch.setattr(market_rules, "REFRESH_SOONEST", 0.2)
    accounts = opened(world, engine, "binance", "okx")
    parameters = {"duration": "20", "slices": "4"}
    orders = [world.submit(account, quantity="0.06", parameters=parameters) for account in accounts]
    wait_until(
        lambda: all(order.children.exists() for order in orders), within=40, what="each order's first child"
    )
    rules(world.exchange, tick="0.5", lot="0.004", min_quantity="0.004")
    world.wait_final(orders, within=60)
    ledger = world.exchange.ledger()
    for order in orders:
        order.refresh_from_db()
        (adopted,) = order.journal.filter(data__has_key="market")
        (changes,) = adopted.data["market"].values()
        assert changes["lot"][1] == "0.004"
        assert {market_from_json(data).tick for data in order.market.values()} == {D("0.5")}
        check_end(order, D("0.004"))
        # One that was decided before, and written a moment later, does not pass the last gate.
        later = order.children.filter(submitted_at__gt=adopted.at)
        assert later.exists()
        assert all(
            child.quantity % D("0.004") == 0 and (child.price or D(1)) % D("0.5") == 0 for child in later
        )
        assert (
            not later.filter(status="rejected")
            .exclude(reason__startswith="OrderImmediatelyFillable")
            .exists()
        )
        check_against_ledger(order, ledger)


def check_end(order: Order, lot: Decimal) -> None:
    """Check that it is completed, or all but a stated remainder that the new lot cannot express, without a person."""
    left = order.quantity - order.filled
    assert not order.needs_person, order.reason
    if left:
        assert left < lot
        assert (order.status, "under the exchange's minimum" in order.reason) == ("expired", True), (
            order.reason
        )
    else:
        assert order.status == "completed"


@pytest.mark.parametrize("bound", [{"max_quantity": "0.01"}, {"max_notional": "700"}])
def test_an_order_above_the_most_of_one_order_goes_in_several_and_none_is_refused(
    world: World, engine: EngineThread, bound: dict[str, Any]
) -> None:
    rules(world.exchange, **bound)
    accounts = opened(world, engine, "binance", "okx")
    orders = [
        world.submit(account, quantity="0.05", parameters={"duration": "20", "slices": "1", "urgency": "1"})
        for account in accounts
    ]
    world.wait_final(orders, within=40)
    ledger = world.exchange.ledger()
    for order in orders:
        order.refresh_from_db()
        assert order.status == "completed", order.reason
        quantities = list(order.children.values_list("quantity", flat=True))
        assert len(quantities) >= 5
        assert not order.children.filter(status="rejected").exists()
        check_against_ledger(order, ledger)
