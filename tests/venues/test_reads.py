"""Looks: what is found, what is not, and what is no evidence at all."""

from __future__ import annotations

import asyncio
import time
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from aiohttp import web

from execution.core.types import (
    BalanceAmounts,
    KeyPermissions,
    Liquidity,
    Market,
    OrderRef,
    Side,
    VenueStatus,
)
from execution.venues.gateway import CcxtGateway, open_gateway
from execution.venues.protocol import VenueReadFailed
from execution.venues.rate_limit import Use
from tests.venues.stub import SYMBOL, Stub, exchange_info, forget_limits, now, options_for
from tests.venues.test_orders import BROKEN, ORDER

REF = OrderRef(client_id="qtestparent010001", symbol=SYMBOL)
SINCE = datetime(2023, 11, 1, tzinfo=UTC)
TRADE: dict[str, Any] = {
    "symbol": "BTCUSDT", "id": 1, "orderId": 28, "price": "49000.00", "qty": "0.004", "quoteQty": "196",
    "commission": "0.00010", "commissionAsset": "BNB", "time": 1700000000000, "isBuyer": True,
    "isMaker": False, "isBestMatch": True,
}  # fmt: skip
ACCOUNT: dict[str, Any] = {
    "balances": [{"asset": "USDT", "free": "100.50000000", "locked": "2.00000000"}],
    "commissionRates": {"maker": "0.00075000", "taker": "0.00080000"},
}


async def look(gateway: CcxtGateway, name: str) -> Any:
    calls: dict[str, Any] = {
        "find": lambda: gateway.find(REF),
        "open_orders": lambda: gateway.open_orders(SYMBOL),
        "closed_orders": lambda: gateway.closed_orders(SYMBOL, SINCE),
        "trades": lambda: gateway.trades(SYMBOL, SINCE),
        "balances": gateway.balances,
        "quote": lambda: gateway.quote(SYMBOL),
        "book": lambda: gateway.book(SYMBOL),
        "markets": lambda: gateway.markets([SYMBOL]),
    }
    return await calls[name]()


PATHS = {
    "find": "GET order",
    "open_orders": "GET openOrders",
    "closed_orders": "GET allOrders",
    "trades": "GET myTrades",
    "balances": "GET account",
    "quote": "GET ticker/bookTicker",
    "book": "GET depth",
    "markets": "GET exchangeInfo",
}


@pytest.mark.parametrize("broken", [name for name in BROKEN if name != "timeout"])
@pytest.mark.parametrize("name", PATHS)
async def test_a_broken_answer_is_a_failed_read(
    stub: Stub, gateway: CcxtGateway, name: str, broken: str
) -> None:
    stub.answers[PATHS[name]] = BROKEN[broken]
    with pytest.raises(VenueReadFailed):
        await look(gateway, name)


@pytest.mark.parametrize("name", PATHS)
async def test_a_timeout_is_a_failed_read(stub: Stub, gateway: CcxtGateway, name: str) -> None:
    stub.answers[PATHS[name]] = BROKEN["timeout"]
    with pytest.raises(VenueReadFailed, match="RequestTimeout"):
        await look(gateway, name)


async def test_a_failed_read_says_when_to_come_again(stub: Stub, gateway: CcxtGateway) -> None:
    stub.answer("GET openOrders", {"code": -1003, "msg": "Too many"}, 429, {"retry-after": "11"})
    with pytest.raises(VenueReadFailed) as failure:
        await gateway.open_orders(SYMBOL)
    assert failure.value.retry_after == timedelta(seconds=11)


async def test_a_long_pause_fails_reads_at_once_and_lets_cancels_pass(
    stub: Stub, gateway: CcxtGateway
) -> None:
    stub.answer("GET openOrders", {"code": -1003, "msg": "Too many"}, 429, {"Retry-After": "120"})
    with pytest.raises(VenueReadFailed):
        await gateway.open_orders(SYMBOL)
    asked = len(stub.seen)
    with pytest.raises(VenueReadFailed, match="asked for a pause") as failure:
        await gateway.open_orders(SYMBOL)
    assert failure.value.retry_after is not None
    assert timedelta(seconds=110) < failure.value.retry_after <= timedelta(seconds=120)
    assert len(stub.seen) == asked
    await asyncio.wait_for(gateway.ready("cancel", SYMBOL), 0.5)
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(gateway.ready("create", SYMBOL), 0.1)


async def test_cancels_have_units_that_creates_and_reads_cannot_take(gateway: CcxtGateway) -> None:
    calls = gateway.budget.calls
    await calls.acquire(calls.limit(Use.CREATE) - calls._count.used(time.monotonic()), Use.CREATE)
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(gateway.ready("create", SYMBOL), 0.1)
    for _ in range(100):
        await asyncio.wait_for(gateway.ready("cancel", SYMBOL), 0.5)


async def test_the_wait_of_one_call_is_not_told_by_the_next(stub: Stub, gateway: CcxtGateway) -> None:
    stub.answer("GET order", {"code": -1003, "msg": "Too many"}, 418, {"Retry-After": "9"})
    with pytest.raises(VenueReadFailed):
        await gateway.find(REF)
    await stub.stop()
    forget_limits(gateway)
    with pytest.raises(VenueReadFailed) as failure:
        await gateway.find(REF)
    assert failure.value.retry_after is None


async def test_an_order_is_found_by_our_id(stub: Stub, gateway: CcxtGateway) -> None:
    stub.answer("GET order", ORDER | {"status": "PARTIALLY_FILLED", "executedQty": "0.004"})
    report = await gateway.find(REF)
    assert report is not None
    assert (report.status, report.filled) == (VenueStatus.OPEN, Decimal("0.004"))
    assert stub.last("GET order")["origClientOrderId"] == REF.client_id


async def test_only_the_exchanges_word_says_that_there_is_no_order(stub: Stub, gateway: CcxtGateway) -> None:
    stub.answer("GET order", {"code": -2013, "msg": "Order does not exist."}, 400)
    assert await gateway.find(REF) is None


@pytest.mark.parametrize("missing", ["orderId", "status"])
async def test_an_answer_without_id_or_status_is_no_answer(
    stub: Stub, gateway: CcxtGateway, missing: str
) -> None:
    answer = {name: value for name, value in ORDER.items() if name != missing}
    stub.answer("GET order", answer)
    with pytest.raises(VenueReadFailed):
        await gateway.find(REF)


async def test_an_answer_about_another_order_is_no_answer(stub: Stub, gateway: CcxtGateway) -> None:
    stub.answer("GET order", ORDER | {"clientOrderId": "somebody-else"})
    with pytest.raises(VenueReadFailed):
        await gateway.find(REF)
    stub.answer("GET order", ORDER)
    with pytest.raises(VenueReadFailed):
        await gateway.find(OrderRef(client_id=REF.client_id, symbol=SYMBOL, exchange_id="29"))


@pytest.mark.parametrize("name", ["open_orders", "closed_orders", "trades"])
async def test_an_empty_list_is_an_answer(stub: Stub, gateway: CcxtGateway, name: str) -> None:
    stub.answer(PATHS[name], [])
    assert await look(gateway, name) == []


async def test_trades_keep_their_digits_and_their_fee(stub: Stub, gateway: CcxtGateway) -> None:
    stub.answer("GET myTrades", [TRADE | {"qty": "0.00400001", "commission": "0.00000000012"}])
    (trade,) = await gateway.trades(SYMBOL, SINCE)
    assert (trade.quantity, trade.fee, trade.fee_currency) == (
        Decimal("0.00400001"),
        Decimal("0.00000000012"),
        "BNB",
    )
    assert (trade.side, trade.liquidity, trade.exchange_id) == (Side.BUY, Liquidity.TAKER, "28")
    assert trade.client_id is None
    assert trade.at == datetime.fromtimestamp(1_700_000_000, UTC)


@pytest.mark.parametrize("missing", ["id", "price", "qty"])
async def test_an_unreadable_trade_is_named_by_its_order_and_keeps_the_others(
    stub: Stub, gateway: CcxtGateway, missing: str
) -> None:
    broken = TRADE | {"id": 2}
    stub.answer("GET myTrades", [TRADE, {k: v for k, v in broken.items() if k != missing}])
    listed = await gateway.trades(SYMBOL, SINCE)
    assert [trade.trade_id for trade in listed] == [str(TRADE["id"])]
    (unreadable,) = listed.unreadable
    assert (unreadable.exchange_id, unreadable.is_empty) == (str(TRADE["orderId"]), False)


@pytest.mark.parametrize("missing", ["orderId", "time"])
async def test_a_trade_that_nobody_can_place_fails_the_whole_read(
    stub: Stub, gateway: CcxtGateway, missing: str
) -> None:
    stub.answer("GET myTrades", [TRADE, {k: v for k, v in TRADE.items() if k not in (missing, "price")}])
    with pytest.raises(VenueReadFailed):
        await gateway.trades(SYMBOL, SINCE)


async def test_a_trade_of_quantity_zero_is_empty(stub: Stub, gateway: CcxtGateway) -> None:
    stub.answer("GET myTrades", [TRADE, TRADE | {"id": 99, "qty": "0.00000000"}])
    listed = await gateway.trades(SYMBOL, SINCE)
    assert len(listed) == 1
    assert [one.is_empty for one in listed.unreadable] == [True]


async def test_what_is_listed_as_open_is_open_whatever_its_status_is_called(
    stub: Stub, gateway: CcxtGateway
) -> None:
    by_hand = ORDER | {"orderId": 77, "clientOrderId": "and_x", "status": "PENDING_NEW"}
    stub.answer("GET openOrders", [ORDER, by_hand])
    listed = await gateway.open_orders(SYMBOL)
    assert [(one.exchange_id, one.status) for one in listed] == [
        (str(ORDER["orderId"]), VenueStatus.OPEN), ("77", VenueStatus.OPEN)
    ]  # fmt: skip
    assert listed.unreadable == ()


async def test_a_closed_order_whose_status_nobody_can_read_is_named(stub: Stub, gateway: CcxtGateway) -> None:
    stub.answer("GET allOrders", [ORDER, ORDER | {"orderId": 77, "clientOrderId": "and_x", "status": "ODD"}])
    listed = await gateway.closed_orders(SYMBOL, SINCE)
    assert [one.exchange_id for one in listed] == [str(ORDER["orderId"])]
    assert [(one.exchange_id, one.client_id) for one in listed.unreadable] == [("77", "and_x")]


async def test_all_symbols_are_asked_at_once_where_that_costs_less(stub: Stub, gateway: CcxtGateway) -> None:
    assert gateway.account_questions(13) == frozenset()
    assert gateway.account_questions(14) == {"open_orders"}
    stub.answer("GET openOrders", [ORDER])
    (report,) = await gateway.open_orders(None)
    assert report.symbol == SYMBOL
    assert "symbol" not in stub.last("GET openOrders")


def paged(entries: list[dict[str, Any]], *, id_name: str, cursor_name: str) -> Any:
    """Answer as the real exchange: a cursor excludes a start time, a page holds at most the limit."""

    async def handler(request: web.Request, params: dict[str, str]) -> web.StreamResponse:
        assert not ("startTime" in params and cursor_name in params)
        first = int(params.get(cursor_name, "0"))
        page = [entry for entry in entries if entry[id_name] >= first][: int(params["limit"])]
        return web.json_response(page)

    return handler


@pytest.mark.parametrize("count", [999, 1000, 1001, 2500])
async def test_every_page_of_trades_and_orders_is_read(stub: Stub, gateway: CcxtGateway, count: int) -> None:
    trades = [TRADE | {"id": number} for number in range(1, count + 1)]
    orders = [ORDER | {"orderId": number, "time": 1700000000000} for number in range(1, count + 1)]
    stub.answers["GET myTrades"] = paged(trades, id_name="id", cursor_name="fromId")
    stub.answers["GET allOrders"] = paged(orders, id_name="orderId", cursor_name="orderId")
    own = await gateway.trades(SYMBOL, SINCE)
    assert [trade.trade_id for trade in own] == [str(number) for number in range(1, count + 1)]
    assert len(await gateway.closed_orders(SYMBOL, SINCE)) == count


async def test_a_failed_second_page_fails_the_read(stub: Stub, gateway: CcxtGateway) -> None:
    async def handler(request: web.Request, params: dict[str, str]) -> web.StreamResponse:
        if "fromId" in params:
            return web.Response(status=500)
        return web.json_response([TRADE | {"id": number} for number in range(1000)])

    stub.answers["GET myTrades"] = handler
    with pytest.raises(VenueReadFailed):
        await gateway.trades(SYMBOL, SINCE)


async def test_balances_and_quote(stub: Stub, gateway: CcxtGateway) -> None:
    stub.answer("GET account", ACCOUNT)
    assert await gateway.balances() == {"USDT": BalanceAmounts(Decimal("100.5"), Decimal(2))}
    book = {"symbol": "BTCUSDT", "bidPrice": "1.10", "bidQty": "3", "askPrice": "1.20", "askQty": "4"}
    stub.answer("GET ticker/bookTicker", [book])
    quote = await gateway.quote(SYMBOL)
    assert (quote.bid, quote.bid_size, quote.ask, quote.ask_size) == (
        Decimal("1.10"), Decimal(3), Decimal("1.20"), Decimal(4),
    )  # fmt: skip
    assert now() - quote.at < timedelta(seconds=5)


async def test_a_book_has_the_digits_of_the_wire_best_first(stub: Stub, gateway: CcxtGateway) -> None:
    stub.answer("GET depth", {"bids": [["1.09", "2"], ["1.10", "3"]], "asks": [["1.20", "0.00001"]]})
    book = await gateway.book(SYMBOL)
    assert book.bids == ((Decimal("1.1"), Decimal(3)), (Decimal("1.09"), Decimal(2)))
    assert book.asks == ((Decimal("1.2"), Decimal("0.00001")),)
    assert now() - book.at < timedelta(seconds=5)


async def test_a_level_of_size_zero_is_left_out(stub: Stub, gateway: CcxtGateway) -> None:
    levels = [["100", "1"], ["99", "0"], ["98", "1"]]
    stub.answer("GET depth", {"bids": levels, "asks": [["101", "0.00"], ["102", "2"]]})
    book = await gateway.book(SYMBOL)
    assert book.bids == ((Decimal(100), Decimal(1)), (Decimal(98), Decimal(1)))
    assert book.asks == ((Decimal(102), Decimal(2)),)


@pytest.mark.parametrize("asks", [[], [["0", "1"]], [["1.2", "0"]], [["1.2"]], None])
async def test_a_book_with_an_empty_side_or_level_is_a_failed_read(
    stub: Stub, gateway: CcxtGateway, asks: Any
) -> None:
    stub.answer("GET depth", {"bids": [["1.10", "3"]], "asks": asks})
    with pytest.raises(VenueReadFailed):
        await gateway.book(SYMBOL)


async def test_markets_come_anew_with_the_accounts_own_fees(stub: Stub, gateway: CcxtGateway) -> None:
    stub.answer("GET account", ACCOUNT)
    info = exchange_info()
    info["symbols"][0]["filters"][1]["stepSize"] = "0.00100000"
    stub.answer("GET exchangeInfo", info)
    assert await gateway.markets([SYMBOL, "NOT/LISTED"]) == {
        SYMBOL: Market(
            symbol=SYMBOL,
            base="BTC",
            quote="USDT",
            tick=Decimal("0.01"),
            lot=Decimal("0.001"),
            min_quantity=Decimal("0.00001"),
            min_notional=Decimal(5),
            max_quantity=Decimal(9000),
            maker_fee=Decimal("0.00075"),
            taker_fee=Decimal("0.0008"),
            status_word="TRADING",
        )
    }


async def test_no_markets_is_a_failed_read_and_forgets_none(stub: Stub, gateway: CcxtGateway) -> None:
    stub.answer("GET exchangeInfo", {"symbols": []})
    with pytest.raises(VenueReadFailed):
        await gateway.markets([SYMBOL])
    stub.answer("GET exchangeInfo", exchange_info())
    assert SYMBOL in await gateway.markets([SYMBOL])


async def test_permissions_are_unknown_where_nobody_can_be_asked(stub: Stub) -> None:
    options = options_for(stub.base)
    del options["urls"]["api"]["sapi"]
    gateway = open_gateway(exchange_id="binance", options=options, api_key="k", secret="s", clock=now)
    await gateway.open()
    assert await gateway.permissions() == KeyPermissions(None, None, None)
    await gateway.close()


async def test_permissions_of_a_key(stub: Stub, gateway: CcxtGateway) -> None:
    stub.answer(
        "GET /sapi/v1/account/apiRestrictions",
        {"enableReading": True, "enableSpotAndMarginTrading": True, "enableWithdrawals": False},
    )
    assert await gateway.permissions() == KeyPermissions(read=True, trade=True, withdraw=False)
    stub.answer("GET /sapi/v1/account/apiRestrictions", {})
    with pytest.raises(VenueReadFailed):
        await gateway.permissions()


async def test_opening_fails_while_the_exchange_is_down_and_can_be_tried_again(stub: Stub) -> None:
    stub.answer("GET exchangeInfo", "<html>maintenance</html>")
    gateway = open_gateway(
        exchange_id="binance", options=options_for(stub.base), api_key="k", secret="s", clock=now
    )
    with pytest.raises(VenueReadFailed):
        await gateway.open()
    with pytest.raises(VenueReadFailed, match="not open"):
        await gateway.balances()
    stub.answer("GET exchangeInfo", exchange_info())
    await gateway.open()
    await gateway.close()
