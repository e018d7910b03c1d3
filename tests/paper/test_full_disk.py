"""A paper exchange whose disk takes nothing: it refuses orders, lives on, and loses none of its ledger."""

from __future__ import annotations

import asyncio
import resource
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import ccxt
import pytest

from tests.paper.running import SYMBOL, write_accounts
from tests.paper.test_restart import process, trade_a_little


@contextmanager
def no_room(pid: int) -> Iterator[None]:
    """Make the kernel refuse each write of the process to a file."""
    soft, hard = resource.prlimit(pid, resource.RLIMIT_FSIZE)
    resource.prlimit(pid, resource.RLIMIT_FSIZE, (0, hard))
    try:
        yield
    finally:
        resource.prlimit(pid, resource.RLIMIT_FSIZE, (soft, hard))


@pytest.mark.real_process
async def test_an_exchange_without_room_refuses_orders_and_goes_on_with_its_whole_ledger(
    tmp_path: Path,
) -> None:
    write_accounts(tmp_path, "first")
    async with process(tmp_path) as (child, paper):
        before = await trade_a_little(paper)
        client = await paper.client()
        with no_room(child.pid):
            # What it has done and cannot write is unknown, as its answer says; from then on it takes nothing.
            with pytest.raises(ccxt.RequestTimeout, match="-1007"):
                await client.create_order(SYMBOL, "limit", "buy", 0.1, 50_000, {"clientOrderId": "unknown"})
            for _ in range(3):
                with pytest.raises(ccxt.BaseError, match="Market is closed"):
                    await client.create_order(
                        SYMBOL, "limit", "buy", 0.1, 50_000, {"clientOrderId": "refused"}
                    )
            with pytest.raises(ccxt.BaseError, match="Market is closed"):
                await client.cancel_order(None, SYMBOL, {"clientOrderId": "back"})
            assert (await client.fetch_order(None, SYMBOL, {"clientOrderId": "back"}))["status"] == "open"
            await asyncio.sleep(0.5)
            assert child.returncode is None
        await asyncio.sleep(0.5)
        await client.create_order(SYMBOL, "limit", "buy", 0.1, 50_000, {"clientOrderId": "after"})
        ledger = await paper.ledger()
        child.kill()
        await child.wait()
    async with process(tmp_path) as (_, paper):
        remembered = await paper.ledger()
    assert remembered == ledger
    names = [order["client_id"] for order in ledger["orders"]]
    assert sorted(names) == sorted([*(each["client_id"] for each in before["orders"]), "unknown", "after"])
    assert ledger["trades"][: len(before["trades"])] == before["trades"]
