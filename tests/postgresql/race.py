"""Two sessions that meet: the first stands still inside its transaction, the second comes, then both go on."""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from django.db import connection

from tests.patience import PATIENCE
from tests.threads import in_a_thread

WITHIN = 20.0 * PATIENCE  # seconds
WAITING = """
    SELECT count(*) FROM pg_stat_activity
    WHERE datname = current_database() AND wait_event_type = 'Lock' AND backend_type = 'client backend'
"""


@dataclass
class Meeting:
    """``first`` is held after the first statement that matches ``after``, until ``second`` waits or is done."""

    first: Callable[[], Any]
    second: Callable[[], Any]
    after: str
    results: dict[str, Any] = field(default_factory=dict)
    failures: list[BaseException] = field(default_factory=list)
    was_held: bool = False

    def run(self) -> tuple[Any, Any]:
        """Return both results. Raise ``AssertionError`` with either's exception."""
        self._there, self._go = threading.Event(), threading.Event()
        threads = [in_a_thread(self._run_first, self.failures)]
        self._there.wait(WITHIN)
        threads.append(in_a_thread(self._run_second, self.failures))
        self._until_it_waits(threads[1])
        self._go.set()
        for thread in threads:
            thread.join(WITHIN)
            assert not thread.is_alive(), "a session hangs"
        assert self.failures == []
        if not self.was_held:
            raise RuntimeError(f"no statement of the first matches {self.after}: they never met")
        return self.results["first"], self.results["second"]

    def _run_first(self) -> None:
        def hold(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
            result = execute(sql, params, many, context)
            if not self.was_held and re.search(self.after, sql):
                self.was_held = True
                self._there.set()
                self._go.wait(WITHIN)
            return result

        try:
            with connection.execute_wrapper(hold):
                self.results["first"] = self.first()
        finally:
            self._there.set()

    def _run_second(self) -> None:
        self.results["second"] = self.second()

    def _until_it_waits(self, thread: threading.Thread) -> None:
        deadline = time.monotonic() + WITHIN
        while thread.is_alive() and time.monotonic() < deadline:
            with connection.cursor() as cursor:
                cursor.execute(WAITING)
                if cursor.fetchone()[0]:
                    return
            time.sleep(0.01)
