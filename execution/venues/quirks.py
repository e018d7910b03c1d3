"""The manners of single exchanges, by ccxt id. What is not here is what ccxt declares, or refused."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

Call = Literal[
    "create", "cancel", "find", "open_orders", "closed_orders", "trades", "balances", "markets",
    "permissions", "quote", "book", "candles", "time",
]  # fmt: skip


@dataclass(frozen=True, slots=True)
class Limits:
    """``budget`` units per ``window`` seconds, ``reserve`` of them for cancels only; cost of each call."""

    budget: float
    window: float
    reserve: float
    costs: Mapping[Call, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Quirks:
    """What one exchange does in its own way."""

    #: Configuration that ccxt's class needs, below what the venue's options say.
    config: Mapping[str, Any] = field(default_factory=dict)
    #: Our limit on calls by weight; None: derived from ccxt's ``rateLimit``.
    limits: Limits | None = None
    #: A second limit that counts orders alone.
    order_limits: Limits | None = None
    #: Parameters sent with every create.
    create_params: Mapping[str, str] = field(default_factory=dict)
    #: The parameter of a create or cancel that bounds its validity, in milliseconds from its timestamp.
    validity_param: str | None = None
    #: Whether fetch_order and cancel_order take ``clientOrderId`` in place of the exchange's id.
    by_client_id: bool = False
    #: What ccxt puts before our client ids, to be taken off again.
    client_id_prefix: str = ""
    #: Raw fields of which one must be present before a filled figure is believed: ccxt defaults to 0.
    filled_fields: tuple[str, ...] = ()
    #: The raw field of a private stream's trade that holds our client id.
    stream_trade_client_id: str | None = None
    #: How pages of trades and orders follow each other; None: a page that may be full is a failed look.
    paging: Literal["from_id"] | None = None
    #: Entries of a full page; for exchanges without paging, the smallest size that any page may have.
    page: int = 50
    #: The field without which an answer of HTTP 200 is not an answer (ccxt takes its absence for "none").
    answer_field: str | None = None
    #: Addresses whose answer is a list; ccxt reads anything else there as an empty one.
    list_addresses: re.Pattern[str] | None = None
    #: Whether ``parse_orders`` and ``parse_trades`` of ccxt get a list; kraken's get a mapping.
    lists: bool = True
    #: The raw field of a balance answer without which it is no answer.
    balance_field: str | None = None
    #: Whether the answer to a cancel carries the order's status, so that one without it is no answer.
    cancel_tells_status: bool = False
    #: ccxt's method that tells what a key may do, and the address (in ``urls["api"]``) that it is at.
    permissions_call: tuple[str, str] | None = None
    #: Whether the balance answer tells the account's own fees, as ``commissionRates``.
    fees_with_balance: bool = False
    #: Refusals of the key that ccxt reports as something else; the order of such an answer does not exist.
    refusal: re.Pattern[str] | None = None
    #: Messages of InvalidOrder by which a cancel says that there is no such open order.
    cancel_gone: re.Pattern[str] | None = None
    #: Whether ccxt's ``authenticate()`` returns when the private stream is confirmed.
    authenticate_confirms: bool = False
    #: Whether every order update of the stream is complete, so that nothing need be merged from before.
    complete_updates: bool = False
    #: The error map to use whatever the host; ccxt's binance knows it for the real hosts only.
    error_map: str | None = None


BINANCE = Quirks(
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
    validity_param="recvWindow",
    by_client_id=True,
    filled_fields=("executedQty", "z"),
    stream_trade_client_id="c",
    paging="from_id",
    page=1000,
    list_addresses=re.compile(r"/(openOrders|allOrders|myTrades)(\?|$)"),
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

QUIRKS: Mapping[str, Quirks] = {
    "binance": BINANCE,
    "bybit": Quirks(answer_field="result"),
    "okx": Quirks(answer_field="data", by_client_id=True),
    "kraken": Quirks(
        answer_field="result",
        lists=False,
        cancel_gone=re.compile(r"unknown order", re.IGNORECASE),
    ),
    "kucoin": Quirks(answer_field="data"),
    "bitget": Quirks(answer_field="data"),
    "gate": Quirks(client_id_prefix="t-"),
}


def quirks_of(exchange_id: str) -> Quirks:
    """The exchange's quirks; the cautious defaults for one that has none written down."""
    return QUIRKS.get(exchange_id, Quirks())
