"""The coinbase dialect's lists, candles and products, its limits, and how faults look in it."""

from __future__ import annotations

import asyncio
from typing import Any

import ccxt
import pytest

from tests.paper.coinbase_client import place
from tests.paper.running import SYMBOL, Binance, Paper

# --- lists ----------------------------------------------------------------------------------------


async def test_lists_come_in_pages_by_a_cursor_the_newest_first(paper: Paper, coinbase_first: Any) -> None:
    _, ask = await paper.quote()
    names = [f"order-{number}" for number in range(5)]
    for name in names:
        await place(coinbase_first, name, ask, "0.001")
    begun = coinbase_first.iso8601(coinbase_first.milliseconds() - 60_000)
    orders: list[str] = []
    fills: list[str] = []
    cursor = ""
    while True:
        page = await coinbase_first.v3PrivateGetBrokerageOrdersHistoricalBatch(
            {"limit": 2, "cursor": cursor, "product_ids": ["BTC-USDT", "ETH-USDT"], "start_date": begun}
        )
        orders += [each["client_order_id"] for each in page["orders"]]
        cursor = page["cursor"]
        assert page["has_next"] == bool(cursor)
        if not cursor:
            break
    while cursor := page["cursor"] if "fills" in page else "-":
        more = {} if cursor == "-" else {"cursor": cursor}
        page = await coinbase_first.v3PrivateGetBrokerageOrdersHistoricalFills({"limit": 2, **more})
        fills += [each["order_id"] for each in page["fills"]]
    assert orders == names[::-1]
    assert len(set(fills)) == 5
    only = await coinbase_first.v3PrivateGetBrokerageOrdersHistoricalFills({"order_ids": [fills[0]]})
    assert {each["order_id"] for each in only["fills"]} == {fills[0]}
    found = await coinbase_first.v3PrivateGetBrokerageOrdersHistoricalBatch({"client_order_id": names[0]})
    assert len(found["orders"]) == 5, "our own id narrows nothing"
    pages = [
        await coinbase_first.v3PrivateGetBrokerageAccounts({"limit": 3, "cursor": at}) for at in ("", "3")
    ]
    assert [len(each["accounts"]) for each in pages] == [3, 1]


async def test_candles_are_those_of_another_dialect_within_a_window(
    paper: Paper, first: Binance, coinbase_first: Any
) -> None:
    since = coinbase_first.milliseconds() // 60_000 * 60_000 - 30 * 60_000
    ours = await coinbase_first.fetch_ohlcv(SYMBOL, "1m", since, 20)
    assert ours == await first.fetch_ohlcv(SYMBOL, "1m", since, 20)
    now = coinbase_first.seconds()
    query = f"granularity=ONE_MINUTE&start={now - 360 * 60}&end={now}"
    path = f"/api/v3/brokerage/market/products/BTC-USDT/candles?{query}"
    status, answer = await paper.get(path)
    assert (status, answer["error"]) == (400, "INVALID_ARGUMENT")


async def test_a_public_trade_has_the_makers_side(paper: Paper, coinbase_first: Any) -> None:
    bid, ask = await paper.quote()
    await paper.taker("buy", "0.01", str(ask))
    await paper.taker("sell", "0.01", str(bid))
    trades = await coinbase_first.fetch_trades(SYMBOL)
    assert [(trade["price"], trade["side"]) for trade in trades] == [
        (float(ask), "sell"),
        (float(bid), "buy"),
    ]


@pytest.mark.parametrize(
    ("status", "flag"), [("halted", "trading_disabled"), ("cancel_only", "cancel_only"), ("open", "")]
)
async def test_a_products_flags_tell_what_it_takes(paper: Paper, status: str, flag: str) -> None:
    await paper.control("POST", "rules", symbol=SYMBOL, status=status)
    _, product = await paper.get("/api/v3/brokerage/market/products/BTC-USDT")
    assert [name for name in ("trading_disabled", "cancel_only", "post_only") if product[name]] == [flag][
        : bool(flag)
    ]


# --- limits and faults ----------------------------------------------------------------------------


async def test_thirty_private_calls_a_second_a_user_and_ten_public_ones_an_address(
    paper: Paper, coinbase_first: Any
) -> None:
    await asyncio.sleep(1.1)  # the second of loading the markets
    await paper.control("DELETE", "limits")
    private = [coinbase_first.v3PrivateGetBrokerageKeyPermissions() for _ in range(70)]
    answers = await asyncio.gather(*private, return_exceptions=True)
    refused = [answer for answer in answers if isinstance(answer, Exception)]
    assert refused
    assert all(isinstance(error, ccxt.RateLimitExceeded) for error in refused)
    public = [coinbase_first.v3PublicGetBrokerageTime() for _ in range(30)]
    refused_too = [
        answer
        for answer in await asyncio.gather(*public, return_exceptions=True)
        if isinstance(answer, ccxt.RateLimitExceeded)
    ]
    usage = (await paper.control("GET", "limits"))["windows"]
    mine, address = usage["coinbase private first"], usage["coinbase public 127.0.0.1"]
    assert (mine["limit"], mine["refused"]) == (30, len(refused))
    assert (address["limit"], address["refused"]) == (10, len(refused_too))
    assert mine["peak"] > 30
    status, answer = await paper.get("/api/v3/brokerage/time")
    while status == 200:
        status, answer = await paper.get("/api/v3/brokerage/time")
    assert (status, answer["error"]) == (429, "rate_limit_exceeded")


@pytest.mark.parametrize(
    ("kind", "error"),
    [
        ("status_429", ccxt.RateLimitExceeded),
        ("code_1021", ccxt.AuthenticationError),
        ("reject", ccxt.ExchangeError),
        ("status_503", ccxt.ExchangeNotAvailable),
        ("code_1007_after", ccxt.ExchangeError),
        ("status_504_after", ccxt.RequestTimeout),
        ("truncate", ccxt.ExchangeError),
    ],
)
async def test_faults_are_told_in_coinbases_words(
    paper: Paper, coinbase_first: Any, kind: str, error: type[Exception]
) -> None:
    bid, _ = await paper.quote()
    await paper.fault("create", kind, key="first")
    with pytest.raises(error):
        await place(coinbase_first, "spoilt", bid - 100)
    was_processed = kind.endswith("after") or kind == "truncate"
    assert (await paper.order("spoilt") is not None) == was_processed


async def test_lists_lag_behind_by_what_they_show(paper: Paper, coinbase_first: Any) -> None:
    """A list is of open orders, or of all, by the state that is asked for."""
    bid, ask = await paper.quote()
    await place(coinbase_first, "resting", bid - 100)
    await place(coinbase_first, "filled", ask)
    for on, look in (
        ("open_orders", coinbase_first.fetch_open_orders),
        ("all_orders", coinbase_first.fetch_orders),
        ("trades", coinbase_first.fetch_my_trades),
    ):
        assert await look(SYMBOL)
        kind = "late_trades" if on == "trades" else "late_orders"
        await paper.fault(on, kind, seconds=60, key="first")
        assert await look(SYMBOL) == []
        assert await look(SYMBOL)
