"""Two real paper exchanges: each slice goes where it is cheapest after fees at that moment."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from execution.core.states import OrderStatus
from execution.models import Account, ChildOrder, Order, Venue
from tests.desk.running import wait_until
from tests.engine.exchange import Exchange
from tests.engine.running import EngineThread, World, check_books


@pytest.fixture
def dear(tmp_path: Path) -> Iterator[Exchange]:
    """Yield a second exchange, whose takers pay three times the fee of the first one's."""
    running = Exchange(tmp_path / "dear", taker_fee="0.003")
    running.add_accounts(["dear"])
    running.start()
    try:
        yield running
    finally:
        running.kill()


def hold(exchange: Exchange, mid: str) -> None:
    """Keep the exchange's market still around ``mid``."""
    exchange.control("POST", "market", {"symbol": "BTC/USDT", "freeze": True, "mid": mid})


def filled_at(order: Order, account: Account) -> bool:
    return any(child.filled for child in ChildOrder.objects.filter(order=order, account=account))


def test_slices_follow_the_cheapest_exchange_and_both_books_agree(
    exchange: Exchange, dear: Exchange, world: World, engine: EngineThread
) -> None:
    exchange.add_accounts(["cheap"])
    venue = Venue.objects.create(label="dear", exchange="binance", options=dear.options)
    accounts = {"cheap": world.account("cheap"), "dear": world.account("dear", venue)}
    for one in (exchange, dear):
        hold(one, "64500")
    engine.start()
    world.wait_open(accounts.values())
    wait_until(venue.markets.exists, within=20, what="the second venue's limits")
    order = world.submit(
        accounts["dear"],
        accounts=["dear", "cheap"],
        parameters={"duration": "8", "slices": "2", "urgency": "0.875"},
    )

    wait_until(lambda: filled_at(order, accounts["cheap"]), within=15, what="a fill at the cheap exchange")
    assert not filled_at(order, accounts["dear"])
    hold(exchange, "65500")
    wait_until(lambda: filled_at(order, accounts["dear"]), within=15, what="a fill where it is cheaper now")

    wait_until(
        lambda: Order.objects.get(pk=order.pk).status == OrderStatus.COMPLETED, within=20, what="the end"
    )
    books = [(exchange, "cheap"), (dear, "dear")]
    theirs = [one.ledger()[label] for one, label in books]
    check_books(order, {name: [*theirs[0][name], *theirs[1][name]] for name in ("orders", "trades")})
    assert all("after fees" in child.why for child in order.children.all())
    crossing = order.children.filter(account=accounts["dear"], time_in_force="ioc").last()
    assert crossing is not None
    assert "no book" not in crossing.why, "it was chosen by the depth of both books"
