"""The open websockets of this process, with a maximum for each session."""

from __future__ import annotations

from collections import Counter

#: The most open pages of one browser. Each has a socket, and every socket is polled once a second.
MAX_SOCKETS = 40


class Seats:
    """The number of open sockets of each session. Use it only on the event loop's thread."""

    def __init__(self, most: int = MAX_SOCKETS) -> None:
        self._most = most
        self._taken: Counter[str] = Counter()

    def take(self, session: str) -> bool:
        """Count one more socket of ``session``. Return False if the session already has the maximum."""
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


#: The seats of this process.
seats = Seats()


def sockets_open() -> int:
    """Return the number of open websockets of this process."""
    return seats.count
