"""Guarantees of kraken (spot). KR means docs.kraken.com/api/docs/, as of 2026-08."""

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
    measured,
)

GUARANTEES = Guarantees(
    # Two seconds of the exchange's own clock, and half a second for the difference to ours.
    shortest_window=documented(timedelta(seconds=2.5), "KR rest-api/add-order: deadline, 2 s to 60 s ahead"),
    latest_arrival=documented(None, "KR: REST's default is not stated"),
    # An order whose create was answered with 502, 520 or nothing appeared in less than about a minute.
    listing_delay=measured(timedelta(seconds=60), "krakenex#60, #98, XChange#1899"),
    ended_kept=documented(None, "KR: not stated"),
    cancelled_kept=documented(None, "KR: not stated"),
    trades_kept=assumed(timedelta(days=7), "KR: TradesHistory has no end stated"),
    post_only=documented(PostOnly.REFUSED, "KR guides/spot-errors: EOrder:Post only order"),
    create_answer=documented(CreateAnswer.IDS, "KR rest-api/add-order: txid and description"),
    cancel_by=documented(CancelBy.EITHER, "KR guides/spot-clordid"),
    # The lowest tier's; 80 and 225 in the others.
    open_orders=documented(60, "KR guides/spot-ratelimits"),
    streams_trades=documented(True, "KR websocket-v2/executions"),
    dead_mans_switch=documented(
        SwitchBounds(timedelta(seconds=1), timedelta(seconds=86400)), "KR cancel-all-orders-after"
    ),
)
