"""The path of eight exchanges' answers through ccxt and the desk's conversion.

Each body is the smallest that shows the point, in the exchange's own words; ccxt itself parses it.
"""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
from ccxt.base import errors as ccxt_errors

from execution.core.types import (
    CancelFailed,
    CancelGone,
    CreateOutcome,
    Liquidity,
    NotSent,
    Rejected,
    Side,
    Unknown,
    VenueStatus,
)
from execution.venues import convert, errors, market_limits, values
from execution.venues.client import client_class, exact_digits
from execution.venues.exchanges import spec_of
from execution.venues.spec import ExchangeSpec

SYMBOL = "BTC/USDT"
MARKET = {
    "symbol": SYMBOL, "base": "BTC", "quote": "USDT", "baseId": "BTC", "quoteId": "USDT", "spot": True,
    "type": "spot", "margin": False, "swap": False, "future": False, "option": False, "contract": False,
    "active": True, "settle": None, "settleId": None, "contractSize": None, "linear": None, "inverse": None,
    "precision": {"amount": "0.00001", "price": "0.01"},
    "limits": {"amount": {}, "price": {}, "cost": {}}, "info": {},
}  # fmt: skip
IDS = {
    "binance": "BTCUSDT", "bybit": "BTCUSDT", "okx": "BTC-USDT", "kraken": "XBTUSDT", "kucoin": "BTC-USDT",
    "bitget": "BTCUSDT", "gate": "BTC_USDT", "coinbase": "BTC-USDT",
}  # fmt: skip


def client_of(exchange: str) -> Any:
    client = client_class(exchange)({"apiKey": "k", "secret": "s"})
    client.set_markets([MARKET | {"id": IDS[exchange], "lowercaseId": IDS[exchange].lower()}])
    return client


def report_of(exchange: str, raw: dict[str, Any]) -> Any:
    client = client_of(exchange)
    order = client.parse_order(raw, client.market(SYMBOL))
    return convert.order_report(order, symbol=SYMBOL, spec=spec_of(exchange))


CREATED: list[tuple[str, dict[str, Any], str]] = [
    ("bybit", {"orderId": "1726", "orderLinkId": "q1"}, "1726"),
    ("okx", {"ordId": "312", "clOrdId": "q1", "sCode": "0", "sMsg": ""}, "312"),
    ("kucoin", {"orderId": "5bd6"}, "5bd6"),
    ("bitget", {"orderId": "1148", "clientOid": "q1"}, "1148"),
    ("binance", {"symbol": "BTCUSDT", "orderId": 28, "clientOrderId": "q1", "transactTime": 1}, "28"),
]


@pytest.mark.parametrize(("exchange", "raw", "exchange_id"), CREATED)
async def test_a_create_answer_with_ids_only_says_nothing_of_state_or_fill(
    exchange: str, raw: dict[str, Any], exchange_id: str
) -> None:
    report = report_of(exchange, raw)
    assert (report.exchange_id, report.status, report.filled) == (exchange_id, None, None)
    assert (report.quantity, report.price, report.average) == (None, None, None)


async def test_kraken_names_the_order_and_no_state() -> None:
    raw = {"descr": {"order": "buy 0.01 XBTUSDT @ limit 50000"}, "txid": ["OUF4EM"]}
    report = report_of("kraken", raw)
    assert (report.exchange_id, report.status, report.filled) == ("OUF4EM", None, None)


async def test_kraken_counts_cancels_and_gives_no_id() -> None:
    client = client_of("kraken")
    order = client.safe_order({"info": {"result": {"count": 1}}})
    report = convert.order_report(order, symbol=SYMBOL, spec=spec_of("kraken"))
    assert (report.exchange_id, report.status, report.filled) == (None, None, None)


async def test_gate_gives_our_client_id_back_as_we_sent_it() -> None:
    raw = {
        "id": "21", "text": "t-qtestparent010001", "currency_pair": "BTC_USDT", "status": "open",
        "type": "limit", "account": "spot", "side": "buy", "amount": "1", "price": "5.00032", "left": "0.5",
        "filled_total": "2.50016", "avg_deal_price": "5.00032", "create_time_ms": "1548000000123",
    }  # fmt: skip
    report = report_of("gate", raw)
    assert report.client_id == "qtestparent010001"
    assert (report.status, report.filled) == (VenueStatus.OPEN, Decimal("0.5"))


@pytest.mark.parametrize(
    ("said", "filled", "status"),
    [
        ("NEW", "0", VenueStatus.OPEN),
        ("PARTIALLY_FILLED", "0.004", VenueStatus.OPEN),
        ("FILLED", "0.01", VenueStatus.FILLED),
        ("CANCELED", "0.004", VenueStatus.CANCELLED),
        ("PENDING_CANCEL", "0.004", VenueStatus.OPEN),
        ("EXPIRED", "0", VenueStatus.EXPIRED),
        ("EXPIRED_IN_MATCH", "0", VenueStatus.EXPIRED),
        ("REJECTED", "0", VenueStatus.REJECTED),
        ("SOMETHING_NEW", "0", None),
    ],
)
async def test_states_of_binance(said: str, filled: str, status: VenueStatus | None) -> None:
    raw = {
        "symbol": "BTCUSDT", "orderId": 1, "clientOrderId": "q1", "price": "49000", "origQty": "0.01",
        "executedQty": filled, "cummulativeQuoteQty": "0", "status": said, "type": "LIMIT", "side": "BUY",
        "time": 1700000000000, "updateTime": 1700000001500,
    }  # fmt: skip
    report = report_of("binance", raw)
    assert (report.status, report.filled) == (status, Decimal(filled))
    assert (report.side, report.quantity, report.price) == (Side.BUY, Decimal("0.01"), Decimal(49000))
    assert report.at == datetime.fromtimestamp(1700000001.5, UTC)


@pytest.mark.parametrize("said", ["PartiallyFilledCanceled", "Rejected"])
async def test_bybit_has_its_own_words_for_partly_filled_and_cancelled(said: str) -> None:
    raw = {
        "orderId": "1", "symbol": "BTCUSDT", "orderStatus": said, "side": "Buy",
        "orderType": "Limit", "price": "49000", "qty": "0.01", "cumExecQty": "0.004", "cumExecValue": "196",
        "createdTime": "1700000000000",
    }  # fmt: skip
    report = report_of("bybit", raw)
    assert (report.status, report.filled) == (VenueStatus.CANCELLED, Decimal("0.004"))


TRADES: list[tuple[str, dict[str, Any], tuple[str, str, Side, Liquidity]]] = [
    (
        "okx",
        {"instId": "BTC-USDT", "tradeId": "74", "ordId": "68", "fillPx": "73397.8", "fillSz": "0.001",
         "side": "buy", "fee": "-0.000001", "feeCcy": "BTC", "execType": "T", "ts": "1710390459574",
         "instType": "SPOT"},
        ("0.000001", "BTC", Side.BUY, Liquidity.TAKER),
    ),
    (
        "bitget",
        {"symbol": "BTCUSDT", "tradeId": "11", "orderId": "12", "priceAvg": "2.0068", "size": "2.9603",
         "side": "sell", "tradeScope": "taker", "cTime": "1709691939669",
         "feeDetail": {"feeCoin": "USDT", "totalFee": "-0.00594073004"}},
        ("0.00594073004", "USDT", Side.SELL, Liquidity.TAKER),
    ),
    (
        "bybit",
        {"symbol": "BTCUSDT", "execId": "e0", "orderId": "8c", "execPrice": "50000", "execQty": "0.1",
         "side": "Buy", "execFee": "0.015", "feeRate": "0.0003", "feeCurrency": "BTC", "isMaker": True,
         "execTime": "1672282722429", "execType": "Trade"},
        ("0.015", "BTC", Side.BUY, Liquidity.MAKER),
    ),
    (
        "kraken",
        {"id": "TC", "ordertxid": "O2", "pair": "XBTUSDT", "time": 1688585840.892, "type": "buy",
         "price": "29500.5", "cost": "14750.25", "fee": "23.6004", "vol": "0.5", "maker": True},
        ("23.6004", "USDT", Side.BUY, Liquidity.MAKER),
    ),
]  # fmt: skip


@pytest.mark.parametrize(("exchange", "raw", "expected"), TRADES)
async def test_fees_are_in_the_currency_charged_and_exact(
    exchange: str, raw: dict[str, Any], expected: tuple[str, str, Side, Liquidity]
) -> None:
    client = client_of(exchange)
    parsed = client.parse_trade(raw, client.market(SYMBOL))
    trade = convert.own_trade(parsed, symbol=SYMBOL, spec=spec_of(exchange))
    assert (trade.fee, trade.fee_currency, trade.side, trade.liquidity) == (
        Decimal(expected[0]), *expected[1:],
    )  # fmt: skip


def trade_dict(**changes: Any) -> dict[str, Any]:
    return {"id": "1", "side": "buy", "price": "1", "amount": "2", "timestamp": 1} | changes


@pytest.mark.parametrize(
    ("changes", "fee"),
    [
        ({}, (None, None)),
        ({"fee": {"cost": None, "currency": "BNB"}}, (None, None)),
        ({"fee": {"cost": "0.1", "currency": None}}, (None, None)),
        ({"fee": {"cost": "0", "currency": "USDT"}}, (Decimal(0), "USDT")),
        ({"fees": [{"cost": "0", "currency": "GT"}, {"cost": "3", "currency": "BTC"}]}, (Decimal(3), "BTC")),
        ({"fees": [{"cost": "1", "currency": "BTC"}, {"cost": "3", "currency": "BTC"}]}, (Decimal(4), "BTC")),
        ({"fees": [{"cost": "1", "currency": "GT"}, {"cost": "3", "currency": None}]}, (None, None)),
        ({"fees": [{"cost": "1", "currency": "GT"}, {"cost": None, "currency": "BTC"}]}, (None, None)),
        ({"fees": [{"cost": "1", "currency": "GT"}, {"cost": "NaN", "currency": "BTC"}]}, (None, None)),
        (
            {"fees": [{"cost": "1", "currency": "BTC"}, {"cost": "-1", "currency": "BTC"}]},
            (Decimal(0), "BTC"),
        ),
        ({"fee": {"cost": "-0.1", "currency": "USDT"}}, (Decimal("-0.1"), "USDT")),
    ],
)
def test_a_fee_is_whole_or_unknown(changes: dict[str, Any], fee: tuple[Any, Any]) -> None:
    trade = convert.own_trade(trade_dict(**changes), symbol=SYMBOL, spec=ExchangeSpec())
    assert (trade.fee, trade.fee_currency) == fee


@pytest.mark.parametrize("value", ["NaN", "Infinity", "abc", True, [], {}])
def test_what_is_no_number_is_refused(value: Any) -> None:
    with pytest.raises(values.AnswerError):
        values.decimal_or_none(value)


def test_book_floats_keep_the_digits_of_the_wire() -> None:
    book = {"bids": [[0.1 + 0.2, 1.0]], "asks": [[67000.01, 0.00001]]}
    quote = convert.quote_of_book(book, at=datetime.now(UTC))
    assert (quote.bid, quote.ask, quote.ask_size) == (
        Decimal("0.30000000000000004"), Decimal("67000.01"), Decimal("0.00001"),
    )  # fmt: skip
    with pytest.raises(values.AnswerError):
        convert.quote_of_book({"bids": [], "asks": []}, at=datetime.now(UTC))


@pytest.mark.parametrize("none", [0, 0.0, "0", "0.000"])
def test_the_top_of_a_book_is_its_first_level_that_is_there(none: Any) -> None:
    book = {"bids": [[100, none], [99, none], [98, 1]], "asks": [[101, 2], [102, none]]}
    quote = convert.quote_of_book(book, at=datetime.now(UTC))
    assert (quote.bid, quote.bid_size, quote.ask) == (Decimal(98), Decimal(1), Decimal(101))
    with pytest.raises(values.AnswerError, match="there are no bids"):
        convert.quote_of_book({"bids": [[1, none]], "asks": [[2, 1]]}, at=datetime.now(UTC))


@pytest.mark.parametrize("size", [None, "", "-1", "NaN", "many"])
def test_a_level_without_a_size_is_no_level(size: Any) -> None:
    with pytest.raises(values.AnswerError):
        convert.book_of({"bids": [[100, 1], [99, size]], "asks": [[101, 1]]}, at=datetime.now(UTC))


@pytest.mark.parametrize(
    ("precision", "mode", "step"),
    [("0.01000000", 4, "0.01"), ("1e-05", 4, "0.00001"), ("10", 4, "10"), (5, 2, "0.00001"), (0, 2, "1")],
)
def test_steps(precision: Any, mode: int, step: str) -> None:
    assert str(market_limits.step_of(precision, precision_mode=mode, what="lot")) == step


@pytest.mark.parametrize(("precision", "mode"), [(None, 4), ("0", 4), (5, 3)])
def test_a_step_that_is_not_fixed_is_refused_loudly(precision: Any, mode: int) -> None:
    with pytest.raises(values.AnswerError, match="lot"):
        market_limits.step_of(precision, precision_mode=mode, what="lot")


@pytest.mark.parametrize(
    ("number", "digits"),
    [("0.00001000", "0.00001"), ("1E+3", "1000"), ("100", "100"), ("12345678901234567.00001",) * 2],
)
def test_digits_are_exact(number: str, digits: str) -> None:
    assert exact_digits(Decimal(number)) == digits


# --- errors of other exchanges ----------------------------------------------------------------------


def raised(exchange: str, status: int, body: dict[str, Any]) -> Any:
    """Return ccxt's exception for an answer."""
    client = client_of(exchange)
    text = client.json(body)
    url = "https://venue.example/order"
    try:
        client.handle_errors(status, "", url, "POST", {}, text, body, {}, {})
        client.handle_http_status_code(status, "", url, "POST", text)
    except ccxt_errors.BaseError as error:
        return error
    raise AssertionError("ccxt raised nothing")


def outcome_of(exchange: str, status: int, body: dict[str, Any]) -> CreateOutcome:
    error = raised(exchange, status, body)
    return errors.create_failure(errors.Failure(error, str(error), spec_of(exchange), status=status))


OUTCOMES: list[tuple[str, int, dict[str, Any], type]] = [
    ("kraken", 200, {"error": ["EOrder:Insufficient funds"]}, Rejected),
    ("kraken", 200, {"error": ["EAPI:Rate limit exceeded"]}, NotSent),
    ("kraken", 200, {"error": ["EAPI:Invalid nonce"]}, NotSent),
    ("kraken", 200, {"error": ["EService:Unavailable"]}, Unknown),
    ("kraken", 200, {"error": ["EGeneral:Internal error"]}, Unknown),
    ("okx", 200, {"code": "1", "data": [{"sCode": "51008", "sMsg": "Insufficient balance"}]}, Rejected),
    ("okx", 200, {"code": "1", "data": [{"sCode": "51016", "sMsg": "Duplicated clOrdId"}]}, Unknown),
    ("okx", 200, {"code": "50011", "msg": "Too many requests", "data": []}, NotSent),
    ("okx", 200, {"code": "50004", "msg": "Endpoint request timeout", "data": []}, Unknown),
    ("bybit", 200, {"retCode": 170131, "retMsg": "Balance insufficient", "result": {}}, Rejected),
    ("bybit", 200, {"retCode": 10006, "retMsg": "Too many visits", "result": {}}, NotSent),
    ("bybit", 200, {"retCode": 170141, "retMsg": "Duplicate clientOrderId", "result": {}}, Unknown),
    ("kucoin", 200, {"code": "200004", "msg": "Balance insufficient!"}, Rejected),
    ("kucoin", 429, {"code": "429000", "msg": "Too Many Requests"}, NotSent),
    ("gate", 400, {"label": "BALANCE_NOT_ENOUGH", "message": "Not enough balance"}, Rejected),
    ("binance", 503, {}, Unknown),
    ("bybit", 200, {"retCode": 10001, "retMsg": "Submitted for processing"}, Unknown),
    ("bybit", 200, {"retCode": 10014, "retMsg": "Not so fast"}, Unknown),
    ("okx", 200, {"code": "1", "data": [{"sCode": "51000", "sMsg": "Request timed out"}]}, Unknown),
    ("coinbase", 429, {"error": "RATE_LIMIT", "message": "no"}, NotSent),
    ("coinbase", 400, {"error": "RATE_LIMIT", "message": "no"}, Unknown),
]


@pytest.mark.parametrize(("exchange", "status", "body", "kind"), OUTCOMES)
async def test_outcomes_of_refused_creates(
    exchange: str, status: int, body: dict[str, Any], kind: type
) -> None:
    assert isinstance(outcome_of(exchange, status, body), kind)


async def test_kraken_says_that_an_order_is_gone_in_its_own_way() -> None:
    error = raised("kraken", 200, {"error": ["EOrder:Unknown order"]})
    assert isinstance(error, ccxt_errors.InvalidOrder)
    assert not isinstance(error, ccxt_errors.OrderNotFound)
    known = errors.cancel_failure(errors.Failure(error, "", spec_of("kraken")))
    assert isinstance(known, CancelGone)
    other = errors.cancel_failure(errors.Failure(error, "", spec_of("okx")))
    assert isinstance(other, CancelFailed)


@pytest.mark.parametrize("kind", [ccxt_errors.OrderNotFound, ccxt_errors.DuplicateOrderId])
def test_errors_about_an_existing_order_do_not_prove_its_absence(kind: type[Exception]) -> None:
    outcome = errors.create_failure(errors.Failure(kind("x"), "x", ExchangeSpec()))
    assert isinstance(outcome, Unknown)
