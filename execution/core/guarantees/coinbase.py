"""Guarantees of coinbase (Advanced Trade). CB means docs.cdp.coinbase.com, as of 2026-07."""

from __future__ import annotations

from datetime import timedelta

from execution.core.guarantees.promise import (
    CancelBy,
    CreateAnswer,
    Guarantees,
    PostOnly,
    assumed,
    documented,
    measured,
)

GUARANTEES = Guarantees(
    shortest_window=documented(None, "CB create-order: none"),
    # A signature lives for two minutes, and nothing else bounds a create.
    latest_arrival=documented(timedelta(seconds=120), "CB rest-api authentication"),
    listing_delay=assumed(timedelta(seconds=5), "late states were seen (freqtrade#6706), without a number"),
    ended_kept=documented(None, "CB: not found"),
    cancelled_kept=documented(None, "CB: not found"),
    trades_kept=assumed(timedelta(days=7), "CB list-fills has no end stated"),
    post_only=measured(PostOnly.REFUSED, "hummingbot PR 6887: INVALID_LIMIT_PRICE_POST_ONLY"),
    create_answer=documented(CreateAnswer.IDS, "CB create-order"),
    cancel_by=documented(CancelBy.EXCHANGE_ID, "CB cancel-orders"),
    open_orders=documented(None, "CB: not found for Advanced Trade"),
    streams_trades=documented(
        False, "CB websocket, channel user: cumulative_quantity and avg_price of each order, no trades"
    ),
    dead_mans_switch=documented(None, "CB: none found"),
)
