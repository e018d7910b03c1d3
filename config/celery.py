"""The Celery application. Some of its tasks wake the engine, which drives the orders in the worker's own
process. The others do background work, such as estimates, reports and the deletion of old rows.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from celery import Celery
from celery.signals import setup_logging, worker_ready

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
# A worker told to stop finishes its short tasks and releases what it drives, instead of dying at once.
os.environ.setdefault("REMAP_SIGTERM", "SIGQUIT")

app = Celery("tranche")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks(["execution"])
app.steps["worker"].add("execution.tasks:EngineStep")


@setup_logging.connect
def keep_logging(**_arguments: Any) -> None:
    """Keep the logging of the Django settings. Celery sets up no logging of its own while this handler is
    connected.
    """


@worker_ready.connect
def note_ready(**_arguments: Any) -> None:
    """Tell the supervisor that this worker takes tasks now, by creating the file that the supervisor waits for."""
    if path := os.environ.get("TRANCHE_READY_FILE"):
        Path(path).touch(mode=0o600)
