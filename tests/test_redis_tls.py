"""Redis over TLS: each of the libraries that use it checks who is at the other end, and works with a certificate."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any

import kombu
import pytest
import redis
import redis.asyncio
from channels_redis.pubsub import RedisPubSubChannelLayer

from config.environment import broker_url
from tests.tls import WITHIN, Terminator, certificate


@pytest.fixture
def terminated(
    redis_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Callable[[str, bool], str]]:
    """Return the address of a Redis over TLS, by the address in its certificate and whether we trust that."""
    opened = []

    def make(address: str, is_trusted: bool) -> str:
        files = certificate(tmp_path, address)
        other = certificate(tmp_path, "127.0.0.9")[0]
        monkeypatch.setenv("SSL_CERT_FILE", str(files[0] if is_trusted else other))
        server = Terminator(redis_url.removeprefix("unix://").partition("?")[0], files)
        opened.append(server.__enter__())
        return f"rediss://127.0.0.1:{server.port}/0"

    yield make
    for server in opened:
        server.__exit__()


# --- the libraries, each as the desk uses it -------------------------------------------------------------


def by_redis(url: str) -> bool:
    with redis.Redis.from_url(url, socket_timeout=WITHIN, socket_connect_timeout=WITHIN) as client:
        return bool(client.set("a", "b"))


def by_redis_asyncio(url: str) -> bool:
    async def run() -> bool:
        async with redis.asyncio.Redis.from_url(url, socket_timeout=None) as client:
            return bool(await client.set("a", "b"))

    return asyncio.run(asyncio.wait_for(run(), WITHIN))


def by_celery(url: str) -> bool:
    # kombu would ask a server that it has refused again and again, for 20 s.
    once = {"max_retries": 1, "interval_start": 0}
    with kombu.Connection(broker_url(url), connect_timeout=WITHIN, transport_options=once) as connection:
        queue = connection.SimpleQueue("tls")
        queue.put({"order": 1})
        found = queue.get(timeout=WITHIN)
        found.ack()
        queue.close()
        return bool(found.payload == {"order": 1})


def by_channels(url: str) -> bool:
    async def run() -> bool:
        layer = RedisPubSubChannelLayer(hosts=[{"address": url, "socket_timeout": None}], prefix="tls")
        channel = await layer.new_channel()
        await layer.group_add("wall", channel)
        await layer.group_send("wall", {"type": "changed"})
        said: Awaitable[Any] = layer.receive(channel)
        found = await asyncio.wait_for(said, WITHIN)
        await layer.flush()
        return bool(found == {"type": "changed"})

    return asyncio.run(asyncio.wait_for(run(), 2 * WITHIN))


LIBRARIES = [by_redis, by_redis_asyncio, by_celery, by_channels]


@pytest.mark.parametrize("use", LIBRARIES)
def test_with_a_certificate_that_is_trusted_it_works(
    terminated: Callable[[str, bool], str], use: Callable[[str], bool]
) -> None:
    assert use(terminated("127.0.0.1", True))


@pytest.mark.parametrize("use", LIBRARIES)
@pytest.mark.parametrize(("address", "is_trusted"), [("127.0.0.1", False), ("127.0.0.2", True)])
def test_a_stranger_and_a_certificate_of_another_host_are_refused(
    terminated: Callable[[str, bool], str], use: Callable[[str], bool], address: str, is_trusted: bool
) -> None:
    url = terminated(address, is_trusted)
    with pytest.raises(
        (OSError, redis.RedisError, kombu.exceptions.OperationalError, TimeoutError)
    ) as refused:
        use(url)
    assert "certificate verify failed" in str(refused.value), repr(refused.value)
