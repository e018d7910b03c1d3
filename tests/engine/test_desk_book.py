"""The desk's resting orders are read once for all of its drivers, and again when the reading is old or failed."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest
from django.db import DatabaseError

from execution.core.types import Side
from execution.engine import desk_book
from execution.engine.db.database import Database
from execution.engine.desk_book import STANDS, DeskBook
from execution.selectors.decisions.resting import DeskResting


class HandClock:
    """A clock whose seconds a test moves."""

    seconds = 0.0

    def boot(self) -> float:
        return self.seconds


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[Side]:
    """Return the sides that were read, in turn."""
    sides: list[Side] = []

    def read(*, side: Side, **_: Any) -> DeskResting:
        sides.append(side)
        if len(sides) == 3:
            raise DatabaseError("away")
        return DeskResting({}, {})

    monkeypatch.setattr(desk_book, "desk_resting", read)
    return sides


async def test_a_reading_stands_for_all_and_not_for_long(asked: list[Side]) -> None:
    clock: Any = HandClock()
    book = DeskBook(clock, Database(clock))
    look: Callable[[Side], Any] = lambda side: book.resting(1, "BTC/USDT", side)  # noqa: E731
    first, second = await asyncio.gather(look(Side.BUY), look(Side.BUY))
    assert first is second
    await look(Side.SELL)
    assert asked == [Side.BUY, Side.SELL]
    clock.seconds = STANDS + 0.1
    with pytest.raises(DatabaseError):
        await look(Side.BUY)
    await look(Side.BUY)
    assert asked == [Side.BUY, Side.SELL, Side.BUY, Side.BUY], "a failed reading is no reading"
