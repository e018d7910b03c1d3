"""The Celery application. Its tasks are commands and hints; the engine beside them drives the orders."""

from __future__ import annotations

import os

from celery import Celery

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
# A worker told to stop finishes its short tasks and releases what it drives, instead of dying at once.
os.environ.setdefault("REMAP_SIGTERM", "SIGQUIT")

app = Celery("tranche")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks(["execution"])
