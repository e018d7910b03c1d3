"""The open websockets of this process, with a bound for each session."""

from __future__ import annotations

from collections import Counter

#: Open pages of one browser, each with one socket. Every socket is polled once a second.
MAX_SOCKETS = 40


class Seats:
    """The open sockets by session. It is used on the event loop's thread only."""

    def __init__(self, most: int = MAX_SOCKETS) -> None:
        self._most = most
        self._taken: Counter[str] = Counter()

    def take(self, session: str) -> bool:
        """Add a socket. Return False when the session already has as many as it may."""
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
    """Return the number of open websockets of this process."""
    return seats.count
