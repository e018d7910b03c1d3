"""Binance's own codes and texts, its lists and market data, and the guard of the controls."""

from __future__ import annotations

import hashlib
import hmac
import json
import stat
import time
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import aiohttp
import ccxt
import pytest

from execution.paper.exchange import HISTORY_MINUTES
from tests.paper.keys import secret_of
from tests.paper.running import SYMBOL, Binance, Paper, running, write_accounts


async def signed(
    paper: Paper, method: str = "POST", path: str = "/api/v3/order", key: str = "first",
    secret: str = secret_of("first"), **parameters: Any,
) -> tuple[int, Any, Any]:  # fmt: skip
    """Return (status, JSON, headers) of a hand-made signed request; POST carries everything in its body."""
    query = urlencode({"timestamp": int(time.time() * 1000), **parameters})
    query += "&signature=" + hmac.new(secret.encode(), query.encode(), hashlib.sha256).hexdigest()
    url = paper.url + path + ("" if method == "POST" else f"?{query}")
    headers = {"X-MBX-APIKEY": key, "Content-Type": "application/x-www-form-urlencoded"}
    async with (
        aiohttp.ClientSession() as session,
        session.request(method, url, data=query if method == "POST" else None, headers=headers) as answer,
    ):
        return answer.status, json.loads(await answer.text()), answer.headers


LIMIT = {
    "symbol": "BTCUSDT", "side": "BUY", "type": "LIMIT", "timeInForce": "GTC",
    "quantity": "0.01", "price": "60000",
}  # fmt: skip
POOR = "Account has insufficient balance for requested action."
MARKET = {"symbol": "BTCUSDT", "side": "BUY", "type": "MARKET", "quantity": "0.01"}


@pytest.mark.parametrize(
    ("request_", "code", "text"),
    [
        ({**LIMIT, "price": "60000.001"}, -1013, "Filter failure: PRICE_FILTER"),
        ({**LIMIT, "price": "0"}, -1013, "Filter failure: PRICE_FILTER"),
        ({**LIMIT, "price": "900000"}, -1013, "Filter failure: PERCENT_PRICE_BY_SIDE"),
        ({**LIMIT, "quantity": "0.010001"}, -1013, "Filter failure: LOT_SIZE"),
        ({**LIMIT, "quantity": "0"}, -1013, "Filter failure: LOT_SIZE"),
        ({**MARKET, "quantity": "9001"}, -1013, "Filter failure: MARKET_LOT_SIZE"),
        ({**LIMIT, "quantity": "0.00005"}, -1013, "Filter failure: NOTIONAL"),
        ({**LIMIT, "quantity": "-1"}, -1100, None),
        ({**LIMIT, "quantity": "NaN"}, -1100, None),
        ({**LIMIT, "quantity": "0.0100000001"}, -1111, None),
        ({**LIMIT, "symbol": "NOPEUSDT"}, -1121, "Invalid symbol."),
        ({**LIMIT, "side": "HOLD"}, -1117, None),
        ({**LIMIT, "type": "STOP_LOSS"}, -1116, None),
        ({**LIMIT, "timeInForce": "GTX"}, -1115, None),
        ({**LIMIT, "price": ""}, -1102, None),
        ({**LIMIT, "newClientOrderId": "no spaces"}, -1100, None),
        ({**MARKET, "timeInForce": "GTC"}, -1106, None),
        ({**LIMIT, "recvWindow": "60001"}, -1131, None),
        ({**LIMIT, "timestamp": "1"}, -1021, None),
        ({**LIMIT, "timestamp": str(10**14)}, -1021, None),
        (
            {**LIMIT, "side": "SELL", "quantity": "101"},
            -2010,
            "Account has insufficient balance for requested action.",
        ),
    ],
)
async def test_a_bad_order_is_refused_with_binance_s_code(
    paper: Paper, request_: dict[str, str], code: int, text: str | None
) -> None:
    status, answer, _ = await signed(paper, **request_)
    assert (status, answer["code"]) == (400, code)
    assert text in (None, answer["msg"])
    assert (await paper.ledger())["orders"] == []


async def test_keys_and_signatures_are_checked(paper: Paper) -> None:
    assert (await signed(paper, key="nobody", **LIMIT))[:2] == (
        401,
        {"code": -2015, "msg": "Invalid API-key, IP, or permissions for action."},
    )
    status, answer, _ = await signed(paper, secret="guessed", **LIMIT)
    assert (status, answer["code"]) == (400, -1022)


async def test_unknown_orders_have_their_codes(paper: Paper) -> None:
    unknown = {"symbol": "BTCUSDT", "origClientOrderId": "nobody"}
    assert (await signed(paper, "GET", **unknown))[1]["code"] == -2013
    assert (await signed(paper, "DELETE", **unknown))[1]["code"] == -2011
    assert (await signed(paper, "GET", symbol="BTCUSDT"))[1]["code"] == -1102


async def test_the_answer_has_the_form_that_was_asked_for(paper: Paper) -> None:
    for kind, has_status, has_fills in (("ACK", False, False), ("RESULT", True, False), ("FULL", True, True)):
        _, answer, headers = await signed(paper, **MARKET, newOrderRespType=kind)
        assert ("status" in answer, "fills" in answer) == (has_status, has_fills)
    assert answer["fills"][0]["tradeId"] > 0
    assert int(headers["X-MBX-ORDER-COUNT-10S"]) >= 3


async def test_too_much_weight_is_refused_until_the_minute_ends(tmp_path: Path) -> None:
    async with running(tmp_path / "paper", weight_per_minute=40) as paper:
        path = "/api/v3/exchangeInfo"
        async with aiohttp.ClientSession() as session:
            answers = [await session.get(paper.url + path) for _ in range(5)]
        assert answers[0].headers["X-MBX-USED-WEIGHT-1M"] == "20"
        refused = [answer for answer in answers if answer.status == 429]
        assert refused
        assert 1 <= int(refused[0].headers["Retry-After"]) <= 60


async def test_too_many_orders_are_refused(tmp_path: Path) -> None:
    async with running(tmp_path / "paper", orders_per_ten_seconds=2) as paper:
        answers = [await signed(paper, **LIMIT) for _ in range(6)]
        assert {answer["code"] for status, answer, _ in answers if status == 429} == {-1015}


async def test_trades_are_listed_by_time_id_order_and_limit(paper: Paper, first: Binance) -> None:
    earliest = await first.create_order(SYMBOL, "market", "buy", 0.01)
    await first.create_order(SYMBOL, "market", "buy", 0.01)
    third = await first.create_order(SYMBOL, "market", "sell", 0.01)
    path, symbol = "/api/v3/myTrades", {"symbol": "BTCUSDT"}
    _, everything, _ = await signed(paper, "GET", path, **symbol)
    ids = [trade["id"] for trade in everything]
    assert ids == sorted(ids)

    async def listed(**parameters: Any) -> Any:
        return (await signed(paper, "GET", path, **symbol, **parameters))[1]

    assert await listed(limit=1) == everything[-1:]
    assert await listed(fromId=ids[1]) == everything[1:]
    assert await listed(fromId=ids[0], limit=2) == everything[:2]
    assert [trade["orderId"] for trade in await listed(orderId=third["id"])] == [int(third["id"])]
    assert await listed(startTime=everything[0]["time"], limit=1) == everything[:1]
    assert await listed(endTime=everything[0]["time"] - 1) == []
    now = int(time.time() * 1000)
    assert (await listed(startTime=now - 90_000_000, endTime=now))["code"] == -1127
    assert (await listed(fromId=1, startTime=now))["code"] == -1128
    assert earliest["id"] != third["id"]


async def test_all_orders_are_listed_from_an_id_or_by_time(paper: Paper, first: Binance) -> None:
    placed = [await first.create_order(SYMBOL, "limit", "buy", 0.01, 60_000 + n) for n in range(3)]
    ids = [int(order["id"]) for order in placed]
    path, symbol = "/api/v3/allOrders", {"symbol": "BTCUSDT"}
    listed = (await signed(paper, "GET", path, **symbol))[1]
    assert [order["orderId"] for order in listed] == ids
    listed = (await signed(paper, "GET", path, **symbol, orderId=ids[1]))[1]
    assert [order["orderId"] for order in listed] == ids[1:]
    listed = (await signed(paper, "GET", path, **symbol, limit=1))[1]
    assert [order["orderId"] for order in listed] == ids[2:]
    later = int(time.time() * 1000) + 60_000
    assert (await signed(paper, "GET", path, **symbol, startTime=later))[1] == []


async def test_a_key_tells_what_it_may_do_and_the_fees(paper: Paper, first: Binance) -> None:
    restrictions = await first.sapi_get_account_apirestrictions()
    assert restrictions["enableReading"] is True
    assert restrictions["enableSpotAndMarginTrading"] is True
    assert restrictions["enableWithdrawals"] is False
    fees = await first.fetch_trading_fee(SYMBOL)
    assert (fees["maker"], fees["taker"]) == (0.001, 0.001)


async def test_an_account_that_is_added_later_is_found(tmp_path: Path) -> None:
    folder = tmp_path / "paper"
    async with running(folder) as paper:
        write_accounts(folder, "first", "second", "cy")
        client = await paper.client("cy")
        assert (await client.fetch_balance())["SOL"]["free"] == 50_000


async def test_markets_carry_the_filters(first: Binance) -> None:
    market = first.market(SYMBOL)
    assert set(first.markets) == {"BTC/USDT", "ETH/USDT", "SOL/USDT"}
    assert (market["precision"]["price"], market["precision"]["amount"]) == (0.01, 0.00001)
    assert market["limits"]["cost"]["min"] == 5
    information = market["info"]
    assert information["defaultSelfTradePreventionMode"] == "EXPIRE_MAKER"
    assert "EXPIRE_BOTH" in information["allowedSelfTradePreventionModes"]


async def test_tickers_books_and_trades_agree(paper: Paper, first: Binance) -> None:
    await paper.taker("buy", "0.1")
    bid, ask = await paper.quote()
    ticker = await first.fetch_ticker(SYMBOL)
    quotes = (await first.fetch_bids_asks([SYMBOL]))[SYMBOL]
    book = await first.fetch_order_book(SYMBOL, 5)
    trade = (await first.fetch_trades(SYMBOL, params={"fetchTradesMethod": "publicGetTrades"}))[-1]
    assert quotes["bid"] == book["bids"][0][0] == ticker["bid"] == float(bid)
    assert quotes["ask"] == book["asks"][0][0] == ticker["ask"] == float(ask)
    assert ticker["last"] == trade["price"]
    assert (trade["side"], len(book["bids"])) == ("buy", 5)


async def test_candles_reach_back_fifteen_days_and_go_on_with_what_is_traded(tmp_path: Path) -> None:
    async with running(tmp_path, history_minutes=HISTORY_MINUTES) as paper:
        await check_candles(paper, await paper.client())


async def check_candles(paper: Paper, first: Binance) -> None:
    minutes = await first.fetch_ohlcv(SYMBOL, "1m", limit=1000)
    assert len(minutes) == 1000
    opens = [bar[0] for bar in minutes]
    assert opens == list(range(opens[0], opens[0] + 1000 * 60_000, 60_000))
    hours = await first.fetch_ohlcv(SYMBOL, "1h", limit=24)
    assert len(hours) == 24
    last_hour = [bar for bar in minutes if bar[0] // 3_600_000 == hours[-2][0] // 3_600_000]
    assert hours[-2][5] == pytest.approx(sum(bar[5] for bar in last_hour))
    assert hours[-2][2] == max(bar[2] for bar in last_hour)
    since = opens[100]
    assert [bar[0] for bar in await first.fetch_ohlcv(SYMBOL, "1m", since, 3)] == opens[100:103]
    assert len(await first.fetch_ohlcv(SYMBOL, "1h", limit=360)) == 360
    before = (await first.fetch_ohlcv(SYMBOL, "1d", limit=1))[-1][5]
    await paper.taker("buy", "0.5")
    after = (await first.fetch_ohlcv(SYMBOL, "1d", limit=1))[-1][5]
    assert after == pytest.approx(before + 0.5)


async def test_the_background_trades_by_itself(tmp_path: Path) -> None:
    async with running(tmp_path / "paper", frozen=False) as paper:
        client = await paper.client()
        for _ in range(100):
            trades = await client.fetch_trades(SYMBOL)
            if len(trades) >= 3:
                break
            await ccxt.async_support.Exchange.sleep(client, 100)
        assert len(trades) >= 3


async def test_the_controls_need_the_token_that_only_the_owner_can_read(tmp_path: Path) -> None:
    folder = tmp_path / "paper"
    async with running(folder) as paper, aiohttp.ClientSession() as session:
        for headers in ({}, {"X-Paper-Control": "guessed"}):
            async with session.get(f"{paper.url}/_paper/ledger", headers=headers) as answer:
                assert answer.status == 403
        assert stat.S_IMODE((folder / "control").stat().st_mode) == 0o600


async def test_what_is_not_offered_is_not_found(paper: Paper) -> None:
    async with aiohttp.ClientSession() as session, session.get(f"{paper.url}/sapi/v1/capital") as answer:
        assert answer.status == 404
