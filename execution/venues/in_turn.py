"""Requests that are sent in the order of their signatures, for exchanges that require growing nonces.

ccxt gives each request a higher nonce than the one before. But between signature and send a request waits for a
connection, and on a busy machine a later request may overtake it. The exchange then refuses the earlier one. After
several such refusals it locks the key out.

The exchange may still read two connections in another sequence than we wrote to them. A request that is refused for
its nonce had no effect, so it is sent again at once. Only a create is not sent again. Instead a new decision about
the parent order is made.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from contextvars import ContextVar
from typing import TypeVar

import aiohttp
from ccxt.base import errors as ccxt_errors

T = TypeVar("T")

log = logging.getLogger(__name__)

_sent: ContextVar[Callable[[], None] | None] = ContextVar("sent", default=None)


#: After this many refused nonces in a row no request is sent again: a few more, and the exchange locks the key out.
REFUSED_IN_A_ROW = 3


class InTurn:
    """Signs and sends one request at a time, without waiting for the answer to the one before."""

    def __init__(self) -> None:
        self._lock = asyncio.Lock()
        self._refused = 0

    async def send(self, ask: Callable[[], Awaitable[T]], *, again: bool) -> T:
        """Await ``ask()``, which signs and sends a request, and return its result.

        The next request begins when this one is sent or has failed.

        If the exchange refuses the nonce and ``again`` is True, await ``ask()`` once more, with a new nonce.
        """
        try:
            return await self._counted(ask)
        except ccxt_errors.InvalidNonce:
            if not again or self._refused >= REFUSED_IN_A_ROW:
                raise
        log.info("a nonce was refused: asked again")
        return await self._counted(ask)

    async def _counted(self, ask: Callable[[], Awaitable[T]]) -> T:
        try:
            answer = await self._send(ask)
        except ccxt_errors.InvalidNonce:
            self._refused += 1
            raise
        self._refused = 0
        return answer

    async def _send(self, ask: Callable[[], Awaitable[T]]) -> T:
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
    """Record that this task's request has been sent, so that the next one may begin."""
    if (release := _sent.get()) is not None:
        release()


def sent_trace() -> aiohttp.TraceConfig:
    """Return a trace that calls ``note_sent`` when the body of a request of the session has been sent.

    aiohttp's own event for sent headers comes too early: aiohttp sends headers and body together, after this event.
    """
    trace = aiohttp.TraceConfig()

    async def sent(*_: object) -> None:
        note_sent()

    trace.on_request_chunk_sent.append(sent)
    return trace
