"""Fees and rebates of either sign in any currency, through the real ccxt classes: all of a trade's fee, or unknown."""

from __future__ import annotations

import copy
import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from execution.core.types import Trade, TradeFee
from execution.venues.client import client_class
from execution.venues.exchanges import spec_of
from execution.venues.streams import streamed_trade
from tests.venues.answers import AT
from tests.venues.stub import EXCHANGES, SYMBOL, opened_venue

SINCE = datetime.fromtimestamp(AT / 1000, UTC) - timedelta(days=1)
Parts = list[tuple[str, str]]


def entry_of(tree: Any) -> dict[str, Any]:
    """Return the only trade in an exchange's answer."""
    while not (
        isinstance(tree, dict) and "price" in {name.removesuffix("Avg") for name in tree} | fill_names(tree)
    ):
        values = tree.values() if isinstance(tree, dict) else tree
        tree = next(value for value in values if isinstance(value, dict | list) and value)
    return tree


def fill_names(tree: dict[str, Any]) -> set[str]:
    return {"price"} if {"fillPx", "execPrice"} & tree.keys() else set()


def parts(trade: Trade) -> Parts:
    if trade.fee is None:
        assert (trade.fee_currency, trade.more_fees) == (None, ())
        return []
    main = TradeFee(trade.fee, str(trade.fee_currency))
    return [(part.currency, str(part.amount)) for part in (main, *trade.more_fees)]


async def listed(exchange_id: str, **changes: Any) -> Trade:
    """Return the exchange's trade with these raw fields, as its list tells it; a field that is None is absent."""
    what, body = copy.deepcopy(EXCHANGES[exchange_id].trades)
    entry = entry_of(body)
    entry.update(changes)
    for name in [name for name, value in changes.items() if value is None]:
        del entry[name]
    async with opened_venue(exchange_id) as venue:
        venue.stub.answer(what, body)
        (trade,) = await venue.gateway.trades(SYMBOL, SINCE)
        return trade


CASES: list[tuple[str, dict[str, Any], Parts]] = [
    ("gate", {"fee": "0.001", "fee_currency": "BTC", "gt_fee": "0", "point_fee": "0"}, [("BTC", "0.001")]),
    ("gate", {"fee": "0", "fee_currency": "BTC", "gt_fee": "0.02"}, [("GT", "0.02")]),
    (
        "gate",
        {"fee": "0.001", "fee_currency": "BTC", "gt_fee": "0.02", "point_fee": "0.3"},
        [("BTC", "0.001"), ("GT", "0.02"), ("GATEPOINT", "0.3")],
    ),
    ("gate", {"fee": "-0.001", "fee_currency": "BTC"}, [("BTC", "-0.001")]),
    (
        "gate",
        {"fee": "0.25", "fee_currency": "USDT", "rebated_fee": "0.001", "rebated_fee_currency": "BTC"},
        [("USDT", "0.25"), ("BTC", "-0.001")],
    ),
    ("okx", {"fee": "-0.25", "feeCcy": "USDT"}, [("USDT", "0.25")]),
    ("okx", {"fee": "0.1", "feeCcy": "USDT"}, [("USDT", "-0.1")]),
    (
        "okx",
        {"fee": "-0.25", "feeCcy": "USDT", "rebate": "0.0001", "rebateCcy": "BTC"},
        [("USDT", "0.25"), ("BTC", "-0.0001")],
    ),
    ("okx", {"fee": "-0.25", "feeCcy": "USDT", "rebate": "", "rebateCcy": ""}, [("USDT", "0.25")]),
    ("okx", {"fee": "", "feeCcy": ""}, []),
    ("bybit", {"execFee": "0.25", "feeCurrency": "USDT", "extraFees": ""}, [("USDT", "0.25")]),
    ("bybit", {"execFee": "-0.25", "feeCurrency": "USDT", "extraFees": []}, [("USDT", "-0.25")]),
    (
        "bybit",
        {
            "execFee": "0.25",
            "feeCurrency": "USDT",
            "extraFees": json.dumps(
                [{"feeCoin": "EUR", "feeType": "UNKNOWN", "feeRate": "0.01", "fee": "0.03"}]
            ),
        },
        [("USDT", "0.25"), ("EUR", "0.03")],
    ),
    ("bybit", {"execFee": "0.25", "feeCurrency": "USDT", "extraFees": "tax"}, []),
    ("bybit", {"execFee": "0.25", "feeCurrency": "USDT", "extraFees": [{"feeCoin": "EUR"}]}, []),
    (
        "bitget",
        {
            "feeDetail": {
                "deduction": "yes",
                "feeCoin": "BGB",
                "totalFee": "-0.017",
                "totalDeductionFee": "-0.017",
            }
        },
        [("BGB", "0.017")],
    ),
    (
        "bitget",
        {"feeDetail": [{"feeCoin": "BGB", "totalFee": "-0.01"}, {"feeCoin": "USDT", "totalFee": "-0.2"}]},
        [("BGB", "0.01"), ("USDT", "0.2")],
    ),
    ("bitget", {"feeDetail": [{"feeCoin": "BGB", "totalFee": "-0.01"}, {"feeCoin": "USDT"}]}, []),
    ("kraken", {"fee": "-0.4"}, [("USDT", "-0.4")]),
    ("kraken", {"fee": None}, []),
    ("coinbase", {"commission": "-0.4"}, [("USDT", "-0.4")]),
    ("kucoin", {"fee": "0.0004", "feeCurrency": "KCS"}, [("KCS", "0.0004")]),
    ("bybit", {"execFee": "0.25", "feeCurrency": None}, []),
]


@pytest.mark.parametrize(("exchange_id", "changes", "expected"), CASES)
async def test_a_trade_has_all_of_its_fee_or_none(
    exchange_id: str, changes: dict[str, Any], expected: Parts
) -> None:
    assert parts(await listed(exchange_id, **changes)) == expected


KRAKEN_TRADE = {
    "order_id": "O1", "exec_id": "T1", "exec_type": "trade", "trade_id": 7, "symbol": SYMBOL, "side": "sell",
    "last_qty": "0.01", "last_price": "50000", "liquidity_ind": "m", "cost": "500", "order_type": "limit",
    "timestamp": "2026-03-01T12:00:00.000000Z",
}  # fmt: skip


@pytest.mark.parametrize(
    ("fees", "expected"),
    [
        ([{"asset": "USDT", "qty": "0.8"}], [("USDT", "0.8")]),
        (
            [{"asset": "USDT", "qty": "0.8"}, {"asset": "BTC", "qty": "-0.00001"}],
            [("USDT", "0.8"), ("BTC", "-0.00001")],
        ),
        ([{"asset": "USDT", "qty": "0.8"}, {"asset": "USDT", "qty": "0.1"}], [("USDT", "0.9")]),
        ([{"asset": "USDT", "qty": "0.8"}, {"qty": "0.1"}], []),
        ([{"asset": "USDT", "qty": "0.8"}, "more"], []),
        ([], []),
    ],
)
def test_krakens_stream_lists_all_fees_of_a_trade(fees: list[Any], expected: Parts) -> None:
    client = client_class("kraken")({})
    trade = client.parse_ws_trade({**KRAKEN_TRADE, "fees": fees})
    assert parts(streamed_trade(trade, spec_of("kraken"))) == expected


@pytest.mark.parametrize(
    ("told", "expected"),
    [
        ({"fillFee": "-0.25", "rebate": "0", "rebateCcy": "BTC"}, [("USDT", "0.25")]),
        ({"fillFee": "0.25", "rebate": "", "rebateCcy": ""}, [("USDT", "-0.25")]),
        # The order's own sum, which may be of other trades: a poll may tell more.
        ({"fillFee": "-0.25", "rebate": "0.0001", "rebateCcy": "BTC"}, []),
    ],
)
def test_okxs_stream_tells_a_rebate_of_the_whole_order(told: dict[str, str], expected: Parts) -> None:
    client = client_class("okx")({})
    raw = {
        "instType": "SPOT", "instId": "BTC-USDT", "ordId": "9001", "clOrdId": "q1", "side": "sell",
        "accFillSz": "0.01",
        "fillSz": "0.01", "fillPx": "50000", "tradeId": "7", "fillTime": "1700000000000", "fillFeeCcy": "USDT",
        "execType": "M", "state": "filled", "sz": "0.01", "px": "50000", "ordType": "post_only", **told,
    }  # fmt: skip
    trade = client.order_to_trade(
        {"info": raw, "symbol": SYMBOL, "id": "9001", "type": "limit", "side": "sell"}
    )
    assert parts(streamed_trade(trade, spec_of("okx"))) == expected


def test_bitgets_stream_lists_fees() -> None:
    client = client_class("bitget")({})
    raw = {
        "orderId": "9001", "tradeId": "7", "symbol": "BTCUSDT", "orderType": "limit", "side": "buy",
        "priceAvg": "50000", "size": "0.01", "amount": "500", "tradeScope": "maker", "cTime": "1700000000000",
        "feeDetail": [
            {"feeCoin": "BGB", "deduction": "yes", "totalDeductionFee": "-0.1", "totalFee": "-0.1"},
            {"feeCoin": "BTC", "deduction": "no", "totalDeductionFee": "0", "totalFee": "-0.00001"},
        ],
    }  # fmt: skip
    trade = client.parse_trade(raw) | {"symbol": SYMBOL}
    assert parts(streamed_trade(trade, spec_of("bitget"))) == [("BGB", "0.1"), ("BTC", "0.00001")]
