"""Look-ups of single orders share requests, so that forty of them do not take forty places in the rate limit."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from decimal import Decimal
from typing import Any, cast

import pytest

from execution.core.types import OrderRef, OrderReport, VenueStatus
from execution.engine.clock import Clock, SystemClock
from execution.engine.order_look_ups import OrderLookUps
from execution.venues.protocol import Gateway, VenueReadFailed

SYMBOL = "BTC/USDT"


class Asked:
    """A gateway that answers look-ups when it is let. ``unlisted``: what ``find_all`` leaves out."""

    def __init__(self, orders_at_once: int = 20, unlisted: frozenset[str] = frozenset()) -> None:
        self.orders_at_once = orders_at_once
        self.unlisted = unlisted
        self.seconds = 0.0
        self.fails = False
        self.requests: list[tuple[str, ...]] = []
        self.answers = asyncio.Semaphore(0)

    async def find(self, ref: OrderRef) -> OrderReport | None:
        await self._request(str(ref.exchange_id))
        return None if ref.exchange_id in ("nowhere", "first") else report(str(ref.exchange_id))

    async def find_all(self, exchange_ids: Sequence[str]) -> dict[str, OrderReport]:
        await self._request(*exchange_ids)
        return {one: report(one) for one in exchange_ids if one not in self.unlisted}

    def seconds_of(self, kind: str) -> float:
        assert kind == "find"
        return self.seconds

    async def _request(self, *exchange_ids: str) -> None:
        self.requests.append(exchange_ids)
        await self.answers.acquire()
        if self.fails:
            raise VenueReadFailed("no answer")


def report(exchange_id: str) -> OrderReport:
    return OrderReport(
        client_id=None,
        exchange_id=exchange_id,
        symbol=SYMBOL,
        status=VenueStatus.CANCELLED,
        filled=Decimal(int(exchange_id)),
    )


def looked_up(
    gateway: Asked, ids: Sequence[str | None], clock: Clock | None = None
) -> list[asyncio.Task[OrderReport | None]]:
    look_ups = OrderLookUps(cast(Gateway, gateway), clock or SystemClock())
    refs = [OrderRef(f"child{number}", SYMBOL, one) for number, one in enumerate(ids)]
    return [asyncio.create_task(look_ups.find(ref)) for ref in refs]


async def answered(gateway: Asked, tasks: Sequence[asyncio.Task[OrderReport | None]]) -> list[Any]:
    await asyncio.sleep(0)
    for _ in range(2 * len(tasks)):
        gateway.answers.release()
    return await asyncio.gather(*tasks, return_exceptions=True)


async def test_forty_look_ups_take_three_requests() -> None:
    gateway = Asked()
    ids = [str(number) for number in range(40)]
    found = await answered(gateway, looked_up(gateway, ids))
    assert [one.exchange_id for one in found] == ids
    assert [one.filled for one in found] == [Decimal(number) for number in range(40)]
    assert [len(request) for request in gateway.requests] == [1, 20, 19]


async def test_an_order_that_a_list_leaves_out_is_asked_for_by_itself() -> None:
    gateway = Asked(unlisted=frozenset({"2", "nowhere"}))
    found = await answered(gateway, looked_up(gateway, ["1", "2", "nowhere", "3"]))
    assert [one and one.exchange_id for one in found] == ["1", "2", None, "3"]
    assert gateway.requests == [("1",), ("2", "nowhere", "3"), ("2",), ("nowhere",)]


async def test_an_id_that_spoils_a_list_costs_each_of_its_orders_one_request_more_and_no_other_list() -> None:
    """kraken may answer that it knows no such order, about all of them."""
    ids = [str(number) for number in range(20)]
    gateway = Asked(unlisted=frozenset(ids))
    await answered(gateway, looked_up(gateway, ["first", *ids]))
    assert [len(request) for request in gateway.requests] == [1, 20, *[1] * 20]


async def test_a_request_that_fails_fails_for_all_that_it_asks_for() -> None:
    gateway = Asked()
    gateway.fails = True
    found = await answered(gateway, looked_up(gateway, ["1", "2", "3"]))
    assert all(isinstance(one, VenueReadFailed) for one in found)
    assert gateway.requests == [("1",), ("2", "3")]


async def test_one_that_ends_early_keeps_no_other_waiting() -> None:
    gateway = Asked()
    tasks = looked_up(gateway, ["1", "2", "3"])
    await asyncio.sleep(0)
    tasks[0].cancel()
    tasks[1].cancel()
    found = await answered(gateway, tasks)
    assert isinstance(found[0], asyncio.CancelledError)
    assert isinstance(found[1], asyncio.CancelledError)
    assert found[2].exchange_id == "3"
    assert gateway.requests == [("1",), ("3",)]


async def test_one_that_ends_while_it_is_asked_for_spoils_no_answer() -> None:
    gateway = Asked()
    tasks = looked_up(gateway, ["1", "2", "3"])
    await asyncio.sleep(0)
    gateway.answers.release()
    await tasks[0]
    for _ in range(5):
        await asyncio.sleep(0)
    assert gateway.requests[1] == ("2", "3")
    tasks[2].cancel()
    found = await answered(gateway, tasks)
    assert found[1].exchange_id == "2"
    assert isinstance(found[2], asyncio.CancelledError)


async def test_the_same_order_twice_is_answered_twice() -> None:
    gateway = Asked()
    found = await answered(gateway, looked_up(gateway, ["1", "2", "2"]))
    assert [one.exchange_id for one in found] == ["1", "2", "2"]


@pytest.mark.parametrize(("at_once", "ids"), [(1, ["1", "2", "3"]), (20, [None, None])])
async def test_where_they_cannot_be_asked_for_together_nobody_waits_for_another(
    at_once: int, ids: list[str | None]
) -> None:
    gateway = Asked(at_once)
    tasks = looked_up(gateway, ids)
    await asyncio.sleep(0)
    assert len(gateway.requests) == len(ids)
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


class Skipped(SystemClock):
    """A clock on which a sleep takes no time."""

    def __init__(self) -> None:
        self.passed = 0.0

    def boot(self) -> float:
        return self.passed

    async def sleep(self, seconds: float) -> None:
        self.passed += seconds
        await asyncio.sleep(0)


@pytest.mark.parametrize(("seconds", "passed"), [(0.0, 0.0), (0.1, 0.4), (1.0, 4.0), (60.0, 240.0)])
async def test_where_a_look_up_takes_long_to_grow_back_requests_are_apart(
    seconds: float, passed: float
) -> None:
    gateway, clock = Asked(), Skipped()
    gateway.seconds = seconds
    await answered(gateway, looked_up(gateway, [str(number) for number in range(40)], clock))
    assert len(gateway.requests) == 3
    assert clock.passed == pytest.approx(passed)
