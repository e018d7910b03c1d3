"""kucoin: its ExchangeSpec. Sources are in docs/reference/exchanges.md."""

from __future__ import annotations

import re
from datetime import timedelta

from execution.core.types import MarketStatus
from execution.venues.spec import (
    WHOLE,
    CandlePages,
    ExchangeSpec,
    MarketFields,
    Mode,
    Paging,
    StatusField,
    SwitchCall,
)

SPEC = ExchangeSpec(
    config={
        "has": {"fetchCurrencies": False},
        # The endpoints that kucoin documents, and no questions about the account before a create.
        "options": {"hf": True, "uta": False, "fetchMarkets": {"types": ["spot"], "fetchTickersFees": False}},
    },
    # Where its websockets are stands in the answer to a request.
    own_domain="kucoin.com",
    reset_header=("gw-ratelimit-reset", "in_ms"),
    create_params={"stp": "CN"},
    client_id_param="clientOrderId",
    client_id_rule=re.compile(r"[A-Za-z0-9_-]{1,40}"),
    by_client_id=True,
    # The first must equal the signature's time (documented).
    validity_fields={"clientTimestamp": "timestamp", "allowMaxTimeWindow": "milliseconds"},
    filled_fields=("dealSize",),
    pages={
        "open_orders": WHOLE,
        "closed_orders": Paging("cursor", "lastId", 100, ("data", "lastId")),
        "trades": Paging("cursor", "lastId", 100, ("data", "lastId")),
    },
    # ccxt asks for a window from ``startAt`` to ``endAt``. 1,500 at most (documented): fewer, because whether
    # the end belongs to it is not said, and of a window too long the oldest candles would be missing.
    candles=CandlePages(1000),
    stretch=timedelta(days=7),
    answer_field="data",
    lists_at=(
        (re.compile(r"/hf/orders/active\?|/accounts\?|/market/candles\?"), ("data",)),
        (re.compile(r"/hf/(orders/done|fills)\?"), ("data", "items")),
    ),
    market=MarketFields(
        status=(
            StatusField("enableTrading", {"true": MarketStatus.OPEN, "false": MarketStatus.HALTED}),
        ),
        buy_ratio=("priceLimitRate",),
        sell_ratio=("priceLimitRate",),
    ),
    market_buys="base",
    permissions_call=("privateGetUserApiKey", "private"),
    mode=Mode(
        "privateGetHfAccountsOpened", "private", ("data",), (True,),
        "the account has no high-frequency spot account, the only kind that this desk trades on kucoin",
    ),
    refused=((re.compile(r'"900001"'), "BadSymbol"),),
    may_exist=re.compile(r'"code":\s*"(408000|126033|126044)"'),
    switch=SwitchCall("privatePostHfOrdersDeadCancelAll", "timeout", ("data", "triggerTime"), off=-1),
)  # fmt: skip
