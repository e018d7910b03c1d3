"""The manners of single exchanges, by ccxt id. What is not here is what ccxt declares, or refused.

Where each is known from stands in docs/exchanges.md.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import timedelta

from execution.venues.spec import WHOLE, Call, ExchangeSpec, Limits, Mode, Paging

__all__ = ["EXCHANGE_SPECS", "Call", "ExchangeSpec", "Limits", "Paging", "quirks_of"]

BINANCE = ExchangeSpec(
    config={
        # A dead socket is noticed within three pings; ccxt's 180 s would take minutes.
        "streaming": {"keepAlive": 10_000},
        "options": {
            "defaultType": "spot",
            "fetchMarkets": {"types": ["spot"]},
            "fetchCurrencies": False,
            "fetchMargins": False,
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
            "closed_orders": 20,
            "trades": 20,
            "balances": 20,
            "markets": 40,
            "permissions": 1,
            "quote": 4,
            "book": 5,
            "candles": 2,
        },
    ),
    order_limits=Limits(budget=90, window=10, reserve=0),
    # The incoming order goes and the resting one keeps its place: the answer to the create tells at once,
    # where EXPIRE_MAKER would kill another parent's child, which only the stream would tell.
    create_params={"selfTradePrevention": "EXPIRE_TAKER", "newOrderRespType": "FULL"},
    client_id_param="clientOrderId",
    client_id_rule=re.compile(r"[.A-Z:/a-z0-9_-]{1,36}"),
    validity_param="recvWindow",
    by_client_id=True,
    filled_fields=("executedQty", "z"),
    stream_trade_client_id="c",
    pages={
        "open_orders": WHOLE,
        "closed_orders": Paging("from_id", "orderId", 1000),
        "trades": Paging("from_id", "fromId", 1000),
    },
    lists_at=((re.compile(r"/(openOrders|allOrders|myTrades)(\?|$)"), ()),),
    balance_field="balances",
    cancel_tells_status=True,
    permissions_call=("sapi_get_account_apirestrictions", "sapi"),
    fees_with_balance=True,
    # "Invalid API-key, IP, or permissions": DDoSProtection for ccxt, once the key has worked.
    refusal=re.compile(r"-2015\b"),
    authenticate_confirms=True,
    complete_updates=True,
    error_map="spot",
)

BYBIT = ExchangeSpec(
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
    hostnames=("bytick.com", "bybit.nl", "bybit.com.hk"),
    client_id_param="clientOrderId",
    client_id_rule=re.compile(r"[A-Za-z0-9_-]{1,36}"),
    validity_option="recvWindow",
    create_params={"smpType": "CancelTaker"},
    id_filter="orderId",
    client_id_filter="orderLinkId",
    cancel_param="orderLinkId",
    stream_trade_client_id="orderLinkId",
    fee_currency_field="feeCurrency",
    pages={
        "open_orders": Paging("cursor", "cursor", 50, ("result", "nextPageCursor")),
        "closed_orders": Paging("cursor", "cursor", 50, ("result", "nextPageCursor")),
        "trades": Paging("cursor", "cursor", 100, ("result", "nextPageCursor")),
    },
    stretch=timedelta(days=7),
    answer_field="result",
    lists_at=((re.compile(r"/v5/(order/(realtime|history)|execution/list)\?"), ("result", "list")),),
    market_buys="base",
    permissions_call=("privateGetV5UserQueryApi", "private"),
    mode=Mode(
        "privateGetV5UserQueryApi", "private", ("result", "uta"), (1, "1"),
        "the account is not a unified trading account, the only kind that this desk trades on bybit",
    ),
    # The request is a duplicate, was submitted for processing, or timed out: ccxt calls each a refusal.
    may_exist=re.compile(r'"retCode":\s*"?(10014|12141|30001|110030|110072|170035|170141|170146|170147)\b'),
)  # fmt: skip

OKX = ExchangeSpec(
    config={
        "has": {"fetchCurrencies": False},
        # A dead socket is noticed within three pings; ccxt's 18 s would take a minute.
        "streaming": {"keepAlive": 10_000},
        "options": {"defaultType": "spot", "fetchMarkets": {"types": ["spot"]}},
    },
    hostnames=("aws.okx.com",),
    test_header=("x-simulated-trading", "1"),
    # Each kind of call has a limit of its own per two seconds, from 5 to 300: none is passed by these costs.
    limits=Limits(
        budget=50,
        window=2,
        reserve=10,
        costs={
            "closed_orders": 3,  # three lists
            "trades": 5,
            "balances": 5,
            "markets": 3,
            "permissions": 10,
            "fees": 10,
            "candles": 2,
            "time": 5,
        },
    ),
    # The incoming order goes and the resting one keeps its place, as with binance.
    create_params={"selfTradePrevention": "EXPIRE_TAKER"},
    client_id_param="clientOrderId",
    client_id_rule=re.compile(r"[A-Za-z0-9]{1,32}"),
    by_client_id=True,
    validity_header="expTime",
    # The deadline in the header has passed: a bare ExchangeError for ccxt, and the order was not taken.
    too_late=re.compile(r'"5003[67]"'),
    # A key without the permission: a bare ExchangeError too.
    refusal=re.compile(r'"50120"'),
    filled_fields=("accFillSz",),
    stream_trade_client_id="clOrdId",
    stream_fees_negated=True,
    confirmed_channel="orders",
    complete_updates=True,
    answer_field="data",
    lists_at=((re.compile(r"/trade/(orders-|fills)|/account/balance"), ("data",)),),
    pages={
        "open_orders": Paging("before_id", "after", 100, ("ordId",)),
        "closed_orders": Paging("before_id", "after", 100, ("ordId",)),
        # ccxt sends no limit beside a time: 100 is what the exchange gives by itself.
        "trades": Paging("before_id", "after", 100, ("billId",)),
    },
    market_buys="base",
    permissions_call=("privateGetAccountConfig", "rest"),
    fees_call=("privateGetAccountTradeFee", {"instType": "SPOT"}),
)

KRAKEN = ExchangeSpec(
    # Fees in quote, as ccxt reads them; else a sell's may be in base.
    create_params={"oflags": "fciq"},
    client_id_param="clientOrderId",
    client_id_filter="clientOrderId",
    cancel_param="clientOrderId",
    pages={
        "open_orders": WHOLE,
        "closed_orders": Paging("offset", "ofs", 50, sends_size=False),
        "trades": Paging("offset", "ofs", 50, sends_size=False),
    },
    answer_field="result",
    lists=False,
    lists_at=(
        (re.compile(r"/OpenOrders$"), ("result", "open")),
        (re.compile(r"/ClosedOrders$"), ("result", "closed")),
        (re.compile(r"/TradesHistory$"), ("result", "trades")),
    ),
    market_buys="base",
    refused=(
        (re.compile(r"EOrder:Post only order"), "OrderImmediatelyFillable"),
        (re.compile(r"EService:Market in \w+_only mode"), "MarketClosed"),
        (
            re.compile(
                r"EOrder:(Cost minimum not met|Tick size check failed|(Orders|Positions) limit exceeded)"
            ),
            "InvalidOrder",
        ),
    ),
    not_found=re.compile(r"EOrder:Unknown order"),
    cancel_gone=re.compile(r"EOrder:Unknown order"),
)

COINBASE = ExchangeSpec(
    # The older accounts call, ccxt's default for balances, does not tell what is held.
    config={
        "has": {"fetchCurrencies": False},
        "options": {"fetchBalance": "v3PrivateGetBrokerageAccounts"},
    },
    # ccxt drops ``clientOrderId`` and sends an id of its own.
    client_id_param="client_order_id",
    client_id_rule=re.compile(r"[A-Za-z0-9_-]{1,36}"),
    pages={
        "open_orders": Paging("cursor", "cursor", 100, ("cursor",)),
        "closed_orders": Paging("cursor", "cursor", 100, ("cursor",)),
        "trades": Paging("cursor", "cursor", 100, ("cursor",)),
    },
    cursor_beside=("orders", "fills"),
    lists_at=(
        (re.compile(r"/orders/historical/batch\?"), ("orders",)),
        (re.compile(r"/orders/historical/fills\?"), ("fills",)),
        (re.compile(r"/brokerage/accounts\?"), ("accounts",)),
    ),
    market_buys="quote",
    cancel_tells_id=True,
    permissions_call=("v3PrivateGetBrokerageKeyPermissions", "rest"),
    refused=(
        (re.compile(r'"error":\s*"INSUFFICIENT_FUNDS?"'), "InsufficientFunds"),
        (re.compile(r'"error":\s*"INVALID_LIMIT_PRICE_POST_ONLY"'), "OrderImmediatelyFillable"),
        (re.compile(r'"error":\s*"(INVALID|UNSUPPORTED|INELIGIBLE)_[A-Z_]+"'), "InvalidOrder"),
        (re.compile(r'"error":\s*"ORDER_ENTRY_DISABLED"'), "MarketClosed"),
    ),
    not_found=re.compile(r'"error":\s*"NOT_FOUND"'),
    cancel_gone=re.compile(r"UNKNOWN_CANCEL_ORDER"),
)

KUCOIN = ExchangeSpec(
    config={
        "has": {"fetchCurrencies": False},
        # The endpoints that kucoin documents, and no questions about the account before a create.
        "options": {"hf": True, "uta": False, "fetchMarkets": {"types": ["spot"], "fetchTickersFees": False}},
    },
    # Where its websockets are stands in the answer to a request.
    own_domain="kucoin.com",
    create_params={"stp": "CN"},
    client_id_param="clientOrderId",
    client_id_rule=re.compile(r"[A-Za-z0-9_-]{1,40}"),
    by_client_id=True,
    filled_fields=("dealSize",),
    pages={
        "open_orders": WHOLE,
        "closed_orders": Paging("cursor", "lastId", 100, ("data", "lastId")),
        "trades": Paging("cursor", "lastId", 100, ("data", "lastId")),
    },
    stretch=timedelta(days=7),
    answer_field="data",
    lists_at=(
        (re.compile(r"/hf/orders/active\?|/accounts\?"), ("data",)),
        (re.compile(r"/hf/(orders/done|fills)\?"), ("data", "items")),
    ),
    market_buys="base",
    permissions_call=("privateGetUserApiKey", "private"),
    mode=Mode(
        "privateGetHfAccountsOpened", "private", ("data",), (True,),
        "the account has no high-frequency spot account, the only kind that this desk trades on kucoin",
    ),
    refused=((re.compile(r'"900001"'), "BadSymbol"),),
    may_exist=re.compile(r'"code":\s*"(408000|126033|126044)"'),
)  # fmt: skip

GATE = ExchangeSpec(
    # Else ccxt asks before a create, and takes a failure for "not unified". A venue's options may say True.
    config={"options": {"unifiedAccount": False, "fetchMarkets": {"types": ["spot"]}}},
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
    stretch=timedelta(days=30),
    lists_at=((re.compile(r"/spot/(open_orders|orders|my_trades)\?"), ()),),
    market_buys="quote",
    cancel_tells_status=True,
)

BITGET = ExchangeSpec(
    config={
        "has": {"fetchCurrencies": False},
        "options": {"defaultType": "spot", "uta": False, "fetchMarkets": {"types": ["spot"]}},
    },
    test_header=("PAPTRADING", "1"),
    closed_in_test=("ws",),  # the test network's are in "demo"
    create_params={"stpMode": "cancel_taker"},
    ioc_params={"force": "ioc"},  # as documented; ccxt writes it in capitals
    client_id_param="clientOrderId",
    client_id_rule=re.compile(r"[A-Za-z0-9_:#+-]{1,40}"),
    validity_param="receiveWindow",
    by_client_id=True,
    filled_fields=("baseVolume",),
    pages={
        "open_orders": Paging("before_id", "idLessThan", 100, ("orderId",)),
        "closed_orders": Paging("before_id", "idLessThan", 100, ("orderId",)),
        "trades": Paging("before_id", "idLessThan", 100, ("tradeId",)),
    },
    stretch=timedelta(days=90),
    answer_field="data",
    lists_at=(
        (re.compile(r"/spot/(trade/(unfilled-orders|history-orders|fills)|account/assets)(\?|$)"), ("data",)),
    ),
    market_buys="quote",
    permissions_call=("privateSpotGetV2SpotAccountInfo", "spot"),
)

EXCHANGE_SPECS: Mapping[str, ExchangeSpec] = {
    "binance": BINANCE,
    "bybit": BYBIT,
    "okx": OKX,
    "kraken": KRAKEN,
    "coinbase": COINBASE,
    "kucoin": KUCOIN,
    "gate": GATE,
    "bitget": BITGET,
}


def quirks_of(exchange_id: str) -> ExchangeSpec:
    """The exchange's quirks; the cautious defaults for one that has none written down."""
    return EXCHANGE_SPECS.get(exchange_id, ExchangeSpec())
