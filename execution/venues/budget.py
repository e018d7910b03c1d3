"""The limits of a gateway on calls and on orders, and the pauses that its exchange asked for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Literal

from execution.venues.rate_limit import Throttle, Use, throttle_of
from execution.venues.spec import Call, Limits, UsedHeader

#: Of what creates leave, reads of an account may have this part: a create never waits behind polls.
READ_SHARE = 0.6
#: Where creates are counted apart, nearly all: a private stream that begins anew needs its token.
READ_SHARE_APART = 0.9
#: A list of all symbols, or of one order, costs what that of a symbol costs, unless its own cost is named.
OF_ONE_SYMBOL: Mapping[Call, Call] = {
    "all_open_orders": "open_orders",
    "all_trades": "trades",
    "order_trades": "trades",
    "book_snapshot": "book",
}
#: Of what reads may have, the snapshots with which streamed books begin take this part at most. After a reconnect
#: those of all symbols are wanted at once, and quotes and missed trades do not wait behind them.
SNAPSHOT_SHARE = 0.4
#: Reads pause when the exchange tells that so much of its limit is used. We count less than that ourselves: the rest
#: was used by other programs, or by requests that ccxt makes unasked.
NEARLY_USED = 0.95
#: An answer is read at most so long after the exchange has counted its request.
ANSWER_TAKES = 5.0  # seconds


class Budget:
    """A gateway's places in the limits on calls and, for an account, on orders."""

    def __init__(
        self, limits: Limits, orders: Limits | None = None, *, read_share: float = READ_SHARE
    ) -> None:
        self.calls = throttle_of(limits, read_share=read_share)
        self._limits = limits
        self._order_limits = orders
        self._orders: dict[str, Throttle] = {}
        self._snapshots = throttle_of(share_of(limits, read_share * SNAPSHOT_SHARE))

    def cost(self, call: Call) -> float:
        """Return the units of the limit that a call takes."""
        costs = self._limits.costs
        return costs.get(call, costs.get(OF_ONE_SYMBOL.get(call, call), 1.0))

    def seconds_of(self, call: Call) -> float:
        """Return the time in which the whole limit allows as much as a call takes, in seconds."""
        limits = self._limits
        return self.cost(call) / (limits.budget / limits.window if limits.decay is None else limits.decay)

    async def read(self, call: Call) -> None:
        """Wait until a read may be sent, and take its place."""
        await self.calls.acquire(self.cost(call), use_of(call))

    def held_for(self, call: Call) -> float:
        """Return the seconds for which a read must wait before it may ask for a place."""
        return self.calls.held_for(use_of(call))

    async def snapshot(self) -> None:
        """Wait until the snapshot of a streamed book may be read, and take its place."""
        await self._snapshots.acquire(self.cost("book_snapshot"))
        await self.read("book_snapshot")

    def heed_used(self, used: float, header: UsedHeader, now: float) -> None:
        """Pause reads until the window ends when ``used`` units are nearly all.

        ``now`` is the exchange's time in seconds since 1970.
        """
        if now % header.window < ANSWER_TAKES:
            return  # it may be the figure of the window before
        if used >= header.limit * NEARLY_USED:
            self.calls.hold_reads(header.window - now % header.window)

    async def stream(self) -> None:
        """Wait until the private stream may be opened again, and take the place of its token. Reads
        do not delay it.
        """
        await self.calls.acquire(self._limits.costs.get("stream_token", 0.0), Use.CREATE)

    async def ready(self, kind: Literal["create", "cancel"], symbol: str, age: timedelta | None) -> None:
        """Wait until a create or cancel may be sent, and take its place. ``age`` is that of the order to cancel."""
        use = Use.CREATE if kind == "create" else Use.CANCEL
        if (orders := self._orders_of(symbol)) is not None:
            await orders.acquire(self._order_cost(kind, age), use)
        await self.calls.acquire(self.cost(kind), use)

    async def cancel_all(self) -> None:
        """Wait until a request that cancels all orders may be sent, and take its place. It does not count as an
        order.
        """
        await self.calls.acquire(self.cost("cancel_all"), Use.CANCEL)

    def give_back(self, kind: Literal["create", "cancel"], symbol: str) -> None:
        """Give back the place of a create or cancel that was not sent."""
        if (orders := self._orders_of(symbol)) is not None:
            orders.give_back(self._order_cost(kind, None))
        self.calls.give_back(self.cost(kind))

    def share(self, clients: int) -> None:
        """Keep to an equal part of the limits that the exchange counts by address. ``clients`` is the number on this
        host.
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
        """Return what the limit on orders charges: for a cancel by the age of its order, where that counts."""
        assert self._order_limits is not None  # noqa: S101  the caller has asked
        if kind == "create":
            return self._order_limits.costs.get("create", 1.0)
        by_age = self._order_limits.cancel_by_age
        if age is None and by_age:
            return by_age[0][1]
        seconds = 0.0 if age is None else age.total_seconds()
        return next((cost for below, cost in by_age if seconds < below), 0.0)


def use_of(call: Call) -> Use:
    """Return the use of a call that reads."""
    return Use.LOOK_UP if call == "find" else Use.READ


def read_share(limits: Limits) -> float:
    """Return the part of a limit on calls that reads may use."""
    return READ_SHARE_APART if limits.costs.get("create", 1.0) < 0.1 else READ_SHARE


def share_of(limits: Limits, share: float, *, reserve: float = 0.0) -> Limits:
    """Return a share of a limit, with ``reserve`` units for cancels. The most expensive call stays possible."""
    dearest = max(limits.costs.values(), default=1.0)
    decay = None if limits.decay is None else limits.decay * share
    budget = max(limits.budget * share, dearest + reserve)
    return replace(limits, budget=budget, reserve=reserve, decay=decay)
