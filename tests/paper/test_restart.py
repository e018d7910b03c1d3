"""The real process: its start, its stop, and what it remembers after either kind of end."""

from __future__ import annotations

import asyncio
import signal
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from decimal import Decimal
from pathlib import Path
from typing import Any

import ccxt
import pytest

from tests.paper.running import SYMBOL, Paper, running, write_accounts
from tests.patience import slowness

pytestmark = pytest.mark.real_process

ROOT = Path(__file__).resolve().parents[2]


@asynccontextmanager
async def process(folder: Path) -> AsyncIterator[tuple[asyncio.subprocess.Process, Paper]]:
    """Run ``python -m execution.paper`` on a free port, killed at the end if it still runs."""
    arguments = ("-m", "execution.paper", "--port", "0", "--folder", str(folder), "--seed", "7")
    child = await asyncio.create_subprocess_exec(
        sys.executable, *arguments, cwd=ROOT, stdout=asyncio.subprocess.PIPE
    )
    assert child.stdout is not None
    try:
        line = (await asyncio.wait_for(child.stdout.readline(), 30)).decode()
        assert line.startswith("paper exchange ready on http://127.0.0.1:"), line
        paper = Paper(int(line.rsplit(":", 1)[1]), folder)
        for symbol in ("BTC/USDT", "ETH/USDT", "SOL/USDT"):
            await paper.control("POST", "market", symbol=symbol, freeze=True)
        try:
            yield child, paper
        finally:
            await paper.close()
    finally:
        if child.returncode is None:
            child.kill()
        await child.wait()


async def trade_a_little(paper: Paper) -> Any:
    """Make a taker's fill, a maker's part-fill, a cancelled and an untouched order. Return the ledger."""
    client = await paper.client()
    await client.create_order(SYMBOL, "market", "buy", 0.7, None, {"clientOrderId": "taker"})
    bid, _ = await paper.quote()
    for name, price in (("front", bid + Decimal("0.02")), ("back", bid + Decimal("0.02"))):
        await client.create_order(SYMBOL, "limit", "buy", 0.2, float(price), {"clientOrderId": name})
    await paper.taker("sell", "0.05")
    await client.create_order(SYMBOL, "limit", "sell", 0.1, 70_000, {"clientOrderId": "gone"})
    await client.cancel_order(None, SYMBOL, {"clientOrderId": "gone"})
    return await paper.ledger()


@pytest.mark.parametrize("end", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
async def test_nothing_is_forgotten_when_the_process_ends(tmp_path: Path, end: signal.Signals) -> None:
    write_accounts(tmp_path, "first")
    async with process(tmp_path) as (child, paper):
        before = await trade_a_little(paper)
        child.send_signal(end)
        started = time.monotonic()
        status = await asyncio.wait_for(child.wait(), 10)
        if end is not signal.SIGKILL:
            assert status == 0
            assert time.monotonic() - started < 3 * slowness()
    async with running(tmp_path) as paper:
        assert await paper.ledger() == before


async def test_open_orders_rest_again_in_their_order_after_kill_nine(tmp_path: Path) -> None:
    write_accounts(tmp_path, "first")
    async with process(tmp_path) as (child, paper):
        before = await trade_a_little(paper)
        child.kill()
        await child.wait()
    async with running(tmp_path) as paper:
        client = await paper.client()
        assert [order["clientOrderId"] for order in await client.fetch_open_orders(SYMBOL)] == [
            "front",
            "back",
        ]
        _, book = await paper.get("/api/v3/depth?symbol=BTCUSDT")
        front = Decimal((await paper.order("front"))["price"])
        ahead = sum(Decimal(size) for price, size in book["bids"] if Decimal(price) > front)
        await paper.taker("sell", str(ahead + Decimal("0.15")))
        assert (await paper.order("front"))["status"] == "FILLED"
        assert (await paper.order("back"))["executed"] == "0"
        with pytest.raises(ccxt.InvalidOrder, match="Duplicate"):
            await client.create_order(SYMBOL, "limit", "buy", 0.2, 60_000, {"clientOrderId": "back"})
        await client.create_order(SYMBOL, "market", "buy", 0.01)
        trades = (await paper.ledger())["trades"]
        ids = [trade["id"] for trade in trades]
        assert len(set(ids)) == len(ids)
        assert ids == sorted(ids)
        assert trades[: len(before["trades"])] == before["trades"]
        order_ids = [order["id"] for order in (await paper.ledger())["orders"]]
        assert len(set(order_ids)) == len(order_ids)


async def test_depth_numbers_never_fall_over_a_restart(tmp_path: Path) -> None:
    numbers = []
    for _ in range(2):
        async with running(tmp_path) as paper:
            await paper.taker("sell", "0.1")
            numbers.append((await paper.get("/api/v3/depth?symbol=BTCUSDT"))[1]["lastUpdateId"])
            await asyncio.sleep(0.2)
    assert numbers[0] < numbers[1]


async def test_the_token_and_the_candles_stay_the_same(tmp_path: Path) -> None:
    seen = []
    for _ in range(2):
        async with running(tmp_path) as paper:
            _, bars = await paper.get("/api/v3/klines?symbol=ETHUSDT&interval=1m&limit=80")
            seen.append(((tmp_path / "control").read_text(), {bar[0]: bar for bar in bars[:-2]}))
    (token, bars), (token_again, bars_again) = seen
    assert token == token_again
    shared = bars.keys() & bars_again.keys()
    assert len(shared) > 70
    assert all(bars[start] == bars_again[start] for start in shared)


async def test_a_fee_that_is_no_fraction_is_refused(tmp_path: Path) -> None:
    child = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "execution.paper", "--folder", str(tmp_path), "--maker-fee", "10",
        cwd=ROOT, stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    _, errors = await child.communicate()
    assert child.returncode == 2
    assert b"0.001 is 10 bp" in errors
