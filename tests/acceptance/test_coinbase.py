"""The parts of the venue layer for coinbase alone, on a paper exchange whose clock and limits a test can hold."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from execution.core.types import (
    Accepted,
    CancelConfirmed,
    CancelFailed,
    ChildRequest,
    OrderReport,
    Rejected,
    VenueStatus,
)
from execution.venues.gateway import CcxtGateway, open_gateway
from execution.venues.market_gateway import open_market_gateway
from tests.acceptance.dialects import COINBASE
from tests.acceptance.paper_account import VALID, ended, found, ref_of
from tests.paper.coinbase_client import Clock
from tests.paper.keys import secret_of
from tests.paper.running import Paper, running
from tests.venues.stub import SYMBOL, limit_order, now
from tests.venues.test_streams import Reader

D = Decimal


@asynccontextmanager
async def traded(folder: Path, **options: Any) -> AsyncIterator[tuple[Paper, CcxtGateway]]:
    """Yield an exchange with the usual limits, and an open gateway on it."""
    async with running(folder, **options) as paper:
        gateway = open_gateway(
            exchange_id="coinbase",
            options=COINBASE.options(paper.url),
            api_key="first",
            secret=COINBASE.secret(secret_of("first")),
            clock=now,
        )
        await gateway.open()
        try:
            yield paper, gateway
        finally:
            await gateway.close()


async def resting(paper: Paper, **changes: Any) -> ChildRequest:
    bid, _ = await paper.quote()
    return limit_order(**({"price": bid - 100} | changes))


async def test_the_private_stream_outlives_quiet_minutes_by_its_heartbeats(tmp_path: Path) -> None:
    clock = Clock()
    async with traded(tmp_path, clock=clock) as (paper, gateway):
        reader = Reader(gateway.watch_account([SYMBOL]))
        await reader.until(lambda r: r.resumed == 1)
        for seconds in (50, 100, 150, 200):
            clock.ahead = seconds
            await asyncio.sleep(1.3)  # a heartbeat comes each second
        assert reader.resumed == 1
        clock.ahead = 0
        request = await resting(paper)
        await gateway.create(request, valid_for=VALID)
        await reader.until(lambda r: r.reports)
        await reader.stop()


async def test_each_subscription_has_a_token_of_its_own(tmp_path: Path) -> None:
    """ccxt takes one that ends this second for good."""
    async with traded(tmp_path) as (_, gateway):
        client = gateway._client
        old = client.create_auth_token(client.seconds() - 121)
        client.options |= {"wsToken": old, "wsTokenTimestamp": client.seconds() - 100}
        reader = Reader(gateway.watch_account([SYMBOL]))
        await reader.until(lambda r: r.resumed == 1)
        await reader.stop()


async def test_states_under_way_are_open_and_an_order_that_is_cancelled_can_fill_yet(tmp_path: Path) -> None:
    clock = Clock()
    async with traded(tmp_path, clock=clock) as (paper, gateway):
        request = await resting(paper)
        clock.stands_at = time.time()
        created = await gateway.create(request, valid_for=VALID)
        assert isinstance(created, Accepted)
        assert (await found(gateway, request)).status is VenueStatus.OPEN
        by_id = ref_of(request, created.report.exchange_id)
        assert isinstance(await gateway.cancel(by_id), CancelConfirmed)
        told = await gateway.find(by_id)
        assert told is not None
        assert told.status is VenueStatus.OPEN, "it is queued"
        clock.stands_at = None
        assert (await ended(gateway, request)).status is VenueStatus.CANCELLED


async def test_a_cancel_waits_for_the_exchanges_id(tmp_path: Path) -> None:
    async with traded(tmp_path) as (paper, gateway):
        request = await resting(paper)
        await gateway.create(request, valid_for=VALID)
        refused = await gateway.cancel(ref_of(request))
        assert isinstance(refused, CancelFailed)
        assert "by its own id" in refused.message
        known = (await found(gateway, request)).exchange_id
        assert isinstance(await gateway.cancel(ref_of(request, known)), CancelConfirmed)


async def test_an_order_sent_twice_is_one_order(tmp_path: Path) -> None:
    async with traded(tmp_path) as (paper, gateway):
        request = await resting(paper)
        answers = [await gateway.create(request, valid_for=VALID) for _ in range(2)]
        assert all(isinstance(answer, Accepted) for answer in answers)
        assert len((await paper.ledger())["orders"]) == 1


@pytest.mark.parametrize(
    ("changes", "rules", "kind"),
    [
        ({"quantity": D("0.00005")}, {}, "InvalidOrder"),
        ({"quantity": D(1000)}, {}, "InsufficientFunds"),
        ({}, {"max_quantity": "0.001"}, "InvalidOrder"),
        ({}, {"status": "cancel_only"}, "MarketClosed"),
    ],
)
async def test_a_refusal_that_only_its_preview_explains_is_a_refusal(
    tmp_path: Path, changes: dict[str, Any], rules: dict[str, str], kind: str
) -> None:
    async with traded(tmp_path) as (paper, gateway):
        request = await resting(paper, **changes)
        await paper.control("POST", "rules", symbol=SYMBOL, **rules)
        refused = await gateway.create(request, valid_for=VALID)
        assert isinstance(refused, Rejected)
        assert refused.kind == kind


async def test_the_stream_does_not_take_what_is_filled_for_the_quantity(tmp_path: Path) -> None:
    async with traded(tmp_path) as (paper, gateway):
        reader = Reader(gateway.watch_account([SYMBOL]))
        await reader.until(lambda r: r.resumed == 1)
        bid, _ = await paper.quote()
        request = await resting(paper, price=bid + D("0.01"), quantity=D("0.03"))
        await gateway.create(request, valid_for=VALID)
        await paper.taker("sell", "0.01", str(bid + D("0.01")))

        def told(r: Reader) -> list[OrderReport]:
            return [report for report in r.reports if report.filled == D("0.01")]

        await reader.until(told)
        assert [(each.status, each.quantity) for each in told(reader)] == [(VenueStatus.OPEN, None)]
        assert (await found(gateway, request)).quantity == D("0.03")
        await reader.stop()


async def test_the_session_of_the_markets_needs_no_key(tmp_path: Path) -> None:
    async with running(tmp_path) as paper:
        gateway = open_market_gateway(exchange_id="coinbase", options=COINBASE.options(paper.url), clock=now)
        await gateway.open()
        bid, ask = await paper.quote()
        quote = await gateway.quote(SYMBOL)
        assert (quote.bid, quote.ask) == (bid, ask)
        assert (await gateway.candles(SYMBOL, now() - timedelta(hours=1), now())).candles
        await gateway.close()


async def test_a_clock_that_is_told_in_whole_seconds_is_not_taken_for_exact(tmp_path: Path) -> None:
    async with traded(tmp_path) as (_, gateway):
        kept = gateway._time
        assert kept.behind is not None
        assert abs(kept.behind) <= kept.error
        assert timedelta(seconds=0.5) <= kept.error < timedelta(seconds=1)


async def test_the_rate_limits_are_never_exceeded_however_much_there_is_to_ask(tmp_path: Path) -> None:
    """An account and the markets' session, each as fast as its part of the limit lets it."""
    async with traded(tmp_path) as (paper, gateway):
        markets = open_market_gateway(exchange_id="coinbase", options=COINBASE.options(paper.url), clock=now)
        await markets.open()
        request = await resting(paper)
        until = time.monotonic() + 4

        async def often(ask: Any) -> int:
            count = 0
            while time.monotonic() < until:
                await ask()
                count += 1
            return count

        async def create_and_cancel() -> None:
            child = replace(request, client_id=f"qtest{time.monotonic_ns()}")
            await gateway.ready("create", SYMBOL)
            created = await gateway.create(child, valid_for=VALID)
            assert isinstance(created, Accepted)
            await gateway.ready("cancel", SYMBOL)
            await gateway.cancel(ref_of(child, created.report.exchange_id))

        done = await asyncio.gather(
            often(create_and_cancel),
            often(lambda: gateway.open_orders(SYMBOL)),
            often(lambda: gateway.book(SYMBOL)),
            often(lambda: markets.book(SYMBOL)),
            often(lambda: markets.candles(SYMBOL, now() - timedelta(hours=1), now())),
        )
        await markets.close()
        usage = (await paper.control("GET", "limits"))["windows"]
        assert all(done)
        assert {name: each["refused"] for name, each in usage.items()} == {
            "coinbase private first": 0,
            "coinbase public 127.0.0.1": 0,
        }
        assert usage["coinbase private first"]["peak"] > 5, "it was asked often"
