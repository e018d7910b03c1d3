"""The limits on requests: weight per address, orders per account, and calls of each kind."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass

from execution.paper.refusals import Reason, Refusal

WEIGHT_PER_MINUTE = 6_000
ORDERS_PER_TEN_SECONDS = 100
ORDERS_PER_DAY = 200_000


class _Counter:
    """Counts by name within fixed windows of ``seconds``, which begin at multiples of that length."""

    def __init__(self, seconds: int) -> None:
        self._seconds = seconds
        self._window = -1
        self._counts: dict[str, int] = defaultdict(int)

    def count(self, name: str, now: float, more: int) -> int:
        window = int(now // self._seconds)
        if window != self._window:
            self._window = window
            self._counts.clear()
        self._counts[name] += more
        return self._counts[name]

    def left(self, now: float) -> int:
        """Return whole seconds until the window ends, at least 1."""
        return max(1, self._seconds - int(now % self._seconds))


@dataclass(slots=True)
class Usage:
    """The use of a limit: the most that one window held (``peak``), and the number of refusals beyond it."""

    limit: int
    peak: int = 0
    refused: int = 0


class Limits:
    """The counts of requests and orders. Its methods raise Refusal with status 429 when a count passes its limit."""

    def __init__(self, weight_per_minute: int, orders_per_ten_seconds: int) -> None:
        self.weight_per_minute = weight_per_minute
        self.orders_per_ten_seconds = orders_per_ten_seconds
        self._weight = _Counter(60)
        self._orders = _Counter(10)
        self._orders_of_day = _Counter(86_400)
        self._calls = _Counter(2)
        self._calls_of_second = _Counter(1)
        #: The use of each limit of calls, by the limit's name.
        self.usage: dict[str, Usage] = {}

    def weigh(self, address: str, weight: int, now: float) -> dict[str, str]:
        """Count a request's weight, and return the headers that announce the weight used so far."""
        used = self._weight.count(address, now, weight)
        headers = {"X-MBX-USED-WEIGHT": str(used), "X-MBX-USED-WEIGHT-1M": str(used)}
        if used > self.weight_per_minute:
            raise Refusal(
                -1003,
                f"Too much request weight used; current limit is {self.weight_per_minute} request weight per"
                " 1 MINUTE. Please use WebSocket Streams for live updates to avoid polling the API.",
                status=429,
                headers={**headers, "Retry-After": str(self._weight.left(now))},
            )
        return headers

    def count_order(self, account: str, now: float) -> dict[str, str]:
        """Count a new order, and return the headers that announce the counts so far."""
        recent = self._orders.count(account, now, 1)
        of_day = self._orders_of_day.count(account, now, 1)
        if recent > self.orders_per_ten_seconds or of_day > ORDERS_PER_DAY:
            limit = f"{self.orders_per_ten_seconds} orders per 10 SECOND"
            raise Refusal(
                -1015,
                f"Too many new orders; current limit is {limit}.",
                status=429,
                headers={"Retry-After": str(self._orders.left(now))},
                reason=Reason.TOO_MANY_REQUESTS,
            )
        return {"X-MBX-ORDER-COUNT-10S": str(recent), "X-MBX-ORDER-COUNT-1D": str(of_day)}

    def count_call(self, name: str, allowed: int, now: float) -> None:
        """Count a call under ``name``. Raise Refusal after ``allowed`` calls in a window of two seconds.

        If the exchange was started with a multiple of the usual weight per minute, ``allowed`` is multiplied by the
        same whole number.
        """
        self._check(name, allowed, self._calls.count(name, now, 1))

    def count_second(self, name: str, allowed: int, now: float) -> None:
        """Count a call under ``name``. Raise Refusal after ``allowed`` calls in a window of one second.

        ``allowed`` is multiplied as in ``count_call``.
        """
        self._check(name, allowed, self._calls_of_second.count(name, now, 1))

    def _check(self, name: str, allowed: int, used: int) -> None:
        raised = allowed * max(1, self.weight_per_minute // WEIGHT_PER_MINUTE)
        usage = self.usage.setdefault(name, Usage(raised))
        usage.peak = max(usage.peak, used)
        if used > raised:
            usage.refused += 1
            raise Refusal(-1003, "Too many requests.", status=429, reason=Reason.TOO_MANY_REQUESTS)
