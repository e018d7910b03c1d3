"""okx: its ExchangeSpec. Sources are in docs/reference/exchanges.md."""

from __future__ import annotations

import re

from execution.core.types import MarketStatus
from execution.venues.spec import (
    CandlePages,
    ExchangeSpec,
    Limits,
    MarketFields,
    Paging,
    RawBalances,
    StatusField,
    SwitchCall,
)

SPEC = ExchangeSpec(
    snapshot_over_rest=False,
    config={
        "has": {"fetchCurrencies": False},
        # A dead socket is noticed within three pings; ccxt's 18 s would take a minute.
        "streaming": {"keepAlive": 10_000},
        "options": {"defaultType": "spot", "fetchMarkets": {"types": ["spot"]}},
    },
    hostnames=("aws.okx.com",),
    # The channel sums up the trades of one taker at one price.
    trade_count_field="count",
    consecutive_trade_ids=True,
    public_trades_page=500,
    test_header=("x-simulated-trading", "1"),
    # Each kind of call has a limit of its own per two seconds, from 5 to 300: none is passed by these costs. Orders
    # are counted by instrument, 60 creates and 60 cancels each, and 1,000 creates over all (documented).
    order_limits=Limits(54, 2, 10, by_symbol=True),
    limits=Limits(
        budget=50,
        window=2,
        reserve=0,
        costs={
            "create": 0.04,
            "cancel": 0,
            "closed_orders": 3,  # three lists
            "ended_orders": 1.5,
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
    # The newest ended orders of all instruments, in a list of the filled and one of the cancelled.
    orders_at_once=100,
    lists_ended=True,
    validity_header="expTime",
    # The deadline in the header has passed: a bare ExchangeError for ccxt, and the order was not taken.
    too_late=re.compile(r'"5003[67]"'),
    # A key without the permission: a bare ExchangeError too.
    refusal=re.compile(r'"50120"'),
    filled_fields=("accFillSz",),
    stream_trade_client_id="clOrdId",
    stream_fees_negated=True,
    # A maker that sells pays in quote and gets its rebate in base (documented).
    rebate_fields=("rebate", "rebateCcy"),
    confirmed_channel="orders",
    complete_updates=True,
    answer_field="data",
    # ccxt asks for a window: ``before`` the time, ``after`` so many candles. 300 at most, in both lists.
    candles=CandlePages(300),
    lists_at=(
        (re.compile(r"/trade/(orders-|fills)|/account/balance|/market/(history-)?candles"), ("data",)),
    ),
    without_symbol=frozenset({"open_orders", "trades"}),
    pages={
        "open_orders": Paging("before_id", "after", 100, ("ordId",)),
        "closed_orders": Paging("before_id", "after", 100, ("ordId",)),
        # ccxt sends no limit beside a time: 100 is what the exchange gives by itself.
        "trades": Paging("before_id", "after", 100, ("billId",)),
    },
    # Free for spot. Where derivatives are traded ccxt takes ``availEq``, which counts what they may yet gain.
    balances=RawBalances(
        at=("data", 0, "details"), currency="ccy", free=("availBal",), locked=("frozenBal",)
    ),
    market=MarketFields(
        status=(
            StatusField(
                "state",
                {
                    "live": MarketStatus.OPEN,
                    "suspend": MarketStatus.HALTED,
                    "preopen": MarketStatus.HALTED,
                    "test": MarketStatus.HALTED,
                },
            ),
        ),
        # ccxt takes what a market order may be worth for the most of any order.
        max_quantity=(("maxLmtSz",),),
        max_notional=(("maxLmtAmt",),),
    ),
    # The instrument is suspended: InvalidOrder for ccxt.
    refused=((re.compile(r'"51022"'), "MarketClosed"),),
    market_buys="base",
    permissions_call=("privateGetAccountConfig", "rest"),
    fees_call=("privateGetAccountTradeFee", {"instType": "SPOT"}),
    switch=SwitchCall("privatePostTradeCancelAllAfter", "timeOut", ("data", 0, "triggerTime")),
)
