"""Virtual time and the simulated exchange, by themselves."""

from __future__ import annotations

import asyncio
import time
from dataclasses import replace
from decimal import Decimal
from random import Random

import pytest

from execution.core.types import ChildRequest, OrderRef, OrderType, Side, TimeInForce, VenueStatus
from execution.verification.faults.answers import Refused
from execution.verification.faults.exchange import SYMBOL, Exchange
from execution.verification.faults.fault_injector import FaultInjector
from execution.verification.faults.virtual import StandsStill, VirtualLoop

D = Decimal


def test_an_hour_of_virtual_time_takes_no_time_and_timers_come_in_order() -> None:
    loop = VirtualLoop()
    heard: list[tuple[str, float]] = []

    async def wait(name: str, seconds: float) -> None:
        await asyncio.sleep(seconds)
        heard.append((name, loop.time()))

    async def both() -> None:
        await asyncio.gather(wait("late", 3600), wait("early", 0.5))

    begun = time.monotonic()
    loop.run_until_complete(both())
    loop.close()
    assert [name for name, _ in heard] == ["early", "late"]
    assert [at for _, at in heard] == pytest.approx([0.5, 3600])
    assert time.monotonic() - begun < 5


def test_a_time_limit_of_asyncio_is_virtual_too() -> None:
    loop = VirtualLoop()

    async def never() -> None:
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(asyncio.Event().wait(), 100)

    loop.run_until_complete(never())
    assert loop.time() == pytest.approx(100)
    loop.close()


def test_waiting_for_what_cannot_come_is_said_and_not_waited_for() -> None:
    loop = VirtualLoop()
    event = asyncio.Event()
    with pytest.raises(StandsStill, match="cannot come"):
        loop.run_until_complete(event.wait())
    loop.close()


def test_a_loop_that_turns_without_time_passing_is_found() -> None:
    loop = VirtualLoop()

    async def circle() -> None:
        for _ in range(10**9):
            await asyncio.sleep(0)

    with pytest.raises(StandsStill, match="turned"):
        loop.run_until_complete(circle())
    loop.close()


def calm() -> FaultInjector:
    injector = FaultInjector(Random(1), lambda _client_id: [])
    injector.is_clear = True
    return injector


def exchange_at(times: list[float]) -> Exchange:
    return Exchange("a", Random(2), calm(), lambda: times[0])


REQUEST = ChildRequest("one", SYMBOL, Side.BUY, OrderType.LIMIT, D("1.000"), D("90.00"), TimeInForce.GTC)


def test_a_request_that_is_signed_too_long_ago_or_ahead_is_refused() -> None:
    exchange = exchange_at([10.0])
    for signed in (8.9, 11.1):
        with pytest.raises(Refused, match="InvalidNonce"):
            exchange.create("alpha", REQUEST, signed=signed, valid_for=1.0)
    assert not exchange.ledger.orders


def test_a_client_id_is_refused_while_its_order_is_open_and_taken_again_afterwards() -> None:
    """As binance does: re-sending is no protection."""
    exchange = exchange_at([10.0])
    exchange.create("alpha", REQUEST, signed=10.0, valid_for=1.0)
    with pytest.raises(Refused, match="DuplicateOrderId"):
        exchange.create("alpha", REQUEST, signed=10.0, valid_for=1.0)
    exchange.cancel("alpha", OrderRef("one", SYMBOL))
    exchange.create("alpha", REQUEST, signed=10.0, valid_for=1.0)
    assert exchange.ledger.taken["one"] == 2


def test_an_order_that_crosses_fills_from_the_levels_and_the_rest_of_an_ioc_expires() -> None:
    exchange = exchange_at([10.0])
    ask = exchange.quote.ask
    crossing = replace(REQUEST, price=ask, quantity=D("1000.000"), time_in_force=TimeInForce.IOC)
    order = exchange.create("alpha", crossing, signed=10.0, valid_for=1.0)
    assert order.status is VenueStatus.EXPIRED
    assert D(0) < order.filled == sum(t.trade.quantity for t in exchange.ledger.trades)
    assert {known.trade.price for known in exchange.ledger.trades} == {ask}


def test_a_post_only_order_that_would_take_is_refused() -> None:
    exchange = exchange_at([10.0])
    taking = replace(REQUEST, price=exchange.quote.ask, time_in_force=TimeInForce.POST_ONLY)
    with pytest.raises(Refused, match="OrderImmediatelyFillable"):
        exchange.create("alpha", taking, signed=10.0, valid_for=1.0)


def test_a_market_that_crosses_a_resting_order_fills_it_and_tells_the_stream() -> None:
    times = [10.0]
    exchange = exchange_at(times)
    events = []
    exchange.published.append(lambda account, event: events.append((account, event)))
    bid = exchange.quote.bid
    order = exchange.create("alpha", replace(REQUEST, price=bid), signed=10.0, valid_for=1.0)
    for _ in range(400):
        times[0] += 0.4
        exchange.tick()
    assert order.status is VenueStatus.FILLED
    assert order.filled == REQUEST.quantity == sum(t.trade.quantity for t in exchange.ledger.trades)
    assert {account for account, _ in events} == {"alpha"}
    assert sum(trade.quantity for _, event in events for trade in event.trades) == REQUEST.quantity


def test_a_cancel_of_what_is_not_open_is_refused() -> None:
    with pytest.raises(Refused, match="OrderNotFound"):
        exchange_at([10.0]).cancel("alpha", OrderRef("one", SYMBOL))
