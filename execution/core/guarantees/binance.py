"""Guarantees of binance (spot). BN means github.com/binance/binance-spot-api-docs, as of 2026-07."""

from __future__ import annotations

from datetime import timedelta

from execution.core.guarantees.promise import (
    FOR_EVER,
    CancelBy,
    CreateAnswer,
    Guarantees,
    PostOnly,
    assumed,
    documented,
)

GUARANTEES = Guarantees(
    # Checked on arrival and again before the matching engine, to a thousandth of a millisecond.
    shortest_window=documented(timedelta(milliseconds=1), "BN rest-api, Timing security: recvWindow"),
    latest_arrival=documented(
        timedelta(seconds=10), "BN rest-api: recvWindow 5 s by default, -1007 after 10 s"
    ),
    listing_delay=assumed(timedelta(seconds=5), "ccxt#1786 saw -2013 two seconds after a create"),
    ended_kept=documented(FOR_EVER, "BN rest-api"),
    cancelled_kept=documented(timedelta(days=90), "BN rest-api: -2026"),
    trades_kept=documented(FOR_EVER, "BN rest-api, myTrades"),
    post_only=documented(PostOnly.REFUSED, "BN errors: -2010"),
    create_answer=documented(CreateAnswer.WHOLE, "BN rest-api: newOrderRespType FULL"),
    cancel_by=documented(CancelBy.EITHER, "BN rest-api: origClientOrderId"),
    open_orders=documented(None, "BN filters: MAX_NUM_ORDERS, told by exchangeInfo"),
    streams_trades=documented(True, "BN user-data-stream: executionReport"),
    dead_mans_switch=documented(None, "BN: none for spot"),
)
