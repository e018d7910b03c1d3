"""The outcomes of a create and of a cancel, through the real ccxt over real HTTP."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from aiohttp import web

from execution.core.types import (
    Accepted,
    CancelConfirmed,
    CancelFailed,
    CancelGone,
    Liquidity,
    NotSent,
    OrderRef,
    OrderType,
    Rejected,
    Side,
    TimeInForce,
    Unknown,
    VenueStatus,
)
from execution.venues.gateway import CcxtGateway, open_gateway
from execution.venues.protocol import Gateway
from execution.venues.timekeeping import LOOKS
from tests.venues.stub import SYMBOL, VALID, Stub, limit_order, now, options_for, settle

ORDER: dict[str, Any] = {
    "symbol": "BTCUSDT", "orderId": 28, "clientOrderId": "qtestparent010001", "transactTime": 1700000000000,
    "price": "49000.00000000", "origQty": "0.01000000", "executedQty": "0.00000000",
    "cummulativeQuoteQty": "0.00000000", "status": "NEW", "timeInForce": "GTC", "type": "LIMIT",
    "side": "BUY", "fills": [],
}  # fmt: skip
REF = OrderRef(client_id="qtestparent010001", symbol=SYMBOL)


def refused(code: int, message: str) -> dict[str, Any]:
    return {"code": code, "msg": message}


def test_the_gateway_is_a_gateway(gateway: CcxtGateway) -> None:
    typed: Gateway = gateway
    assert typed is gateway


async def test_the_wire_carries_exactly_our_digits_and_the_window(stub: Stub, gateway: CcxtGateway) -> None:
    stub.answer("POST order", ORDER)
    request = limit_order(quantity=Decimal("1234.56789"), price=Decimal("98765.43"))
    await gateway.create(request, valid_for=timedelta(seconds=1.8766))
    sent = stub.last("POST order")
    assert sent["quantity"] == "1234.56789"
    assert sent["price"] == "98765.43"
    assert sent["recvWindow"] == "1876"
    assert sent["newClientOrderId"] == request.client_id
    assert sent["selfTradePreventionMode"] == "EXPIRE_TAKER"
    assert sent["newOrderRespType"] == "FULL"
    assert (sent["type"], sent["timeInForce"], sent["side"]) == ("LIMIT", "GTC", "BUY")


async def test_digits_beyond_a_float_reach_the_exchange(stub: Stub, gateway: CcxtGateway) -> None:
    stub.answer("POST order", ORDER)
    await gateway.create(limit_order(quantity=Decimal("12345678901234567.00001")), valid_for=VALID)
    assert stub.last("POST order")["quantity"] == "12345678901234567.00001"


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"time_in_force": TimeInForce.IOC}, {"type": "LIMIT", "timeInForce": "IOC"}),
        ({"time_in_force": TimeInForce.POST_ONLY}, {"type": "LIMIT_MAKER", "timeInForce": None}),
        (
            {"type": OrderType.MARKET, "price": None, "side": Side.SELL},
            {"type": "MARKET", "price": None, "quantity": "0.01"},
        ),
        ({"quantity": Decimal("10.00000"), "price": Decimal("1E+4")}, {"quantity": "10", "price": "10000"}),
    ],
)
async def test_kinds_of_orders(
    stub: Stub, gateway: CcxtGateway, changes: dict[str, Any], expected: dict[str, str | None]
) -> None:
    stub.answer("POST order", ORDER)
    await gateway.create(limit_order(**changes), valid_for=VALID)
    sent = stub.last("POST order")
    assert {name: sent.get(name) for name in expected} == expected


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"quantity": Decimal("0.000015")}, "quantity 0.000015 is not a multiple of the lot 0.00001"),
        ({"price": Decimal("49000.005")}, "price 49000.005 is not a multiple of the tick 0.01"),
        ({"quantity": Decimal("NaN")}, "quantity NaN is not a positive number"),
        ({"quantity": Decimal(0)}, "quantity 0 is not a positive number"),
        ({"price": Decimal(-1)}, "price -1 is not a positive number"),
        ({"symbol": "DOGE/USDT"}, "DOGE/USDT is not listed"),
        ({"price": None}, "price None"),
    ],
)
async def test_what_ccxt_would_round_is_refused_before_it_is_sent(
    stub: Stub, gateway: CcxtGateway, changes: dict[str, Any], words: str
) -> None:
    outcome = await gateway.create(limit_order(**changes), valid_for=VALID)
    assert isinstance(outcome, Rejected)
    assert words in outcome.message
    assert not [seen for seen in stub.seen if seen.path == "order"]


async def test_an_answer_with_fills_gives_report_and_trades(stub: Stub, gateway: CcxtGateway) -> None:
    fills = [
        {
            "price": "48999.00",
            "qty": "0.004",
            "commission": "0.000004",
            "commissionAsset": "BTC",
            "tradeId": 7,
        },
        {"price": "49000.00", "qty": "0.006", "commission": "0.01", "commissionAsset": "BNB", "tradeId": 8},
    ]
    filled = {"status": "FILLED", "executedQty": "0.01", "cummulativeQuoteQty": "489.996", "fills": fills}
    stub.answer("POST order", ORDER | filled)
    outcome = await gateway.create(limit_order(), valid_for=VALID)
    assert isinstance(outcome, Accepted)
    assert outcome.report.status is VenueStatus.FILLED
    assert outcome.report.filled == Decimal("0.01")
    assert outcome.report.average == Decimal("48999.6")
    assert outcome.report.exchange_id == "28"
    assert [(t.trade_id, t.price, t.quantity, t.fee, t.fee_currency) for t in outcome.trades] == [
        ("7", Decimal(48999), Decimal("0.004"), Decimal("0.000004"), "BTC"),
        ("8", Decimal(49000), Decimal("0.006"), Decimal("0.01"), "BNB"),
    ]
    assert {trade.exchange_id for trade in outcome.trades} == {"28"}
    assert all(trade.liquidity in (None, Liquidity.TAKER) for trade in outcome.trades)


async def test_an_acknowledgement_without_figures_is_unknown_not_zero(
    stub: Stub, gateway: CcxtGateway
) -> None:
    stub.answer("POST order", {"symbol": "BTCUSDT", "orderId": 28, "clientOrderId": "x", "transactTime": 1})
    outcome = await gateway.create(limit_order(), valid_for=VALID)
    assert isinstance(outcome, Accepted)
    assert (outcome.report.status, outcome.report.filled) == (None, None)
    assert outcome.report.client_id == limit_order().client_id


REFUSALS: list[tuple[int, dict[str, Any], str]] = [
    (400, refused(-2010, "Account has insufficient balance for requested action."), "InsufficientFunds"),
    (400, refused(-2010, "Order would immediately match and take."), "OrderImmediatelyFillable"),
    (400, refused(-2010, "Rest API trading is not enabled."), "PermissionDenied"),
    (400, refused(-1013, "Filter failure: NOTIONAL"), "BadRequest"),
    (400, refused(-1013, "Filter failure: LOT_SIZE"), "InvalidOrder"),
    (400, refused(-1121, "Invalid symbol."), "BadSymbol"),
    (401, refused(-2015, "Invalid API-key, IP, or permissions for action."), "PermissionDenied"),
    (400, refused(-1022, "Signature for this request is not valid."), "AuthenticationError"),
]


@pytest.mark.parametrize(("status", "body", "kind"), REFUSALS)
async def test_a_refusal_on_the_white_list_is_a_rejection(
    stub: Stub, gateway: CcxtGateway, status: int, body: dict[str, Any], kind: str
) -> None:
    gateway._client.options["hasAlreadyAuthenticatedSuccessfully"] = True
    stub.answer("POST order", body, status)
    outcome = await gateway.create(limit_order(), valid_for=VALID)
    assert isinstance(outcome, Rejected)
    assert outcome.kind == kind
    assert str(body["msg"])[:10] in outcome.message or "lot size" in outcome.message


@pytest.mark.parametrize(
    ("status", "body", "headers", "wait"),
    [
        (429, refused(-1003, "Too many requests."), {"Retry-After": "7"}, 7),
        (418, refused(-1003, "Way too many requests."), {"Retry-After": "120"}, 120),
        (429, refused(-1003, "Too many requests."), {}, 1),
        (400, refused(-1015, "Too many new orders."), {}, 1),
        (400, refused(-1021, "Timestamp for this request is outside of the recvWindow."), {}, 1),
    ],
)
async def test_what_is_turned_away_was_not_sent(
    stub: Stub, gateway: CcxtGateway, status: int, body: Any, headers: dict[str, str], wait: int
) -> None:
    stub.answer("POST order", body, status, headers)
    outcome = await gateway.create(limit_order(), valid_for=VALID)
    assert isinstance(outcome, NotSent)
    assert outcome.retry_after == timedelta(seconds=wait)


async def test_a_wrong_clock_is_learned_anew_at_once(stub: Stub, gateway: CcxtGateway) -> None:
    stub.answer("POST order", refused(-1021, "Timestamp for this request is outside of the recvWindow."), 400)
    asked = sum(seen.path == "time" for seen in stub.seen)
    await gateway.create(limit_order(), valid_for=VALID)
    await settle()
    assert sum(seen.path == "time" for seen in stub.seen) == asked + LOOKS


async def test_a_refused_connection_was_not_sent(stub: Stub, gateway: CcxtGateway) -> None:
    await stub.stop()
    await settle()  # a kept-alive connection that breaks under a request would leave it unknown
    assert isinstance(await gateway.create(limit_order(), valid_for=VALID), NotSent)
    assert isinstance(await gateway.cancel(REF), CancelFailed)


async def hang(request: web.Request, params: dict[str, str]) -> web.StreamResponse:
    await asyncio.sleep(2)
    return web.Response()


async def drop(request: web.Request, params: dict[str, str]) -> web.StreamResponse:
    assert request.transport is not None
    request.transport.abort()
    return web.Response()


async def truncate(request: web.Request, params: dict[str, str]) -> web.StreamResponse:
    response = web.StreamResponse(headers={"Content-Length": "900", "Content-Type": "application/json"})
    await response.prepare(request)
    await response.write(b'{"symbol":"BTC')
    assert request.transport is not None
    request.transport.close()
    return response


def fixed(body: str, status: int) -> Any:
    async def handler(request: web.Request, params: dict[str, str]) -> web.StreamResponse:
        return web.Response(text=body, status=status)

    return handler


BROKEN = {
    "timeout": hang,
    "drop": drop,
    "truncated": truncate,
    "half json": fixed('{"symbol":"BTC', 200),
    "html 200": fixed("<html>maintenance</html>", 200),
    "empty 200": fixed("", 200),
    "null 200": fixed("null", 200),
    "object 200": fixed("{}", 200),
    "html 502": fixed("<html>Bad Gateway</html>", 502),
    "500": fixed("", 500),
    "503": fixed("Service Unavailable", 503),
    "504": fixed("<html>Gateway Time-out</html>", 504),
    "-1007": fixed('{"code":-1007,"msg":"Timeout waiting for response; execution status unknown."}', 504),
    "-1006": fixed('{"code":-1006,"msg":"An unexpected response was received."}', 400),
    "unknown code": fixed('{"code":-9999,"msg":"Something."}', 400),
    "403 page": fixed("<html>Forbidden</html>", 403),
}


@pytest.mark.parametrize("name", BROKEN)
async def test_a_broken_answer_leaves_the_order_unknown(stub: Stub, gateway: CcxtGateway, name: str) -> None:
    stub.answers["POST order"] = BROKEN[name]
    assert isinstance(await gateway.create(limit_order(), valid_for=VALID), Unknown)
    assert sum(seen.path == "order" for seen in stub.seen) == 1


async def test_a_duplicate_client_id_may_mean_that_the_order_exists(stub: Stub, gateway: CcxtGateway) -> None:
    stub.answer("POST order", refused(-2010, "Duplicate order sent."), 400)
    assert isinstance(await gateway.create(limit_order(), valid_for=VALID), Unknown)


async def test_an_order_of_another_symbol_in_the_answer_is_unknown(stub: Stub, gateway: CcxtGateway) -> None:
    stub.answer("POST order", ORDER | {"executedQty": "half"})
    assert isinstance(await gateway.create(limit_order(), valid_for=VALID), Unknown)


async def test_a_window_that_is_over_is_not_sent(stub: Stub, gateway: CcxtGateway) -> None:
    assert isinstance(await gateway.create(limit_order(), valid_for=timedelta(0)), NotSent)
    assert not [seen for seen in stub.seen if seen.path == "order"]


async def test_a_cancelled_task_stays_cancelled(stub: Stub, gateway: CcxtGateway) -> None:
    stub.answers["POST order"] = hang
    task = asyncio.create_task(gateway.create(limit_order(), valid_for=VALID))
    await settle()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


async def test_a_closed_gateway_sends_nothing(stub: Stub, gateway: CcxtGateway) -> None:
    await gateway.close()
    await gateway.close()
    assert isinstance(await gateway.create(limit_order(), valid_for=VALID), NotSent)
    assert isinstance(await gateway.cancel(REF), CancelFailed)


# --- cancel ---------------------------------------------------------------------------------------


async def test_a_cancel_by_client_id_reports_what_was_filled(stub: Stub, gateway: CcxtGateway) -> None:
    answer = ORDER | {"status": "CANCELED", "executedQty": "0.004", "clientOrderId": "the-cancels-own"}
    stub.answer("DELETE order", answer | {"origClientOrderId": REF.client_id})
    outcome = await gateway.cancel(REF)
    assert isinstance(outcome, CancelConfirmed)
    assert outcome.report.filled == Decimal("0.004")
    assert outcome.report.client_id == REF.client_id
    assert stub.last("DELETE order")["origClientOrderId"] == REF.client_id


async def test_a_cancel_goes_by_the_exchanges_id_when_it_is_known(stub: Stub, gateway: CcxtGateway) -> None:
    stub.answer("DELETE order", ORDER | {"status": "CANCELED"})
    await gateway.cancel(OrderRef(client_id=REF.client_id, symbol=SYMBOL, exchange_id="28"))
    assert stub.last("DELETE order")["orderId"] == "28"


async def test_a_cancel_answer_without_a_figure_is_unknown_not_zero(stub: Stub, gateway: CcxtGateway) -> None:
    answer = {name: value for name, value in ORDER.items() if name != "executedQty"}
    stub.answer("DELETE order", answer | {"status": "CANCELED"})
    outcome = await gateway.cancel(REF)
    assert isinstance(outcome, CancelConfirmed)
    assert outcome.report.filled is None


async def test_no_such_open_order_is_gone(stub: Stub, gateway: CcxtGateway) -> None:
    stub.answer("DELETE order", refused(-2011, "Unknown order sent."), 400)
    assert isinstance(await gateway.cancel(REF), CancelGone)


@pytest.mark.parametrize("name", [name for name in BROKEN if name != "timeout"])
async def test_a_broken_answer_to_a_cancel_is_a_failed_cancel(
    stub: Stub, gateway: CcxtGateway, name: str
) -> None:
    stub.answers["DELETE order"] = BROKEN[name]
    assert isinstance(await gateway.cancel(REF), CancelFailed)


async def test_the_limiter_tells_a_cancel_when_to_come_again(stub: Stub, gateway: CcxtGateway) -> None:
    stub.answer("DELETE order", refused(-1003, "Too many requests."), 429, {"Retry-After": "3"})
    outcome = await gateway.cancel(REF)
    assert isinstance(outcome, CancelFailed)
    assert outcome.retry_after == timedelta(seconds=3)


async def test_no_secret_and_no_signature_gets_into_a_message(stub: Stub, gateway: CcxtGateway) -> None:
    stub.answers["DELETE order"] = fixed("<html>the-api-key the-secret</html>" + "x" * 5000, 502)
    outcome = await gateway.cancel(REF)
    assert isinstance(outcome, CancelFailed)
    signature = stub.last("DELETE order")["signature"]
    assert not [word for word in ("the-api-key", "the-secret", signature) if word in outcome.message]
    assert len(outcome.message) <= 300


def test_options_cannot_set_keys_or_print_them(stub: Stub) -> None:
    for name in ("apiKey", "secret", "verbose"):
        with pytest.raises(ValueError, match=name):
            open_gateway(exchange_id="binance", options={name: "x"}, api_key="k", secret="s", clock=now)
    with pytest.raises(ValueError, match="nowhere"):
        open_gateway(exchange_id="nowhere", options={}, api_key="k", secret="s", clock=now)


async def test_every_address_that_is_not_given_is_closed() -> None:
    options = options_for("http://127.0.0.1:1")
    gateway = open_gateway(exchange_id="binance", options=options, api_key="k", secret="s", clock=now)

    def leaves(tree: Any) -> list[str]:
        return [x for v in tree.values() for x in leaves(v)] if isinstance(tree, dict) else [str(tree)]

    addresses = leaves(gateway._client.urls["api"])
    assert len(addresses) > 20
    assert not [address for address in addresses if "127.0.0.1" not in address]
    await gateway.close()
