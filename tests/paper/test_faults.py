"""Each fault: what the caller sees, and whether the exchange accepted the order."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from decimal import Decimal
from typing import Any

import ccxt
import pytest

from execution.paper.faults import AFTER, BEFORE, Faults, parse_rule
from tests.paper.running import SYMBOL, Binance, Paper

#: The error that ccxt raises for each kind; None means an answer that looks like a success.
SEEN: dict[str, type[Exception] | None] = {
    "delay_before": None,
    "drop_before": ccxt.NetworkError,
    "status_429": ccxt.DDoSProtection,
    "status_418": ccxt.DDoSProtection,
    "status_500": ccxt.ExchangeNotAvailable,
    "status_502": ccxt.ExchangeNotAvailable,
    "status_503": ccxt.NetworkError,
    "status_504": ccxt.NetworkError,
    "code_1021": ccxt.InvalidNonce,
    "reject": ccxt.InvalidOrder,
    "delay": None,
    "drop_after": ccxt.NetworkError,
    "status_500_after": ccxt.ExchangeNotAvailable,
    "status_502_after": ccxt.ExchangeNotAvailable,
    "status_503_after": ccxt.NetworkError,
    "status_504_after": ccxt.NetworkError,
    "code_1007_after": ccxt.RequestTimeout,
    "truncate": ccxt.ExchangeError,
    "html_200": None,
    "empty_200": None,
}


async def create(client: Binance, client_id: str = "one") -> Any:
    return await client.create_order(SYMBOL, "limit", "buy", 0.01, 60_000, {"clientOrderId": client_id})


def test_every_kind_of_fault_on_a_call_has_its_case() -> None:
    assert set(SEEN) == BEFORE | AFTER


@pytest.mark.parametrize("kind", sorted(SEEN))
async def test_a_fault_on_create_decides_what_the_caller_sees_and_what_the_exchange_has(
    paper: Paper, first: Binance, kind: str
) -> None:
    await paper.fault("create", kind, count=1, seconds=0.2)
    expected = SEEN[kind]
    if expected is None:
        await create(first)
    else:
        with pytest.raises(ccxt.BaseError) as raised:
            await create(first)
        assert isinstance(raised.value, expected), repr(raised.value)
    accepted = await paper.order("one") is not None
    assert accepted is (kind in AFTER or kind == "delay_before")
    await create(first, "two")
    assert await paper.order("two") is not None


@pytest.mark.parametrize("kind", ["html_200", "empty_200"])
async def test_an_answer_without_an_id_hides_an_accepted_order(
    paper: Paper, first: Binance, kind: str
) -> None:
    await paper.fault("create", kind)
    assert (await create(first))["id"] is None
    assert (await paper.order("one"))["status"] == "NEW"


@pytest.mark.parametrize(("kind", "status"), [("drop_before", "NEW"), ("drop_after", "CANCELED")])
async def test_a_cancel_whose_answer_is_lost_may_have_happened(
    paper: Paper, first: Binance, kind: str, status: str
) -> None:
    await create(first)
    # Twice, because aiohttp's client by itself repeats an idempotent request on a dropped connection.
    await paper.fault("cancel", kind, count=2)
    with pytest.raises(ccxt.NetworkError):
        await first.cancel_order(None, SYMBOL, {"clientOrderId": "one"})
    assert (await paper.order("one"))["status"] == status


async def test_a_cancel_that_loses_its_race_finds_an_order_that_has_filled(
    paper: Paper, first: Binance
) -> None:
    await create(first)
    await paper.fault("cancel", "fill_first")
    with pytest.raises(ccxt.OrderNotFound):
        await first.cancel_order(None, SYMBOL, {"clientOrderId": "one"})
    order = await paper.order("one")
    assert (order["status"], order["executed"]) == ("FILLED", order["quantity"])


POLL_KINDS: dict[str, Callable[[Binance], Awaitable[Any]]] = {
    "find": lambda client: client.fetch_order(None, SYMBOL, {"clientOrderId": "one"}),
    "open_orders": lambda client: client.fetch_open_orders(SYMBOL),
    "all_orders": lambda client: client.fetch_orders(SYMBOL),
    "trades": lambda client: client.fetch_my_trades(SYMBOL),
    "account": lambda client: client.fetch_balance(),
    "market": lambda client: client.fetch_order_book(SYMBOL),
}


@pytest.mark.parametrize("on", sorted(POLL_KINDS))
@pytest.mark.parametrize("target", ["own", "any"])
async def test_a_fault_strikes_the_poll_it_is_meant_for_once(
    paper: Paper, first: Binance, on: str, target: str
) -> None:
    await create(first)
    await paper.fault(on if target == "own" else "any", "status_500")
    with pytest.raises(ccxt.ExchangeNotAvailable):
        await POLL_KINDS[on](first)
    assert await POLL_KINDS[on](first) is not None


async def test_a_delay_longer_than_the_caller_waits_is_a_timeout_with_the_order_placed(
    paper: Paper, first: Binance
) -> None:
    first.timeout = 200
    await paper.fault("create", "delay", seconds=1)
    with pytest.raises(ccxt.RequestTimeout):
        await create(first)
    assert await paper.order("one") is not None


async def test_a_request_that_arrives_after_its_window_is_refused(paper: Paper, first: Binance) -> None:
    await paper.fault("create", "delay_before", seconds=0.6)
    with pytest.raises(ccxt.InvalidNonce):
        await first.create_order(
            SYMBOL, "limit", "buy", 0.01, 60_000, {"clientOrderId": "one", "recvWindow": 200}
        )
    assert await paper.order("one") is None


async def test_orders_can_be_visible_late_everywhere(paper: Paper, first: Binance) -> None:
    await paper.fault("any", "late_orders", count=None, seconds=60)
    await create(first)
    assert await first.fetch_open_orders(SYMBOL) == []
    assert await first.fetch_orders(SYMBOL) == []
    with pytest.raises(ccxt.OrderNotFound):
        await POLL_KINDS["find"](first)
    await paper.control("DELETE", "faults")
    assert len(await first.fetch_open_orders(SYMBOL)) == 1


async def test_a_late_view_shows_the_state_of_then(paper: Paper, first: Binance) -> None:
    bid, _ = await paper.quote()
    await first.create_order(SYMBOL, "limit", "buy", 0.2, float(bid) + 0.01, {"clientOrderId": "one"})
    await asyncio.sleep(1.2)
    await paper.taker("sell", "0.2")
    await paper.fault("find", "late_orders", count=1, seconds=1)
    assert (await POLL_KINDS["find"](first))["filled"] == 0
    assert (await POLL_KINDS["find"](first))["filled"] == 0.2


async def test_trades_can_be_listed_late(paper: Paper, first: Binance) -> None:
    await paper.fault("trades", "late_trades", count=1, seconds=60)
    await first.create_order(SYMBOL, "market", "buy", 0.01)
    assert await first.fetch_my_trades(SYMBOL) == []
    assert len(await first.fetch_my_trades(SYMBOL)) == 1


async def test_faults_are_shown_used_up_and_cleared(paper: Paper, first: Binance) -> None:
    await paper.fault("create", "reject", count=2)
    await paper.fault("cancel", "drop_after", count=None, probability=0.5, seconds=1)
    with pytest.raises(ccxt.InvalidOrder):
        await create(first)
    rules = await paper.control("GET", "faults")
    left = {"on": "create", "kind": "reject", "count": 1, "probability": 1.0, "seconds": 0.0, "key": None}
    assert rules[0] == left
    assert await paper.control("DELETE", "faults") == []
    assert await create(first)


async def test_a_fault_with_a_key_hits_that_account_alone(paper: Paper, first: Binance) -> None:
    await paper.fault("create", "reject", key="first")
    assert await create(await paper.client("second"))
    with pytest.raises(ccxt.InvalidOrder):
        await create(first)


@pytest.mark.parametrize(
    "body",
    [
        {"on": "nowhere", "kind": "delay"},
        {"on": "create", "kind": "explode"},
        {"on": "create", "kind": "lost_events"},
        {"on": "create", "kind": "delay", "count": 0},
        {"on": "create", "kind": "delay", "chance": 1},
    ],
)
def test_a_rule_that_makes_no_sense_is_refused(body: dict[str, Any]) -> None:
    with pytest.raises(ValueError):
        parse_rule(body)


def test_chance_faults_follow_their_probability_and_seed() -> None:
    def strikes(seed: int) -> list[bool]:
        faults = Faults(seed)
        faults.add(parse_rule({"on": "any", "kind": "drop_after", "count": None, "probability": 0.3}))
        return [faults.strike("create", AFTER, "key") is not None for _ in range(1000)]

    assert strikes(7) == strikes(7) != strikes(8)
    assert Decimal("0.2") < Decimal(sum(strikes(7))) / 1000 < Decimal("0.4")
