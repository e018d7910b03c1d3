"""A pool of threads for database work, with priorities and shared transactions."""

from __future__ import annotations

import asyncio
import itertools
import threading
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass, field
from functools import partial
from queue import Empty, PriorityQueue
from typing import Any, TypeVar

from django.db import connections, transaction

T = TypeVar("T")

#: Sends to an exchange come first, then facts from an exchange, then decisions. A desk that is late then decides less.
#: In the order of arrival, each decision would be too old to send at its turn.
FIRST, SOON, LATER = range(3)
_END = LATER + 1


@dataclass(order=True, slots=True)
class _Job:
    urgency: int
    number: int
    call: Callable[[], Any] | None = field(compare=False)  #: None ends a thread
    may_join: bool = field(compare=False)
    answer: Future[Any] = field(compare=False, default_factory=Future)


class PriorityWorkerPool:
    """A few threads, each with its own connection. Calls wait by priority, and then in the order of arrival.

    Each call is run by ``guard``. Up to ``together`` waiting calls with ``may_join`` share one transaction. All
    writers wait for one lock, so a shared transaction writes a burst of calls in a fraction of the time.
    """

    def __init__(
        self, threads: int, guard: Callable[[Callable[[], Any]], Any] = lambda call: call(), together: int = 1
    ) -> None:
        self._guard = guard
        self._together = together
        self._waiting: PriorityQueue[_Job] = PriorityQueue()
        self._number = itertools.count()
        self._threads = [
            threading.Thread(target=self._work, name=f"database-{number}", daemon=True)
            for number in range(threads)
        ]
        for thread in self._threads:
            thread.start()

    async def call(self, urgency: int, call: Callable[[], T], *, may_join: bool = False) -> T:
        """Run ``call`` on a thread and return its result. Its errors are raised.

        The call is skipped if its caller stops waiting. ``may_join`` means that the call changes only rows. So it may
        share a transaction that is rolled back, and be made again.
        """
        job = _Job(urgency, next(self._number), call, may_join)
        self._waiting.put(job)
        answer: Future[T] = job.answer
        return await asyncio.wrap_future(answer)

    def close(self) -> None:
        """Finish all waiting calls, close the connections, and end the threads."""
        for _ in self._threads:
            self._waiting.put(_Job(_END, next(self._number), None, may_join=False))
        for thread in self._threads:
            thread.join()

    def _work(self) -> None:
        while True:
            jobs = self._next()
            if jobs[0].call is None:
                connections.close_all()
                return
            jobs = [job for job in jobs if job.answer.set_running_or_notify_cancel()]
            if len(jobs) < 2 or not self._all(jobs):
                for job in jobs:
                    self._one(job)
            del jobs  # an error's traceback must not hold what is over

    def _next(self) -> list[_Job]:
        jobs = [self._waiting.get()]
        while jobs[0].may_join and len(jobs) < self._together:
            try:
                following = self._waiting.get_nowait()
            except Empty:
                break
            if not following.may_join or following.urgency != jobs[0].urgency:
                self._waiting.put(following)  # it keeps its place
                break
            jobs.append(following)
        return jobs

    def _all(self, jobs: list[_Job]) -> bool:
        try:
            results = self._guard(partial(_in_one, jobs))
        except Exception:  # noqa: BLE001  each is called again, and says itself what is wrong
            return False
        for job, result in zip(jobs, results, strict=True):
            job.answer.set_result(result)
        return True

    def _one(self, job: _Job) -> None:
        try:
            result = self._guard(job.call) if job.call is not None else None
        except BaseException as error:  # noqa: BLE001  it is raised where the call was asked for
            job.answer.set_exception(error)
        else:
            job.answer.set_result(result)
        finally:
            del job


@transaction.atomic
def _in_one(jobs: list[_Job]) -> list[Any]:
    return [job.call() for job in jobs if job.call is not None]
