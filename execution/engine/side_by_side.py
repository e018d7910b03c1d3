"""Running several jobs at a time. They are started in the given sequence."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence


async def side_by_side(jobs: Sequence[Callable[[], Awaitable[None]]], *, at_once: int) -> None:
    """Run the jobs, ``at_once`` at a time.

    The first error cancels the other jobs. It is raised itself, and not as part of a group of errors.
    """
    if len(jobs) < 2:
        for job in jobs:
            await job()
        return
    waiting = iter(jobs)

    async def work() -> None:
        for job in waiting:
            await job()

    try:
        async with asyncio.TaskGroup() as tasks:
            for _ in range(min(at_once, len(jobs))):
                tasks.create_task(work())
    except BaseExceptionGroup as group:
        raise group.exceptions[0] from None
