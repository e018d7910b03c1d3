"""Guarantees of okx (spot). OK means www.okx.com/docs-v5/en/, as of 2026-09."""

from __future__ import annotations

from datetime import timedelta

from execution.core.guarantees.promise import (
    CancelBy,
    CreateAnswer,
    Guarantees,
    PostOnly,
    SwitchBounds,
    assumed,
    documented,
)

GUARANTEES = Guarantees(
    shortest_window=documented(
        timedelta(milliseconds=1), "OK overview-general-info, Transaction Timeouts: expTime"
    ),
    latest_arrival=documented(timedelta(seconds=30), "OK overview-rest-authentication: 50102"),
    listing_delay=assumed(timedelta(seconds=5), "no number found"),
    ended_kept=documented(timedelta(days=90), "OK order-book-trading-trade: archive of 3 months"),
    cancelled_kept=documented(timedelta(hours=2), "OK order-book-trading-trade"),
    trades_kept=documented(timedelta(days=90), "OK order-book-trading-trade: fills-history"),
    post_only=documented(PostOnly.CANCELLED, "OK place-order: cancelSource"),
    create_answer=documented(CreateAnswer.IDS, "OK place-order"),
    cancel_by=documented(CancelBy.EITHER, "OK cancel-order: clOrdId"),
    open_orders=documented(500, "OK overview-general-info"),
    streams_trades=documented(True, "OK channel orders: tradeId, fillSz"),
    dead_mans_switch=documented(
        SwitchBounds(timedelta(seconds=10), timedelta(seconds=120)),
        "OK order-book-trading-trade: cancel-all-after",
    ),
)
