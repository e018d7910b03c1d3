"""Guarantees of bybit (spot of a unified account). BY means bybit-exchange.github.io/docs/v5/, as of 2026-07."""

from __future__ import annotations

from datetime import timedelta

from execution.core.guarantees.promise import (
    CancelBy,
    CreateAnswer,
    Guarantees,
    PostOnly,
    assumed,
    documented,
)

GUARANTEES = Guarantees(
    shortest_window=documented(timedelta(milliseconds=1), "BY guide: X-BAPI-RECV-WINDOW"),
    latest_arrival=documented(timedelta(seconds=5), "BY guide: the window is 5 s by default"),
    listing_delay=assumed(
        timedelta(seconds=5), "170213 was seen 0.23 s after a create; may lag in volatility"
    ),
    ended_kept=documented(timedelta(days=730), "BY order/order-list, orders with fills"),
    cancelled_kept=documented(timedelta(hours=24), "BY order/order-list"),
    trades_kept=documented(timedelta(days=730), "BY order/execution"),
    post_only=documented(PostOnly.CANCELLED, "BY enum: EC_PostOnlyWillTakeLiquidity"),
    create_answer=documented(CreateAnswer.IDS, "BY order/create-order"),
    cancel_by=documented(CancelBy.EITHER, "BY order/cancel-order: orderLinkId"),
    # For all symbols together; the desk has a few children a symbol.
    open_orders=documented(500, "BY order/create-order"),
    streams_trades=documented(True, "BY websocket/private/execution"),
    dead_mans_switch=documented(None, "BY order/dcp: no countdown, and for institutional clients only"),
)
