"""Kraken's nonces and counters: documented limits and decays, readable over the control API."""

from __future__ import annotations

import json
import time
from collections.abc import AsyncIterator
from pathlib import Path

import ccxt
import pytest

from execution.paper.app import create_app
from execution.paper.kraken.counters import LOCKOUT_AFTER, LOCKOUT_SECONDS, TIERS, DecayingCounter
from tests.paper.running import SYMBOL, Paper, running, write_accounts
from tests.paper.test_kraken import entry, place


class Clock:
    """The exchange's: ours and ``ahead`` seconds more, or one that stands still but for those."""

    def __init__(self) -> None:
        self.ahead = 0.0
        self.stopped: float | None = None

    def __call__(self) -> float:
        return (time.time() if self.stopped is None else self.stopped) + self.ahead

    def stop(self) -> None:
        self.stopped = time.time()


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
async def paper(tmp_path: Path, clock: Clock, request: pytest.FixtureRequest) -> AsyncIterator[Paper]:
    """Yield an exchange whose first account is of the tier that the test names, else of none: that is Pro."""
    write_accounts(tmp_path, "first", "second")
    if (tier := getattr(request, "param", None)) is not None:
        path = tmp_path / "accounts.json"
        one, *others = json.loads(path.read_text())
        path.write_text(json.dumps([one | {"tier": tier}, *others]))
    async with running(tmp_path, clock=clock) as paper:
        yield paper


# --- nonces ---------------------------------------------------------------------------------------


async def test_a_nonce_must_be_above_the_last_one_of_its_key(paper: Paper) -> None:
    client, other = await paper.kraken("first"), await paper.kraken("second")
    nonces = iter([1000, 1001, 1001, 1000, 1002])
    client.incrementing_nonce = lambda: next(nonces)
    for accepted in (True, True, False, False, True):
        if accepted:
            await client.private_post_balance()
        else:
            with pytest.raises(ccxt.InvalidNonce, match="EAPI:Invalid nonce"):
                await client.private_post_balance()
    other.incrementing_nonce = lambda: 1
    await other.private_post_balance()
    assert (await paper.counters())["refused"] == {"nonce": 2}


async def test_a_request_that_comes_after_a_later_one_is_refused_and_places_nothing(paper: Paper) -> None:
    client = await paper.kraken()
    await client.private_post_balance()
    client.incrementing_nonce = lambda: 1
    with pytest.raises(ccxt.InvalidNonce):
        await client.private_post_addorder(await entry(paper, cl_ord_id="late"))
    assert await paper.order("late") is None


async def test_a_wrong_signature_spends_no_nonce(paper: Paper) -> None:
    client = paper.kraken_unloaded(secret="YW5vdGhlcg==")
    client.incrementing_nonce = lambda: 10**15
    with pytest.raises(ccxt.ExchangeError, match="EAPI:Invalid signature"):
        await client.private_post_balance()
    await (await paper.kraken()).private_post_balance()


# --- the counter of calls -------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("paper", "tier"), [(name, name) for name in TIERS] + [(None, "pro")], indirect=["paper"]
)
async def test_calls_are_counted_by_key_to_the_limit_of_its_tier_and_decay(
    paper: Paper, clock: Clock, tier: str
) -> None:
    client, limits = await paper.kraken(), TIERS[tier]
    clock.stop()
    for _ in range(int(limits.calls)):
        await client.private_post_balance()
    with pytest.raises(ccxt.DDoSProtection, match="EAPI:Rate limit exceeded"):
        await client.private_post_balance()
    await (await paper.kraken("second")).private_post_balance()
    await place(client, "free", "60000")  # orders are no calls
    counted = await paper.counters()
    assert counted["tier"] == tier
    assert counted["calls"] == {
        "level": limits.calls,
        "limit": limits.calls,
        "peak": limits.calls,
        "refused": 1,
    }
    clock.ahead += 1.01 / limits.calls_decay
    await client.private_post_balance()
    with pytest.raises(ccxt.DDoSProtection):
        await client.private_post_balance()
    clock.ahead += limits.calls / limits.calls_decay
    assert (await paper.counters())["calls"]["level"] == 0


async def test_a_history_of_trades_costs_two_and_orders_nothing(paper: Paper) -> None:
    client = await paper.kraken()
    await client.private_post_tradeshistory()
    assert (await paper.counters())["calls"]["peak"] == 2
    made = await place(client, "one", "60000")
    await client.cancel_order(made["id"])
    assert (await paper.counters())["calls"]["peak"] == 2
    assert (await paper.counters())["refused"] == {}


async def test_many_refusals_in_a_row_lock_the_key_out_for_a_while(paper: Paper, clock: Clock) -> None:
    client = await paper.kraken()
    client.incrementing_nonce = lambda: 5
    await client.private_post_balance()
    for _ in range(LOCKOUT_AFTER):
        with pytest.raises(ccxt.InvalidNonce):
            await client.private_post_balance()
    client.incrementing_nonce = client.milliseconds
    with pytest.raises(ccxt.DDoSProtection, match="EGeneral:Temporary lockout"):
        await client.private_post_balance()
    assert 0 < (await paper.counters())["locked_out_for"] <= LOCKOUT_SECONDS
    clock.ahead += LOCKOUT_SECONDS
    await client.private_post_balance()
    assert (await paper.counters())["locked_out_for"] == 0


# --- the counter of orders ------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("age", "cost"),
    [(0, 8), (4, 8), (6, 6), (11, 5), (16, 4), (44, 4), (46, 2), (89, 2), (91, 1), (299, 1), (301, 0)],
)
async def test_a_cancel_costs_by_the_age_of_its_order(
    paper: Paper, clock: Clock, age: int, cost: int
) -> None:
    client = await paper.kraken()
    clock.stop()
    await place(client, "one", "60000")
    clock.ahead += age
    await client.cancel_order(None, SYMBOL, {"clientOrderId": "one"})
    counted = (await paper.counters())["trading"]["BTCUSDT"]
    assert counted["level"] == max(0, 1 - TIERS["pro"].trading_decay * age) + cost


@pytest.mark.parametrize("paper", ["starter"], indirect=True)
async def test_orders_are_counted_by_pair_refused_ones_too_and_decay(paper: Paper, clock: Clock) -> None:
    client, limits = await paper.kraken(), TIERS["starter"]
    clock.stop()
    for _ in range(6):  # a create and a cancel at once: nine together
        made = await place(client, None, "60000")
        await client.cancel_order(made["id"])
    made = await place(client, None, "60000")
    with pytest.raises(ccxt.DDoSProtection, match="EOrder:Rate limit exceeded"):
        await client.cancel_order(made["id"])
    await place(client, "other", "3000", "0.1", symbol="ETH/USDT")
    counted = (await paper.counters())["trading"]
    assert counted["BTCUSDT"] == {"level": 55, "limit": limits.trading, "peak": 55, "refused": 1}
    assert counted["ETHUSDT"]["peak"] == 1
    clock.ahead += 60 / limits.trading_decay
    with pytest.raises(ccxt.ExchangeError, match="arguments:volume"):
        await client.private_post_addorder(await entry(paper, volume="0"))
    assert (await paper.counters())["trading"]["BTCUSDT"]["level"] == 1, "a refused one counts"


@pytest.mark.parametrize("paper", ["starter"], indirect=True)
async def test_so_many_orders_may_rest_in_a_pair(paper: Paper, clock: Clock) -> None:
    client, limits = await paper.kraken(), TIERS["starter"]
    for number in range(limits.open_orders):
        clock.ahead += 1
        await place(client, f"n{number}", "60000", "0.001")
    clock.ahead += 60
    with pytest.raises(ccxt.ExchangeError, match="EOrder:Orders limit exceeded"):
        await place(client, "toomany", "60000", "0.001")
    await place(client, "other", "3000", "0.1", symbol="ETH/USDT")
    await client.cancel_order(None, SYMBOL, {"clientOrderId": "n0"})
    await place(client, "again", "60000", "0.001")


def test_a_counter_never_passes_its_limit_and_keeps_its_peak() -> None:
    counter = DecayingCounter(limit=10, decay=2)
    assert [counter.take(4, 0.0) for _ in range(3)] == [True, True, False]
    assert counter.take(4, 1.0)
    assert counter.shown(1.0) == {"level": 10, "limit": 10, "peak": 10, "refused": 1}
    assert counter.shown(100.0) == {"level": 0, "limit": 10, "peak": 10, "refused": 1}


async def test_a_tier_that_there_is_not_is_refused(tmp_path: Path) -> None:
    (tmp_path / "accounts.json").write_text(json.dumps([{"key": "one", "secret": "YQ==", "tier": "gold"}]))
    with pytest.raises(ValueError, match="tier='gold' of key 'one' is none of starter, intermediate, pro"):
        create_app(tmp_path, seed=7)
