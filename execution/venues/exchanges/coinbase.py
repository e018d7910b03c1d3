"""coinbase: its ExchangeSpec. Sources are in docs/reference/exchanges.md."""

from __future__ import annotations

import re
from datetime import timedelta

from execution.core.types import MarketStatus
from execution.venues.spec import (
    CandlePages,
    ExchangeSpec,
    Limits,
    MarketFields,
    Paging,
    StatusField,
    status_flag,
)

SPEC = ExchangeSpec(
    snapshot_over_rest=False,
    # The older accounts call, ccxt's default for balances, does not tell what is held.
    config={
        # Its call for the best quotes wants a key, which the session of the markets does not have.
        "has": {"fetchCurrencies": False, "fetchBidsAsks": False},
        "options": {"fetchBalance": "v3PrivateGetBrokerageAccounts"},
        # A dead socket is noticed within three pings; ccxt's 30 s would take a minute and a half.
        "streaming": {"keepAlive": 10_000},
    },
    # 30 a second with a key, of the user, and 10 without, of the address (reported). Of those 10 the markets' session
    # may make four, and an account five: each costs it more. Some of the 30 is left for calls that come closer
    # together than they were sent. An account opens at once with its markets and three looks at the clock.
    limits=Limits(
        budget=26,
        window=1,
        reserve=3,
        costs={
            "markets": 6,  # two public lists, and the fees
            "time": 2.5,
            "quote": 2.5,
            "book": 2.5,
            "candles": 2.5,
            "public_trades": 2.5,
        },
    ),
    public_limits=Limits(4, 1, 0, {"markets": 2}),
    time_step=timedelta(seconds=1),
    consecutive_trade_ids=True,
    public_trades_page=1000,
    # ccxt drops ``clientOrderId`` and sends an id of its own.
    client_id_param="client_order_id",
    client_id_rule=re.compile(r"[A-Za-z0-9_-]{1,36}"),
    # The newest orders of all products, in any state.
    orders_at_once=100,
    lists_ended=True,
    without_symbol=frozenset({"open_orders", "trades"}),
    pages={
        "open_orders": Paging("cursor", "cursor", 100, ("cursor",)),
        "closed_orders": Paging("cursor", "cursor", 100, ("cursor",)),
        "trades": Paging("cursor", "cursor", 100, ("cursor",)),
    },
    # ccxt asks for a window from ``start`` to ``end`` of 300 candles; the exchange refuses more than 350.
    candles=CandlePages(300),
    cursor_beside=("orders", "fills"),
    lists_at=(
        (re.compile(r"/orders/historical/batch\?"), ("orders",)),
        (re.compile(r"/orders/historical/fills\?"), ("fills",)),
        (re.compile(r"/brokerage/accounts\?"), ("accounts",)),
        (re.compile(r"/products/[^/]+/candles\?"), ("candles",)),
    ),
    # ccxt calls a market active unless trading is disabled.
    market=MarketFields(
        status=(
            status_flag("trading_disabled", MarketStatus.HALTED),
            status_flag("is_disabled", MarketStatus.HALTED),
            status_flag("view_only", MarketStatus.HALTED),
            status_flag("cancel_only", MarketStatus.CANCEL_ONLY),
            # Orders are collected and matched at its end: no place for a schedule.
            status_flag("auction_mode", MarketStatus.HALTED),
            status_flag("post_only", MarketStatus.POST_ONLY),
            status_flag("limit_only", MarketStatus.OPEN),  # every child is a limit order
            StatusField("status", {"online": MarketStatus.OPEN, "delisted": MarketStatus.NOT_LISTED}),
        ),
    ),
    market_buys="quote",
    cancel_tells_id=True,
    permissions_call=("v3PrivateGetBrokerageKeyPermissions", "rest"),
    refused=(
        (re.compile(r'"error":\s*"INSUFFICIENT_FUNDS?"'), "InsufficientFunds"),
        (re.compile(r'"error":\s*"INVALID_LIMIT_PRICE_POST_ONLY"'), "OrderImmediatelyFillable"),
        (re.compile(r'"error":\s*"(INVALID|UNSUPPORTED|INELIGIBLE)_[A-Z_]+"'), "InvalidOrder"),
        (re.compile(r'"error":\s*"ORDER_ENTRY_DISABLED"'), "MarketClosed"),
        # The preview that every order passes found something; the error itself may be UNKNOWN_FAILURE_REASON.
        (re.compile(r'"preview_failure_reason":\s*"PREVIEW_[A-Z_]+"'), "InvalidOrder"),
    ),
    # With 401, and nothing else (reported: ccxt#26300, ccxt#23987).
    plain_answer=re.compile(r"Unauthorized"),
    not_found=re.compile(r'"error":\s*"NOT_FOUND"'),
    cancel_gone=re.compile(r"UNKNOWN_CANCEL_ORDER|ORDER_IS_FULLY_FILLED"),
    # The first message lists all that is subscribed to.
    confirmed_channel="user",
    heartbeat_channel="heartbeats",
    complete_updates=True,
    stream_amount_is_filled=True,
)
