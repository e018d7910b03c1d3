"""bybit, kraken, coinbase and okx."""

from __future__ import annotations

from typing import Any

from tests.venues.answers import AT, AT_TEXT, CLIENT_ID, Exchange


def bybit_says(code: int = 0, message: str = "OK", **result: Any) -> dict[str, Any]:
    return {"retCode": code, "retMsg": message, "result": result}


BYBIT_ORDER = {
    "orderId": "9001", "orderLinkId": CLIENT_ID, "symbol": "BTCUSDT", "price": "50000", "qty": "0.02",
    "side": "Buy", "orderStatus": "PartiallyFilled", "avgPrice": "50000", "leavesQty": "0.015",
    "cumExecQty": "0.005", "cumExecValue": "250", "timeInForce": "GTC", "orderType": "Limit",
    "createdTime": str(AT), "updatedTime": str(AT),
}  # fmt: skip
BYBIT_NONE = bybit_says(list=[], nextPageCursor="")
BYBIT = Exchange(
    id="bybit",
    symbol="BTC/USDT",
    opening={
        "GET /v5/market/instruments-info": bybit_says(
            list=[{
                "symbol": "BTCUSDT", "baseCoin": "BTC", "quoteCoin": "USDT", "status": "Trading",
                "lotSizeFilter": {"basePrecision": "0.00001", "minOrderQty": "0.00002", "maxOrderQty": "50",
                                  "minOrderAmt": "6"},
                "priceFilter": {"tickSize": "0.5"},
            }]
        ),
        "GET /v5/user/query-api": bybit_says(
            uta=1, readOnly=0, permissions={"Spot": ["SpotTrade"], "Wallet": ["AccountTransfer"]}
        ),
    },
    created=("POST /v5/order/create", bybit_says(orderId="9001", orderLinkId=CLIENT_ID)),
    refused=[
        (200, bybit_says(170131, "Insufficient balance."), "InsufficientFunds"),
        (200, bybit_says(170140, "Order value exceeded lower limit."), "InvalidOrder"),
    ],
    unknown=[
        (200, bybit_says(170141, "Duplicate clientOrderId.")),
        (200, bybit_says(12141, "The id is taken.")),
        (200, bybit_says(170146, "Order creation is late")),
        (200, bybit_says(170035, "Submitted")),
        (200, bybit_says(10016, "Server error.")),
    ],
    turned_away=[(200, bybit_says(10006, "Too many visits!")), (200, bybit_says(10002, "Time window."))],
    found={"GET /v5/order/realtime": bybit_says(list=[BYBIT_ORDER], nextPageCursor=""),
           "GET /v5/order/history": BYBIT_NONE},
    found_by_ours={"GET /v5/order/realtime": BYBIT_NONE,
                   "GET /v5/order/history": bybit_says(list=[BYBIT_ORDER], nextPageCursor="")},
    not_found={"GET /v5/order/realtime": (200, BYBIT_NONE), "GET /v5/order/history": (200, BYBIT_NONE)},
    open_orders=("GET /v5/order/realtime", bybit_says(list=[BYBIT_ORDER], nextPageCursor="")),
    closed_orders={
        "GET /v5/order/realtime": BYBIT_NONE,
        "GET /v5/order/history": bybit_says(
            list=[BYBIT_ORDER | {"orderStatus": "PartiallyFilledCanceled", "leavesQty": "0"}],
            nextPageCursor="",
        ),
    },
    trades=(
        "GET /v5/execution/list",
        bybit_says(
            list=[{
                "execId": "7001", "orderId": "9001", "orderLinkId": CLIENT_ID, "symbol": "BTCUSDT",
                "side": "Buy", "execPrice": "50000", "execQty": "0.005", "execFee": "0.0125",
                "feeCurrency": "MNT", "feeRate": "0.001", "execTime": str(AT), "isMaker": True,
                "execType": "Trade", "execValue": "250",
            }],
            nextPageCursor="",
        ),
    ),
    fee=("0.0125", "MNT"),
    cancelled=("POST /v5/order/cancel", bybit_says(orderId="9001", orderLinkId=CLIENT_ID)),
    cancel_gone=(200, bybit_says(170213, "Order does not exist.")),
    balances=(
        "GET /v5/account/wallet-balance",
        bybit_says(list=[{"accountType": "UNIFIED", "coin": [
            {"coin": "USDT", "walletBalance": "105", "locked": "5", "equity": "105"},
        ]}]),
    ),
    permissions=("GET /v5/user/query-api", None),
)  # fmt: skip


def kraken_says(result: Any = None, *errors: str) -> dict[str, Any]:
    return {"error": list(errors)} | ({} if result is None else {"result": result})


KRAKEN_ORDER = {
    "refid": None, "userref": 0, "cl_ord_id": CLIENT_ID, "status": "open", "opentm": AT / 1000,
    "descr": {"pair": "XBTUSDT", "type": "buy", "ordertype": "limit", "price": "50000", "price2": "0"},
    "vol": "0.02", "vol_exec": "0.005", "cost": "250", "fee": "0.4", "price": "50000", "oflags": "fciq",
}  # fmt: skip
KRAKEN_NONE = {
    "POST /0/private/OpenOrders": kraken_says({"open": {}}),
    "POST /0/private/ClosedOrders": kraken_says({"closed": {}, "count": 0}),
}
KRAKEN = Exchange(
    id="kraken",
    symbol="BTC/USDT",
    opening={
        "GET /0/public/Assets": kraken_says({
            "XXBT": {"altname": "XBT", "decimals": 10, "display_decimals": 5, "status": "enabled"},
            "USDT": {"altname": "USDT", "decimals": 8, "display_decimals": 4, "status": "enabled"},
        }),
        "GET /0/public/AssetPairs": kraken_says({
            "XBTUSDT": {
                "altname": "XBTUSDT", "wsname": "XBT/USDT", "base": "XXBT", "quote": "USDT",
                "pair_decimals": 1, "lot_decimals": 8, "lot_multiplier": 1, "leverage_buy": [],
                "leverage_sell": [], "fees": [[0, 0.25]], "fees_maker": [[0, 0.16]], "ordermin": "0.0001",
                "costmin": "0.5", "tick_size": "0.1", "status": "online",
            },
        }),
    },
    created=(
        "POST /0/private/AddOrder",
        kraken_says({"descr": {"order": "buy 0.02 XBTUSDT @ limit 50000"}, "txid": ["OAAAAA-BBBBB-CCCCCC"]}),
    ),
    order_id="OAAAAA-BBBBB-CCCCCC",
    trade_id="TAAAAA-BBBBB-CCCCCC",
    refused=[
        (200, kraken_says(None, "EOrder:Insufficient funds"), "InsufficientFunds"),
        (200, kraken_says(None, "EOrder:Post only order"), "OrderImmediatelyFillable"),
        (200, kraken_says(None, "EOrder:Orders limit exceeded"), "InvalidOrder"),
        (200, kraken_says(None, "EService:Market in cancel_only mode"), "MarketClosed"),
    ],
    unknown=[(200, kraken_says(None, "EService:Busy")), (200, kraken_says(None, "EGeneral:Internal error"))],
    turned_away=[
        (200, kraken_says(None, "EOrder:Rate limit exceeded")),
        (200, kraken_says(None, "EAPI:Invalid nonce")),
    ],
    found={"POST /0/private/QueryOrders": kraken_says({"OAAAAA-BBBBB-CCCCCC": KRAKEN_ORDER})},
    found_by_ours={
        "POST /0/private/OpenOrders": kraken_says({"open": {"OAAAAA-BBBBB-CCCCCC": KRAKEN_ORDER}}),
        "POST /0/private/ClosedOrders": kraken_says({"closed": {}, "count": 0}),
    },
    not_found={name: (200, answer) for name, answer in KRAKEN_NONE.items()}
    | {"POST /0/private/QueryOrders": (200, kraken_says(None, "EOrder:Unknown order"))},
    open_orders=("POST /0/private/OpenOrders", kraken_says({"open": {"OAAAAA-BBBBB-CCCCCC": KRAKEN_ORDER}})),
    closed_orders={
        "POST /0/private/OpenOrders": kraken_says({"open": {}}),
        "POST /0/private/ClosedOrders": kraken_says({
            "closed": {"OAAAAA-BBBBB-CCCCCC": KRAKEN_ORDER | {"status": "canceled"}}, "count": 1,
        }),
    },
    trades=(
        "POST /0/private/TradesHistory",
        kraken_says({
            "count": 1,
            "trades": {"TAAAAA-BBBBB-CCCCCC": {
                "ordertxid": "OAAAAA-BBBBB-CCCCCC", "pair": "XBTUSDT", "time": AT / 1000, "type": "buy",
                "ordertype": "limit", "price": "50000", "cost": "250", "fee": "0.4", "vol": "0.005",
                "maker": True,
            }},
        }),
    ),
    fee=("0.4", "USDT"),
    cancelled=("POST /0/private/CancelOrder", kraken_says({"count": 1})),
    cancel_gone=(200, kraken_says(None, "EOrder:Unknown order")),
    balances=("POST /0/private/BalanceEx", kraken_says({"USDT": {"balance": "105", "hold_trade": "5"}})),
)  # fmt: skip

COINBASE_ORDER = {
    "order_id": "9001", "client_order_id": CLIENT_ID, "product_id": "BTC-USDT", "side": "BUY",
    "status": "OPEN", "order_type": "LIMIT", "time_in_force": "GOOD_UNTIL_CANCELLED",
    "created_time": AT_TEXT, "filled_size": "0.005", "average_filled_price": "50000",
    "total_fees": "0.4",
    "order_configuration": {
        "limit_limit_gtc": {"base_size": "0.02", "limit_price": "50000", "post_only": False}
    },
}  # fmt: skip
BATCH = "GET /api/v3/brokerage/orders/historical/batch"


def coinbase_lists(*orders: Any) -> dict[str, Any]:
    return {"orders": list(orders), "has_next": False, "cursor": ""}


def coinbase_refuses(error: str) -> dict[str, Any]:
    return {"success": False, "failure_reason": "UNKNOWN_FAILURE_REASON", "order_id": "",
            "error_response": {"error": error, "message": "no", "preview_failure_reason": "none"}}  # fmt: skip


COINBASE = Exchange(
    id="coinbase",
    symbol="BTC/USDT",
    opening={
        "GET /api/v3/brokerage/market/products": {
            "products": [{
                "product_id": "BTC-USDT", "product_type": "SPOT", "base_currency_id": "BTC",
                "quote_currency_id": "USDT", "base_increment": "0.00001", "price_increment": "0.01",
                "quote_increment": "0.01", "base_min_size": "0.00002", "base_max_size": "50",
                "quote_min_size": "2", "quote_max_size": "1000000", "status": "online", "alias_to": [],
                "trading_disabled": False,
            }],
        },
        "GET /api/v3/brokerage/transaction_summary": {"fee_tier": {}},
    },
    created=(
        "POST /api/v3/brokerage/orders",
        {
            "success": True,
            "success_response": {"order_id": "9001", "product_id": "BTC-USDT", "side": "BUY",
                                 "client_order_id": CLIENT_ID},
        },
    ),
    refused=[
        (200, coinbase_refuses("INSUFFICIENT_FUND"), "InsufficientFunds"),
        (200, coinbase_refuses("INVALID_LIMIT_PRICE_POST_ONLY"), "OrderImmediatelyFillable"),
        (200, coinbase_refuses("INVALID_SIZE_PRECISION"), "InvalidOrder"),
    ],
    unknown=[(200, coinbase_refuses("UNKNOWN_FAILURE_REASON")), (200, {"success": False}), (200, {})],
    turned_away=[(429, {"error": "RATE_LIMIT", "message": "Too many requests"})],
    found={"GET /api/v3/brokerage/orders/historical/9001": {"order": COINBASE_ORDER}},
    found_by_ours={BATCH: coinbase_lists(COINBASE_ORDER)},
    not_found={
        BATCH: (200, coinbase_lists()),
        "GET /api/v3/brokerage/orders/historical/9001": (404, {"error": "NOT_FOUND", "message": "no order"}),
    },
    open_orders=(BATCH, coinbase_lists(COINBASE_ORDER)),
    closed_orders={BATCH: coinbase_lists(COINBASE_ORDER | {"status": "CANCELLED"})},
    trades=(
        "GET /api/v3/brokerage/orders/historical/fills",
        {
            "fills": [{
                "entry_id": "1", "trade_id": "7001", "order_id": "9001", "product_id": "BTC-USDT",
                "trade_time": AT_TEXT, "trade_type": "FILL", "price": "50000", "size": "0.005",
                "size_in_quote": False, "commission": "0.4", "side": "BUY", "liquidity_indicator": "MAKER",
            }],
            "cursor": "",
        },
    ),
    fee=("0.4", "USDT"),
    cancelled=(
        "POST /api/v3/brokerage/orders/batch_cancel",
        {"results": [{"success": True, "failure_reason": "", "order_id": "9001"}]},
    ),
    cancel_gone=(
        200,
        {"results": [{"success": False, "failure_reason": "UNKNOWN_CANCEL_ORDER", "order_id": "9001"}]},
    ),
    balances=(
        "GET /api/v3/brokerage/accounts",
        {
            "accounts": [{
                "currency": "USDT", "type": "ACCOUNT_TYPE_CRYPTO", "active": True,
                "available_balance": {"value": "100", "currency": "USDT"},
                "hold": {"value": "5", "currency": "USDT"},
            }],
            "has_next": False,
        },
    ),
    permissions=(
        "GET /api/v3/brokerage/key_permissions",
        {"can_view": True, "can_trade": True, "can_transfer": False},
    ),
    cancels_by_ours=False,
    market_buys="quote",
)  # fmt: skip


def okx_says(*data: Any, code: str = "0") -> dict[str, Any]:
    return {"code": code, "msg": "", "data": list(data)}


OKX_ORDER = {
    "instId": "BTC-USDT", "instType": "SPOT", "ordId": "9001", "clOrdId": CLIENT_ID, "px": "50000",
    "sz": "0.02", "accFillSz": "0.005", "avgPx": "50000", "state": "partially_filled", "side": "buy",
    "ordType": "limit", "fee": "-0.000005", "feeCcy": "BTC", "cTime": str(AT), "uTime": str(AT),
}  # fmt: skip
OKX = Exchange(
    id="okx",
    symbol="BTC/USDT",
    opening={
        "GET /api/v5/asset/currencies": okx_says(),
        "GET /api/v5/public/instruments": okx_says({
            "instId": "BTC-USDT", "instType": "SPOT", "baseCcy": "BTC", "quoteCcy": "USDT", "state": "live",
            "lotSz": "0.00001", "minSz": "0.00002", "tickSz": "0.1", "maxLmtSz": "50", "maxMktSz": "50",
        }),
    },
    created=(
        "POST /api/v5/trade/batch-orders",
        okx_says({"ordId": "9001", "clOrdId": CLIENT_ID, "sCode": "0", "sMsg": "", "tag": ""}),
    ),
    refused=[
        (200, okx_says({"ordId": "", "sCode": "51008", "sMsg": "Insufficient balance"}, code="1"),
         "InsufficientFunds"),
    ],
    unknown=[
        (200, okx_says({"ordId": "", "sCode": "51016", "sMsg": "Client order ID already exists."}, code="1")),
        (200, okx_says(code="50004")),
    ],
    turned_away=[(429, okx_says(code="50011")), (200, okx_says(code="50102"))],
    found={"GET /api/v5/trade/order": okx_says(OKX_ORDER)},
    found_by_ours={"GET /api/v5/trade/order": okx_says(OKX_ORDER)},
    not_found={"GET /api/v5/trade/order": (200, okx_says(code="51603"))},
    open_orders=("GET /api/v5/trade/orders-pending", okx_says(OKX_ORDER)),
    closed_orders={
        "GET /api/v5/trade/orders-pending": okx_says(),
        "GET /api/v5/trade/orders-history": okx_says(OKX_ORDER | {"state": "canceled"}),
    },
    trades=(
        "GET /api/v5/trade/fills-history",
        okx_says({
            "instId": "BTC-USDT", "tradeId": "7001", "ordId": "9001", "clOrdId": CLIENT_ID, "billId": "1",
            "fillPx": "50000", "fillSz": "0.005", "side": "buy", "execType": "M", "fee": "-0.000005",
            "feeCcy": "BTC", "ts": str(AT),
        }),
    ),
    cancelled=(
        "POST /api/v5/trade/cancel-order",
        okx_says({"ordId": "9001", "clOrdId": CLIENT_ID, "sCode": "0", "sMsg": ""}),
    ),
    cancel_gone=(200, okx_says({"ordId": "9001", "sCode": "51400", "sMsg": "No such order."}, code="1")),
    balances=(
        "GET /api/v5/account/balance",
        okx_says({"details": [{"ccy": "USDT", "availBal": "100", "availEq": "", "cashBal": "105",
                               "eq": "105", "frozenBal": "5"}], "uTime": str(AT)}),
    ),
    permissions=("GET /api/v5/account/config", okx_says({"perm": "read_only,trade"})),
)  # fmt: skip
