"""The supervisor, which starts a desk's processes in order, keeps them running, and stops them in order."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import time
from collections.abc import Sequence

from django.core.management import CommandError

from execution.launcher import redis_server
from execution.launcher.bootstrap import Bootstrap
from execution.launcher.child import Child, ChildSpec, StartFailedError
from execution.launcher.files import write_pids, write_private
from execution.launcher.output import DeskLog
from execution.launcher.plan import PAPER, Plan

#: Seconds a process may take to be ready: a cold start on a busy machine imports ccxt for long.
READY_WITHIN = 90.0
REDIS_WITHIN = 15.0
#: Seconds before a list of processes that could not be written is written again.
NOTE_AGAIN = 1.0
FRONT = ("web", "beat")
#: The latest begin of each next stage of the stop, in seconds after the request to stop. Web, beat and workers that
#: still run are killed before the paper exchange and Redis stop.
WEB_GONE_BY = 1.0
WORKERS_GONE_BY = 3.5
PAPER_GONE_BY = 3.8
REDIS_GONE_BY = 4.1


class Supervisor:
    """One desk from start to stop."""

    def __init__(self, plan: Plan, bootstrap: Bootstrap, log: DeskLog) -> None:
        self._plan = plan
        self._bootstrap = bootstrap
        self._log = log
        self._children: dict[str, Child] = {}
        self._stop = asyncio.Event()
        self._started = time.monotonic()
        self._note_again: asyncio.TimerHandle | None = None

    async def run(self) -> None:
        """Run the desk until SIGINT, SIGTERM or SIGHUP, then stop it. Raises ``CommandError`` when a start fails."""
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            loop.add_signal_handler(number, self._stop.set)
        starting = asyncio.create_task(self._start())
        asked = asyncio.create_task(self._stop.wait())
        try:
            await asyncio.wait([starting, asked], return_when=asyncio.FIRST_COMPLETED)
            if starting.done():
                starting.result()
                await asked
        except StartFailedError as error:
            raise CommandError(str(error)) from error
        finally:
            await _cancelled(starting, asked)
            await self._stop_all()

    async def _start(self) -> None:
        # A thread cannot be cancelled: a stop in the middle of it ends when the transaction has.
        preparing = asyncio.create_task(asyncio.to_thread(self._bootstrap.run))
        write_private(self._plan.var / "redis.url", self._plan.redis_url() + "\n")
        redis = self._launch([self._plan.redis()])
        papers = self._launch(self._plan.papers())
        await self._wait_redis(redis)
        created = await preparing
        # The page first: five interpreters that start at once on two cores would make it wait for them all.
        await _all_ready(self._launch([self._plan.web()]))
        self._say(f"the first page answers at {self._plan.address} after {self._age():.1f} s")
        workers = self._launch([*self._plan.engines(), self._plan.compute(), self._plan.beat()])
        await _all_ready([*papers, *workers])
        self._greet(created)

    def _launch(self, specs: Sequence[ChildSpec | None]) -> list[Child]:
        children = [Child(spec, self._log, self._note_pids) for spec in specs if spec is not None]
        for child in children:
            self._children[child.spec.name] = child
            child.start()
        return children

    async def _wait_redis(self, ours: list[Child]) -> None:
        if ours:
            await _all_ready(ours)
            return
        deadline = time.monotonic() + REDIS_WITHIN
        while not await redis_server.answers(self._plan.redis_url()):
            if time.monotonic() > deadline:
                raise StartFailedError(f"the Redis of REDIS_URL does not answer within {REDIS_WITHIN:.0f} s")
            await asyncio.sleep(0.2)

    async def _stop_all(self) -> None:
        """Stop all processes in order: web and beat, then workers, then paper venues, then Redis.

        Once web and beat have stopped, no new work comes in. The workers then release their orders and accounts.
        """
        begun = time.monotonic()
        self._say("stopping")
        front = [child for name, child in self._children.items() if name in FRONT]
        papers = [child for name, child in self._children.items() if name.startswith(PAPER)]
        redis = [child for name, child in self._children.items() if name == "redis"]
        workers = [each for each in self._children.values() if each not in (*front, *papers, *redis)]
        await _end(front, begun + WEB_GONE_BY)
        await _end(workers, begun + WORKERS_GONE_BY)
        await asyncio.gather(*(child.kill() for child in [*front, *workers]))
        for last, gone_by in ((papers, PAPER_GONE_BY), (redis, REDIS_GONE_BY)):
            await _end(last, begun + gone_by)
            await asyncio.gather(*(child.kill() for child in last))
        self._say(f"stopped after {time.monotonic() - begun:.1f} s")

    def _note_pids(self) -> None:
        pids = {name: child.pid for name, child in self._children.items() if child.pid is not None}
        try:
            write_pids(self._plan.run / "children.json", {"desk": os.getpid()} | pids)
        except OSError as error:
            if self._note_again is None:
                self._say(f"the list of processes could not be written: {error}")
            else:
                self._note_again.cancel()
            self._note_again = asyncio.get_running_loop().call_later(NOTE_AGAIN, self._note_pids)
        else:
            self._note_again = None

    def _greet(self, created: tuple[str, ...]) -> None:
        people = self._bootstrap.people_file
        self._say(f"ready after {self._age():.1f} s")
        self._log.show(f"\n  Tranche is at  {self._plan.address}")
        if created:
            self._log.show("  Log in as one of these (the passwords are drawn for this installation):")
            for line in people.read_text(encoding="utf-8").splitlines():
                self._log.show(f"      {line}")
            self._log.show(f"  They are kept in {people}, which only you can read.")
        else:
            self._log.show(f"  Log in as trader, supervisor or admin; the first passwords are in {people}")
        self._log.show("  Ctrl-C stops everything.\n")

    def _say(self, text: str) -> None:
        self._log.line("desk", text)

    def _age(self) -> float:
        return time.monotonic() - self._started


async def _all_ready(children: Sequence[Child]) -> None:
    await asyncio.gather(*(child.wait_ready(READY_WITHIN) for child in children))


async def _end(children: Sequence[Child], deadline: float) -> None:
    for child in children:
        child.begin_stop()
    await asyncio.gather(*(child.ended(deadline) for child in children))


async def _cancelled(*tasks: asyncio.Task[object]) -> None:
    for task in tasks:
        task.cancel()
    for task in tasks:
        with contextlib.suppress(asyncio.CancelledError, StartFailedError, CommandError):
            await task  # their errors are raised where they are waited for
