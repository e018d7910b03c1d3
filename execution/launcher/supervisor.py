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
from execution.launcher.output import DESK, NAME_WIDTH, DeskLog
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
        self._waiting: list[str] = []

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
        self._show_start()
        # A thread cannot be cancelled: a stop in the middle of it ends when the transaction has.
        preparing = asyncio.create_task(self._prepare())
        write_private(self._plan.var / "redis.url", self._plan.redis_url() + "\n")
        redis = self._launch([self._plan.redis()])
        papers = asyncio.create_task(self._all_ready(self._launch(self._plan.papers())))
        try:
            await self._wait_redis(redis)
            created = await preparing
            # The page first: five interpreters that start at once on two cores would make it wait for them all.
            page = f"the first page answers at {self._plan.address}"
            await self._all_ready(self._launch([self._plan.web()]), page)
            workers = self._launch([*self._plan.engines(), self._plan.compute(), self._plan.beat()])
            await asyncio.gather(papers, self._all_ready(workers))
        finally:
            await _cancelled(papers)
        self._greet(created)

    async def _prepare(self) -> tuple[str, ...]:
        self._wait_for("database")
        created = await asyncio.to_thread(self._bootstrap.run)
        self._step("database")
        return created

    async def _all_ready(self, children: Sequence[Child], more: str = "") -> None:
        async def ready(child: Child) -> None:
            await child.wait_ready(READY_WITHIN)
            self._step(child.spec.name, more)

        self._wait_for(*(child.spec.name for child in children))
        await asyncio.gather(*(ready(child) for child in children))

    def _wait_for(self, *names: str) -> None:
        """Add to the parts of the desk that the terminal's last line names."""
        self._waiting += names
        self._log.wait_for(f"waiting for {', '.join(self._waiting)}" if self._waiting else "")

    def _step(self, name: str, more: str = "") -> None:
        self._waiting.remove(name)
        self._log.step(name, self._age(), more)
        self._wait_for()

    def _launch(self, specs: Sequence[ChildSpec | None]) -> list[Child]:
        children = [Child(spec, self._log, self._note_pids) for spec in specs if spec is not None]
        for child in children:
            self._children[child.spec.name] = child
            child.start()
        return children

    async def _wait_redis(self, ours: list[Child]) -> None:
        if ours:
            await self._all_ready(ours)
            return
        self._wait_for("redis")
        deadline = time.monotonic() + REDIS_WITHIN
        while not await redis_server.answers(self._plan.redis_url()):
            if time.monotonic() > deadline:
                raise StartFailedError(f"the Redis of REDIS_URL does not answer within {REDIS_WITHIN:.0f} s")
            await asyncio.sleep(0.2)
        self._step("redis", "the one of REDIS_URL")

    async def _stop_all(self) -> None:
        """Stop all processes in order: web and beat, then workers, then paper venues, then Redis.

        Once web and beat have stopped, no new work comes in. The workers then release their orders and accounts.
        """
        begun = time.monotonic()
        self._log.wait_for("")
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

    def _show_start(self) -> None:
        what = f"a {self._bootstrap.environment} desk in {self._plan.var}"
        self._log.line(DESK, f"starting {what}", shown=f"\n  Tranche starts {what}\n")

    def _greet(self, created: tuple[str, ...]) -> None:
        people, ready = self._bootstrap.people_file, f"ready after {self._age():.1f} s"
        self._log.line(DESK, ready, shown=f"\n  {ready}; the log is in {self._plan.var / 'desk.log'}")
        self._log.show(f"\n  Tranche is at  {self._plan.address}", is_strong=True)
        if created:
            self._log.show("  Log in as one of these (the passwords are drawn for this installation):")
            for line in people.read_text(encoding="utf-8").splitlines():
                name, _, password = line.partition(" ")
                self._log.show(f"      {name:{NAME_WIDTH}} {password}")
            self._log.show(f"  They are kept in {people}, which only you can read.")
        else:
            self._log.show(f"  Log in as trader, supervisor or admin; the first passwords are in {people}")
        self._log.show("  Ctrl-C stops everything.\n")

    def _say(self, text: str) -> None:
        self._log.line(DESK, text)

    def _age(self) -> float:
        return time.monotonic() - self._started


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
