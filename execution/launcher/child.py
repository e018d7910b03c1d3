"""One supervised process: started, read, restarted with a growing pause when it dies, and stopped."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from execution.launcher.output import DeskLog
from execution.launcher.parent_death import dies_with_parent

FIRST_PAUSE = 0.5
MAX_PAUSE = 10.0
#: A process that lived this long (seconds) had a good start: its next pause is the first one again.
GOOD_LIFE = 30.0
#: Deaths during the desk's start after which the start has failed.
DEATHS_AT_START = 3
CHUNK = 65_536
POLL = 0.05


class StartFailedError(Exception):
    """A process did not become ready: it kept dying, or took too long."""


@dataclass(frozen=True, slots=True)
class ChildSpec:
    """A command to start as a process. ``is_ready`` is called again and again until it returns True."""

    name: str
    command: Sequence[str]
    environment: Mapping[str, str]
    folder: Path
    is_ready: Callable[[], Awaitable[bool]] | None = None
    before: Callable[[], None] | None = None


@dataclass(slots=True)
class Child:
    """The supervised process of one spec. This object stays the same when the process is restarted."""

    spec: ChildSpec
    log: DeskLog
    changed: Callable[[], None]
    process: asyncio.subprocess.Process | None = None
    deaths: int = 0
    _stopping: bool = False
    _keeper: asyncio.Task[None] | None = field(default=None, repr=False)

    @property
    def pid(self) -> int | None:
        """Return the process's id while it runs."""
        if self.process is None or self.process.returncode is not None:
            return None
        return self.process.pid

    def start(self) -> None:
        """Keep the process running from now on. Call it on the main thread's loop."""
        self._keeper = asyncio.create_task(self._keep(), name=f"keep {self.spec.name}")

    def is_stopping(self) -> bool:
        return self._stopping

    async def wait_ready(self, timeout: float) -> None:  # noqa: ASYNC109  # its error names the process
        """Return when the process is ready; raise ``StartFailedError`` after ``timeout`` seconds."""
        deadline = time.monotonic() + timeout
        while time.monotonic() < deadline:
            if self._keeper is not None and self._keeper.done():
                self._keeper.result()  # raises what ended it, such as a missing program
            if self.deaths >= DEATHS_AT_START:
                raise StartFailedError(f"{self.spec.name} died {self.deaths} times; {self._last_lines()}")
            if self.pid is not None and (self.spec.is_ready is None or await self.spec.is_ready()):
                return
            await asyncio.sleep(POLL)
        raise StartFailedError(f"{self.spec.name} was not ready after {timeout:.0f} s; {self._last_lines()}")

    def _last_lines(self) -> str:
        lines = self.log.last_lines(self.spec.name)
        return f"its last lines:{lines}" if lines else "it wrote nothing"

    def begin_stop(self) -> None:
        """Ask the process to end, and do not restart it."""
        self._stopping = True
        self._signal(signal.SIGTERM)

    async def ended(self, deadline: float) -> bool:
        """Wait until no process runs any more, at most until ``deadline`` (monotonic seconds). Return True if so."""
        if self._keeper is None:
            return True
        await asyncio.wait([self._keeper], timeout=max(0.0, deadline - time.monotonic()))
        return self._keeper.done()

    async def kill(self) -> None:
        """Kill the process with all of its group, or end the pause before a restart."""
        if self._keeper is None or self._keeper.done():
            return
        if self.pid is None:
            self._keeper.cancel()
        else:
            self.log.line("desk", f"{self.spec.name} did not end in time and is killed")
            with contextlib.suppress(ProcessLookupError):  # it ended just now
                os.killpg(self.pid, signal.SIGKILL)  # it leads its group
        await asyncio.wait([self._keeper], timeout=0.5)

    async def _keep(self) -> None:
        pause = FIRST_PAUSE
        while True:
            started = time.monotonic()
            how = await self._end_of_run()
            if self.is_stopping():
                return
            self.deaths += 1
            if time.monotonic() - started >= GOOD_LIFE:
                pause = FIRST_PAUSE
            self.log.line("desk", f"{self.spec.name} {how}; restarting it in {pause:g} s")
            await asyncio.sleep(pause)
            if self.is_stopping():
                return
            pause = min(2 * pause, MAX_PAUSE)

    async def _end_of_run(self) -> str:
        """Run the process once and return a text about its end.

        No failure here ends the supervision, except a missing program at the first start, which is raised.
        """
        try:
            code = await self._run_once()
        except FileNotFoundError:
            if self.deaths == 0 and self.process is None:
                raise  # its program is missing: the desk's start has failed
            return "could not be started: its program is missing"
        except OSError as error:
            await self._kill_group()
            return f"could not be started: {error}"
        except Exception as error:  # noqa: BLE001  said in the log, and tried again
            await self._kill_group()
            return f"could not be supervised: {error!r}"
        return f"ended by signal {signal.Signals(-code).name}" if code < 0 else f"ended with code {code}"

    async def _kill_group(self) -> None:
        """Kill a process that can no longer be supervised, and its group, before the next process starts."""
        if self.process is not None and self.process.returncode is None:
            with contextlib.suppress(ProcessLookupError):  # it ended just now
                os.killpg(self.process.pid, signal.SIGKILL)
            await self.process.wait()

    async def _run_once(self) -> int:
        if self.spec.before is not None:
            self.spec.before()
        self.process = await asyncio.create_subprocess_exec(
            *self.spec.command,
            env=dict(self.spec.environment),
            cwd=self.spec.folder,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
            # Ctrl-C in the terminal reaches the supervisor alone. No session of its own: Linux gives each session
            # an equal share of the processor (sched_autogroup), and who steps back would step back for nobody.
            process_group=0,
            preexec_fn=dies_with_parent(),
        )
        if self.is_stopping():  # asked to stop while it was being spawned
            self._signal(signal.SIGTERM)
        self.changed()
        if self.process.stdout is not None:
            await self._read_lines(self.process.stdout)
        code = await self.process.wait()
        self.changed()
        return code

    async def _read_lines(self, stream: asyncio.StreamReader) -> None:
        """Log the lines that the process writes. Read in chunks, because ``readline`` raises on too long a line."""
        rest = b""
        while chunk := await stream.read(CHUNK):
            *lines, rest = (rest + chunk).split(b"\n")
            if len(rest) > CHUNK:
                lines, rest = [*lines, rest], b""
            for line in lines:
                self.log.line(self.spec.name, line.decode(errors="replace").rstrip())
        if rest:
            self.log.line(self.spec.name, rest.decode(errors="replace"))

    def _signal(self, number: signal.Signals) -> None:
        if self.process is not None and self.process.returncode is None:
            with contextlib.suppress(ProcessLookupError):  # it ended by itself just now
                self.process.send_signal(number)
