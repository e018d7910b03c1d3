"""The okx dialect, driven by ccxt's own class as it is: answers, refusals, books and states."""

from __future__ import annotations

import asyncio
from decimal import Decimal
from typing import Any

import aiohttp
import ccxt
import pytest

from tests.paper.running import SYMBOL, Binance, Paper, eventually
from tests.patience import PATIENCE

D = Decimal


async def place(client: Any, client_id: str, price: str | None, quantity: str = "0.01", **more: Any) -> Any:
    side = more.pop("side", "buy")
    kind = "limit" if price else "market"
    return await client.create_order(
        SYMBOL,
        kind,
        side,
        float(quantity),
        float(price) if price else None,
        {"clientOrderId": client_id, **more},
    )


async def raw(client: Any, client_id: str) -> Any:
    return (await client.fetch_order(None, SYMBOL, {"clientOrderId": client_id}))["info"]


async def test_an_order_is_the_same_one_in_both_dialects(
    paper: Paper, first: Binance, okx_first: Any
) -> None:
    bid, _ = await paper.quote()
    made = await place(okx_first, "fromokx", str(bid - 100))
    assert (made["id"], made["status"]) == (str((await paper.order("fromokx"))["id"]), None)
    seen = await first.fetch_order(None, SYMBOL, {"origClientOrderId": "fromokx"})
    assert (seen["id"], seen["status"], seen["price"]) == (made["id"], "open", float(bid - 100))
    await first.cancel_order(seen["id"], SYMBOL)
    ended = await raw(okx_first, "fromokx")
    assert (ended["state"], ended["cancelSource"], ended["accFillSz"]) == ("canceled", "1", "0")


@pytest.mark.parametrize(
    ("entry", "code", "error"),
    [
        ({"tdMode": "cross"}, "51000", ccxt.BadRequest),
        ({"clOrdId": "with-a-dash"}, "51000", ccxt.BadRequest),
        ({"ordType": "trailing"}, "51000", ccxt.BadRequest),
        ({"side": "hold"}, "51000", ccxt.BadRequest),
        ({"stpMode": "none"}, "51000", ccxt.BadRequest),
        ({"px": "64000.001"}, "51000", ccxt.BadRequest),
        ({"px": ""}, "50014", ccxt.BadRequest),
        ({"sz": "-1"}, "51000", ccxt.BadRequest),
        ({"sz": "0.000011"}, "51121", ccxt.InvalidOrder),
        ({"sz": "9001"}, "51005", ccxt.InvalidOrder),
        ({"px": "990000"}, "51006", ccxt.InvalidOrder),
        ({"instId": "DOGE-USDT"}, "51001", ccxt.BadSymbol),
        ({"sz": "1000"}, "51008", ccxt.InsufficientFunds),
    ],
)
async def test_what_is_wrong_with_an_order_is_said_by_its_code(
    okx_first: Any, entry: dict[str, str], code: str, error: type[Exception]
) -> None:
    good = {
        "instId": "BTC-USDT", "tdMode": "cash", "clOrdId": "good1", "side": "buy", "ordType": "limit",
        "px": "64000", "sz": "0.01",
    }  # fmt: skip
    with pytest.raises(error, match=f'"sCode":"{code}"'):
        await okx_first.private_post_trade_batch_orders([good | entry])


async def test_of_several_orders_each_is_answered_by_itself(paper: Paper, okx_first: Any) -> None:
    bid, _ = await paper.quote()
    good = {
        "instId": "BTC-USDT", "tdMode": "cash", "side": "buy", "ordType": "limit", "px": str(bid - 50),
    }  # fmt: skip
    answer = await okx_first.private_post_trade_batch_orders(
        [{**good, "clOrdId": "one", "sz": "0.01"}, {**good, "clOrdId": "two", "sz": "1000"}]
    )
    assert (answer["code"], [each["sCode"] for each in answer["data"]]) == ("2", ["0", "51008"])
    assert await paper.order("two") is None


async def test_a_client_id_is_taken_once_while_its_order_is_open(paper: Paper, okx_first: Any) -> None:
    bid, _ = await paper.quote()
    await place(okx_first, "same", str(bid - 100))
    with pytest.raises(ccxt.InvalidOrder, match="51016"):
        await place(okx_first, "same", str(bid - 100))
    await okx_first.cancel_order(None, SYMBOL, {"clientOrderId": "same"})
    assert await place(okx_first, "same", str(bid - 100))


async def test_a_cancel_says_why_there_is_nothing_to_cancel(paper: Paper, okx_first: Any) -> None:
    bid, ask = await paper.quote()
    await place(okx_first, "resting", str(bid - 100))
    await place(okx_first, "filled", str(ask))
    cancelled = await okx_first.cancel_order(None, SYMBOL, {"clientOrderId": "resting"})
    assert cancelled["status"] is None
    for client_id, code in (("resting", "51401"), ("filled", "51402"), ("nobodys", "51400")):
        with pytest.raises(ccxt.OrderNotFound, match=code):
            await okx_first.cancel_order(None, SYMBOL, {"clientOrderId": client_id})
    with pytest.raises(ccxt.OrderNotFound, match="51603"):
        await raw(okx_first, "nobodys")


@pytest.mark.parametrize(
    ("more", "source"),
    [({"postOnly": True}, "31"), ({"timeInForce": "IOC"}, "14"), ({"timeInForce": "FOK"}, "13")],
)
async def test_what_the_system_ends_is_accepted_first_and_says_what_ended_it(
    paper: Paper, okx_first: Any, more: dict[str, Any], source: str
) -> None:
    _, ask = await paper.quote()
    price, quantity = (str(ask), "0.01") if "postOnly" in more else (str(ask), "50")
    await place(okx_first, "ended", price, quantity, **more)
    order = await raw(okx_first, "ended")
    assert (order["state"], order["cancelSource"]) == ("canceled", source)
    assert (order["accFillSz"] == "0") == (source != "14")
    assert D((await paper.ledger())["balances"]["USDT"]["locked"]) == 0


async def test_fills_and_fees_are_told_below_zero_and_in_what_was_received(
    paper: Paper, okx_first: Any
) -> None:
    bid, ask = await paper.quote()
    await place(okx_first, "buying", str(ask))
    await place(okx_first, "selling", str(bid), side="sell")
    fills = (await okx_first.private_get_trade_fills({"instType": "SPOT"}))["data"]
    assert [(fill["clOrdId"], fill["feeCcy"], D(fill["fee"]) < 0) for fill in fills] == [
        ("selling", "USDT", True),
        ("buying", "BTC", True),
    ]
    order = await raw(okx_first, "buying")
    assert (order["state"], order["fee"], order["feeCcy"]) == ("filled", "-0.00001", "BTC")
    assert D(order["avgPx"]) == ask


async def test_market_orders_are_sized_in_base_or_in_quote(paper: Paper, okx_first: Any) -> None:
    await place(okx_first, "inbase", None, "0.02")
    await place(okx_first, "inquote", None, "1000", tgtCcy="quote_ccy", cost=1000)
    assert D((await raw(okx_first, "inbase"))["accFillSz"]) == D("0.02")
    assert D("0.015") < D((await raw(okx_first, "inquote"))["accFillSz"]) < D("0.016")


@pytest.mark.parametrize(
    ("changes", "code", "error"),
    [
        ({"apiKey": "nobody"}, "50111", ccxt.AuthenticationError),
        ({"secret": "another"}, "50113", ccxt.AuthenticationError),
        ({"password": "another"}, "50105", ccxt.AuthenticationError),
    ],
)
async def test_a_wrong_key_is_refused_over_rest_and_at_the_login(
    paper: Paper, changes: dict[str, str], code: str, error: type[Exception]
) -> None:
    client = paper.okx_unloaded(**changes)
    client.has["fetchCurrencies"] = False  # which asks with the key
    with pytest.raises(error, match=code):
        await client.fetch_balance()
    with pytest.raises(ccxt.BaseError, match=r"6000[57]|60024"):
        await asyncio.wait_for(client.watch_orders(), 3)


async def test_an_old_timestamp_and_a_deadline_that_has_passed_are_refused(
    paper: Paper, okx_first: Any
) -> None:
    okx_first.options["timeDifference"] = 31_000
    with pytest.raises(ccxt.InvalidNonce, match="50102"):
        await okx_first.fetch_balance()
    okx_first.options["timeDifference"] = 0
    okx_first.headers = {"expTime": str(okx_first.milliseconds() - 1)}
    bid, _ = await paper.quote()
    with pytest.raises(ccxt.ExchangeError, match='"sCode":"50036"'):
        await place(okx_first, "late", str(bid - 100))
    assert await paper.order("late") is None


async def test_each_kind_of_call_has_a_limit_of_its_own(okx_first: Any) -> None:
    calls = [okx_first.private_get_account_config() for _ in range(12)]
    answers = await asyncio.gather(*calls, return_exceptions=True)
    refused = [answer for answer in answers if isinstance(answer, ccxt.RateLimitExceeded)]
    assert refused
    assert all("50011" in str(error) for error in refused)
    assert await okx_first.fetch_balance()


async def test_the_book_that_the_stream_tells_is_the_book(paper: Paper, okx_first: Any) -> None:
    """A snapshot and what changed since; best quotes and five levels beside it."""
    bid, _ = await paper.quote()
    await okx_first.watch_order_book(SYMBOL)
    await place(okx_first, "inside", str(bid + D("0.01")), "0.5")
    await paper.taker("sell", "0.2", str(bid + D("0.01")))

    async def same() -> bool:
        told = okx_first.orderbooks[SYMBOL]
        asked = await okx_first.fetch_order_book(SYMBOL, 400)
        return bool(
            [level[:2] for level in told["bids"]] == [level[:2] for level in asked["bids"]]
            and [level[:2] for level in told["asks"]] == [level[:2] for level in asked["asks"]]
        )

    await eventually(same)
    best = (await okx_first.watch_bids_asks([SYMBOL]))[SYMBOL]
    assert (best["bid"], best["bidVolume"]) == (float(bid + D("0.01")), 0.3)
    five = await okx_first.watch_order_book(SYMBOL, 5)
    assert len(five["bids"]) == len(five["asks"]) == 5


async def test_the_best_quotes_are_told_once_and_then_when_they_change(paper: Paper, okx_first: Any) -> None:
    bid, _ = await paper.quote()
    address = paper.url.replace("http", "ws") + "/ws/v5/public"
    argument = {"channel": "bbo-tbt", "instId": "BTC-USDT"}

    async def told(socket: aiohttp.ClientWebSocketResponse) -> Decimal:
        return D((await socket.receive_json(timeout=5 * PATIENCE))["data"][0]["bids"][0][0])

    for price in (bid + D("0.01"), bid + D("0.02")):  # the second subscriber comes after the first has gone
        async with paper.session.ws_connect(address) as socket:
            await socket.send_json({"op": "subscribe", "args": [argument]})
            assert (await socket.receive_json(timeout=5 * PATIENCE))["event"] == "subscribe"
            await told(socket)
            with pytest.raises(TimeoutError):
                await socket.receive(timeout=0.5)  # several steps of the exchange
            await place(okx_first, f"at{price}".replace(".", ""), str(price), "0.5")
            assert await told(socket) == price


async def test_candles_are_those_of_the_other_dialect(first: Binance, okx_first: Any) -> None:
    since = okx_first.milliseconds() // 60_000 * 60_000 - 30 * 60_000
    theirs = await first.fetch_ohlcv(SYMBOL, "1m", since, 20)
    ours = await okx_first.fetch_ohlcv(SYMBOL, "1m", since, 20)
    assert ours == theirs
    assert len(ours) == 20
    assert len(await okx_first.fetch_ohlcv(SYMBOL, "5m")) >= 10
