"""The maximum age of market data, judged so that a step of the wall clock does not matter."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from typing import TypeVar

from execution.core.types import Book, Quote

Data = TypeVar("Data", Quote, Book)

#: No new child may be based on market data older than this.
MAX_QUOTE_AGE = timedelta(seconds=5)
#: Two hosts' clocks may differ by this much. Data that is further in the future is not fresh.
MAX_CLOCK_DIFFERENCE = timedelta(milliseconds=500)
#: If the wall clock differs by more than this from the monotonic clock, somebody has set it.
STEP = timedelta(milliseconds=250)


def is_fresh(at: datetime, now: datetime, most: timedelta = MAX_QUOTE_AGE) -> bool:
    """Return whether data received at ``at`` may still be used at ``now``.

    Data with a time of receipt after ``now`` may not be used.
    """
    return -MAX_CLOCK_DIFFERENCE <= now - at <= most


def received_at(data: Data, now: datetime, age: float) -> Data:
    """Return ``data`` with its time of receipt corrected to ``age`` seconds before ``now``.

    The time is corrected only if it differs by more than ``STEP``. Such a difference shows that somebody set the wall
    clock.
    """
    at = now - timedelta(seconds=age)
    return data if abs(at - data.at) <= STEP else replace(data, at=at)
