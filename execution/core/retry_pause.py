"""Growing pauses between attempts."""

from __future__ import annotations


class RetryPause:
    """Pauses between attempts: each twice the last one, until an attempt worked."""

    def __init__(self, first: float, longest: float) -> None:
        self._first = first
        self._longest = longest
        self._next = first

    def seconds(self) -> float:
        """Return how long to wait before the next attempt."""
        seconds, self._next = self._next, min(self._next * 2, self._longest)
        return seconds

    def reset(self) -> None:
        self._next = self._first
