"""Bans and lock-outs: held for as long as the exchange says, everything if more calls would prolong it."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any

import pytest

from execution.core.account_options import TIERS, option_problems
from execution.core.addresses import Network
from execution.core.types import CancelFailed, NotSent, OrderRef, Unknown
from execution.venues.budget import Budget
from execution.venues.client import is_page
from execution.venues.errors import MAX_WAIT, reset_of, retry_after_of
from execution.venues.exchanges import binance, kraken
from execution.venues.gateway import CcxtGateway
from execution.venues.protocol import VenueReadFailed
from execution.venues.rate_limit import Throttle, Use
from execution.venues.spec import Limits
from tests.venues.stub import SYMBOL, VALID, Stub, limit_order, now, opened_venue

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
PAGE = "<html><body><h1>401 Authorization Required</h1></body></html>"


async def waits(gateway: CcxtGateway, kind: Any) -> bool:
    """Return True if a create or a cancel would have to wait now."""
    try:
        await asyncio.wait_for(gateway.ready(kind, SYMBOL), 0.1)
    except TimeoutError:
        return True
    return False


def pause_of(gateway: CcxtGateway) -> float:
    return gateway.budget.calls.held_for(Use.CANCEL)


@pytest.mark.parametrize("status", [418, 429])
async def test_a_ban_that_only_the_text_tells_of_holds_everything_until_then(
    stub: Stub, gateway: CcxtGateway, status: int
) -> None:
    """T24: it was paused for no time at all."""
    until = int((now().timestamp() + 240) * 1000)
    message = f"Way too much request weight used; IP banned until {until}. Please use the websocket."
    stub.answer("POST order", {"code": -1003, "msg": message}, status)
    outcome = await gateway.create(limit_order(), valid_for=VALID)
    assert isinstance(outcome, NotSent)
    assert timedelta(seconds=235) < outcome.retry_after <= timedelta(seconds=240)
    assert await waits(gateway, "create")
    assert await waits(gateway, "cancel"), "a cancel would prolong the ban"
    with pytest.raises(VenueReadFailed, match=r"asked for a pause until \d\d:\d\d:\d\d UTC"):
        await gateway.open_orders(SYMBOL)
    assert len([seen for seen in stub.seen if seen.path == "openOrders"]) == 0


async def test_a_wait_as_a_date_is_kept(stub: Stub, gateway: CcxtGateway) -> None:
    """T26: no pause at all."""
    header = {"Retry-After": format_datetime(now() + timedelta(seconds=90), usegmt=True)}
    stub.answer("GET openOrders", {"code": -1003, "msg": "Too many requests."}, 429, header)
    with pytest.raises(VenueReadFailed) as failure:
        await gateway.open_orders(SYMBOL)
    assert failure.value.retry_after is not None
    assert timedelta(seconds=85) < failure.value.retry_after <= timedelta(seconds=90)
    assert await waits(gateway, "create")
    assert not await waits(gateway, "cancel"), "it is no ban"


async def test_lock_outs_in_a_row_hold_a_key_for_longer_each_time() -> None:
    """T23: kraken was tried again after one second, for ever."""
    pauses = []
    async with opened_venue("kraken") as venue:
        venue.answers({venue.exchange.open_orders[0]: {"error": ["EGeneral:Temporary lockout"]}})
        for _ in range(3):
            venue.gateway.budget.calls._closed_until = 0
            with pytest.raises(VenueReadFailed) as failure:
                await venue.gateway.open_orders(SYMBOL)
            assert not failure.value.refuses_key
            pauses.append(pause_of(venue.gateway))
    assert [round(pause, -1) for pause in pauses] == [60, 120, 240]


async def test_an_address_that_bybit_bans_is_silent_for_ten_minutes() -> None:
    async with opened_venue("bybit") as venue:
        venue.stub.answer(venue.exchange.created[0], "<html>403, access too frequent</html>", 403)
        outcome = await venue.gateway.create(limit_order(), valid_for=VALID)
        assert isinstance(outcome, NotSent), "documented: what the address's limit turns away was not done"
        assert 590 < pause_of(venue.gateway) <= 600


async def test_a_page_with_401_says_nothing_of_an_order_or_of_the_key(
    stub: Stub, gateway: CcxtGateway
) -> None:
    """T27: the create was rejected, and the key refused."""
    for what in ("POST order", "GET openOrders", "DELETE order"):
        stub.answer(what, PAGE, 401)
    assert isinstance(await gateway.create(limit_order(), valid_for=VALID), Unknown)
    with pytest.raises(VenueReadFailed) as failure:
        await gateway.open_orders(SYMBOL)
    assert not failure.value.refuses_key
    assert isinstance(await gateway.cancel(OrderRef("qtestparent010001", SYMBOL, "7")), CancelFailed)


@pytest.mark.parametrize("status", [400, 403, 404, 500, 502, 520])
@pytest.mark.parametrize("body", [PAGE, "error code: 1020", "Forbidden"])
async def test_no_page_rejects_an_order(stub: Stub, gateway: CcxtGateway, status: int, body: str) -> None:
    stub.answer("POST order", body, status)
    assert isinstance(await gateway.create(limit_order(), valid_for=VALID), Unknown)


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        ("11", 11), ("0.5", 0.5), ("Sun, 01 Mar 2026 12:01:30 GMT", 90), ("Sun, 01 Mar 2026 11:00:00 GMT", 0),
        ("999999999", MAX_WAIT.total_seconds()), ("soon", None), ("-5", None), (None, None),
    ],
)  # fmt: skip
def test_a_retry_after_is_seconds_or_a_date(header: str | None, seconds: float | None) -> None:
    wait = retry_after_of(header, NOW)
    assert wait == (None if seconds is None else timedelta(seconds=seconds))


@pytest.mark.parametrize(
    ("value", "unit", "seconds"),
    [
        ("1772366430000", "at_ms", 30),
        ("1772366430", "at_s", 30),
        ("2500", "in_ms", 2.5),
        ("x", "in_ms", None),
    ],
)
def test_an_exchanges_own_header_says_when_its_limit_is_free(
    value: str, unit: Any, seconds: float | None
) -> None:
    wait = reset_of(value, unit, NOW)
    assert wait == (None if seconds is None else timedelta(seconds=seconds))


@pytest.mark.parametrize(
    ("body", "is_it"),
    [("", False), (" {}", False), (b"[]", False), ('"text"', False), (PAGE, True), ("no", True)],
)
def test_a_page_is_whatever_is_no_json(body: Any, is_it: bool) -> None:
    assert is_page(body) is is_it


# --- what the exchange counts itself --------------------------------------------------------------


async def test_each_answer_of_binance_tells_the_weight_that_is_used(
    stub: Stub, gateway: CcxtGateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    heard: list[float] = []
    monkeypatch.setattr(gateway._client, "heed_used", lambda used, *_: heard.append(used))
    stub.answer("GET openOrders", [], headers={"X-MBX-USED-WEIGHT-1M": "5712"})
    await gateway.open_orders(SYMBOL)
    stub.answer("GET openOrders", [], headers={"X-MBX-USED-WEIGHT-1M": "many"})
    await gateway.open_orders(SYMBOL)
    assert heard == [5712]


@pytest.mark.parametrize(("used", "pause"), [(5_699, 0), (5_700, 15), (6_200, 15)])
async def test_reads_pause_until_the_minute_is_over_when_its_weight_is_nearly_used(
    used: float, pause: float
) -> None:
    """Other programs of the address, and requests that ccxt makes unasked, are in no count of ours."""
    assert binance.SPEC.limits is not None
    assert binance.SPEC.used_header is not None
    budget = Budget(binance.SPEC.limits)
    budget.heed_used(used, binance.SPEC.used_header, NOW.timestamp() + 45)
    assert budget.held_for("quote") == pytest.approx(pause, abs=0.5)
    assert budget.held_for("find") == 0, "the fate of an order is asked for with what is left"
    await asyncio.wait_for(budget.ready("create", SYMBOL, None), 0.5)


async def test_the_weight_of_the_minute_before_holds_nothing_in_this_one() -> None:
    """An answer that was counted at the end of a minute is read in the next one."""
    assert binance.SPEC.limits is not None
    assert binance.SPEC.used_header is not None
    budget = Budget(binance.SPEC.limits)
    budget.heed_used(6_000, binance.SPEC.used_header, NOW.timestamp() + 60.05)
    assert budget.held_for("quote") == 0


async def test_snapshots_of_many_books_leave_room_for_other_reads() -> None:
    limits = Limits(100, 60, 0, {"book_snapshot": 10, "quote": 2})
    budget = Budget(limits, read_share=1.0)
    taken = 0
    with suppress(TimeoutError):
        while True:
            await asyncio.wait_for(budget.snapshot(), 0.05)
            taken += 1
    assert taken == 4, "of a limit of 100 they may take 40"
    await asyncio.wait_for(budget.read("quote"), 0.5)


# --- kraken's counters ---------------------------------------------------------------------------


def used(throttle: Throttle | None) -> float:
    assert throttle is not None
    return throttle._count.used(throttle._clock())


def test_the_options_name_the_tiers_of_an_account() -> None:
    assert tuple(kraken.SPEC.tiers) == TIERS["kraken"]
    (problem,) = option_problems("okx", {"options": {"tier": "pro"}}, Network("live"))
    assert problem.message == "The option options.tier: okx has no tiers; only kraken has."
    (problem,) = option_problems("kraken", {"options": {"tier": "vip"}}, Network("live"))
    assert problem.message == "The option options.tier: it must be one of intermediate, pro, starter."
    assert option_problems("kraken", {"options": {"tier": "pro"}}, Network("live")) == []


async def test_a_quick_cancel_costs_eight_of_a_pairs_counter_on_kraken_and_no_call() -> None:
    budget = Budget(*kraken.SPEC.tiers["starter"])
    await budget.ready("create", "BTC/USDT", None)
    for age, cost in ((1, 8), (7, 6), (12, 5), (40, 4), (80, 2), (200, 1), (400, 0)):
        before = used(budget._orders_of("BTC/USDT"))
        await budget.ready("cancel", "BTC/USDT", timedelta(seconds=age))
        assert used(budget._orders_of("BTC/USDT")) - before == pytest.approx(cost, abs=0.2)
    assert used(budget._orders_of("ETH/USDT")) == 0, "each pair has a counter of its own"
    assert used(budget.calls) == 0, "placing and cancelling are not calls that count"


async def test_clients_of_one_address_share_what_is_counted_by_it() -> None:
    from execution.venues.exchanges import okx

    assert binance.SPEC.limits is not None
    assert okx.SPEC.limits is not None
    shared, own = Budget(binance.SPEC.limits), Budget(okx.SPEC.limits)
    for budget in (shared, own):
        budget.share(3)
    assert shared.calls.limit(Use.CANCEL) == pytest.approx(binance.SPEC.limits.budget / 3)
    assert own.calls.limit(Use.CANCEL) == okx.SPEC.limits.budget
