"""bybit: its ExchangeSpec. Sources are in docs/reference/exchanges.md."""

from __future__ import annotations

import re
from datetime import timedelta

from execution.core.types import MarketStatus
from execution.venues.spec import (
    CandlePages,
    ExchangeSpec,
    MarketFields,
    Mode,
    Paging,
    RawBalances,
    RawFees,
    StatusField,
)

SPEC = ExchangeSpec(
    snapshot_over_rest=False,
    config={
        "has": {"fetchCurrencies": False},
        "options": {
            "defaultType": "spot",
            "fetchMarkets": {"types": ["spot"]},
            # Else ccxt asks for both before a create, and a create must be one request.
            "enableUnifiedMargin": False,
            "enableUnifiedAccount": True,
        },
    },
    # The address is banned for ten minutes, in which everything must stop.
    locked_out=re.compile(r"access too frequent", re.IGNORECASE),
    lockout=timedelta(minutes=10),
    reset_header=("x-bapi-limit-reset-timestamp", "at_ms"),
    hostnames=("bytick.com", "bybit.nl", "bybit.com.hk"),
    book_depth=50,
    public_trades_page=60,
    client_id_param="clientOrderId",
    client_id_rule=re.compile(r"[A-Za-z0-9_-]{1,36}"),
    validity_option="recvWindow",
    create_params={"smpType": "CancelTaker"},
    id_filter="orderId",
    client_id_filter="orderLinkId",
    cancel_param="orderLinkId",
    stream_trade_client_id="orderLinkId",
    fee_currency_field="feeCurrency",
    # Taxes and fees of some countries' sites, a list or its JSON text (documented).
    raw_fees=RawFees("extraFees", ("fee",), "feeCoin", beside=True),
    without_symbol=frozenset({"open_orders", "trades"}),
    pages={
        "open_orders": Paging("cursor", "cursor", 50, ("result", "nextPageCursor")),
        "closed_orders": Paging("cursor", "cursor", 50, ("result", "nextPageCursor")),
        "trades": Paging("cursor", "cursor", 100, ("result", "nextPageCursor")),
    },
    stretch=timedelta(days=7),
    answer_field="result",
    # The first candles at or after the time, 1,000 at most (documented; ccxt rounds the time up).
    candles=CandlePages(1000),
    lists_at=(
        (re.compile(r"/v5/(order/(realtime|history)|execution/list|market/kline)\?"), ("result", "list")),
    ),
    # ccxt's sums; but it takes a ``locked`` that is missing for zero, and an account of another kind for empty.
    balances=RawBalances(
        at=("result", "list", 0, "coin"),
        currency="coin",
        free=("walletBalance",),
        held_back=("locked", "totalPositionIM", "totalOrderIM"),
        locked=("locked", "totalPositionIM", "totalOrderIM"),
        optional=("totalPositionIM", "totalOrderIM"),
    ),
    market=MarketFields(
        status=(StatusField("status", {"trading": MarketStatus.OPEN}),),
        max_quantity=(
            ("lotSizeFilter", "maxLimitOrderQty"),
            ("lotSizeFilter", "postOnlyMaxLimitOrderSize"),
        ),
        # The outer of its two bounds; the inner one moves with the average premium.
        buy_ratio=("riskParameters", "priceLimitRatioY"),
        sell_ratio=("riskParameters", "priceLimitRatioY"),
    ),
    market_buys="base",
    permissions_call=("privateGetV5UserQueryApi", "private"),
    mode=Mode(
        "privateGetV5UserQueryApi", "private", ("result", "uta"), (1, "1"),
        "the account is not a unified trading account, the only kind that this desk trades on bybit",
    ),
    # The request is a duplicate, was submitted for processing, or timed out: ccxt calls each a refusal.
    may_exist=re.compile(r'"retCode":\s*"?(10014|12141|30001|110030|110072|170035|170141|170146|170147)\b'),
)  # fmt: skip
