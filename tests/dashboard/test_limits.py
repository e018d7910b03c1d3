"""Requests are counted in Redis; one that is away or silent is asked now and then, not by each request."""

from __future__ import annotations

import socket
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import redis
from django.core.cache import cache
from pytest_django.fixtures import Settings

from dashboard import rates
from dashboard.rates import MINUTE, MinuteCounter


@pytest.fixture(autouse=True)
def _nothing_counted() -> Iterator[None]:
    cache.clear()
    if time.time() % MINUTE > MINUTE - 5:
        time.sleep(6)  # the counts begin again with the clock's minute
    yield
    cache.clear()


def connections(listener: socket.socket) -> int:
    """Return the number of clients that wait to be accepted."""
    listener.setblocking(False)
    count = 0
    while True:
        try:
            listener.accept()[0].close()
        except BlockingIOError:
            return count
        count += 1


def test_two_counters_count_together_by_name_and_forget(settings: Settings, redis_url: str) -> None:
    settings.REDIS_URL = redis_url
    one, two = MinuteCounter(), MinuteCounter()
    assert [counter.count("a") for counter in (one, two, one)] == [1, 2, 3]
    assert two.count("b") == 1
    client = redis.Redis.from_url(redis_url)
    keys = list(client.scan_iter("tranche:rate:*"))
    assert len(keys) == 2
    assert all(0 < int(str(client.ttl(key))) <= 2 * MINUTE for key in keys)


def test_a_silent_redis_is_asked_once_in_a_while(
    settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(tmp_path / "silent"))
        listener.listen(64)
        settings.REDIS_URL = f"unix://{tmp_path}/silent"
        monkeypatch.setattr(rates, "AWAY_FOR", 3600.0)
        counter = MinuteCounter()
        assert [counter.count("a") for _ in range(20)] == list(range(1, 21))
        first = connections(listener)
        assert first >= 1
        assert [counter.count("a") for _ in range(20)] == list(range(21, 41))
        assert connections(listener) == 0
        monkeypatch.setattr(rates, "AWAY_FOR", 0.0)
        again = MinuteCounter()
        assert [again.count("b"), again.count("b")] == [1, 2]
        assert connections(listener) >= 2
