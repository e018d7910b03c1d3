"""A quote over REST that takes seconds while others trade (T6): the real engine and ccxt on a real paper exchange."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from decimal import Decimal

import pytest

from execution.models import Account, MarketSample, Venue
from tests.acceptance.dialects import okx_options
from tests.desk.running import wait_until
from tests.engine.exchange import Exchange
from tests.engine.running import EngineThread, World, now
from tests.engine.test_volume import TAIL, Ledger, watched

pytestmark = pytest.mark.real_process

BTC, ETH = "BTC/USDT", "ETH/USDT"
SECONDS = 14.0
#: The share of the seconds without the quote at their end: some on a busy machine, half and more where rows wait.
MISSED = 0.35


@contextmanager
def trading(exchange: Exchange) -> Iterator[None]:
    """Trade once a second, and nothing else, so that only what stands still is asked for over REST."""
    ended = threading.Event()

    def trade() -> None:
        side = "buy"
        while not ended.wait(0.5):
            side = "sell" if side == "buy" else "buy"
            exchange.control("POST", "market", {"symbol": BTC, "side": side, "quantity": "0.01"})

    for symbol in (BTC, ETH):
        exchange.control("POST", "market", {"symbol": symbol, "freeze": True})
    thread = threading.Thread(target=trade)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()


def opened(world: World, engine: EngineThread) -> list[Account]:
    """Open an account of each dialect, with orders in both symbols that rest."""
    world.exchange.add_accounts(["binance", "okx"])
    base = f"http://127.0.0.1:{world.exchange.port}"
    okx = Venue.objects.create(label="okx", exchange="okx", options=okx_options(base))
    accounts = [world.account("binance"), world.account("okx", okx)]
    Account.objects.update(symbols=[BTC, ETH])
    engine.start()
    world.wait_open(accounts)
    wait_until(lambda: okx.markets.count() == world.venue.markets.count() == 2, within=60, what="limits")
    for account in accounts:
        for symbol, quantity in {BTC: "0.02", ETH: "0.4"}.items():
            parameters = {"duration": "300", "slices": "2", "urgency": "0"}
            world.submit(
                account,
                key=f"{account.label}{symbol}",
                symbol=symbol,
                quantity=quantity,
                parameters=parameters,
            )
    return accounts


def test_a_quote_that_takes_seconds_costs_no_second_of_another_market(
    world: World, engine: EngineThread
) -> None:
    accounts = opened(world, engine)
    ledger = Ledger(world.exchange)
    with trading(world.exchange):
        for takes in (1.4, 3.0):
            rule = {"on": "market", "kind": "delay", "count": None, "seconds": takes}
            world.exchange.control("DELETE", "faults")
            world.exchange.control("POST", "faults", rule)
            time.sleep(2 * takes)
            start = now().replace(microsecond=0)
            time.sleep(SECONDS)
            end = now().replace(microsecond=0) - TAIL
            ledger.collect()
            for account in accounts:
                check_seconds(account, ledger, start, end)
                assert engine.quotes.quote_age(account.venue_id, ETH) is not None, "it was asked for"


def check_seconds(account: Account, ledger: Ledger, start: datetime, end: datetime) -> None:
    """Check that each second's volume is known and the ledger's, with the quote at its end."""
    seen = watched(account.venue, ledger, start, end)
    assert seen.known == 1
    assert seen.volume == pytest.approx(seen.ledger, abs=Decimal("0.02")), "one trade at either edge"
    rows = MarketSample.objects.filter(
        venue=account.venue, symbol=BTC, second__gte=start, second__lt=end, bid__isnull=False
    )
    assert rows.count() >= (1 - MISSED) * (end - start).total_seconds()
