"""The kraken dialect over REST, driven by ccxt's own class as it is: orders, fees, refusals and faults."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import ccxt
import pytest

from execution.paper.faults import AFTER, BEFORE
from execution.paper.kraken.names import order_txid
from tests.paper.running import SYMBOL, Binance, Paper, running
from tests.paper.test_faults import SEEN

D = Decimal


async def place(
    client: Any, client_id: str | None, price: str | None, quantity: str = "0.01", **more: Any
) -> Any:
    side = more.pop("side", "buy")
    named = {} if client_id is None else {"clientOrderId": client_id}
    return await client.create_order(
        more.pop("symbol", SYMBOL),
        "limit" if price else "market",
        side,
        float(quantity),
        float(price) if price else None,
        {"oflags": "fciq", **named, **more},
    )


async def listed(client: Any, client_id: str) -> Any:
    """Return the one order with that id, as kraken's lists show it."""
    answers = [
        await client.private_post_openorders({"cl_ord_id": client_id}),
        await client.private_post_closedorders({"cl_ord_id": client_id}),
    ]
    found = {**answers[0]["result"]["open"], **answers[1]["result"]["closed"]}
    (order,) = found.values()
    return order


async def entry(paper: Paper, **changes: Any) -> dict[str, str]:
    """Return the parameters of a good order, with changes; None removes one."""
    bid, _ = await paper.quote()
    good = {"pair": "XBTUSDT", "type": "buy", "ordertype": "limit", "price": str(bid - 100), "volume": "0.01"}
    return {name: value for name, value in (good | changes).items() if value is not None}


# --- orders ---------------------------------------------------------------------------------------


async def test_an_order_is_the_same_one_in_both_dialects(
    paper: Paper, first: Binance, kraken_first: Any
) -> None:
    bid, _ = await paper.quote()
    made = await place(kraken_first, "fromkraken", str(bid - 100))
    number = (await paper.order("fromkraken"))["id"]
    assert (made["id"], made["status"], made["filled"]) == (order_txid(number), None, None)
    seen = await first.fetch_order(None, SYMBOL, {"origClientOrderId": "fromkraken"})
    assert (seen["id"], seen["status"], seen["price"]) == (str(number), "open", float(bid - 100))
    await first.cancel_order(seen["id"], SYMBOL)
    ended = await kraken_first.fetch_order(made["id"])
    assert (ended["status"], ended["clientOrderId"], ended["info"]["reason"]) == (
        "canceled", "fromkraken", "User requested",
    )  # fmt: skip


async def test_an_answer_to_a_create_holds_the_id_and_words_and_nothing_else(
    paper: Paper, kraken_first: Any
) -> None:
    _, ask = await paper.quote()
    answer = await kraken_first.private_post_addorder(await entry(paper, price=str(ask)))
    assert set(answer["result"]) == {"txid", "descr"}
    assert answer["result"]["descr"] == {"order": f"buy 0.01000000 XBTUSDT @ limit {ask:.2f}"}


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"type": "hold"}, "EGeneral:Invalid arguments:type"),
        ({"ordertype": "iceberg"}, "EGeneral:Invalid arguments:ordertype"),
        ({"timeinforce": "GTD"}, "EGeneral:Invalid arguments:timeinforce"),
        ({"oflags": "fciq,fcib"}, "EGeneral:Invalid arguments:oflags"),
        ({"oflags": "post", "timeinforce": "IOC"}, "EGeneral:Invalid arguments:oflags"),
        ({"stptype": "none"}, "EGeneral:Invalid arguments:stptype"),
        ({"volume": "-1"}, "EGeneral:Invalid arguments:volume"),
        ({"volume": "0.000011"}, "EGeneral:Invalid arguments:volume"),
        ({"volume": "0.00001"}, "EOrder:Cost minimum not met"),
        ({"price": "990000"}, "EGeneral:Invalid arguments:price"),
        (
            {"price": "64000.001"},
            "EOrder:Invalid price:BTC/USDT price can only be specified up to 2 decimals",
        ),
        ({"pair": "XDGUSDT"}, "EQuery:Unknown asset pair"),
        ({"volume": "1000"}, "EOrder:Insufficient funds"),
        ({"cl_ord_id": "nineteen-characters"}, "EGeneral:Invalid arguments:cl_ord_id"),
        ({"cl_ord_id": "one", "userref": "7"}, "EGeneral:Invalid arguments:cl_ord_id"),
    ],
)
async def test_what_is_wrong_with_an_order_is_said_in_words(
    paper: Paper, kraken_first: Any, changes: dict[str, str], words: str
) -> None:
    with pytest.raises(ccxt.ExchangeError) as refused:
        await kraken_first.private_post_addorder(await entry(paper, **changes))
    assert words in str(refused.value)
    assert (await paper.ledger())["orders"] == []


@pytest.mark.parametrize(
    "client_id",
    ["8f0e0f0e-9c3b-4e53-8a3c-0f0e0f0e0f0e", "8f0e0f0e9c3b4e538a3c0f0e0f0e0f0e", "eighteen-characters"],
)
async def test_an_own_id_is_a_uuid_or_32_digits_or_18_characters(
    paper: Paper, kraken_first: Any, client_id: str
) -> None:
    await kraken_first.private_post_addorder(await entry(paper, cl_ord_id=client_id[:36].removesuffix("s")))
    assert (await listed(kraken_first, client_id.removesuffix("s")))["status"] == "open"


async def test_an_order_without_an_own_id_shows_none(paper: Paper, kraken_first: Any) -> None:
    for _ in range(2):
        await kraken_first.private_post_addorder(await entry(paper))
    orders = await kraken_first.fetch_open_orders()
    assert [order["clientOrderId"] for order in orders] == [None, None]


async def test_an_own_id_is_unique_among_open_orders_of_all_pairs(paper: Paper, kraken_first: Any) -> None:
    bid, _ = await paper.quote()
    await place(kraken_first, "same", str(bid - 100))
    with pytest.raises(ccxt.ExchangeError, match="cl_ord_id not unique"):
        await place(kraken_first, "same", "3000", "0.1", symbol="ETH/USDT")
    await kraken_first.cancel_order(None, SYMBOL, {"clientOrderId": "same"})
    assert await place(kraken_first, "same", "3000", "0.1", symbol="ETH/USDT")


async def test_a_post_only_order_that_would_take_is_refused(paper: Paper, kraken_first: Any) -> None:
    bid, ask = await paper.quote()
    with pytest.raises(ccxt.ExchangeError, match="EOrder:Post only order"):
        await place(kraken_first, "taking", str(ask), postOnly=True)
    assert await paper.order("taking") is None
    await place(kraken_first, "resting", str(bid), postOnly=True)
    assert (await listed(kraken_first, "resting"))["oflags"] == "fciq,post"


async def test_an_immediate_order_takes_what_there_is_and_ends(paper: Paper, kraken_first: Any) -> None:
    _, ask = await paper.quote()
    await place(kraken_first, "ioc", str(ask), "50", timeInForce="IOC")
    order = await listed(kraken_first, "ioc")
    assert (order["status"], D(order["vol_exec"]) > 0) == ("canceled", True)
    assert D((await paper.ledger())["balances"]["USDT"]["locked"]) == 0


async def test_validate_checks_an_order_and_places_none(paper: Paper, kraken_first: Any) -> None:
    answer = await kraken_first.private_post_addorder(await entry(paper, validate="true"))
    assert list(answer["result"]) == ["descr"]
    with pytest.raises(ccxt.ExchangeError, match="arguments:volume"):
        await kraken_first.private_post_addorder(await entry(paper, validate="true", volume="0"))
    assert (await paper.ledger())["orders"] == []
    assert (await paper.counters())["trading"] == {}


@pytest.mark.parametrize(
    ("ahead", "words"),
    [
        (-1.0, "EService:Deadline elapsed"),
        (1.0, "EGeneral:Invalid arguments:deadline"),
        (3.0, None),
        (58.0, None),
        (62.0, "EGeneral:Invalid arguments:deadline"),
    ],
)
async def test_a_deadline_lies_two_to_sixty_seconds_ahead(
    paper: Paper, kraken_first: Any, ahead: float, words: str | None
) -> None:
    deadline = (datetime.now(UTC) + timedelta(seconds=ahead)).isoformat().replace("+00:00", "Z")
    parameters = await entry(paper, deadline=deadline, cl_ord_id="inTime")
    if words is None:
        await kraken_first.private_post_addorder(parameters)
    else:
        with pytest.raises(ccxt.ExchangeError, match=words):
            await kraken_first.private_post_addorder(parameters)
    assert (await paper.order("inTime") is None) == (words is not None)


async def test_a_deadline_that_passes_on_the_way_refuses_the_order(paper: Paper, kraken_first: Any) -> None:
    await paper.fault("create", "delay_before", seconds=2.6)
    deadline = (datetime.now(UTC) + timedelta(seconds=2.5)).isoformat()
    with pytest.raises(ccxt.ExchangeError, match="EService:Deadline elapsed"):
        await kraken_first.private_post_addorder(await entry(paper, deadline=deadline, cl_ord_id="late"))
    assert await paper.order("late") is None


@pytest.mark.parametrize(
    ("side", "flags", "asset"),
    [
        ("buy", "fciq", "USDT"),
        ("buy", "fcib", "BTC"),
        ("buy", "", "USDT"),
        ("sell", "fciq", "USDT"),
        ("sell", "fcib", "BTC"),
        ("sell", "", "BTC"),
    ],
)
async def test_a_fee_is_charged_in_the_currency_that_is_asked_for(
    paper: Paper, kraken_first: Any, side: str, flags: str, asset: str
) -> None:
    """By default in quote for buys and in base for sells: on top of what is paid."""
    bid, ask = await paper.quote()
    before = (await paper.ledger())["balances"]
    price = ask if side == "buy" else bid
    await kraken_first.private_post_addorder(await entry(paper, type=side, price=str(price), oflags=flags))
    ledger = await paper.ledger()
    (trade,) = ledger["trades"]
    sign = 1 if side == "buy" else -1
    value = D(trade["price"]) * D(trade["quantity"])
    moved = {"BTC": sign * D("0.01"), "USDT": -sign * value}
    moved[asset] -= D(trade["fee"])
    assert (trade["fee_asset"], D(trade["fee"])) == (
        asset, (value if asset == "USDT" else D("0.01")) * D("0.001"),
    )  # fmt: skip
    for name, change in moved.items():
        held = ledger["balances"][name]
        assert D(held["free"]) - D(before[name]["free"]) == change
        assert not D(held["locked"])


async def test_a_fee_on_top_is_held_while_the_order_rests_and_given_back(
    paper: Paper, kraken_first: Any
) -> None:
    bid, _ = await paper.quote()
    await place(kraken_first, "resting", str(bid - 100))
    held = (await kraken_first.fetch_balance())["USDT"]
    assert D(str(held["used"])) == (bid - 100) * D("0.01") * D("1.001")
    await kraken_first.cancel_order(None, SYMBOL, {"clientOrderId": "resting"})
    held = (await kraken_first.fetch_balance())["USDT"]
    assert (held["used"], held["free"]) == (0, 10_000_000)
    with pytest.raises(ccxt.InsufficientFunds):
        await place(kraken_first, "dear", str(bid - 100), str(round(10_000_000 / (bid - 100), 3)))


# --- faults and restarts ---------------------------------------------------------------------------

#: What ccxt makes of the faults that are told in words; pages and broken connections are as elsewhere.
IN_WORDS = {
    "status_429": "EAPI:Rate limit exceeded",
    "status_418": "EGeneral:Temporary lockout",
    "code_1021": "EAPI:Invalid nonce",
    "reject": "EOrder:Order minimum not met",
    "code_1007_after": "EService:Busy",
}


@pytest.mark.parametrize("kind", sorted(BEFORE | AFTER))
async def test_each_fault_on_a_create_works_as_in_the_other_dialects(
    paper: Paper, kraken_first: Any, kind: str
) -> None:
    await paper.fault("create", kind, seconds=0.2)
    bid, _ = await paper.quote()
    call = place(kraken_first, "one", str(bid - 100))
    if SEEN[kind] is None:
        await asyncio.wait_for(call, 5)
    else:
        with pytest.raises(ccxt.BaseError, match=IN_WORDS.get(kind)):
            await call
    accepted = kind in AFTER or kind == "delay_before"
    assert (await paper.order("one") is not None) == accepted


async def test_lists_that_lag_show_what_was(paper: Paper, kraken_first: Any) -> None:
    bid, ask = await paper.quote()
    made = await place(kraken_first, "resting", str(bid - 100))
    await place(kraken_first, "filled", str(ask))
    for on in ("find", "open_orders", "all_orders"):
        await paper.fault(on, "late_orders", seconds=60)
    await paper.fault("trades", "late_trades", seconds=60)
    with pytest.raises(ccxt.InvalidOrder, match="Unknown order"):
        await kraken_first.fetch_order(made["id"])
    assert await kraken_first.fetch_open_orders() == []
    assert await kraken_first.fetch_closed_orders() == []
    assert await kraken_first.fetch_my_trades() == []
    assert len(await kraken_first.fetch_my_trades()) == 1


async def test_what_an_order_holds_for_its_fee_outlives_a_restart(tmp_path: Path) -> None:
    async with running(tmp_path) as paper:
        await place(await paper.kraken(), "resting", "60000")
    async with running(tmp_path) as paper:
        held = (await paper.ledger())["balances"]["USDT"]
        assert D(held["locked"]) == D("600.6")
        await (await paper.kraken()).cancel_order(None, SYMBOL, {"clientOrderId": "resting"})
        held = (await paper.ledger())["balances"]["USDT"]
        assert (D(held["free"]), D(held["locked"])) == (D(10_000_000), D(0))
