"""The times at which a driver reads its order's rows: at news, and not because time or the market go on."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from execution import notify
from execution.engine import order_driver as driving
from execution.engine.order_driver import OrderDriver
from execution.selectors.decisions.order_view import MarketData, OrderMarkets, build_order_view, order_markets
from tests.engine.desk import Desk, at_once
from tests.factories import Rows
from tests.services.test_driving import QUOTE


@pytest.fixture
def views_read(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Return the orders whose rows were read."""
    read: list[int] = []

    def read_view(**arguments: Any) -> Any:
        read.append(arguments["order_pk"])
        return build_order_view(**arguments)

    monkeypatch.setattr(driving, "build_order_view", read_view)
    return read


class Driver(OrderDriver):
    """Without a loop, which gathering the market's data takes."""

    async def _market_data(self, markets: OrderMarkets) -> MarketData:
        return MarketData(dict.fromkeys(markets.venue_pks, QUOTE))


def driver_of(rows: Rows) -> tuple[OrderDriver, Any, Desk]:
    """Return a driver whose order has a child that rests, and has been looked at."""
    child = rows.resting()
    desk = Desk(rows)
    driver = Driver(desk.parts, child.order_id, child.order.fence)
    markets = order_markets(child.order_id)
    for _ in range(3):  # until it has nothing more to write
        at_once(driver._step(markets))  # type: ignore[arg-type]
    return driver, markets, desk


def test_a_check_without_news_reads_no_rows(rows: Rows, views_read: list[int]) -> None:
    driver, markets, _ = driver_of(rows)
    views_read.clear()
    assert at_once(driver._step(markets)) is not None
    assert views_read == []


def test_news_reads_the_rows_once(rows: Rows, views_read: list[int]) -> None:
    driver, markets, _ = driver_of(rows)
    views_read.clear()
    driver.poke()
    at_once(driver._step(markets))
    at_once(driver._step(markets))
    assert len(views_read) == 1


def test_a_doorbell_for_what_was_seen_already_is_no_news(rows: Rows, views_read: list[int]) -> None:
    driver, markets, _ = driver_of(rows)
    views_read.clear()
    driver.poke(driver.seen)
    at_once(driver._step(markets))
    assert views_read == []
    driver.poke(driver.seen + 1)
    at_once(driver._step(markets))
    assert len(views_read) == 1


def test_a_market_that_asks_for_an_act_is_acted_on_with_rows_read_anew(
    rows: Rows, views_read: list[int]
) -> None:
    driver, markets, desk = driver_of(rows)
    views_read.clear()
    desk.clock.pass_by(3600)  # the end has come
    at_once(driver._step(markets))
    assert views_read


async def test_rings_of_a_moment_are_one_message_with_the_newest_version(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    sent: list[tuple[str, Any]] = []

    class Layer:
        async def group_send(self, group: str, message: Any) -> None:
            sent.append((group, message))

    class Redis:
        async def publish(self, _channel: str, text: str) -> None:
            sent.append(("engines", text))

    bell = notify.Bell()
    monkeypatch.setattr(notify, "get_channel_layer", Layer)
    monkeypatch.setattr(bell, "_redis", Redis())
    for version in (7, 9, 8):
        bell.ring(bell.group("order.a", {"type": "order.changed", "order": "a", "version": version}))
        bell.ring(bell.wake(notify.Wake(order=1, version=version)))
    for _ in range(100):
        await asyncio.sleep(0.01)
        if len(sent) == 2:
            break
    assert sent == [
        ("engines", '[{"order": 1, "version": 9}]'),
        ("order.a", {"type": "order.changed", "order": "a", "version": 9}),
    ]
