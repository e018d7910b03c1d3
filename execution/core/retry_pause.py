"""Growing pauses between attempts."""

from __future__ import annotations


class RetryPause:
    """Growing pauses between attempts.

    Each is twice as long as the one before. Call ``reset`` after an attempt that worked.
    """

    def __init__(self, first: float, longest: float) -> None:
        self._first = first
        self._longest = longest
        self._next = first

    def seconds(self) -> float:
        """Return the pause before the next attempt, in seconds, and double the one after it, up to ``longest``."""
        seconds, self._next = self._next, min(self._next * 2, self._longest)
        return seconds

    def reset(self) -> None:
        self._next = self._first
