"""Wake-ups from other processes, over Redis. If one is lost, the work is done about a second later."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from dataclasses import dataclass

import redis.asyncio
import structlog
from redis.exceptions import RedisError

from execution.notify import WAKE_CHANNEL, Wake
from execution.selectors.quote_signatures import sign

log = structlog.get_logger(__name__)

RECONNECT = 1.0  # seconds


@dataclass(frozen=True, slots=True)
class Bells:
    """The functions to call for wake-ups of orders (with their version), accounts and markets."""

    on_order: Callable[[int, int | None], None]
    on_account: Callable[[int], None]
    on_market: Callable[[int, str], None]


async def listen(url: str, bells: Bells) -> None:
    """Call the functions of ``bells`` for each wake-up, for ever. Reconnect after errors."""
    while True:
        client = redis.asyncio.Redis.from_url(url, socket_timeout=None)
        try:
            async with client.pubsub() as pubsub:
                await pubsub.subscribe(WAKE_CHANNEL)
                async for message in pubsub.listen():
                    if message["type"] == "message":
                        _ring(message["data"], bells)
        except (RedisError, OSError) as error:
            log.warning("the doorbell is out of order", error=str(error))
        finally:
            await client.aclose()
        await asyncio.sleep(RECONNECT)


def _ring(data: bytes, bells: Bells) -> None:
    try:
        for wake in json.loads(data):
            _ring_one(wake, bells)
    except (ValueError, TypeError):
        log.warning("an unreadable wake-up", data=data[:100])


def _ring_one(wake: Wake, bells: Bells) -> None:
    if "order" in wake:
        bells.on_order(int(wake["order"]), wake.get("version"))
    if "account" in wake:
        bells.on_account(int(wake["account"]))
    for venue in wake.get("venues", ()):
        bells.on_market(int(venue), str(wake.get("symbol")))


class QuotePublisher:
    """Publishes the newest quotes in Redis, signed, in the background. The next quote replaces a failed one."""

    def __init__(self, url: str) -> None:
        self._client = redis.asyncio.Redis.from_url(url)
        self._waiting: dict[str, str] = {}
        self._wake = asyncio.Event()

    def put(self, key: str, value: str) -> None:
        self._waiting[key] = value
        self._wake.set()

    async def run(self) -> None:
        while True:
            await self._wake.wait()
            self._wake.clear()
            batch = {key: sign(key, value) for key, value in self._waiting.items()}
            self._waiting = {}
            try:
                await self._client.mset(batch)
            except (RedisError, OSError) as error:
                log.warning("quotes could not be published", error=str(error))
                await asyncio.sleep(RECONNECT)
