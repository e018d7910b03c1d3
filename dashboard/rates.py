"""The count of a person's requests in the current minute. It is kept in Redis, for all web processes together.

Without Redis each process counts alone. A program may then send up to its limit to every process, but nobody is locked
out because Redis is down.
"""

from __future__ import annotations

import time
from functools import lru_cache

import redis
import structlog
from django.conf import settings
from django.core.cache import cache

log = structlog.get_logger(__name__)

MINUTE = 60
#: The most seconds that a request waits for Redis, which usually answers in less than a thousandth.
TIMEOUT = 0.25
#: Seconds for which Redis is not used after it did not answer. Otherwise each request would wait for it.
AWAY_FOR = 5.0


@lru_cache(maxsize=1)
def _client(url: str) -> redis.Redis:
    return redis.Redis.from_url(url, socket_timeout=TIMEOUT, socket_connect_timeout=TIMEOUT)


class MinuteCounter:
    """Counts events by name in each minute of the clock."""

    def __init__(self) -> None:
        self._ask_at = 0.0
        self._is_away = False

    def count(self, name: str) -> int:
        """Count one more event of ``name``. Return the number of its events in this minute, including this one."""
        key = f"tranche:rate:{name}:{int(time.time() // MINUTE)}"
        if time.monotonic() >= self._ask_at:
            try:
                found = _shared(key)
            except redis.RedisError as error:
                self._missed(error)
            else:
                self._answered()
                return found
        cache.add(key, 0, timeout=2 * MINUTE)
        return int(cache.incr(key))

    def _missed(self, error: redis.RedisError) -> None:
        self._ask_at = time.monotonic() + AWAY_FOR
        if not self._is_away:
            log.warning(
                "requests are counted in this process alone", error=f"{type(error).__name__}: {error}"
            )
        self._is_away = True

    def _answered(self) -> None:
        if self._is_away:
            log.info("requests are counted over all web processes again")
        self._is_away = False


def seconds_left() -> float:
    """Return the seconds until the next minute of the clock, in which all counts begin at zero."""
    return MINUTE - time.time() % MINUTE


def _shared(key: str) -> int:
    with _client(settings.REDIS_URL).pipeline() as pipeline:
        pipeline.incr(key)
        pipeline.expire(key, 2 * MINUTE)
        return int(pipeline.execute()[0])
