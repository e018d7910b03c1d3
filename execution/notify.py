"""Doorbells: what has changed, told after the commit to pages and engines. The database stays the truth.

A doorbell that cannot be rung is logged and forgotten: readers look once a second by themselves.
One background loop per process sends, because the channel layer keeps its connections per event loop.
"""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Collection, Coroutine
from functools import partial
from typing import Any, TypedDict

import redis.asyncio
import structlog
from channels.layers import get_channel_layer
from django.conf import settings
from django.db import transaction

log = structlog.get_logger(__name__)

WAKE_CHANNEL = "tranche.wake"
SEND_TIMEOUT = 2.0  # seconds


class OrderChanged(TypedDict):
    """To the group of an order."""

    type: str
    order: str
    version: int


#: The group of everybody who watches the whole desk; its messages are ``wall.changed``.
WALL_GROUP = "wall"


class Wake(TypedDict, total=False):
    """To every engine: rows to look at."""

    order: int
    account: int
    #: Venues whose book of a symbol somebody looks at.
    venues: list[int]
    symbol: str


class _Bell:
    """The background loop and its connections, started at the first ring of the process."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._redis: redis.asyncio.Redis | None = None
        self._is_broken = False

    def ring(self, coroutine: Coroutine[Any, Any, None]) -> None:
        with self._lock:
            if self._loop is None:
                self._loop = asyncio.new_event_loop()
                threading.Thread(target=self._loop.run_forever, name="doorbell", daemon=True).start()
        asyncio.run_coroutine_threadsafe(self._guarded(coroutine), self._loop)

    async def _guarded(self, coroutine: Coroutine[Any, Any, None]) -> None:
        """Say once that the bell is broken, and once that it rings again: each ring would fill the log."""
        try:
            await asyncio.wait_for(coroutine, SEND_TIMEOUT)
        except Exception as error:  # noqa: BLE001  a doorbell is never fatal
            if not self._is_broken:
                log.warning("doorbells cannot be rung", error=f"{type(error).__name__}: {error}")
            self._is_broken = True
        else:
            if self._is_broken:
                log.info("doorbells ring again")
            self._is_broken = False

    async def group(self, group: str, message: dict[str, Any]) -> None:
        layer = get_channel_layer()
        if layer is not None:
            await layer.group_send(group, message)

    async def wake(self, message: Wake) -> None:
        if self._redis is None:
            self._redis = redis.asyncio.Redis.from_url(settings.REDIS_URL)
        await self._redis.publish(WAKE_CHANNEL, json.dumps(message))


_bell = _Bell()


def order_group(public_id: str) -> str:
    return f"order.{public_id}"


def trader_group(public_id: str) -> str:
    return f"trader.{public_id}"


def order_changed(public_id: str, trader_id: str, order_pk: int, version: int) -> None:
    """After the commit: tell the pages of the order and of its trader, and the engine that drives it."""
    message = OrderChanged(type="order.changed", order=public_id, version=version)
    transaction.on_commit(partial(_ring_order, message, trader_id, order_pk))


def _ring_order(message: OrderChanged, trader_id: str, order_pk: int) -> None:
    _bell.ring(_bell.group(order_group(message["order"]), dict(message)))
    _bell.ring(_bell.group(trader_group(trader_id), {"type": "orders.changed"}))
    _bell.ring(_bell.wake(Wake(order=order_pk)))
    _ring_wall()


def wall_changed() -> None:
    """After the commit: a halt was set, has come further or was lifted."""
    transaction.on_commit(_ring_wall)


def _ring_wall() -> None:
    _bell.ring(_bell.group(WALL_GROUP, {"type": "wall.changed"}))


def wake_account(account_pk: int) -> None:
    """After the commit: an account session has something to send."""
    transaction.on_commit(lambda: _bell.ring(_bell.wake(Wake(account=account_pk))))


def look_at(venue_pks: Collection[int], symbol: str) -> None:
    """Somebody plans an order there: its books are wanted for a while."""
    _bell.ring(_bell.wake(Wake(venues=list(venue_pks), symbol=symbol)))


def drive(order_pk: int) -> None:
    """After the commit: send the task that makes a worker claim the order."""
    transaction.on_commit(partial(_send_drive, order_pk))


def estimate(estimate_pk: int) -> None:
    """After the commit: have an expected cost worked out, on the compute queue."""
    transaction.on_commit(lambda: _bell.ring(_task("execution.tasks.estimate", estimate_pk)))


def _send_drive(order_pk: int) -> None:
    _bell.ring(_task("execution.tasks.drive", order_pk))


async def _task(name: str, pk: int) -> None:
    from celery import current_app

    send = partial(current_app.send_task, name, args=[pk], retry=False)
    await asyncio.get_running_loop().run_in_executor(None, send)
