"""News of a trader's own orders, for the bell and the messages of every page."""

from __future__ import annotations

from typing import Literal

from typing_extensions import TypedDict

from execution.payloads.fields import EpochMs

#: What happened to an order.
NewsKind = Literal["completed", "expired", "cancelled", "failed", "rejected", "paused", "halted", "attention"]


class OrderEvent(TypedDict):
    """Something that happened to an order and that its trader did not do."""

    id: str
    order: str
    kind: NewsKind
    #: "info", "warning" or "critical".
    severity: str
    #: The kind in words, and the order with the reason.
    label: str
    text: str
    at: EpochMs
    #: True if the desk raises an alert about it, too.
    is_alerted: bool


class OrderNews(TypedDict):
    """Events, the newest first, and the time of the trader's newest fill."""

    events: list[OrderEvent]
    filled_at: EpochMs | None
