"""The coinbase dialect over REST, driven by ccxt's own class as it is: keys, orders and refusals."""

from __future__ import annotations

import time
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import ccxt
import pytest

from execution.paper.coinbase.__main__ import main as print_key
from execution.paper.coinbase.signing import private_pem
from execution.paper.profiles import ALONE
from tests.paper.coinbase_client import Clock, has_passed, place, raw, shown
from tests.paper.keys import secret_of
from tests.paper.running import (
    OPENING,
    SYMBOL,
    Binance,
    Paper,
    eventually,
    running,
    write_accounts,
)

D = Decimal

# --- keys -----------------------------------------------------------------------------------------


async def test_a_request_is_good_for_two_minutes_and_a_create_has_no_other_bound(tmp_path: Path) -> None:
    clock = Clock()
    async with running(tmp_path / "paper", clock=clock) as paper:
        client = await paper.coinbase()
        bid, _ = await paper.quote()
        clock.ahead = 61
        assert (await place(client, "a-minute-late", bid - 100))["id"]
        clock.ahead = 115
        assert (await place(client, "nearly-too-late", bid - 100))["id"]
        clock.ahead = 122
        with pytest.raises(ccxt.AuthenticationError, match="401"):
            await place(client, "too-late", bid - 100)
        clock.ahead = -30
        with pytest.raises(ccxt.AuthenticationError, match="401"):
            await place(client, "from-the-future", bid - 100)
        known = {order["client_id"] for order in (await paper.ledger())["orders"]}
        assert known == {"a-minute-late", "nearly-too-late"}


@pytest.mark.parametrize(
    "changes",
    [
        {"apiKey": "nobody"},
        {"apiKey": "second"},
        {"secret": private_pem("another")},
        {"secret": "no EC key, so that ccxt signs in the older way"},
    ],
)
async def test_a_key_that_is_wrong_is_refused_without_a_word_why(
    paper: Paper, changes: dict[str, str]
) -> None:
    client = paper.coinbase_unloaded(**changes)
    with pytest.raises(ccxt.AuthenticationError, match="401"):
        await client.v3PrivateGetBrokerageAccounts()


async def test_a_token_is_good_for_one_address_alone(paper: Paper, coinbase_first: Any) -> None:
    url = f"{paper.url}/api/v3/brokerage/accounts"
    token = coinbase_first.create_auth_token(coinbase_first.seconds(), "GET", url)
    headers = {"Authorization": f"Bearer {token}"}
    assert (await paper.get("/api/v3/brokerage/accounts?limit=2", **headers))[0] == 200
    async with paper.session.get(f"{paper.url}/api/v3/brokerage/key_permissions", headers=headers) as answer:
        assert answer.status == 401


async def test_a_secret_may_be_an_ec_key_itself(paper: Paper) -> None:
    own = private_pem("drawn elsewhere")
    await paper.add_account(key="organizations/1/apiKeys/2", secret=own, balances={"USDT": "10"})
    client = paper.coinbase_unloaded(apiKey="organizations/1/apiKeys/2", secret=own)
    assert (await client.fetch_balance())["USDT"]["free"] == 10


def test_the_key_of_an_account_is_printed_for_a_desk(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_accounts(tmp_path, "first")
    print_key([str(tmp_path), "--key", "first"])
    assert capsys.readouterr().out == private_pem(secret_of("first"))
    assert private_pem(secret_of("first")).startswith("-----BEGIN EC PRIVATE KEY-----")
    with pytest.raises(SystemExit):
        print_key([str(tmp_path), "--key", "nobody"])
    assert "no key 'nobody'" in capsys.readouterr().err


# --- orders ---------------------------------------------------------------------------------------


async def test_a_create_is_answered_with_ids_and_is_the_same_order_in_every_dialect(
    paper: Paper, first: Binance, coinbase_first: Any
) -> None:
    bid, _ = await paper.quote()
    made = await place(coinbase_first, "fromcoinbase", bid - 100)
    told = {"order_id", "product_id", "side", "client_order_id", "attached_order_id"}
    assert (set(made["info"]), made["status"], made["filled"]) == (told, None, None)
    seen = await first.fetch_order(None, SYMBOL, {"origClientOrderId": "fromcoinbase"})
    assert (seen["status"], seen["price"]) == ("open", float(bid - 100))
    await first.cancel_order(seen["id"], SYMBOL)
    assert (await shown(coinbase_first, made["id"], "CANCELLED"))["filled_size"] == "0"


async def test_a_known_client_id_returns_the_order_that_is_there_whatever_became_of_it(
    paper: Paper, coinbase_first: Any
) -> None:
    bid, ask = await paper.quote()
    made = await place(coinbase_first, "same", bid - 100)
    again = await place(coinbase_first, "same", bid - 200, "0.02")
    assert again["id"] == made["id"]
    await coinbase_first.cancel_order(made["id"])
    assert (await place(coinbase_first, "same", ask))["id"] == made["id"]
    (order,) = (await paper.ledger())["orders"]
    assert (D(order["price"]), order["status"], order["times_accepted"]) == (bid - 100, "CANCELED", 1)


@pytest.mark.parametrize(
    ("changes", "error", "preview"),
    [
        ({"base_size": "1000"}, "INSUFFICIENT_FUND", "PREVIEW_INSUFFICIENT_FUND"),
        ({"base_size": "0.000011"}, "INVALID_SIZE_PRECISION", ""),
        ({"base_size": "0.00001"}, "UNKNOWN_FAILURE_REASON", "PREVIEW_INVALID_QUOTE_SIZE_TOO_SMALL"),
        ({"base_size": "9001"}, "UNKNOWN_FAILURE_REASON", "PREVIEW_INVALID_BASE_SIZE_TOO_LARGE"),
        ({"limit_price": "64000.001"}, "INVALID_PRICE_PRECISION", ""),
        ({"limit_price": "990000"}, "INVALID_LIMIT_PRICE", ""),
        ({"product_id": "DOGE-USDT"}, "INVALID_PRODUCT_ID", ""),
        ({"side": "HOLD"}, "INVALID_SIDE", ""),
        (
            {"limit_price": "70000", "post_only": True},
            "INVALID_LIMIT_PRICE_POST_ONLY",
            "PREVIEW_INVALID_LIMIT",
        ),
        ({"configuration": "twap_limit_gtd"}, "UNSUPPORTED_ORDER_CONFIGURATION", ""),
        ({"configuration": "market_market_ioc", "quote_size": "9"}, "UNSUPPORTED_ORDER_CONFIGURATION", ""),
    ],
)
async def test_an_order_that_is_refused_is_answered_with_200_and_success_false(
    paper: Paper, coinbase_first: Any, changes: dict[str, Any], error: str, preview: str
) -> None:
    fields = {"base_size": "0.01", "limit_price": "64000", "post_only": False, **changes}
    body = {name: fields.pop(name, kept) for name, kept in (("product_id", "BTC-USDT"), ("side", "BUY"))}
    configuration = {fields.pop("configuration", "limit_limit_gtc"): fields}
    status, answer = await paper.post(
        coinbase_first, "orders", {"client_order_id": "good", **body, "order_configuration": configuration}
    )
    said = answer["error_response"]
    assert (status, answer["success"], said["error"]) == (200, False, error)
    assert said["preview_failure_reason"].startswith(preview or "UNKNOWN_PREVIEW")
    assert await paper.order("good") is None


async def test_ccxts_own_market_buy_is_sized_in_quote_and_refused(paper: Paper, coinbase_first: Any) -> None:
    _, ask = await paper.quote()
    with pytest.raises(ccxt.ExchangeError, match="UNSUPPORTED_ORDER_CONFIGURATION"):
        await coinbase_first.create_order(SYMBOL, "market", "buy", 0.01, float(ask))
    sold = await place(coinbase_first, "sold", None, side="sell")
    assert (await raw(coinbase_first, sold["id"]))["filled_size"] == "0.01"
    body = {
        "client_order_id": "bought", "product_id": "BTC-USDT", "side": "BUY",
        "order_configuration": {"market_market_ioc": {"base_size": "0.02"}},
    }  # fmt: skip
    _, answer = await paper.post(coinbase_first, "orders", body)
    assert (await raw(coinbase_first, answer["order_id"]))["filled_size"] == "0.02"


async def test_a_key_without_the_permission_to_trade_is_refused(paper: Paper) -> None:
    await paper.add_account(
        key="reader", secret=secret_of("reader"), trading=False, balances={"USDT": "1000"}
    )
    client = await paper.coinbase("reader")
    with pytest.raises(ccxt.PermissionDenied):
        await place(client, "not-mine", D(60_000))
    assert (await client.v3PrivateGetBrokerageKeyPermissions())["can_trade"] is False


async def test_the_fee_is_in_quote_on_both_sides_and_a_buy_holds_it(
    paper: Paper, coinbase_first: Any
) -> None:
    bid, ask = await paper.quote()
    before = (await paper.ledger())["balances"]
    resting = await place(coinbase_first, "resting", bid - 100)
    held = (await paper.ledger())["balances"]["USDT"]["locked"]
    assert D(held) == (bid - 100) * D("0.01") * D("1.001")
    accounts = {each["currency"]: each for each in (await coinbase_first.fetch_balance())["info"]["accounts"]}
    assert D(accounts["USDT"]["hold"]["value"]) == D(held)
    await coinbase_first.cancel_order(resting["id"])
    await place(coinbase_first, "buying", ask)
    await place(coinbase_first, "selling", bid, side="sell")
    fills = (await coinbase_first.v3PrivateGetBrokerageOrdersHistoricalFills())["fills"]
    assert [(each["side"], D(each["commission"])) for each in fills] == [
        ("SELL", (bid * D("0.00001")).quantize(D("1e-8"))),
        ("BUY", (ask * D("0.00001")).quantize(D("1e-8"))),
    ]
    after = (await paper.ledger())["balances"]
    fees = sum((D(each["commission"]) for each in fills), D(0))
    assert D(after["BTC"]["free"]) == D(before["BTC"]["free"])
    assert D(after["USDT"]["free"]) == D(before["USDT"]["free"]) - (ask - bid) * D("0.01") - fees
    assert D(after["USDT"]["locked"]) == 0


async def test_a_buy_that_rests_over_a_restart_lets_go_of_what_it_held_for_its_fee(tmp_path: Path) -> None:
    """Also when the fees are others by then."""
    async with running(tmp_path / "paper") as paper:
        bid, _ = await paper.quote()
        made = await place(await paper.coinbase(), "resting", bid - 100)
    dearer = replace(ALONE, maker_fee=D("0.002"), taker_fee=D("0.002"))
    async with running(tmp_path / "paper", profile=dearer) as paper:
        client = await paper.coinbase()
        await client.cancel_order(made["id"])
        balance = (await paper.ledger())["balances"]["USDT"]
        assert (D(balance["free"]), D(balance["locked"])) == (D(OPENING["USDT"]), D(0))


async def test_orders_pass_through_their_states(tmp_path: Path) -> None:
    """PENDING and CANCEL_QUEUED last a moment; an order in them is among the open ones."""
    clock = Clock()
    async with running(tmp_path / "paper", clock=clock) as paper:
        client = await paper.coinbase()
        bid, ask = await paper.quote()
        clock.stands_at = time.time()

        async def status(made: Any) -> str:
            return str((await raw(client, made["id"]))["status"])

        async def pass_seconds(seconds: float) -> None:
            clock.ahead += seconds
            await eventually(lambda: has_passed(paper, clock))

        resting = await place(client, "resting", bid - 100)
        assert await status(resting) == "PENDING"
        assert [each["status"] for each in await client.fetch_open_orders(SYMBOL)] == ["PENDING"]
        await pass_seconds(1)
        assert await status(resting) == "OPEN"
        await client.cancel_order(resting["id"])
        assert await status(resting) == "CANCEL_QUEUED"
        assert [each["status"] for each in await client.fetch_open_orders(SYMBOL)] == ["CANCEL_QUEUED"]
        await pass_seconds(1)
        assert await status(resting) == "CANCELLED"
        assert await client.fetch_open_orders(SYMBOL) == []

        assert await status(await place(client, "filled", ask)) == "FILLED"
        ends = client.iso8601(int((clock() + 10) * 1000))
        until = await place(client, "until", bid - 100, timeInForce="GTD", end_time=ends)
        assert "limit_limit_gtd" in (await raw(client, until["id"]))["order_configuration"]
        await pass_seconds(11)
        assert await status(until) == "EXPIRED"
        part = await place(client, "part", ask, "50", timeInForce="IOC")
        assert await status(part) == "CANCELLED"
        assert D((await raw(client, part["id"]))["filled_size"]) > 0
        whole = await place(client, "whole", ask * D("1.0001").quantize(D("1.00")), "50", timeInForce="FOK")
        assert await status(whole) == "FAILED"
        assert D((await paper.ledger())["balances"]["USDT"]["locked"]) == 0


async def test_cancels_go_by_the_exchanges_id_alone_and_say_why_there_is_nothing_to_cancel(
    paper: Paper, coinbase_first: Any
) -> None:
    bid, ask = await paper.quote()
    resting = await place(coinbase_first, "resting", bid - 100)
    filled = await place(coinbase_first, "filled", ask)
    others = await place(await paper.coinbase("second"), "others", bid - 100)
    ids = ["resting", filled["id"], others["id"], resting["id"], resting["id"]]
    _, answer = await paper.post(coinbase_first, "orders/batch_cancel", {"order_ids": ids})
    assert [(each["success"], each["failure_reason"]) for each in answer["results"]] == [
        (False, "UNKNOWN_CANCEL_ORDER"),
        (False, "ORDER_IS_FULLY_FILLED"),
        (False, "UNKNOWN_CANCEL_ORDER"),
        (True, "UNKNOWN_CANCEL_FAILURE_REASON"),
        (False, "DUPLICATE_CANCEL_REQUEST"),
    ]
    await shown(coinbase_first, resting["id"], "CANCELLED")
    with pytest.raises(ccxt.BadRequest):
        await coinbase_first.cancel_order(resting["id"])
    with pytest.raises(ccxt.ExchangeError, match="NOT_FOUND"):
        await raw(coinbase_first, "resting")
