"""The three venues as a desk meets them: each with figures of its own, through the gateway, at one price."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import aiohttp
import ccxt
import pytest

from execution.launcher.bootstrap import PAPER_LABELS, paper_options
from execution.paper.profiles import PROFILES, Profile
from execution.venues.gateway import CcxtGateway, open_gateway
from tests.paper.keys import secret_of
from tests.paper.running import SYMBOL, Paper, running

profiles = pytest.mark.parametrize("profile", PROFILES.values(), ids=list(PROFILES))
SYMBOLS = ("BTC/USDT", "ETH/USDT", "SOL/USDT")


def gateway_to(paper: Paper) -> CcxtGateway:
    return open_gateway(
        exchange_id="binance",
        options=paper_options(paper.port),
        api_key="first",
        secret=secret_of("first"),
        clock=lambda: datetime.now(UTC),
        timeout=5,
    )


@pytest.fixture
async def venues(tmp_path: Path) -> AsyncIterator[dict[str, Paper]]:
    """Yield all three venues, trading."""
    async with AsyncExitStack() as stack:
        yield {
            name: await stack.enter_async_context(running(tmp_path / name, profile=profile, frozen=False))
            for name, profile in PROFILES.items()
        }


def test_the_desk_has_an_account_at_every_venue() -> None:
    assert tuple(PROFILES) == PAPER_LABELS


async def test_each_venue_has_the_fees_and_limits_that_it_announces(venues: dict[str, Paper]) -> None:
    seen = set()
    for name, paper in venues.items():
        profile = PROFILES[name]
        gateway = gateway_to(paper)
        await gateway.open()
        try:
            markets = await gateway.markets(SYMBOLS)
        finally:
            await gateway.close()
        assert set(markets) == set(SYMBOLS)
        for listed in (parameters.market for parameters in profile.listed):
            market = markets[listed.symbol]
            assert (market.maker_fee, market.taker_fee) == (profile.maker_fee, profile.taker_fee)
            assert (market.tick, market.lot) == (listed.tick, listed.lot)
            assert market.min_quantity == listed.min_quantity
            assert market.min_notional == listed.min_notional
        bitcoin = markets[SYMBOL]
        seen.add((bitcoin.maker_fee, bitcoin.taker_fee, bitcoin.tick, bitcoin.lot, bitcoin.min_notional))
    assert len(seen) == 3


@pytest.mark.parametrize("symbol", SYMBOLS)
def test_the_coarsest_lot_of_several_venues_is_a_multiple_of_every_lot(symbol: str) -> None:
    lots = [each.market.lot for profile in PROFILES.values() for each in profile.listed
            if each.market.symbol == symbol]  # fmt: skip
    assert len(lots) == 3
    assert len(set(lots)) > 1
    assert all(max(lots) % lot == 0 for lot in lots)


@profiles
def test_levels_lie_on_the_tick_and_lots_are_powers_of_ten(profile: Profile) -> None:
    for parameters in profile.listed:
        market = parameters.market
        assert parameters.spacing % market.tick == 0
        assert market.min_quantity % market.lot == 0
        assert market.lot.as_tuple().digits == market.tick.as_tuple().digits == (1,)


async def test_an_order_below_a_venue_s_own_minimum_or_lot_is_refused_there_alone(
    venues: dict[str, Paper],
) -> None:
    """7 USDT is enough for alpha and gamma, and 0.00015 is on their lot but not on beta's."""
    bids = {name: (await paper.quote())[0] for name, paper in venues.items()}
    refused = []
    for name, paper in venues.items():
        client = await paper.client()
        price = (bids[name] * Decimal("0.9")).quantize(Decimal(1))
        for number, quantity in enumerate((Decimal("0.0001"), Decimal("0.00015"))):
            parameters = {
                "symbol": "BTCUSDT", "side": "BUY", "type": "LIMIT", "timeInForce": "GTC", "price": str(price),
                "quantity": str(quantity), "newClientOrderId": f"{name}{number}",
            }  # fmt: skip
            try:
                await client.private_post_order(parameters)
            except (ccxt.BadRequest, ccxt.InvalidOrder) as error:
                refused.append((name, number, str(error).partition("failure: ")[2].rstrip('"}')))
    assert refused == [("beta", 0, "NOTIONAL"), ("beta", 1, "LOT_SIZE")]


async def test_the_books_of_the_venues_agree_within_a_few_basis_points(venues: dict[str, Paper]) -> None:
    for _ in range(10):
        quotes = [await paper.quote() for paper in venues.values()]
        mids = [(bid + ask) / 2 for bid, ask in quotes]
        assert max(mids) / min(mids) - 1 < Decimal("0.0005"), quotes
        await asyncio.sleep(0.1)


async def test_a_venue_that_was_down_is_at_the_common_price_again(tmp_path: Path) -> None:
    """Down for an hour by its clock: what it stored is of no matter."""
    ahead = {"seconds": 0.0}
    clock = lambda: time.time() + ahead["seconds"]  # noqa: E731
    profile = PROFILES["beta"]
    async with running(tmp_path / "beta", profile=profile, frozen=False, clock=clock) as paper:
        await paper.quote()
    ahead["seconds"] = 3600
    async with (
        running(tmp_path / "beta", profile=profile, frozen=False, clock=clock) as beta,
        running(tmp_path / "alpha", profile=PROFILES["alpha"], frozen=False, clock=clock) as alpha,
    ):
        (bid, ask), (other_bid, other_ask) = await beta.quote(), await alpha.quote()
        assert abs((bid + ask) / (other_bid + other_ask) - 1) < Decimal("0.0005")


async def test_deeper_and_thinner_venues_differ_in_their_books(venues: dict[str, Paper]) -> None:
    depth = {}
    for name, paper in venues.items():
        _, book = await paper.get("/api/v3/depth?symbol=ETHUSDT&limit=100")
        depth[name] = sum(Decimal(size) for _, size in (*book["bids"], *book["asks"]))
    assert depth["beta"] > Decimal("1.2") * depth["alpha"]
    assert depth["gamma"] < Decimal("0.8") * depth["alpha"]


@profiles
async def test_answers_and_events_take_the_venue_s_latency(tmp_path: Path, profile: Profile) -> None:
    async with running(tmp_path, profile=profile) as paper, aiohttp.ClientSession() as session:
        websocket = paper.url.replace("http", "ws") + "/ws-api/v3"
        async with session.ws_connect(websocket) as socket:
            answers, events = [], []
            for _ in range(5):
                begun = time.monotonic()
                await paper.get("/api/v3/ping")
                answers.append(time.monotonic() - begun)
                begun = time.monotonic()
                await socket.send_json({"id": 1, "method": "time"})
                await socket.receive_json()
                events.append(time.monotonic() - begun)
    assert min(*answers, *events) >= profile.latency > 0
    assert max(min(answers), min(events)) < profile.latency + 0.1
