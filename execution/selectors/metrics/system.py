"""Metrics of the machinery: engines and leases, queues, the database and the disk."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from functools import lru_cache
from pathlib import Path

import redis
import structlog
from django.conf import settings
from django.db import connection

from execution.core.states import ORDER_DRIVEN
from execution.models import Account, Halt, Installation, Order, Worker
from execution.selectors.metrics.families import Family, seconds_since
from execution.selectors.room import room

log = structlog.get_logger(__name__)

QUEUES = ("engine", "compute")
REDIS_WITHIN = 1.0  # seconds


def system_families(now: datetime) -> Iterator[Family]:
    yield from _engines(now)
    yield from _queues()
    yield from _storage()
    halts = Family("halts_active", "Halts that are set.")
    halts.add(Halt.objects.filter(lifted_at=None).count())
    yield halts
    info = Family("installation", "1, with the environment of this installation.")
    for environment in Installation.objects.values_list("environment", flat=True):
        info.add(1, environment=environment)
    yield info


def _engines(now: datetime) -> Iterator[Family]:
    alive = list(Worker.objects.filter(stopped_at=None, lease_until__gt=now).order_by("pk"))
    engines = Family("engines", "Engines whose lease runs.")
    engines.add(len(alive))
    leases = Family("lease_seconds", "Time left of an engine's lease.")
    for worker in alive:
        left = seconds_since(now, worker.lease_until)
        leases.add(left, engine=str(worker))
    orders = Family("orders_without_engine", "Live orders that no running engine drives.")
    orders.add(Order.objects.filter(status__in=ORDER_DRIVEN).exclude(owner__in=alive).count())
    accounts = Family("accounts_without_engine", "Open accounts that no running engine holds.")
    accounts.add(Account.objects.filter(is_active=True).exclude(owner__in=alive).count())
    yield from (engines, leases, orders, accounts)


def _queues() -> Iterator[Family]:
    depth = Family("queue_depth", "Tasks that wait in a queue.")
    up = Family("redis_up", "1 while Redis answers this process.")
    try:
        for queue in QUEUES:
            depth.add(int(_redis(settings.REDIS_URL).llen(queue)), queue=queue)
        up.add(1)
    except redis.RedisError as error:
        log.warning("queues not readable", error=str(error))
        up.add(0)
    yield from (depth, up)


@lru_cache(maxsize=1)
def _redis(url: str) -> redis.Redis:
    return redis.Redis.from_url(url, socket_timeout=REDIS_WITHIN, socket_connect_timeout=REDIS_WITHIN)


def _storage() -> Iterator[Family]:
    size = Family("database_bytes", "Size of the database, its write-ahead log included on SQLite.")
    size.add(database_size())
    yield size
    free = Family("disk_free_bytes", "Free space under TRANCHE_VAR on this process's host.")
    floor = Family("disk_floor_bytes", "Free space below which no new order starts.")
    if (found := room()) is not None:
        free.add(found.free)
        floor.add(found.floor)
    yield from (free, floor)


def database_size() -> int | None:
    """Return the database's size in bytes; None for a database in memory."""
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_database_size(current_database())")
            return int(cursor.fetchone()[0])
    path = Path(str(connection.settings_dict["NAME"]))
    parts = (path, path.with_name(path.name + "-wal"))
    sizes = [part.stat().st_size for part in parts if part.is_file()]
    return sum(sizes) if sizes else None


def redis_answers() -> bool:
    """Return True if Redis answers within a second."""
    try:
        return bool(_redis(settings.REDIS_URL).ping())
    except redis.RedisError as error:
        log.warning("Redis does not answer", error=str(error))
        return False
