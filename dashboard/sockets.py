"""The websockets that are open at this process, bounded by session."""

from __future__ import annotations

from collections import Counter

#: Open pages of one browser, each with one socket. Every socket is polled once a second.
MAX_SOCKETS = 40


class Seats:
    """The sockets that are open, by session. For the event loop's thread alone."""

    def __init__(self, most: int = MAX_SOCKETS) -> None:
        self._most = most
        self._taken: Counter[str] = Counter()

    def take(self, session: str) -> bool:
        """Return False when the session has as many sockets as it may."""
        if self._taken[session] >= self._most:
            return False
        self._taken[session] += 1
        return True

    @property
    def count(self) -> int:
        return self._taken.total()

    def leave(self, session: str) -> None:
        self._taken[session] -= 1
        if self._taken[session] <= 0:
            del self._taken[session]


#: Those of this process.
seats = Seats()


def sockets_open() -> int:
    """Return how many websockets are open at this process."""
    return seats.count
