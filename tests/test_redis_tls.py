"""Redis over TLS: each of the libraries that use it checks who is at the other end, and works with a certificate."""

from __future__ import annotations

import asyncio
import datetime
import ipaddress
import ssl
import threading
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any

import kombu
import pytest
import redis
import redis.asyncio
from channels_redis.pubsub import RedisPubSubChannelLayer
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from config.environment import broker_url
from tests.patience import PATIENCE

WITHIN = 5.0 * PATIENCE


def _certificate(folder: Path, address: str) -> tuple[Path, Path]:
    """Make a certificate that signs itself, for one address; the files of it and of its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "redis of a test")])
    now = datetime.datetime.now(datetime.UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(minutes=5))
        .not_valid_after(now + datetime.timedelta(hours=1))
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .add_extension(
            x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address(address))]), critical=False
        )
        .sign(key, hashes.SHA256())
    )
    files = folder / f"{address}.pem", folder / f"{address}.key"
    files[0].write_bytes(made.public_bytes(serialization.Encoding.PEM))
    files[1].write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
    )
    return files


class Terminator:
    """Takes TLS and hands the bytes to the tests' Redis, whose program has no TLS of its own."""

    def __init__(self, socket: str, certificate: tuple[Path, Path]) -> None:
        self._socket, self._ready = socket, threading.Event()
        self._context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._context.load_cert_chain(*certificate)
        self._loop = asyncio.new_event_loop()
        self.port = 0
        self._thread = threading.Thread(target=self._loop.run_until_complete, args=(self._serve(),))
        self._stop = asyncio.Event()

    def __enter__(self) -> Terminator:
        self._thread.start()
        assert self._ready.wait(WITHIN)
        return self

    def __exit__(self, *_: object) -> None:
        self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join(WITHIN)

    async def _serve(self) -> None:
        server = await asyncio.start_server(self._take, "127.0.0.1", 0, ssl=self._context)
        self.port = server.sockets[0].getsockname()[1]
        self._ready.set()
        await self._stop.wait()
        server.close()
        others = asyncio.all_tasks() - {asyncio.current_task()}
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)

    async def _take(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        inner_reader, inner_writer = await asyncio.open_unix_connection(self._socket)
        await asyncio.gather(_pump(reader, inner_writer), _pump(inner_reader, writer))


async def _pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    try:
        while data := await reader.read(65_536):
            writer.write(data)
            await writer.drain()
    except (ConnectionError, ssl.SSLError):
        pass  # whoever is refused or goes away ends it
    finally:
        writer.close()


@pytest.fixture
def terminated(
    redis_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Callable[[str, bool], str]]:
    """Return the address of a Redis over TLS, by the address in its certificate and whether we trust that."""
    opened = []

    def make(address: str, is_trusted: bool) -> str:
        files = _certificate(tmp_path, address)
        other = _certificate(tmp_path, "127.0.0.9")[0]
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
    with kombu.Connection(broker_url(url), connect_timeout=WITHIN) as connection:
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
