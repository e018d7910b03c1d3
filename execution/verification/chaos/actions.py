"""The carrying out of the planned events on the processes of a running installation, and their undoing."""

from __future__ import annotations

import contextlib
import heapq
import os
import signal
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from redis import Redis
from redis.exceptions import RedisError

from execution.launcher.postgres_server import PostgresServer
from execution.verification.benchmark.desk import MeasuredDesk
from execution.verification.chaos.records import engines_alive
from execution.verification.chaos.schedule import ENGINES, VENUES, Event
from execution.verification.chaos.venue import ControlledVenue

#: The seconds in which an engine ends itself after SIGCONT. It waits three for open requests; the machine may be busy.
ENDS_WITHIN = 12.0
#: The seconds in which every venue answers again after healing, so that its faults can be switched off.
VENUES_WITHIN = 30.0
POLL = 0.05

Later = tuple[float, Callable[[], "Later | None"]]


@dataclass
class Happened:
    """An event that was carried out, ``at`` seconds after the faulty phase began."""

    at: float
    what: str


@dataclass
class Actions:
    """The events to carry out, by calls of ``run_until``.

    Only the main thread may call it, because an event may restart PostgreSQL. A server that another thread starts
    would not end with this process.
    """

    desk: MeasuredDesk
    cluster: PostgresServer
    say: Callable[[str], None]
    began: float = field(default_factory=time.monotonic)
    happened: list[Happened] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)
    _due: list[tuple[float, int, Callable[[], Later | None]]] = field(default_factory=list)
    _number: int = 0
    _is_healed: bool = False

    def __post_init__(self) -> None:
        self._kinds: Mapping[str, Callable[[Event], Later | None]] = {
            "kill engine": self._kill_engine,
            "stop engine": self._stop_engine,
            "kill both engines": self._kill_engines,
            "kill web": self._kill,
            "restart redis": self._kill,
            "flush redis": self._flush_redis,
            "restart postgresql": self._restart_postgresql,
            "venue away": self._venue_away,
            "venue fault": self._venue_fault,
        }

    def plan(self, events: Iterable[Event]) -> None:
        for event in events:
            self._at(self.began + event.at, lambda event=event: self._kinds[event.kind](event))  # type: ignore[misc]

    def run_until(self, moment: float, stop: Callable[[], bool] = lambda: False) -> None:
        """Carry out the events that are due before ``moment`` (monotonic seconds), or until ``stop`` returns True."""
        while time.monotonic() < moment and not stop():
            while self._due and self._due[0][0] <= time.monotonic():
                _, _, action = heapq.heappop(self._due)
                if (later := action()) is not None:
                    self._at(*later)
            time.sleep(POLL)

    def heal(self) -> None:
        """Undo every event that still has an effect. From now on no event is carried out.

        Wait for the venues to answer, at most ``VENUES_WITHIN`` seconds, and switch off their faults.
        """
        self._is_healed = True
        for label in VENUES:
            self._venue(label).show()
        self.run_until(
            time.monotonic() + VENUES_WITHIN, lambda: all(self._venue(label).answers() for label in VENUES)
        )
        for label in VENUES:
            with contextlib.suppress(OSError):
                self._venue(label).control("DELETE", "faults")
        self._note("all faults are over")

    # --- the events ------------------------------------------------------------------------------

    def _kill_engine(self, event: Event) -> Later | None:
        if (wait := self._wait_for_two(event, self._kill_engine)) is not None:
            return wait
        name, pid = self._live_engine(event.target)
        os.kill(pid, signal.SIGKILL)
        self._note(f"kill -9 of {name} ({pid})")
        return None

    def _kill_engines(self, event: Event) -> Later | None:
        if (wait := self._wait_for_two(event, self._kill_engines)) is not None:
            return wait
        pids = self.desk.pids()
        for name in ENGINES:
            if name in pids and _lives(pids[name]):
                os.kill(pids[name], signal.SIGKILL)
                self._note(f"kill -9 of {name} ({pids[name]}), with the other one")
        return None

    def _stop_engine(self, event: Event) -> Later:
        if (wait := self._wait_for_two(event, self._stop_engine)) is not None:
            return wait
        name, pid = self._live_engine(event.target)
        held_a_lease = pid in engines_alive()
        os.kill(pid, signal.SIGSTOP)
        self._note(f"{name} ({pid}) is stopped for {event.seconds:g} s")
        return time.monotonic() + event.seconds, lambda: self._continue(name, pid, held_a_lease)

    def _wait_for_two(self, event: Event, action: Callable[[Event], Later | None]) -> Later | None:
        if len(engines_alive()) < len(ENGINES):
            return time.monotonic() + 0.5, lambda: None if self._is_healed else action(event)
        return None

    def _continue(self, name: str, pid: int, held_a_lease: bool) -> Later | None:
        if self.desk.pids().get(name) != pid or not _lives(pid):
            return None
        os.kill(pid, signal.SIGCONT)
        self._note(f"{name} ({pid}) goes on, its lease is lost")
        continued = time.monotonic()
        return (continued, lambda: self._ended(name, pid, continued)) if held_a_lease else None

    def _ended(self, name: str, pid: int, continued: float) -> Later | None:
        took = time.monotonic() - continued
        if not _lives(pid):
            self._note(f"{name} ({pid}) has ended itself, {took:.1f} s later")
            return None
        if took > ENDS_WITHIN:
            self.problems.append(f"I9: {name} ({pid}) went on {took:.0f} s after its lease was lost")
            return None
        return time.monotonic() + 0.2, lambda: self._ended(name, pid, continued)

    def _kill(self, event: Event) -> None:
        pid = self.desk.pids().get(event.target)
        if pid is None or not _lives(pid):
            self._note(f"{event.target} was down already")
            return
        os.kill(pid, signal.SIGKILL)
        self._note(f"kill -9 of {event.target} ({pid})")

    def _flush_redis(self, _event: Event) -> None:
        url = (self.desk.var / "redis.url").read_text(encoding="utf-8").strip()
        try:
            with Redis.from_url(url, socket_timeout=2) as client:
                client.flushall()
        except (RedisError, OSError) as error:
            self._note(f"FLUSHALL of redis found it down: {error}")
            return
        self._note("FLUSHALL of redis")

    def _restart_postgresql(self, _event: Event) -> None:
        begun = time.monotonic()
        self.cluster.restart(signal.SIGQUIT)
        self._note(f"postgresql crashed (immediate) and was back {time.monotonic() - begun:.1f} s later")

    def _venue_away(self, event: Event) -> Later:
        venue = self._venue(event.target)
        venue.hide()
        with contextlib.suppress(ProcessLookupError):
            os.kill(self.desk.pids()[venue.name], signal.SIGKILL)
        self._note(f"{event.target} is killed and stays away for {event.seconds:g} s")
        return time.monotonic() + event.seconds, lambda: self._venue_back(venue)

    def _venue_back(self, venue: ControlledVenue) -> None:
        venue.show()
        self._note(f"{venue.label} may start again, with its ledger")

    def _venue_fault(self, event: Event) -> None:
        venue, rule = self._venue(event.target), dict(event.rule)
        words = " ".join(f"{name}={value}" for name, value in rule.items())
        try:
            if rule["kind"] == "cut":
                venue.control("POST", "streams/cut")
            elif rule["kind"] == "silent":
                venue.control("POST", "streams/cut", silent_seconds=rule["seconds"])
            else:
                venue.control("POST", "faults", **rule)
        except OSError:
            self._note(f"{event.target}: {words}: not told, it is away")
            return
        self._note(f"{event.target}: {words}")

    # --- inside ----------------------------------------------------------------------------------

    def _live_engine(self, engine_name: str) -> tuple[str, int]:
        pids, alive = self.desk.pids(), engines_alive()
        names = [engine_name, *(name for name in ENGINES if name != engine_name)]
        running = [name for name in names if name in pids and _lives(pids[name])]
        chosen = next((name for name in running if pids[name] in alive), next(iter(running), ""))
        while not chosen:  # both are between two lives
            time.sleep(POLL)
            pids = self.desk.pids()
            chosen = next((name for name in names if name in pids and _lives(pids[name])), "")
        return chosen, pids[chosen]

    def _venue(self, label: str) -> ControlledVenue:
        return ControlledVenue(self.desk.var / "paper" / label)

    def _at(self, moment: float, action: Callable[[], Later | None]) -> None:
        self._number += 1
        heapq.heappush(self._due, (moment, self._number, action))

    def _note(self, what: str) -> None:
        at = time.monotonic() - self.began
        self.happened.append(Happened(round(at, 1), what))
        self.say(f"{at:6.1f} s  {what}")


def _lives(pid: int) -> bool:
    """Return True if our process runs. A process that has ended but was not reaped does not run."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()[0]
    except OSError:
        return False
    return state not in {"Z", "X"}
