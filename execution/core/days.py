"""Days, which begin at midnight UTC."""

from __future__ import annotations

from datetime import UTC, date, datetime, time


def midnight_of(moment: datetime) -> datetime:
    """Return the midnight at which the day of ``moment`` begins. ``moment`` is always in UTC, and so is the result."""
    return moment.replace(hour=0, minute=0, second=0, microsecond=0)


def start_of(day: date) -> datetime:
    """Return the moment at which a day begins."""
    return datetime.combine(day, time(), UTC)
