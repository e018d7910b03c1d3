"""Requests that leave in the order in which they were signed, where an exchange wants growing nonces.

ccxt counts the nonces up. But between the signature and the send a request waits for a connection. On a busy machine
a later one overtakes it: the exchange refuses the earlier, and locks the key out after some such refusals.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextvars import ContextVar
from typing import TypeVar

import aiohttp

T = TypeVar("T")

_sent: ContextVar[Callable[[], None] | None] = ContextVar("sent", default=None)


class InTurn:
    """Signs and sends one request at a time. Answers are waited for side by side."""

    def __init__(self) -> None:
        self._lock = asyncio.Lock()

    async def send(self, ask: Callable[[], Awaitable[T]]) -> T:
        """Await ``ask()``, which signs and sends. The next one begins when its request is sent, or has failed."""
        await self._lock.acquire()
        is_ours = True

        def release() -> None:
            nonlocal is_ours
            if is_ours:
                is_ours = False
                self._lock.release()

        before = _sent.set(release)
        try:
            return await ask()
        finally:
            _sent.reset(before)
            release()


def note_sent() -> None:
    """Note that this task's request is sent."""
    if (release := _sent.get()) is not None:
        release()


def sent_trace() -> aiohttp.TraceConfig:
    """Return what notes each request of a session when its headers are sent, which its body follows."""
    trace = aiohttp.TraceConfig()

    async def sent(*_: object) -> None:
        note_sent()

    trace.on_request_headers_sent.append(sent)
    return trace
