"""Answers of seven exchanges, as small as ccxt takes them, with made-up figures: an order of 0.02 BTC at
50,000, number 9001, of which 0.005 filled in trade 7001."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

CLIENT_ID = "qtestparent010001"
AT = int(time.time() * 1000) - 60_000  # milliseconds: an order of the last day is sought by listing
AT_TEXT = datetime.fromtimestamp(AT / 1000, UTC).isoformat().replace("+00:00", "Z")
Answer = tuple[str, Any]


@dataclass(frozen=True)
class Exchange:
    """The answers of one exchange by request. Each first word is a method and a path."""

    id: str
    symbol: str
    #: Asked when the gateway opens.
    opening: dict[str, Any]
    created: Answer
    #: (HTTP status, body, the kind of refusal): the order does not exist.
    refused: list[tuple[int, Any, str]]
    #: (HTTP status, body): nobody knows.
    unknown: list[tuple[int, Any]]
    #: (HTTP status, body): the limiter spoke, or the clock's check.
    turned_away: list[tuple[int, Any]]
    #: The order by its id, and by ours; every answer that is needed for it.
    found: dict[str, Any]
    found_by_ours: dict[str, Any]
    not_found: dict[str, tuple[int, Any]]
    open_orders: Answer
    #: What lists closed orders; one of them holds the order, cancelled with 0.005 filled.
    closed_orders: dict[str, Any]
    trades: Answer
    fee: tuple[str, str] = ("0.000005", "BTC")
    cancelled: Answer = ("", None)
    cancel_gone: tuple[int, Any] = (200, None)
    balances: Answer = ("", None)
    permissions: Answer | None = None
    #: The order's id in place of ``9001``, where ids have another form.
    order_id: str = "9001"
    trade_id: str = "7001"
    #: Whether our id is all that a cancel needs.
    cancels_by_ours: bool = True
    market_buys: str = "base"
    options: dict[str, Any] = field(default_factory=dict)
