"""Doorbells: messages, sent after a commit, that tell pages and engines which rows have changed.

The rows are always read from the database. A doorbell that cannot be sent is logged and dropped, because readers also
poll once a second. One background loop per process sends, because the channel layer keeps its connections per event
loop.
"""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Collection, Coroutine, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache, partial
from typing import Any, TypedDict

import redis
import redis.asyncio
import structlog
from channels.layers import get_channel_layer
from django.conf import settings
from django.db import transaction

log = structlog.get_logger(__name__)

WAKE_CHANNEL = "tranche.wake"
SEND_TIMEOUT = 2.0  # seconds
#: Books are read for this long after a request. A page that plans an order repeats the request every few seconds.
BOOK_REQUEST_LASTS = timedelta(seconds=15)
#: Messages of this interval are sent together. So a burst of changes is one message to a page, and one to the engines.
GATHER = 0.005  # seconds
#: The same for a blotter and a wall, which show many orders. They are told only that some order has changed.
GATHER_MANY = 0.1  # seconds


class OrderChanged(TypedDict):
    """A message to the pages that watch an order."""

    type: str
    order: str
    version: int


#: The group of all pages that watch the whole desk. Its messages are ``wall.changed``.
WALL_GROUP = "wall"
#: The group of the bells of all pages. Its messages are ``alerts.changed``.
ALERTS_GROUP = "alerts"


class Wake(TypedDict, total=False):
    """A message to every engine that names rows or books to look at."""

    order: int
    #: The order's version. An engine that has read this version need not read the order again.
    version: int
    account: int
    #: The venues whose book of ``symbol`` is needed, because somebody looks at it.
    venues: list[int]
    symbol: str


@dataclass(frozen=True, slots=True)
class _Ring:
    """A message that waits to be sent. Of several with the same ``group`` and ``about``, only the newest is sent.

    An empty ``group`` means all engines. ``gather`` is the time in seconds that the message may wait for others, to
    be sent together with them.
    """

    group: str
    about: str
    message: Mapping[str, Any]
    gather: float = GATHER

    @property
    def version(self) -> int:
        return int(self.message.get("version", 0))


class Bell:
    """Sends wake-up messages on a background event loop. The loop starts with the first message of the process."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._redis: redis.asyncio.Redis | None = None
        self._is_broken = False
        self._waiting: dict[float, dict[tuple[str, str], _Ring]] = {}

    def ring(self, what: _Ring | Coroutine[Any, Any, None]) -> None:
        """Send a message or run a coroutine soon, on the background loop.

        Messages that come at the same moment are sent together.
        """
        with self._lock:
            loop = self._loop or self._start()
            if not isinstance(what, _Ring):
                asyncio.run_coroutine_threadsafe(self._guarded(what), loop)
                return
            waiting = self._waiting.setdefault(what.gather, {})
            is_first, key = not waiting, (what.group, what.about)
            known = waiting.get(key)
            if known is None or known.version <= what.version:
                waiting[key] = what
        if is_first:
            asyncio.run_coroutine_threadsafe(self._guarded(self._send_waiting(what.gather)), loop)

    def _start(self) -> asyncio.AbstractEventLoop:
        self._loop = asyncio.new_event_loop()
        threading.Thread(target=self._loop.run_forever, name="doorbell", daemon=True).start()
        return self._loop

    async def _guarded(self, coroutine: Coroutine[Any, Any, None]) -> None:
        """Run the coroutine. Log only the first failure, and the first success after it.

        A line for each ring would fill the log.
        """
        try:
            async with asyncio.timeout(SEND_TIMEOUT):
                await coroutine
        except Exception as error:  # noqa: BLE001  a doorbell is never fatal
            if not self._is_broken:
                log.warning("doorbells cannot be rung", error=f"{type(error).__name__}: {error}")
            self._is_broken = True
        else:
            if self._is_broken:
                log.info("doorbells ring again")
            self._is_broken = False

    async def _send_waiting(self, gather: float) -> None:
        await asyncio.sleep(gather)
        with self._lock:
            rings = list(self._waiting.pop(gather).values())
        if wakes := [ring.message for ring in rings if not ring.group]:
            if self._redis is None:
                self._redis = redis.asyncio.Redis.from_url(settings.REDIS_URL)
            await self._redis.publish(WAKE_CHANNEL, json.dumps(wakes))
        if (layer := get_channel_layer()) is not None:
            for ring in rings:
                if ring.group:
                    await layer.group_send(ring.group, dict(ring.message))

    def group(self, group: str, message: Mapping[str, Any], gather: float = GATHER) -> _Ring:
        return _Ring(group, str(message["type"]), message, gather)

    def wake(self, message: Wake) -> _Ring:
        about = {name: what for name, what in message.items() if name != "version"}
        return _Ring("", json.dumps(about, sort_keys=True), message)


_bell = Bell()


def order_group(public_id: str) -> str:
    return f"order.{public_id}"


def trader_group(trader_pk: int) -> str:
    return f"trader.{trader_pk}"


def order_changed(public_id: str, trader_pk: int, order_pk: int, version: int) -> None:
    """Notify, after the commit, the pages of the order, of its trader and of the wall, and the order's engine."""
    message = OrderChanged(type="order.changed", order=public_id, version=version)
    transaction.on_commit(partial(_ring_order, message, trader_pk, order_pk))


def _ring_order(message: OrderChanged, trader_pk: int, order_pk: int) -> None:
    _bell.ring(_bell.group(order_group(message["order"]), dict(message)))
    _bell.ring(_bell.wake(Wake(order=order_pk, version=message["version"])))
    _bell.ring(_bell.group(trader_group(trader_pk), {"type": "orders.changed"}, GATHER_MANY))
    _ring_wall(GATHER_MANY)


def wall_changed() -> None:
    """Notify the supervisors' wall, after the commit, that a halt, a limit or a request has changed."""
    transaction.on_commit(_ring_wall)


def _ring_wall(gather: float = GATHER) -> None:
    _bell.ring(_bell.group(WALL_GROUP, {"type": "wall.changed"}, gather))


def alerts_changed() -> None:
    """Notify the pages, after the commit, that an alert was raised, has grown, was acknowledged or has ended."""
    transaction.on_commit(
        lambda: _bell.ring(_bell.group(ALERTS_GROUP, {"type": "alerts.changed"}, GATHER_MANY))
    )


def deliver_alerts() -> None:
    """Queue, after the commit, the task that sends waiting alerts."""
    transaction.on_commit(lambda: _bell.ring(_task("execution.tasks.deliver_alerts")))


def wake_account(account_pk: int) -> None:
    """Notify the account's session, after the commit, that it has something to send."""
    transaction.on_commit(lambda: _bell.ring(_bell.wake(Wake(account=account_pk))))


def request_books(venue_pks: Collection[int], symbol: str, now: datetime) -> dict[int, datetime]:
    """Request the books of some markets for a while, because somebody plans an order.

    Return the time since which they have been requested, by venue.
    """
    _bell.ring(_bell.wake(Wake(venues=list(venue_pks), symbol=symbol)))
    keys = {pk: f"tranche:books:{pk}:{symbol}" for pk in venue_pks}
    since = dict.fromkeys(venue_pks, now)
    try:
        with _redis_now(settings.REDIS_URL).pipeline() as pipe:
            for key in keys.values():
                pipe.set(key, now.isoformat(), ex=BOOK_REQUEST_LASTS, nx=True)
                pipe.expire(key, BOOK_REQUEST_LASTS)
                pipe.get(key)
            answers = pipe.execute()[2::3]
        return since | {
            pk: datetime.fromisoformat(at.decode()) for pk, at in zip(keys, answers, strict=True) if at
        }
    except (redis.RedisError, ValueError) as error:
        log.warning("since when books are wanted is not readable", error=str(error))
        return since


@lru_cache(maxsize=1)
def _redis_now(url: str) -> redis.Redis:
    """Return a client whose calls block. The bell's own client works only in the bell's event loop."""
    return redis.Redis.from_url(url, socket_timeout=SEND_TIMEOUT, socket_connect_timeout=SEND_TIMEOUT)


def drive(order_pk: int) -> None:
    """Queue, after the commit, the task that makes an engine claim and work the order."""
    transaction.on_commit(partial(_send_drive, order_pk))


def estimate(estimate_pk: int) -> None:
    """Queue, after the commit, the task that calculates an expected cost."""
    transaction.on_commit(lambda: _bell.ring(_task("execution.tasks.estimate", estimate_pk)))


def _send_drive(order_pk: int) -> None:
    _bell.ring(_task("execution.tasks.drive", order_pk))


async def _task(name: str, *pks: int) -> None:
    from celery import current_app

    send = partial(current_app.send_task, name, args=list(pks), retry=False)
    await asyncio.get_running_loop().run_in_executor(None, send)
