"""gate: its ExchangeSpec. Sources are in docs/reference/exchanges.md."""

from __future__ import annotations

import re
from datetime import timedelta

from execution.core.types import MarketStatus
from execution.venues.spec import CandlePages, ExchangeSpec, MarketFields, Paging, StatusField, SwitchCall

SPEC = ExchangeSpec(
    # Else ccxt asks before a create, and takes a failure for "not unified". A venue's options may say True.
    config={"options": {"unifiedAccount": False, "fetchMarkets": {"types": ["spot"]}}},
    public_trades_page=1000,
    reset_header=("x-gate-ratelimit-reset-timestamp", "at_s"),
    client_id_param="clientOrderId",
    client_id_rule=re.compile(r"[A-Za-z0-9_.-]{1,28}"),
    client_id_prefix="t-",
    client_id_as_id=True,
    finds_open_only=True,
    validity_header="x-gate-exptime",
    stream_trade_client_id="text",
    # AuthenticationError for ccxt: a slow clock would lose the account its key.
    too_late=re.compile(r'"REQUEST_EXPIRED"'),
    pages={
        "closed_orders": Paging("page", "page", 100),
        "trades": Paging("page", "page", 1000),
    },
    page=100,
    # ccxt asks for a window: ``from`` the time, ``to`` the 1,000th candle, both of them in it.
    candles=CandlePages(1000),
    stretch=timedelta(days=30),
    lists_at=((re.compile(r"/spot/(open_orders|orders|my_trades|candlesticks)\?"), ()),),
    rebate_fields=("rebated_fee", "rebated_fee_currency"),
    # ccxt calls a market active too while margin is enabled there.
    market=MarketFields(
        status=(
            StatusField(
                "trade_status",
                {
                    "tradable": MarketStatus.OPEN,
                    "buyable": MarketStatus.BUY_ONLY,
                    "sellable": MarketStatus.SELL_ONLY,
                    "untradable": MarketStatus.HALTED,
                },
            ),
        ),
        max_quantity=(("max_base_amount",),),
        max_notional=(("max_quote_amount",),),
    ),
    market_buys="quote",
    cancel_tells_status=True,
    switch=SwitchCall("privateSpotPostCountdownCancelAll", "timeout", ("triggerTime",)),
)
