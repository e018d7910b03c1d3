"""kraken: its ExchangeSpec. Sources are in docs/reference/exchanges.md."""

from __future__ import annotations

import re
from datetime import timedelta

from execution.core.types import MarketStatus
from execution.venues.spec import (
    ANY_LIST,
    WHOLE,
    Call,
    CandlePages,
    ExchangeSpec,
    Limits,
    MarketFields,
    Paging,
    RawBalances,
    RawFees,
    StatusField,
    StreamOrders,
    SwitchCall,
)

#: A cancel costs more of the trading counter the younger its order is (documented).
_CANCELS = ((5, 8), (10, 6), (15, 5), (45, 4), (90, 2), (300, 1))


def _tier(calls: float, calls_fall: float, orders: float, orders_fall: float) -> tuple[Limits, Limits]:
    """Return the two counters of an account's tier: calls by key and orders by pair, each with its rate of decay."""
    costs: dict[Call, float] = {
        "create": 0,
        "cancel": 0,
        "trades": 2,
        "closed_orders": 1,
        "markets": 1,
        "stream_token": 1,
        "time": 0,
    }
    return (
        Limits(calls, 1, 0, costs, decay=calls_fall),
        Limits(orders, 1, 16, decay=orders_fall, by_symbol=True, cancel_by_age=_CANCELS),
    )


SPEC = ExchangeSpec(
    snapshot_over_rest=False,
    # Documented; the lowest tier unless the venue's options name another.
    tiers={
        "starter": _tier(15, 0.33, 60, 1),
        "intermediate": _tier(20, 0.5, 125, 2.34),
        "pro": _tier(20, 1, 180, 3.75),
    },
    # About one call a second of an address (reported).
    public_limits=Limits(10, 10, 0),
    locked_out=re.compile(r"EGeneral:Temporary lockout"),
    book_depth=100,
    quotes_in_tickers=True,
    time_step=timedelta(seconds=1),
    nonce_grows=True,
    # The last fifty fills with it (documented). Orders and trades are one channel, of which ccxt's first call decides.
    stream_params={"snap_trades": True},
    consecutive_trade_ids=True,
    public_trades_page=1000,
    # Fees in quote, as ccxt reads them; else a sell's may be in base.
    create_params={"oflags": "fciq"},
    client_id_param="clientOrderId",
    validity_fields={"deadline": "until"},
    # A refusal, by the default or the given deadline (documented).
    too_late=re.compile(r"EService:Deadline elapsed|EGeneral:Invalid arguments:deadline"),
    client_id_filter="clientOrderId",
    cancel_param="clientOrderId",
    confirmed_channel="executions",
    stream_orders=StreamOrders(order_id="order_id", client_id="cl_ord_id", filled="cum_qty"),
    stream_trade_client_id="cl_ord_id",
    # 50 by the exchange's documents, 20 by ccxt's.
    orders_at_once=20,
    without_symbol=frozenset({"open_orders", "trades"}),
    pages={
        "open_orders": WHOLE,
        "closed_orders": Paging("offset", "ofs", 50, sends_size=False),
        "trades": Paging("offset", "ofs", 50, sends_size=False),
    },
    # The newest 720, the running one among them, whatever was asked for (documented).
    candles=CandlePages(720, newest_only=True),
    answer_field="result",
    lists=False,
    lists_at=(
        (re.compile(r"/QueryOrders$"), ("result",)),
        (re.compile(r"/OpenOrders$"), ("result", "open")),
        (re.compile(r"/ClosedOrders$"), ("result", "closed")),
        (re.compile(r"/TradesHistory$"), ("result", "trades")),
        (re.compile(r"/OHLC\?"), ("result", ANY_LIST)),
    ),
    # As documented: balance + credit - credit_used - hold_trade. ccxt leaves credit out.
    balances=RawBalances(
        at=("result",),
        free=("balance", "credit"),
        held_back=("credit_used", "hold_trade"),
        locked=("hold_trade",),
        optional=("credit", "credit_used"),
    ),
    # "Use the base asset to transact with your USDT and USDT.F balances" (documented). The others earn until they are
    # taken out of their product by hand: staked, opt-in rewards, yield-bearing, parachains, deposits on hold.
    balance_suffixes={
        "F": "free", "S": "locked", "M": "locked", "B": "locked", "P": "locked", "HOLD": "locked",
    },
    # The stream lists them all, of which ccxt reads the first.
    raw_fees=RawFees("fees", ("qty",), "asset"),
    market=MarketFields(
        # ccxt counts decimals of prices; documented: "minimum increment between valid price levels".
        tick=("tick_size",),
        status=(
            StatusField(
                "status",
                {
                    "online": MarketStatus.OPEN,
                    "limit_only": MarketStatus.OPEN,  # every child is a limit order
                    "post_only": MarketStatus.POST_ONLY,
                    "cancel_only": MarketStatus.CANCEL_ONLY,
                    "reduce_only": MarketStatus.CANCEL_ONLY,  # of positions, and spot has none
                    "maintenance": MarketStatus.HALTED,
                    "work_in_progress": MarketStatus.HALTED,
                    "delisted": MarketStatus.NOT_LISTED,
                },
            ),
        ),
    ),
    market_buys="base",
    # Its secret is wrong: a bare error too.
    refusal=re.compile(r"EAPI:Invalid signature"),
    # An open order has our id already.
    may_exist=re.compile(r"cl_ord_id not unique"),
    refused=(
        (re.compile(r"EQuery:Unknown asset pair"), "BadSymbol"),
        (re.compile(r"EOrder:Post only order"), "OrderImmediatelyFillable"),
        (re.compile(r"EService:Market in \w+_only mode"), "MarketClosed"),
        (
            re.compile(
                r"EOrder:(Cost minimum not met|Invalid price|Tick size check failed"
                r"|(Orders|Positions) limit exceeded)"
            ),
            "InvalidOrder",
        ),
    ),
    not_found=re.compile(r"EOrder:Unknown order"),
    cancel_gone=re.compile(r"EOrder:Unknown order"),
    # Of all pairs; the answer counts them (documented). That it costs nothing of the trading counters is assumed.
    cancels_all="account",
    switch=SwitchCall("privatePostCancelAllOrdersAfter", "timeout", ("result", "triggerTime")),
)  # fmt: skip
