"""The check of a websocket's path at its handshake."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

#: An ASGI application. Its exact type differs between the packages.
Application = Any


class KnownPaths:
    """Refuses the handshake for a path that no websocket has. Channels would raise an error for it."""

    def __init__(self, inner: Application, patterns: Sequence[Any]) -> None:
        self._inner = inner
        self._patterns = [each.pattern for each in patterns]

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        path = scope["path"].lstrip("/")
        if any(pattern.match(path) for pattern in self._patterns):
            await self._inner(scope, receive, send)
        else:
            await send({"type": "websocket.close"})
