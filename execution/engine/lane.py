"""Threads for database work, and who goes first on them."""

from __future__ import annotations

import asyncio
import itertools
import threading
from collections.abc import Callable
from concurrent.futures import Future
from queue import PriorityQueue
from typing import Any, TypeVar

from django.db import connections

T = TypeVar("T")

#: What leaves for an exchange goes before what came from there, and that before decisions. A desk that is late then
#: decides less; in the order of coming, what it decided would be too old to leave at its turn, again and again.
FIRST, SOON, LATER = range(3)
_END = LATER + 1


class Lane:
    """A few threads, each with its connection. Who waits, waits by urgency and then in the order of coming."""

    def __init__(self, threads: int) -> None:
        #: Urgency, order of coming, where the answer goes, and what is called; None ends a thread.
        self._waiting: PriorityQueue[tuple[int, int, Future[Any], Callable[[], Any] | None]] = PriorityQueue()
        self._number = itertools.count()
        self._threads = [
            threading.Thread(target=self._work, name=f"database-{number}", daemon=True)
            for number in range(threads)
        ]
        for thread in self._threads:
            thread.start()

    async def call(self, urgency: int, call: Callable[[], T]) -> T:
        """Call there; raises what it raises. Who stops waiting before its turn is not called."""
        answer: Future[T] = Future()
        self._waiting.put((urgency, next(self._number), answer, call))
        return await asyncio.wrap_future(answer)

    def close(self) -> None:
        """Let everything that waits run, close the connections, and end the threads."""
        for _ in self._threads:
            self._waiting.put((_END, next(self._number), Future(), None))
        for thread in self._threads:
            thread.join()

    def _work(self) -> None:
        while True:
            _, _, answer, call = self._waiting.get()
            if call is None:
                connections.close_all()
                return
            if answer.set_running_or_notify_cancel():
                _answer(answer, call)


def _answer(answer: Future[T], call: Callable[[], T]) -> None:
    try:
        result = call()
    except BaseException as error:  # noqa: BLE001  it is raised where the call was asked for
        answer.set_exception(error)
    else:
        answer.set_result(result)
    finally:
        del answer, call  # an error's traceback holds this frame
