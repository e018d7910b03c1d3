"""Guarantees of gate (spot). GA means www.gate.com/docs/developers/apiv4/, as of 2025-07."""

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
    shortest_window=documented(timedelta(milliseconds=1), "GA create order: x-gate-exptime"),
    latest_arrival=documented(timedelta(seconds=60), "GA authentication: the Timestamp header"),
    listing_delay=measured(timedelta(seconds=10), "gateapi-python#61: a maintainer's limit"),
    ended_kept=assumed(timedelta(days=30), "GA: a request may cover 30 days; no end stated"),
    # It leaves every list, also that of ended orders.
    cancelled_kept=measured(timedelta(minutes=1), "gateapi-python#61, gateapi-go#11 (maintainers)"),
    trades_kept=assumed(timedelta(days=30), "GA: a request may cover 30 days; no end stated"),
    post_only=documented(
        PostOnly.CANCELLED, "GA Order: finish_as poc; also POC_FILL_IMMEDIATELY as an error"
    ),
    create_answer=documented(CreateAnswer.WHOLE, "GA create order: action_mode FULL"),
    cancel_by=documented(CancelBy.EITHER, "GA: text, while the order is pending"),
    open_orders=documented(None, "GA: not found"),
    streams_trades=documented(True, "GA channel spot.usertrades"),
    dead_mans_switch=documented(SwitchBounds(timedelta(seconds=5)), "GA spot/countdown_cancel_all"),
)
