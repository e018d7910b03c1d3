"""The parts of a private stream's messages that ccxt.pro does not read."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from execution.venues.spec import ExchangeSpec, StreamOrders

#: The number of orders whose values are kept. ccxt keeps as many.
MAX_TOLD_ORDERS = 1000


class ToldOrders:
    """The latest known values of each order of a private stream, for exchanges that send only changed fields."""

    def __init__(self) -> None:
        self._known: dict[str, dict[str, Any]] = {}

    def whole(self, order: Mapping[str, Any], fields: StreamOrders) -> dict[str, Any]:
        """Return the raw order. Fields that the new message omits have the values of earlier messages."""
        name = str(order.get(fields.order_id))
        whole = self._known[name] = {**self._known.pop(name, {}), **order}
        if len(self._known) > MAX_TOLD_ORDERS:
            del self._known[next(iter(self._known))]
        return whole


def in_parts(message: Any, spec: ExchangeSpec) -> list[Any]:
    """Return a message in parts that ccxt can read.

    ccxt takes all entries of a kraken message for the kind of the first one, so a mixed message is split.
    """
    if spec.stream_orders is None or not isinstance(message, dict) or message.get("channel") != "executions":
        return [message]
    entries: dict[bool, list[Any]] = {False: [], True: []}
    for entry in message.get("data") or ():
        entries[isinstance(entry, dict) and entry.get("exec_type") == "trade"].append(entry)
    if not entries[False] or not entries[True]:
        return [message]
    return [{**message, "data": part} for part in entries.values()]


def confirmed_channels(message: Any) -> set[str]:
    """Return the channels whose subscription a message confirms.

    It names the channel in its ``arg`` (okx) or its ``result`` (kraken), or lists all confirmed ones (coinbase).
    """
    if not isinstance(message, dict):
        return set()
    events = message.get("events")
    first = events[0] if isinstance(events, list) and events else {}
    result = message.get("result") if message.get("success") else None
    named = [(part or {}).get("channel") for part in (message.get("arg"), result)]
    return {*(first.get("subscriptions") or ()), *(str(name) for name in named if name is not None)}
