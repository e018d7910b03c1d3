"""Threads of a test, each on a database connection of its own."""

from __future__ import annotations

import threading
from collections.abc import Callable

from django.db import connections


def in_a_thread(function: Callable[[], object], failures: list[BaseException]) -> threading.Thread:
    """Run ``function`` on a connection of its own; what it raises is added to ``failures``."""

    def run() -> None:
        try:
            function()
        except BaseException as error:  # noqa: BLE001  the test raises it
            failures.append(error)
        finally:
            connections.close_all()

    thread = threading.Thread(target=run)
    thread.start()
    return thread
