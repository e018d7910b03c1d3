"""Who gets as far as a websocket: known paths only, and so many sockets of one session."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

#: Open pages of one browser, each with one socket. Every socket is polled once a second.
MAX_SOCKETS = 40

#: An ASGI application: its types differ between the packages.
Application = Any


class KnownPaths:
    """Refuse the handshake for a path that no websocket has: Channels would raise an error for it."""

    def __init__(self, inner: Application, patterns: Sequence[Any]) -> None:
        self._inner = inner
        self._patterns = [each.pattern for each in patterns]

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        path = scope["path"].lstrip("/")
        if any(pattern.match(path) for pattern in self._patterns):
            await self._inner(scope, receive, send)
        else:
            await send({"type": "websocket.close"})


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

    def leave(self, session: str) -> None:
        self._taken[session] -= 1
        if self._taken[session] <= 0:
            del self._taken[session]
