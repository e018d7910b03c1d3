"""One symbol's trouble is its own (T8, T9): the real engine and ccxt on a real paper exchange."""

from __future__ import annotations

import time
from collections.abc import Sequence
from functools import partial

import pytest

from execution.core.market_data.feeds import Feed, FeedState
from execution.engine import market_rules
from execution.models import Account, Market, Order
from tests.desk.running import wait_until
from tests.engine.exchange import Exchange
from tests.engine.running import EngineThread, World

pytestmark = pytest.mark.real_process

BTC, ETH, SOL = SYMBOLS = ("BTC/USDT", "ETH/USDT", "SOL/USDT")
#: Each slice is a small part of the balance, and above the minimum.
QUANTITIES = {BTC: "0.04", ETH: "0.8", SOL: "16"}
#: A quote that is asked for over REST is at most so old, in seconds, on a quiet machine.
YOUNG = 5.0
WATCHED_FOR = 15.0


def opened(world: World, engine: EngineThread, symbols: Sequence[str] = SYMBOLS) -> Account:
    world.exchange.add_accounts(["alpha"])
    account = world.account("alpha")
    Account.objects.filter(pk=account.pk).update(symbols=list(symbols))
    account.refresh_from_db()
    engine.start()
    world.wait_open([account])
    return account


def submitted(world: World, account: Account, symbol: str, **parameters: str) -> Order:
    usual = {"duration": "120", "slices": "24", "urgency": "1"}
    return world.submit(
        account, key=symbol, symbol=symbol, quantity=QUANTITIES[symbol], parameters=usual | parameters
    )


def freeze(exchange: Exchange, *symbols: str, is_frozen: bool = True) -> None:
    for symbol in symbols:
        exchange.control("POST", "market", {"symbol": symbol, "freeze": is_frozen})


def state(world: World, engine: EngineThread, symbol: str, feed: Feed) -> FeedState | None:
    status = engine.quotes.feed(world.venue.pk, symbol, feed)
    return None if status is None else status.state


def oldest(world: World, engine: EngineThread, symbols: Sequence[str], seconds: float) -> float:
    """Return the greatest age that a quote of these symbols reached within some seconds, once each has one."""
    ages = partial(map, partial(engine.quotes.quote_age, world.venue.pk), symbols)
    wait_until(lambda: None not in ages(), within=20, what="a quote of each symbol")
    found, until = 0.0, time.monotonic() + seconds
    while time.monotonic() < until:
        for symbol in symbols:
            age = engine.quotes.quote_age(world.venue.pk, symbol)
            found = max(found, float("inf") if age is None else age)
        time.sleep(0.1)
    return found


def wait_why(order: Order, words: str) -> None:
    def says() -> bool:
        order.refresh_from_db()
        return words in order.why

    try:
        wait_until(says, within=30, what=f"the order to say {words!r}")
    except BaseException:
        print(order.status, order.why)
        raise


def test_a_symbol_that_is_delisted_later_is_said_to_be_so_and_no_quote_of_another_one_grows_old(
    world: World, engine: EngineThread, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The others stand still, so their quotes are asked for over REST. Several are asked for in one request."""
    monkeypatch.setattr(market_rules, "REFRESH_EVERY", 1.0)
    account = opened(world, engine)
    orders = {symbol: submitted(world, account, symbol, urgency="0") for symbol in SYMBOLS}
    wait_until(lambda: world.venue.markets.count() == len(SYMBOLS), within=30, what="the markets' limits")
    freeze(world.exchange, *SYMBOLS)
    world.exchange.control("POST", "rules", {"symbol": SOL, "status": "not_listed"})
    wait_until(
        lambda: state(world, engine, SOL, Feed.QUOTES) is FeedState.NOT_LISTED, within=20, what="its state"
    )
    assert engine.quotes.quote(world.venue.pk, SOL) is None
    assert oldest(world, engine, (BTC, ETH), WATCHED_FOR) < YOUNG
    wait_why(orders[SOL], "SOL/USDT is no longer listed")
    freeze(world.exchange, *SYMBOLS, is_frozen=False)
    world.exchange.control("POST", "rules", {"symbol": SOL, "status": "open"})
    wait_until(
        lambda: state(world, engine, SOL, Feed.QUOTES) is FeedState.LIVE, within=40, what="it to be back"
    )
    wait_until(orders[SOL].children.exists, within=40, what="a child of its order")


def test_a_symbol_that_was_never_listed_makes_no_quote_of_another_one_grow_old(
    world: World, engine: EngineThread
) -> None:
    account = opened(world, engine, (BTC, ETH, "NOPE/USDT"))
    assert Market.objects.filter(symbol="NOPE/USDT").count() == 0
    for symbol in (BTC, ETH):
        submitted(world, account, symbol, urgency="0")
    freeze(world.exchange, BTC, ETH)
    for feed in Feed:
        assert state(world, engine, "NOPE/USDT", feed) is FeedState.NOT_LISTED
    assert oldest(world, engine, (BTC, ETH), WATCHED_FOR) < YOUNG


def test_without_asks_an_order_waits_and_says_so_while_another_symbol_trades_on(
    world: World, engine: EngineThread
) -> None:
    account = opened(world, engine, (BTC, ETH))
    freeze(world.exchange, BTC)
    taken = {"symbol": BTC, "side": "buy", "quantity": "100000"}
    assert world.exchange.control("POST", "market", taken)["ask"] is None
    wait_until(
        lambda: state(world, engine, BTC, Feed.QUOTES) is FeedState.ONE_SIDED, within=20, what="its state"
    )
    times = {BTC: "120", ETH: "10"}
    orders = [submitted(world, account, symbol, duration=times[symbol], slices="2") for symbol in times]
    wait_why(orders[0], "quotes are one-sided since")
    assert "there are no asks" in orders[0].why
    world.wait_final(orders[1:], within=60)
    orders[0].refresh_from_db()
    assert not orders[0].children.exists()
    orders[1].refresh_from_db()
    assert orders[1].status == "completed", orders[1].reason
