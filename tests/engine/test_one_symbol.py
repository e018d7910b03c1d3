"""The real engine and ccxt on a real paper exchange: a symbol that cannot be read, and a stream that is mute."""

from __future__ import annotations

import time
from typing import Any, cast

import pytest

from execution.core.types import OrderReport
from execution.engine import account_reconciler
from execution.models import Account, ChildOrder, Order
from execution.selectors.decisions.sessions import AccountDetails
from execution.venues.gateway import CcxtGateway
from execution.venues.protocol import Gateway, Listing, VenueReadFailed
from tests.desk.running import wait_until
from tests.engine.exchange import Exchange
from tests.engine.running import EngineThread, World, check_against_ledger

BTC, ETH = "BTC/USDT", "ETH/USDT"


class HalfBlind:
    """Opens real gateways that cannot list the open orders of one symbol while ``is_blind``."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.is_blind = True

    def gateway(self, details: AccountDetails) -> Gateway:
        opened = cast(CcxtGateway, self.world.gateway(details))
        real = opened.open_orders

        async def open_orders(symbol: str | None) -> Listing[OrderReport]:
            if self.is_blind and symbol == ETH:
                raise VenueReadFailed("502 Bad Gateway")
            return await real(symbol)

        cast(Any, opened).open_orders = open_orders
        return opened


def account_of(world: World, label: str) -> Account:
    account = world.account(label)
    account.symbols = [BTC, ETH]
    account.save()
    return account


def test_a_symbol_that_cannot_be_read_lets_the_others_trade_and_trades_when_it_can(
    exchange: Exchange, world: World
) -> None:
    exchange.add_accounts(["alpha"])
    account = account_of(world, "alpha")
    blind = HalfBlind(world)
    engine = EngineThread(blind.gateway)
    engine.start()
    try:
        wait_until(lambda: world.venue.markets.count() == 2, within=60, what="the markets' limits")
        btc = world.submit(account, key="btc", symbol=BTC)
        eth = world.submit(account, key="eth", symbol=ETH, quantity="0.2", parameters={"duration": "40"})
        world.wait_final([btc], within=60)
        eth.refresh_from_db()
        assert not eth.children.exclude(status="pending_submit").exists(), "nothing is sent in doubt"
        assert "ETH/USDT is not reconciled yet: it cannot be read (502 Bad Gateway)" in eth.why
        account.refresh_from_db()
        assert not account.is_reconciled
        assert list(account.unread_now) == [ETH]
        blind.is_blind = False
        world.wait_final([eth], within=90)
        ledger = exchange.ledger()
        for order in (btc, eth):
            order.refresh_from_db()
            assert (order.status, order.filled) == ("completed", order.quantity), order.why
        assert Account.objects.get().symbols_unread == {}
        check_books_of_both([btc, eth], ledger)
    finally:
        engine.stop()
    assert not engine.lost


def check_books_of_both(orders: list[Order], ledger: dict[str, Any]) -> None:
    """Check each order against the exchange's books of its own symbol."""
    for order in orders:
        name = order.symbol.replace("/", "")
        theirs = ledger["alpha"]
        own = {
            **theirs,
            "orders": [one for one in theirs["orders"] if one["symbol"] == name],
            "trades": [one for one in theirs["trades"] if one["symbol"] == name],
        }
        check_against_ledger(order, {"alpha": own})


def test_a_stream_that_is_mute_is_found_out_and_begins_anew(
    exchange: Exchange, world: World, engine: EngineThread, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(account_reconciler, "CALM", 6.0)
    exchange.add_accounts(["alpha"])
    account = world.account("alpha")
    engine.start()
    world.wait_open([account])
    time.sleep(12)  # a calm poll after what the stream may have missed at its beginning
    exchange.control("POST", "market", {"symbol": "BTCUSDT", "freeze": True})
    order = world.submit(account, parameters={"duration": "40", "slices": "1", "urgency": "0.1"})
    wait_until(
        lambda: ChildOrder.objects.filter(status="open").exists(), within=30, what="a child that rests"
    )
    exchange.control("POST", "faults", {"on": "stream", "kind": "lost_events", "count": None, "key": "alpha"})
    child = ChildOrder.objects.get(status="open")
    fill = {"symbol": "BTCUSDT", "side": "sell", "quantity": str(child.quantity), "price": str(child.price)}
    exchange.control("POST", "market", fill)
    wait_until(lambda: Account.objects.exclude(stream_suspicion="").exists(), within=20, what="a suspicion")
    assert f"of {BTC}" in Account.objects.get().stream_suspicion
    child.refresh_from_db()
    assert child.filled > 0, "the poll has brought it"
    exchange.control("DELETE", "faults")
    exchange.control("POST", "market", {"symbol": "BTCUSDT", "freeze": False})
    world.wait_final([order], within=70)
    order.refresh_from_db()
    check_against_ledger(order, exchange.ledger())
