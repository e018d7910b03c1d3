from typing import Any

from django.apps import AppConfig
from django.db import connections
from django.db.models.signals import post_migrate


class ExecutionConfig(AppConfig):
    name = "execution"
    verbose_name = "Execution"

    def ready(self) -> None:
        post_migrate.connect(_protect, sender=self)


def _protect(using: str, **_signal: Any) -> None:
    """Create the append-only triggers after each migration. On SQLite, rebuilding a table drops its triggers."""
    from execution.models.append_only import protect  # models are there once the apps are loaded

    protect(connections[using])
