"""Fixtures of the engine's tests: a real exchange, a real engine, the test database."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.engine.exchange import Exchange
from tests.engine.running import EngineThread, World


@pytest.fixture
def exchange(tmp_path: Path) -> Iterator[Exchange]:
    """A paper exchange, running; killed at the end whatever happened."""
    running = Exchange(tmp_path / "paper")
    running.add_accounts([])
    running.start()
    try:
        yield running
    finally:
        running.kill()


@pytest.fixture
def world(transactional_db: None, exchange: Exchange) -> World:
    return World(exchange)


@pytest.fixture
def engine(world: World) -> Iterator[EngineThread]:
    """An engine that has not started yet; stopped at the end, and its lease must have held."""
    running = EngineThread(world.gateway)
    try:
        yield running
    finally:
        if running._thread.ident is not None:
            running.stop()
    assert not running.lost
