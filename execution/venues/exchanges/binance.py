"""binance: its ExchangeSpec. Sources are in docs/reference/exchanges.md."""

from __future__ import annotations

import re

from execution.core.types import MarketStatus
from execution.venues.spec import (
    WHOLE,
    CandlePages,
    ExchangeSpec,
    Limits,
    MarketFields,
    Paging,
    StatusField,
    UsedHeader,
)

SPEC = ExchangeSpec(
    config={
        # A dead socket is noticed within three pings; ccxt's 180 s would take minutes.
        "streaming": {"keepAlive": 10_000},
        "options": {
            "defaultType": "spot",
            "fetchMarkets": {"types": ["spot"]},
            "fetchCurrencies": False,
            "fetchMargins": False,
            # Else ccxt refuses to ask for all symbols at once, for its cost, which is in the limits below.
            "warnOnFetchOpenOrdersWithoutSymbol": False,
            # The same trades as its list over REST, with the same ids (docs/reference/exchanges.md).
            "watchTradesForSymbols": {"name": "aggTrade"},
            # ccxt reads each book's snapshot over REST. What fails is tried again by us, within the limit.
            "watchOrderBook": {"maxRetries": 1},
        },
    },
    # 6,000 units of weight a minute and 100 orders in ten seconds, less a tenth for what others send.
    limits=Limits(
        budget=900,
        window=10,
        reserve=100,
        costs={
            "find": 4,
            "open_orders": 6,
            "all_open_orders": 80,
            "closed_orders": 20,
            "trades": 20,
            "order_trades": 5,
            "balances": 20,
            "markets": 40,
            "permissions": 1,
            "quote": 4,
            "book": 5,
            "book_snapshot": 25,
            "candles": 2,
            "public_trades": 4,
        },
        counted_by="address",
    ),
    used_header=UsedHeader("x-mbx-used-weight-1m", limit=6_000, window=60),
    # A snapshot of up to 500 levels costs 25, one of 1,000 costs 50 (documented).
    book_depth=500,
    order_limits=Limits(budget=90, window=10, reserve=0),
    # The incoming order goes and the resting one keeps its place: the answer to the create tells at once,
    # where EXPIRE_MAKER would kill another parent's child, which only the stream would tell.
    create_params={"selfTradePrevention": "EXPIRE_TAKER", "newOrderRespType": "FULL"},
    consecutive_trade_ids=True,
    public_trades_page=1000,
    public_trades_from="fromId",
    client_id_param="clientOrderId",
    client_id_rule=re.compile(r"[.A-Z:/a-z0-9_-]{1,36}"),
    validity_param="recvWindow",
    by_client_id=True,
    filled_fields=("executedQty", "z"),
    stream_trade_client_id="c",
    # Oldest first from an id on, else the newest page (documented).
    order_trades=("orderId", {"fromId": "0"}),
    # Trades are listed by symbol only.
    without_symbol=frozenset({"open_orders"}),
    pages={
        "open_orders": WHOLE,
        "closed_orders": Paging("from_id", "orderId", 1000),
        "trades": Paging("from_id", "fromId", 1000),
        "order_trades": Paging("from_id", "fromId", 1000),
    },
    # The first candles at or after the time, 1,000 at most (documented).
    candles=CandlePages(1000),
    lists_at=((re.compile(r"/(openOrders|allOrders|myTrades|klines)(\?|$)"), ()),),
    balance_field="balances",
    cancel_tells_status=True,
    # Of a symbol, for one of weight; the answer lists each order with its end (documented).
    cancels_all="symbol",
    permissions_call=("sapi_get_account_apirestrictions", "sapi"),
    fees_with_balance=True,
    # "Invalid API-key, IP, or permissions": DDoSProtection for ccxt, once the key has worked.
    refusal=re.compile(r"-2015\b"),
    market=MarketFields(
        status=(
            StatusField(
                "status",
                {
                    "trading": MarketStatus.OPEN,
                    "cancel_only": MarketStatus.CANCEL_ONLY,
                    "halt": MarketStatus.HALTED,
                    "break": MarketStatus.HALTED,
                    "end_of_day": MarketStatus.HALTED,
                },
            ),
            StatusField("isSpotTradingAllowed", {"true": MarketStatus.OPEN, "false": MarketStatus.HALTED}),
        ),
        has_filters=True,
    ),
    # Comes with code -1013, which ccxt reads as a request that cannot be read, and with -2010.
    refused=((re.compile(r"Market is closed"), "MarketClosed"),),
    authenticate_confirms=True,
    complete_updates=True,
    error_map="spot",
)
