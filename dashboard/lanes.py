"""Thread pools that answer requests. Stops have their own threads and database connections, which no read can occupy.

Django alone starts a thread for each request. In a measurement, fifty slow reads had fifty threads on one processor,
and a cancel waited 2.4 s among them. So here each kind of request has a *lane*, a pool of a few threads. The requests
of a lane wait for its threads, and their clients take turns.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections import Counter, deque
from collections.abc import AsyncIterator
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial

import structlog
from django.db import close_old_connections, connection

log = structlog.get_logger(__name__)


class LaneFull(Exception):
    """Raised if too many requests wait in a lane already. The client should send its request again."""


class FairThreadPool:
    """A pool of ``threads`` threads, each for one request at a time. Clients take turns.

    No client has more than half of the threads, so a program that floods the desk delays only itself. At most
    ``waiting`` requests may wait. With ``keeps_connections`` each thread opens its database connection at the start
    and keeps it. So a request that stops orders works even if the database has no free connection. Without it, a
    thread reuses a connection for ``reuses_for`` seconds.
    """

    def __init__(
        self,
        name: str,
        *,
        threads: int,
        waiting: int,
        keeps_connections: bool = False,
        reuses_for: int = 0,
    ) -> None:
        self.name = name
        self._each = max(1, threads // 2)
        self._most_waiting = waiting
        start = _keep_connection if keeps_connections else partial(_reuse_connection, reuses_for)
        self._free = [
            ThreadPoolExecutor(max_workers=1, thread_name_prefix=f"{name}-{number}", initializer=start)
            for number in range(threads)
        ]
        self._busy: Counter[int] = Counter()
        self._waiting: dict[int, deque[asyncio.Future[ThreadPoolExecutor]]] = {}
        if keeps_connections:
            for thread in self._free:
                thread.submit(_nothing)

    @contextlib.asynccontextmanager
    async def thread(self, who: int) -> AsyncIterator[ThreadPoolExecutor]:
        """Lend a thread to a request of the client ``who``. Raises ``LaneFull`` if too many requests wait already."""
        thread = await self._taken(who)
        try:
            yield thread
        finally:
            self._return_thread(who, thread)

    async def _taken(self, who: int) -> ThreadPoolExecutor:
        if sum(map(len, self._waiting.values())) >= self._most_waiting:
            raise LaneFull(f"{self._most_waiting} requests wait in the lane {self.name}")
        place: asyncio.Future[ThreadPoolExecutor] = asyncio.get_running_loop().create_future()
        self._waiting.setdefault(who, deque()).append(place)
        self._serve()
        try:
            return await place
        except asyncio.CancelledError:
            if place.done() and not place.cancelled():
                self._return_thread(who, place.result())
            else:
                self._leave(who, place)
            raise

    def _leave(self, who: int, place: asyncio.Future[ThreadPoolExecutor]) -> None:
        waiting = self._waiting[who]
        waiting.remove(place)
        if not waiting:
            del self._waiting[who]

    def _serve(self) -> None:
        for who in list(self._waiting):
            if not self._free:
                return
            if self._busy[who] >= self._each:
                continue
            waiting = self._waiting.pop(who)
            place = waiting.popleft()
            if waiting:
                self._waiting[who] = waiting
            self._busy[who] += 1
            place.set_result(self._free.pop())

    def _return_thread(self, who: int, thread: ThreadPoolExecutor) -> None:
        """Free the thread once it is idle. Even if the client has gone, its request runs to its end on the thread
        first.
        """
        loop = asyncio.get_running_loop()

        def idle(_: Future[None]) -> None:
            with contextlib.suppress(RuntimeError):  # the loop ends before its threads
                loop.call_soon_threadsafe(self._freed, who, thread)

        thread.submit(close_old_connections).add_done_callback(idle)

    def _freed(self, who: int, thread: ThreadPoolExecutor) -> None:
        self._busy[who] -= 1
        if not self._busy[who]:
            del self._busy[who]
        self._free.append(thread)
        self._serve()


def _nothing() -> None:
    """Do nothing. Submitting it to a thread makes the thread start before a request needs it."""


def _reuse_connection(seconds: int) -> None:
    """Make this thread keep the connection of its first request for ``seconds``. Opening one costs more than most
    requests.
    """
    reused = {"CONN_MAX_AGE": seconds, "CONN_HEALTH_CHECKS": True}
    connection.settings_dict = connection.settings_dict | reused


def _keep_connection() -> None:
    connection.settings_dict = connection.settings_dict | {"CONN_MAX_AGE": None, "CONN_HEALTH_CHECKS": True}
    try:
        connection.ensure_connection()
    except Exception as error:  # noqa: BLE001  a thread whose start fails never works; each request tries again
        log.warning("no connection is ready for a stop", error=f"{type(error).__name__}: {error}")
