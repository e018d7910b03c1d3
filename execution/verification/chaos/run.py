"""One run of the chaos test: a complete installation, a faulty phase, a healing phase, and the judgement."""

from __future__ import annotations

import heapq
import threading
import time
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from execution.launcher.files import free_port
from execution.launcher.postgres_server import PostgresServer
from execution.verification.api import Api, NoAnswer
from execution.verification.benchmark.desk import MeasuredDesk
from execution.verification.benchmark.records import database_of, markets_known, wait_until
from execution.verification.chaos import records
from execution.verification.chaos.actions import Actions
from execution.verification.chaos.schedule import QUANTITIES, VENUES, draw_events, draw_parents
from execution.verification.chaos.venue import ControlledVenue
from execution.verification.watcher import Watcher

MARKETS_WITHIN = 90.0
#: Seconds: from healing to the launch of every parent; for one call; between two calls for the same parent.
LAUNCH_WITHIN = 45.0
LAUNCH_CALL_WITHIN = 1.0
LAUNCH_AGAIN = 2.0
RESUME_WITHIN = 30.0
#: The seconds after the later of healing and the last parent's end in which everything comes to rest.
CONVERGE_WITHIN = 75.0
#: Seconds between two resumes of the same order. One that always pauses again is resumed ``MAX_RESUMES`` times.
RESUME_AGAIN = 10.0
MAX_RESUMES = 3
#: Seconds that the start and the coming to rest take, for the time left alone.
START, REST = 30.0, 40.0
FAULTS, COMING_TO_REST = "faults", "coming to rest"


@dataclass(frozen=True, slots=True)
class Options:
    """The sizes of a run. ``seconds`` is the length of the faulty phase. All random draws come from ``seed``."""

    parents: int
    seconds: float
    seed: int


def stages(options: Options) -> dict[str, float]:
    """Return the stages of ``run`` with their expected seconds."""
    return {"start": START, FAULTS: options.seconds, COMING_TO_REST: REST}


def run(base: Path, var: Path, cluster: PostgresServer, options: Options, watcher: Watcher) -> dict[str, Any]:
    """Run the test: start everything, inject faults while parent orders trade, undo the faults, wait, and judge.

    No process of the installation is left running, even after an error.
    """
    events = draw_events(options.seed, options.seconds)
    watcher.say(f"seed {options.seed}: {len(events)} events in {options.seconds:g} s, as they are planned:")
    for event in events:
        watcher.say(f"{event.at:6.1f} s  {event}")
    cluster.start()
    desk = MeasuredDesk(base, var, free_port(), database_url=cluster.url())
    try:
        start = desk.start()
        watcher.say(
            f"the installation is ready after {start.ready:.1f} s: PostgreSQL, Redis, 2 engines, 3 venues, web"
        )
        with database_of(var, cluster.url()):
            return _Run(desk, Actions(desk, cluster, watcher.say), options, watcher).all()
    finally:
        for label in VENUES:
            ControlledVenue(var / "paper" / label).show()
        desk.stop()
        cluster.stop()


class _Run:
    def __init__(self, desk: MeasuredDesk, actions: Actions, options: Options, watcher: Watcher) -> None:
        self._desk = desk
        self._actions = actions
        self._options = options
        self._watcher = watcher
        self._launched: list[str] = []
        self._refused: list[str] = []
        self._resumed: list[str] = []
        self._resumed_at: dict[str, list[float]] = {}
        self._owners = records.OwnerWatch()

    def all(self) -> dict[str, Any]:
        trader, supervisor = (
            Api(self._desk.url, self._desk.token(name)) for name in ("trader", "supervisor")
        )
        wait_until(self._is_ready, MARKETS_WITHIN, "the accounts were not open")
        self._watcher.begin(FAULTS)
        self._actions.began = began = time.monotonic()
        self._owners.start()
        launching = threading.Thread(target=self._launch, args=(trader, began), name="launches", daemon=True)
        launching.start()
        self._actions.plan(draw_events(self._options.seed, self._options.seconds))
        self._actions.run_until(began + self._options.seconds)
        self._watcher.begin(COMING_TO_REST)
        self._actions.heal()
        healed = time.monotonic()
        launching.join(2 * LAUNCH_WITHIN)
        converged, after_end = self._converge(supervisor, healed)
        self._owners.stop()
        return self._judge(converged, after_end)

    def _is_ready(self) -> bool:
        known = all(markets_known(label) >= len(QUANTITIES) for label in VENUES)
        return known and records.accounts_open() == len(VENUES) and len(records.engines_alive()) == 2

    def _launch(self, trader: Api, began: float) -> None:
        """Launch all parents. Run it on a separate thread, so that faults go on while a launch waits for the desk.

        The desk may refuse a launch, for example without market data. The launch is then repeated with the
        same idempotency key, until ``LAUNCH_WITHIN`` seconds after the faulty phase.
        """
        drawn = draw_parents(self._options.seed, self._options.parents, self._options.seconds)
        due = [(began + parent.at, number, parent.body) for number, parent in enumerate(drawn, start=1)]
        until = began + self._options.seconds + LAUNCH_WITHIN
        while due:
            moment, number, body = heapq.heappop(due)
            time.sleep(max(0.0, moment - time.monotonic()))
            key = f"chaos-{self._options.seed}-{number}"
            try:
                found = trader.launch(
                    {**body, "client_reference": f"chaos {number}"}, key, LAUNCH_CALL_WITHIN
                )
                self._launched.append(found)
            except NoAnswer as error:
                if time.monotonic() < until:
                    heapq.heappush(due, (time.monotonic() + LAUNCH_AGAIN, number, body))
                else:
                    self._refused.append(f"parent {number} ({body['algorithm']}): {error}")

    def _converge(self, supervisor: Api, healed: float) -> tuple[float | None, float | None]:
        """Wait until every order is final and every child settled. Resume orders that wait for a person.

        Return the seconds that this took after the healing, and after the planned end of the last parent. Return None
        for both if it took too long.
        """
        left = records.orders_left()
        last = max((each.end_at for each in left if each.end_at is not None), default=datetime.now(UTC))
        until_end = max(0.0, (last - datetime.now(UTC)) / timedelta(seconds=1))
        deadline = time.monotonic() + until_end + CONVERGE_WITHIN
        ends = time.monotonic() + until_end

        def at_rest() -> bool:
            left = records.orders_left()
            for order in left:
                self._resume(supervisor, order)
            return not left and not records.children_unsettled()

        while time.monotonic() < deadline:
            self._actions.run_until(time.monotonic() + 0.5)
            if at_rest():
                now = time.monotonic()
                return round(now - healed, 1), round(max(0.0, now - ends), 1)
        for order in records.orders_left():
            self._watcher.warn(f"not final: {order}")
        return None, None

    def _resume(self, supervisor: Api, order: records.Left) -> None:
        if order.status != "paused" or not order.needs_person:
            return
        earlier, now = self._resumed_at.setdefault(order.public_id, []), time.monotonic()
        if len(earlier) >= MAX_RESUMES or (earlier and now - earlier[-1] < RESUME_AGAIN):
            return
        earlier.append(now)
        self._resumed.append(f"{order.public_id}: {order.reason}")
        self._watcher.say(f"the supervisor resumes {order.public_id}, paused because: {order.reason}")
        try:
            supervisor.resume(order.public_id, "the faults are over", RESUME_WITHIN)
        except NoAnswer as error:
            self._actions.problems.append(f"resume: {error}")

    def _judge(self, converged: float | None, after_end: float | None) -> dict[str, Any]:
        venues = [ControlledVenue(self._desk.var / "paper" / label) for label in VENUES]
        problems = [*self._actions.problems, *records.problems(self._launched, venues)]
        problems += [f"not launched: {text}" for text in self._refused]
        if converged is None:
            problems.append(
                f"I16: not at rest {CONVERGE_WITHIN:.0f} s after healing and the last parent's end"
            )
        return {
            "seed": self._options.seed,
            "seconds": self._options.seconds,
            "parents": self._options.parents,
            "events": [{"at": each.at, "what": each.what} for each in self._actions.happened],
            "outcomes": {name: dict(counts) for name, counts in records.outcomes(self._launched).items()},
            "not_completed": records.not_completed(self._launched),
            "resumed": self._resumed,
            "children": records.child_figures(),
            "longest_without_owner": round(self._owners.longest, 1),
            "converged": converged,
            "converged_after_end": after_end,
            "problems": problems,
        }
