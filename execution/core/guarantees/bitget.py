"""Guarantees of bitget (classic spot). BG means www.bitget.com/api-doc/, as of 2025."""

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
    # Counted from requestTime: the two are documented as a pair.
    shortest_window=documented(timedelta(milliseconds=1), "BG spot/trade/Place-Order: receiveWindow"),
    latest_arrival=documented(timedelta(seconds=30), "BG common/signature: 40008"),
    listing_delay=assumed(timedelta(seconds=5), "no number found"),
    ended_kept=documented(timedelta(days=90), "BG spot/trade/Get-History-Orders"),
    cancelled_kept=documented(timedelta(days=90), "BG spot/trade/Get-History-Orders"),
    trades_kept=documented(timedelta(days=90), "BG spot/trade/Get-Fills"),
    post_only=assumed(PostOnly.CANCELLED, "BG: not found"),
    create_answer=documented(CreateAnswer.IDS, "BG spot/trade/Place-Order"),
    cancel_by=documented(CancelBy.EITHER, "BG spot/trade/Cancel-Order: clientOid"),
    open_orders=documented(None, "BG: not found"),
    streams_trades=documented(True, "BG channel orders: tradeId, baseVolume"),
    dead_mans_switch=documented(None, "BG: none for classic spot"),
)
