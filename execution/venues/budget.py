"""The rate limits on an account's calls and orders, and the pauses that the exchange has asked for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Literal

from execution.venues.rate_limit import Throttle, Use, throttle_of
from execution.venues.spec import Call, Limits, UsedHeader

#: Reads of an account may use this part of what the reserve for cancels leaves. So a create never waits behind polls.
READ_SHARE = 0.6
#: The same part where creates count against another limit. The rest is for the token of a new private stream.
READ_SHARE_APART = 0.9
#: A list of all symbols, or of one order, costs as much as the list of one symbol, unless the spec gives its own cost.
OF_ONE_SYMBOL: Mapping[Call, Call] = {
    "all_open_orders": "open_orders",
    "all_trades": "trades",
    "order_trades": "trades",
    "book_snapshot": "book",
}
#: Snapshots of streamed books take at most this part of what reads may use. After a reconnect the snapshots of all
#: symbols are due at once. Quotes and missed trades do not wait behind them.
SNAPSHOT_SHARE = 0.4
#: Reads pause when the exchange reports that this part of its limit is used. Our own count can be lower: other
#: programs, and ccxt's own requests, use the limit too.
NEARLY_USED = 0.95
#: The longest time between the exchange's count of a request and our reading of the answer.
ANSWER_TAKES = 5.0  # seconds


class Budget:
    """The rate limit on the calls of one gateway and, for an account, the limit on its orders.

    Before each call, the caller takes a place in the limit, which is as many units as the call costs.
    """

    def __init__(
        self, limits: Limits, orders: Limits | None = None, *, read_share: float = READ_SHARE
    ) -> None:
        self.calls = throttle_of(limits, read_share=read_share)
        self._limits = limits
        self._order_limits = orders
        self._orders: dict[str, Throttle] = {}
        self._snapshots = throttle_of(share_of(limits, read_share * SNAPSHOT_SHARE))

    def cost(self, call: Call) -> float:
        """Return the cost of a call, in units of the limit."""
        costs = self._limits.costs
        return costs.get(call, costs.get(OF_ONE_SYMBOL.get(call, call), 1.0))

    def seconds_of(self, call: Call) -> float:
        """Return the cost of a call in seconds: the time in which the limit frees as many units as the call costs."""
        limits = self._limits
        return self.cost(call) / (limits.budget / limits.window if limits.decay is None else limits.decay)

    async def read(self, call: Call) -> None:
        """Wait until a read may be sent, and take a place in the rate limit for it."""
        await self.calls.acquire(self.cost(call), use_of(call))

    def held_for(self, call: Call) -> float:
        """Return the seconds that a pause of reads of this kind still lasts; 0 without a pause.

        Reads pause because the exchange asked for it, or because its limit is nearly used.
        """
        return self.calls.held_for(use_of(call))

    async def snapshot(self) -> None:
        """Wait until the snapshot with which a streamed book begins may be read, and take a place for it in the rate
        limit.
        """
        await self._snapshots.acquire(self.cost("book_snapshot"))
        await self.read("book_snapshot")

    def heed_used(self, used: float, header: UsedHeader, now: float) -> None:
        """Pause reads until the end of the time window of ``header`` if its limit is nearly used up.

        ``used`` is the number of units that the header reports as used in this window.

        ``now`` is the exchange's time in seconds since 1970.
        """
        if now % header.window < ANSWER_TAKES:
            return  # it may be the figure of the window before
        if used >= header.limit * NEARLY_USED:
            self.calls.hold_reads(header.window - now % header.window)

    async def stream(self) -> None:
        """Wait until the private stream may be opened again.

        The stream needs a token, and the request for the token takes a place in the rate limit. The request has the
        priority of a create. So it comes before reads, which still get their minimum.
        """
        await self.calls.acquire(self._limits.costs.get("stream_token", 0.0), Use.CREATE)

    async def ready(self, kind: Literal["create", "cancel"], symbol: str, age: timedelta | None) -> None:
        """Wait until a create or cancel may be sent, and take a place in the rate limits for it.

        For a cancel, ``age`` is the age of the order, because some exchanges charge more for a young one.
        """
        use = Use.CREATE if kind == "create" else Use.CANCEL
        if (orders := self._orders_of(symbol)) is not None:
            await orders.acquire(self._order_cost(kind, age), use)
        await self.calls.acquire(self.cost(kind), use)

    async def cancel_all(self) -> None:
        """Wait until a request that cancels all orders may be sent, and take a place in the limit on calls.

        The request takes no place in the limit on orders.
        """
        await self.calls.acquire(self.cost("cancel_all"), Use.CANCEL)

    def give_back(self, kind: Literal["create", "cancel"], symbol: str) -> None:
        """Give back the place of a create or cancel that was not sent."""
        if (orders := self._orders_of(symbol)) is not None:
            orders.give_back(self._order_cost(kind, None))
        self.calls.give_back(self.cost(kind))

    def share(self, clients: int) -> None:
        """Use only an equal part of a limit that the exchange counts by address. ``clients`` is the number of clients
        on this host.
        """
        if self._limits.counted_by == "address":
            self.calls.resize(1 / max(clients, 1))
            self._snapshots.resize(1 / max(clients, 1))

    def _orders_of(self, symbol: str) -> Throttle | None:
        limits = self._order_limits
        if limits is None:
            return None
        name = symbol if limits.by_symbol else ""
        if name not in self._orders:
            self._orders[name] = throttle_of(limits)
        return self._orders[name]

    def _order_cost(self, kind: Literal["create", "cancel"], age: timedelta | None) -> float:
        """Return the cost of a create or cancel in the limit on orders.

        At some exchanges the cost of a cancel depends on the ``age`` of its order. For an unknown age, return the
        highest cost.
        """
        assert self._order_limits is not None  # noqa: S101  the caller has asked
        if kind == "create":
            return self._order_limits.costs.get("create", 1.0)
        by_age = self._order_limits.cancel_by_age
        if age is None and by_age:
            return by_age[0][1]
        seconds = 0.0 if age is None else age.total_seconds()
        return next((cost for below, cost in by_age if seconds < below), 0.0)


def use_of(call: Call) -> Use:
    """Return the ``Use`` of a read: ``LOOK_UP`` for ``find``, else ``READ``."""
    return Use.LOOK_UP if call == "find" else Use.READ


def read_share(limits: Limits) -> float:
    """Return the part of a limit on calls that reads may use."""
    return READ_SHARE_APART if limits.costs.get("create", 1.0) < 0.1 else READ_SHARE


def share_of(limits: Limits, share: float, *, reserve: float = 0.0) -> Limits:
    """Return ``limits`` with only ``share`` of the units, of which ``reserve`` units are for cancels only.

    If the other units would be too few for the most expensive call, more units are allowed.
    """
    dearest = max(limits.costs.values(), default=1.0)
    decay = None if limits.decay is None else limits.decay * share
    budget = max(limits.budget * share, dearest + reserve)
    return replace(limits, budget=budget, reserve=reserve, decay=decay)
