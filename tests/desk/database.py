"""The database of a running desk, read by the same models through an alias of its own."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.conf import settings
from django.db import connections

from execution.models import Order
from tests.desk.running import RunningDesk

ALIAS = "desk"


@contextmanager
def database_of(desk: RunningDesk, blocker: Any) -> Iterator[None]:
    """Read the desk's rows by ``Order.objects.using(ALIAS)`` within the block."""
    configuration = dict(connections.databases["default"])
    configuration["NAME"] = str(desk.var / "tranche.sqlite3")
    configuration["OPTIONS"] = dict(settings.DATABASES["default"]["OPTIONS"])
    connections.databases[ALIAS] = configuration
    with blocker.unblock():
        try:
            yield
        finally:
            connections[ALIAS].close()
            del connections[ALIAS]
            del connections.databases[ALIAS]


def order_of(public_id: str) -> Order:
    """Return the order as the desk's database has it now."""
    return Order.objects.using(ALIAS).select_related("owner").get(public_id=public_id)
