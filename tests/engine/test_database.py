"""Facts reach the database however often it is away; what it refuses for good is not asked for ever."""

from __future__ import annotations

import asyncio

import pytest
from django.db import DataError, OperationalError

from execution.engine.database import REFUSALS_MOST, Database
from tests.engine.desk import StillClock


class Counted:
    """Fails ``times`` times, then answers."""

    def __init__(self, error: Exception, times: int) -> None:
        self.error, self.times, self.calls = error, times, 0

    def __call__(self) -> str:
        self.calls += 1
        if self.calls <= self.times:
            raise self.error
        return "kept"


@pytest.mark.parametrize("times", [1, 3, 60])
def test_a_database_that_is_away_is_asked_until_it_is_back(times: int) -> None:
    fact = Counted(OperationalError("database is locked"), times)
    assert asyncio.run(Database(None, StillClock()).surely(fact)) == "kept"
    assert fact.calls == times + 1


def test_a_fact_that_does_not_fit_is_refused_after_a_few_tries() -> None:
    fact = Counted(DataError("value too long"), 10**6)
    with pytest.raises(DataError):
        asyncio.run(Database(None, StillClock()).surely(fact))
    assert fact.calls == REFUSALS_MOST
