"""kucoin, gate and bitget."""

from __future__ import annotations

from typing import Any

from tests.venues.answers import AT, CLIENT_ID, Exchange


def kucoin_says(data: Any = None, code: str = "200000", message: str = "") -> dict[str, Any]:
    return {"code": code, "data": data} if code == "200000" else {"code": code, "msg": message}


KUCOIN_ORDER = {
    "id": "9001", "clientOid": CLIENT_ID, "symbol": "BTC-USDT", "opType": "DEAL", "type": "limit",
    "side": "buy", "price": "50000", "size": "0.02", "dealSize": "0.005", "dealFunds": "250", "fee": "0.25",
    "feeCurrency": "USDT", "active": True, "cancelExist": False, "createdAt": AT, "tradeType": "TRADE",
}  # fmt: skip
OURS = f"GET /api/v1/hf/orders/client-order/{CLIENT_ID}"
KUCOIN_NO_ORDER = kucoin_says(code="400100", message="order not exist.")
KUCOIN = Exchange(
    id="kucoin",
    symbol="BTC/USDT",
    opening={
        "GET /api/v2/symbols": kucoin_says([{
            "symbol": "BTC-USDT", "name": "BTC-USDT", "baseCurrency": "BTC", "quoteCurrency": "USDT",
            "feeCurrency": "USDT", "market": "USDS", "baseMinSize": "0.00002", "quoteMinSize": "0.2",
            "baseMaxSize": "50", "quoteMaxSize": "1000000", "baseIncrement": "0.00001",
            "quoteIncrement": "0.000001", "priceIncrement": "0.1", "minFunds": "0.2",
            "isMarginEnabled": False, "enableTrading": True,
        }]),
        "GET /api/v3/margin/symbols": kucoin_says({"items": []}),
        "GET /api/v1/isolated/symbols": kucoin_says([]),
        "GET /api/v1/hf/accounts/opened": kucoin_says(data=True),
    },
    created=("POST /api/v1/hf/orders", kucoin_says({"orderId": "9001", "clientOid": CLIENT_ID})),
    refused=[
        (200, kucoin_says(code="200004", message="Balance insufficient!"), "InsufficientFunds"),
        (200, kucoin_says(code="900001", message="symbol not exists"), "BadSymbol"),
    ],
    unknown=[
        (200, kucoin_says(code="408000", message="The network is slow")),
        (200, kucoin_says(code="126044", message="clientOid is taken")),
        (200, kucoin_says(code="500000", message="Internal Server Error")),
    ],
    turned_away=[
        (429, kucoin_says(code="429000", message="Too Many Requests")),
        (200, kucoin_says(code="400002", message="KC-API-TIMESTAMP Invalid")),
    ],
    found={"GET /api/v1/hf/orders/9001": kucoin_says(KUCOIN_ORDER)},
    found_by_ours={OURS: kucoin_says(KUCOIN_ORDER)},
    not_found={OURS: (200, KUCOIN_NO_ORDER), "GET /api/v1/hf/orders/9001": (200, KUCOIN_NO_ORDER)},
    open_orders=("GET /api/v1/hf/orders/active", kucoin_says([KUCOIN_ORDER])),
    closed_orders={
        "GET /api/v1/hf/orders/active": kucoin_says([]),
        "GET /api/v1/hf/orders/done": kucoin_says(
            {"lastId": 0, "items": [KUCOIN_ORDER | {"active": False, "cancelExist": True}]}
        ),
    },
    trades=(
        "GET /api/v1/hf/fills",
        kucoin_says({"lastId": 0, "items": [{
            "id": 1, "symbol": "BTC-USDT", "tradeId": "7001", "orderId": "9001", "side": "buy",
            "liquidity": "maker", "price": "50000", "size": "0.005", "funds": "250", "fee": "0.25",
            "feeRate": "0.001", "feeCurrency": "USDT", "type": "limit", "createdAt": AT,
        }]}),
    ),
    fee=("0.25", "USDT"),
    cancelled=(
        f"DELETE /api/v1/hf/orders/client-order/{CLIENT_ID}", kucoin_says({"clientOid": CLIENT_ID}),
    ),
    cancel_gone=(200, kucoin_says(code="400100", message="order_not_exist_or_not_allow_to_cancel")),
    balances=(
        "GET /api/v1/accounts",
        kucoin_says([{"id": "1", "currency": "USDT", "type": "trade_hf", "balance": "105",
                      "available": "100", "holds": "5"}]),
    ),
    permissions=("GET /api/v1/user/api-key", kucoin_says({"permission": "General,Spot"})),
)  # fmt: skip

GATE_ORDER = {
    "id": "9001", "text": f"t-{CLIENT_ID}", "currency_pair": "BTC_USDT", "status": "open", "type": "limit",
    "account": "spot", "side": "buy", "amount": "0.02", "price": "50000", "left": "0.015",
    "filled_total": "250", "avg_deal_price": "50000", "fee": "0.000005", "fee_currency": "BTC",
    "create_time_ms": AT, "update_time_ms": AT, "time_in_force": "gtc", "finish_as": "open",
}  # fmt: skip
GATE_CANCELLED = GATE_ORDER | {"status": "cancelled", "finish_as": "cancelled"}
GATE_NO_ORDER = (404, {"label": "ORDER_NOT_FOUND", "message": "Order not found"})
GATE_NONE: dict[str, Any] = {"GET /api/v4/spot/open_orders": [], "GET /api/v4/spot/orders": []}
GATE = Exchange(
    id="gate",
    symbol="BTC/USDT",
    opening={
        "GET /api/v4/spot/currency_pairs": [{
            "id": "BTC_USDT", "base": "BTC", "quote": "USDT", "fee": "0.2", "min_base_amount": "0.00002",
            "min_quote_amount": "3", "amount_precision": 5, "precision": 1, "trade_status": "tradable",
            "sell_start": 0, "buy_start": 0,
        }],
        "GET /api/v4/margin/currency_pairs": [],
        "GET /api/v4/spot/currencies": [],
    },
    created=("POST /api/v4/spot/orders", GATE_ORDER),
    refused=[
        (400, {"label": "BALANCE_NOT_ENOUGH", "message": "Not enough balance"}, "InsufficientFunds"),
        (400, {"label": "POC_FILL_IMMEDIATELY", "message": "would match"}, "OrderImmediatelyFillable"),
    ],
    unknown=[
        (500, {"label": "SERVER_ERROR", "message": "Internal server error"}),
        (400, {"label": "REPEATED_CREATION", "message": "Repeated creation"}),
    ],
    turned_away=[
        (429, {"label": "TOO_MANY_REQUESTS", "message": "Request Rate limit Exceeded"}),
        (400, {"label": "REQUEST_EXPIRED", "message": "gap is too large"}),
    ],
    found={"GET /api/v4/spot/orders/9001": GATE_ORDER},
    found_by_ours=GATE_NONE | {"GET /api/v4/spot/orders": [GATE_CANCELLED]},
    not_found={name: (200, answer) for name, answer in GATE_NONE.items()}
    | {f"GET /api/v4/spot/orders/{name}": GATE_NO_ORDER for name in ("9001", f"t-{CLIENT_ID}")},
    open_orders=(
        "GET /api/v4/spot/open_orders",
        [{"currency_pair": "BTC_USDT", "total": 1, "orders": [GATE_ORDER]}],
    ),
    closed_orders=GATE_NONE | {"GET /api/v4/spot/orders": [GATE_CANCELLED]},
    trades=(
        "GET /api/v4/spot/my_trades",
        [{
            "id": "7001", "create_time_ms": f"{AT}.5", "currency_pair": "BTC_USDT", "side": "buy",
            "role": "maker", "amount": "0.005", "price": "50000", "order_id": "9001", "fee": "0.000005",
            "fee_currency": "BTC", "point_fee": "0", "gt_fee": "0", "text": f"t-{CLIENT_ID}",
        }],
    ),
    cancelled=(f"DELETE /api/v4/spot/orders/t-{CLIENT_ID}", GATE_CANCELLED),
    cancel_gone=GATE_NO_ORDER,
    balances=("GET /api/v4/spot/accounts", [{"currency": "USDT", "available": "100", "locked": "5"}]),
    market_buys="quote",
)  # fmt: skip


def bitget_says(data: Any = None, code: str = "00000", message: str = "success") -> dict[str, Any]:
    return {"code": code, "msg": message, "data": data}


BITGET_ORDER = {
    "symbol": "BTCUSDT", "orderId": "9001", "clientOid": CLIENT_ID, "price": "50000", "size": "0.02",
    "priceAvg": "50000", "baseVolume": "0.005", "quoteVolume": "250", "orderType": "limit", "side": "buy",
    "status": "partially_filled", "force": "gtc", "cTime": str(AT), "uTime": str(AT),
}  # fmt: skip
BITGET_IDS = {"orderId": "9001", "clientOid": CLIENT_ID}
BITGET = Exchange(
    id="bitget",
    symbol="BTC/USDT",
    opening={
        "GET /api/v2/margin/currencies": bitget_says([]),
        "GET /api/v2/spot/public/symbols": bitget_says([{
            "symbol": "BTCUSDT", "baseCoin": "BTC", "quoteCoin": "USDT", "minTradeAmount": "0.00002",
            "maxTradeAmount": "50", "takerFeeRate": "0.001", "makerFeeRate": "0.001", "pricePrecision": "1",
            "quantityPrecision": "5", "quotePrecision": "7", "status": "online", "minTradeUSDT": "1",
        }]),
    },
    created=("POST /api/v2/spot/trade/place-order", bitget_says(BITGET_IDS)),
    refused=[
        (400, bitget_says(code="43012", message="Insufficient balance"), "InsufficientFunds"),
        (400, bitget_says(code="45110", message="less than the minimum amount 1 USDT"), "InvalidOrder"),
    ],
    unknown=[
        (400, bitget_says(code="40786", message="Duplicate clientOid")),
        (400, bitget_says(code="40725", message="service return an error")),
    ],
    turned_away=[
        (429, bitget_says(code="429", message="Too Many Requests")),
        (400, bitget_says(code="40008", message="Request timestamp expired")),
    ],
    found={"GET /api/v2/spot/trade/orderInfo": bitget_says([BITGET_ORDER])},
    found_by_ours={"GET /api/v2/spot/trade/orderInfo": bitget_says([BITGET_ORDER])},
    not_found={"GET /api/v2/spot/trade/orderInfo": (200, bitget_says([]))},
    open_orders=("GET /api/v2/spot/trade/unfilled-orders", bitget_says([BITGET_ORDER])),
    closed_orders={
        "GET /api/v2/spot/trade/unfilled-orders": bitget_says([]),
        "GET /api/v2/spot/trade/history-orders": bitget_says([BITGET_ORDER | {"status": "cancelled"}]),
    },
    trades=(
        "GET /api/v2/spot/trade/fills",
        bitget_says([{
            "symbol": "BTCUSDT", "orderId": "9001", "tradeId": "7001", "orderType": "limit", "side": "buy",
            "priceAvg": "50000", "size": "0.005", "amount": "250", "tradeScope": "maker", "cTime": str(AT),
            "uTime": str(AT), "feeDetail": {"deduction": "no", "feeCoin": "BTC", "totalFee": "-0.000005"},
        }]),
    ),
    cancelled=("POST /api/v2/spot/trade/cancel-order", bitget_says(BITGET_IDS)),
    cancel_gone=(400, bitget_says(code="43001", message="The order does not exist")),
    balances=(
        "GET /api/v2/spot/account/assets",
        bitget_says([{"coin": "USDT", "available": "100", "frozen": "5", "locked": "0"}]),
    ),
    permissions=("GET /api/v2/spot/account/info", bitget_says({"authorities": ["stow", "stor", "wwor"]})),
    market_buys="quote",
)  # fmt: skip
