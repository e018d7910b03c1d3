"""Fixtures for a conftest to import: it is read before Django is set up, so rows are imported late."""

from __future__ import annotations

import subprocess
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import redis
from pytest_django.fixtures import Settings

from execution.launcher.redis_server import server_binary, server_command

if TYPE_CHECKING:
    from tests.factories import Rows


@pytest.fixture(scope="session")
def redis_url() -> Iterator[str]:
    """A Redis of the tests' own, on a socket in a short folder."""
    with tempfile.TemporaryDirectory(prefix="tr-", dir="/tmp") as name:
        socket = Path(name) / "redis.sock"
        server = subprocess.Popen(server_command(server_binary(), socket, Path(name)))
        try:
            _until_it_answers(f"unix://{socket}", server)
            yield f"unix://{socket}"
        finally:
            server.terminate()
            server.wait(10)


def _until_it_answers(url: str, server: subprocess.Popen[bytes]) -> None:
    client = redis.Redis.from_url(url)
    deadline = time.monotonic() + 20
    while True:
        try:
            client.ping()
        except redis.RedisError:
            assert server.poll() is None, "Redis ended at its start"
            assert time.monotonic() < deadline, "Redis did not answer within 20 s"
            time.sleep(0.02)
        else:
            client.close()
            return


@pytest.fixture
def rows(db: None, redis_url: str, settings: Settings) -> Iterator[Rows]:
    """A desk in rows, with a fresh quote at 60,000."""
    from tests.factories import make_rows

    settings.REDIS_URL = redis_url
    made = make_rows(redis_url)
    made.quote()
    yield made
    redis.Redis.from_url(redis_url).flushdb()


@pytest.fixture
def committed_rows(
    transactional_db: None, redis_url: str, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> Rows:
    """Rows that other threads see; wake-ups go to this test's Redis, pages there are none."""
    from execution import notify
    from tests.factories import make_rows

    settings.REDIS_URL = redis_url
    settings.CHANNEL_LAYERS = {"default": {"BACKEND": "channels.layers.InMemoryChannelLayer"}}
    monkeypatch.setattr(notify, "_bell", notify._Bell())
    rows = make_rows(redis_url)
    rows.quote()
    return rows


def in_a_thread(function: Callable[[], object], failures: list[BaseException]) -> threading.Thread:
    """Run ``function`` on a connection of its own; what it raises is added to ``failures``."""
    from django.db import connections

    def run() -> None:
        try:
            function()
        except BaseException as error:  # noqa: BLE001  the test raises it
            failures.append(error)
        finally:
            connections.close_all()

    thread = threading.Thread(target=run)
    thread.start()
    return thread
