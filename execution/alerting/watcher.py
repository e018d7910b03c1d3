"""The watcher: a thread in the tasks' process that looks for problems each second and raises alerts."""

from __future__ import annotations

import secrets
import threading
import time
from collections.abc import Callable
from datetime import datetime, timedelta

import structlog
from django.conf import settings
from django.db import connection

from execution.selectors.alerts.findings import Findings
from execution.services.alerts.watching import findings_apply, watch_claim
from execution.services.engine.workers import database_now

log = structlog.get_logger(__name__)

LOOK_EVERY = 1.0  # seconds


class Watcher:
    """The checks, run on their own thread. They need neither Redis nor a free thread of the tasks."""

    def __init__(self, clock: Callable[[], datetime] = database_now) -> None:
        self._clock = clock
        self._holder = secrets.token_hex(8)
        self._findings = Findings()
        self._stop = threading.Event()
        self._is_failing = False

    def start(self) -> None:
        threading.Thread(target=self._run, name="alerts", daemon=True).start()

    def stop(self) -> None:
        self._stop.set()

    def look(self) -> int:
        """Run one round of checks, unless another process does the checks. Return the number of changed alerts."""
        now = self._clock()
        if not watch_claim(holder=self._holder, now=now):
            return 0
        critical_after = timedelta(seconds=settings.TRANCHE_ALERT_ESCALATES)
        return findings_apply(findings=self._findings.read(now), critical_after=critical_after, now=now)

    def _run(self) -> None:
        while not self._stop.is_set():
            begun = time.monotonic()
            try:
                self.look()
            except Exception as error:
                # The bell says that nobody watches once the last look is old; each failure would fill the log.
                if not self._is_failing:
                    log.exception("alerts are not watched", error=str(error))
                self._is_failing = True
                self._findings = Findings()
                connection.close()
            else:
                if self._is_failing:
                    log.info("alerts are watched again")
                self._is_failing = False
            self._stop.wait(max(0.1, LOOK_EVERY - (time.monotonic() - begun)))
        connection.close()


watcher = Watcher()
