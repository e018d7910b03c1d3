"""Fixtures of the engine's tests: a real exchange, a real engine, the test database.

Imports stand inside the fixtures: this file may be loaded before Django is set up.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.engine.exchange import Exchange
    from tests.engine.running import EngineThread, World


@pytest.fixture
def exchange(tmp_path: Path) -> Iterator[Exchange]:
    """A paper exchange, running; killed at the end whatever happened."""
    from tests.engine.exchange import Exchange

    running = Exchange(tmp_path / "paper")
    running.add_accounts([])
    running.start()
    try:
        yield running
    finally:
        running.kill()


@pytest.fixture
def world(transactional_db: None, exchange: Exchange) -> World:
    from tests.engine.running import World

    return World(exchange)


@pytest.fixture
def engine(world: World) -> Iterator[EngineThread]:
    """An engine that has not started yet; stopped at the end, and its lease must have held."""
    from tests.engine.running import EngineThread

    running = EngineThread(world.gateway)
    try:
        yield running
    finally:
        running.stop()
    assert not running.lost
