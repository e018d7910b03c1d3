"""Guarantees of kucoin (high-frequency spot). KU means www.kucoin.com/docs-new/, as of 2025-11."""

from __future__ import annotations

from datetime import timedelta

from execution.core.guarantees.promise import (
    CancelBy,
    CreateAnswer,
    Guarantees,
    SwitchBounds,
    assumed,
    documented,
)

GUARANTEES = Guarantees(
    shortest_window=documented(
        timedelta(milliseconds=1),
        "KU rest/spot-trading/orders/add-order: clientTimestamp, allowMaxTimeWindow",
    ),
    latest_arrival=documented(timedelta(seconds=5), "KU: 400002"),
    listing_delay=assumed(timedelta(seconds=5), "no number found for high-frequency spot"),
    ended_kept=assumed(timedelta(days=7), "KU: a request may cover 7 days; no end stated"),
    cancelled_kept=documented(None, "KU: not found"),
    trades_kept=assumed(timedelta(days=7), "KU: a request may cover 7 days; no end stated"),
    post_only=documented(None, "KU: not found"),
    create_answer=documented(CreateAnswer.IDS, "KU add-order"),
    cancel_by=documented(CancelBy.EITHER, "KU cancel-order-by-clientoid"),
    open_orders=documented(None, "KU: not found"),
    streams_trades=documented(True, "KU topic tradeOrders: match"),
    dead_mans_switch=documented(
        SwitchBounds(timedelta(seconds=5), timedelta(seconds=86400)), "KU hf/orders/dead-cancel-all"
    ),
)
