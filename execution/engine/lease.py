"""A worker's lease, renewed from its own thread, and only while the engine's loop runs."""

from __future__ import annotations

import os
import secrets
import socket
import threading
import time
from collections.abc import Callable
from datetime import timedelta

import structlog
from django.db import DatabaseError, InterfaceError, connection

from execution.engine.clock import Clock
from execution.services.engine.workers import worker_renew, worker_start

log = structlog.get_logger(__name__)

LEASE = timedelta(seconds=3)
RENEW_EVERY = 0.5  # seconds
#: The owner stops acting this long before its own lease ends.
SAFETY = 1.0  # seconds
#: A loop that has not turned for this long is dead: the lease is not renewed for it.
LOOP_SILENT = 1.5  # seconds
#: A renewal that took this long says that the database is saturated.
SLOW_RENEWAL = 0.75  # seconds


class LeaseTerm:
    """The time for which the engine may act, and the rules by which it is renewed or lost.

    For safety, the time in ``left`` begins before the last renewal was requested, and ends ``SAFETY`` seconds early.
    """

    def __init__(self, clock: Clock, *, on_lost: Callable[[str], None]) -> None:
        self._clock = clock
        self._on_lost = on_lost
        self._until = 0.0
        self._turned_at = clock.boot()
        self._is_given_up = False
        self.worker_pk = 0

    def register(self, boot_id: str) -> None:
        """Register the worker and take the first lease."""
        asked_at = self._clock.boot()
        worker = worker_start(boot_id=boot_id, host=socket.gethostname(), process_id=os.getpid(), lease=LEASE)
        self.worker_pk = worker.pk
        self._until = asked_at + LEASE.total_seconds()
        self.turned()

    def turned(self) -> None:
        """Note that the engine's event loop runs. Without such calls the lease is not renewed."""
        self._turned_at = self._clock.boot()

    def left(self) -> float:
        """Return the seconds for which this worker may still act. At zero or less it must not act any more."""
        return 0.0 if self._is_given_up else self._until - SAFETY - self._clock.boot()

    def stop(self) -> None:
        """Stop acting and renewing from now on. The lease then expires, or is released."""
        self._is_given_up = True

    def tend(self) -> bool:
        """Renew the lease if the engine's event loop runs.

        If the lease has expired, report that and return False.
        """
        silent = self._clock.boot() - self._turned_at
        if silent > LOOP_SILENT:
            log.warning("the loop is silent, the lease is not renewed", seconds=round(silent, 2))
        else:
            self._renew()
        if self._until <= self._clock.boot():
            self._on_lost(f"the lease ran out (loop silent for {silent:.1f} s)")
            return False
        return True

    def _renew(self) -> None:
        asked_at = self._clock.boot()
        try:
            renewed = worker_renew(worker_pk=self.worker_pk, lease=LEASE)
        except (DatabaseError, InterfaceError) as error:
            log.warning("the lease could not be renewed", error=str(error))
            connection.close()
            return
        took = self._clock.boot() - asked_at
        if took > SLOW_RENEWAL:
            log.warning("the lease was renewed late", seconds=round(took, 2), renewed=renewed)
        if renewed:
            self._until = asked_at + LEASE.total_seconds()
        else:
            self._until = min(self._until, asked_at)


class Lease(LeaseTerm):
    """A lease that a thread renews, however busy the loop is."""

    def __init__(self, clock: Clock, *, on_lost: Callable[[str], None]) -> None:
        super().__init__(clock, on_lost=on_lost)
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Register the worker and take the first lease. The call blocks, so make it outside of the event loop."""
        self.register(secrets.token_hex(16))
        self._thread = threading.Thread(target=self._renew_for_ever, name="lease", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        super().stop()
        self._stop.set()

    def _renew_for_ever(self) -> None:
        while not self._stop.is_set():
            time.sleep(RENEW_EVERY)
            if self._stop.is_set() or not self.tend():
                break
        connection.close()
