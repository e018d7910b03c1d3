"""The start and the end of an order."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from execution.core.durations import as_clock
from execution.core.problem_codes import Code
from execution.core.problems import Problem, refuse, refuse_if

MAX_DURATION = timedelta(days=7)


def order_window(
    now: datetime, start_at: datetime | None, end_at: datetime | None, duration: timedelta
) -> tuple[datetime, datetime]:
    """Return start and end of an order accepted at ``now``. Without ``end_at``, ``duration`` sets the end.

    Raise ``Refused`` for times in the past, too far in the future, in the wrong order, or too far apart.
    """
    problems: list[Problem] = []
    start = start_at or now
    if start < now:
        problems.append(Problem("start_at", _past("start", start, now), start, now, code=Code.START_IN_PAST))
        start = now
    if start > datetime.max.replace(tzinfo=UTC) - MAX_DURATION:
        refuse("start_at", "The start is too far in the future.", start, code=Code.START_TOO_LATE)
    end = end_at if end_at is not None else start + duration
    if end <= now:
        problems.append(Problem("end_at", _past("end", end, now), end, now, code=Code.END_IN_PAST))
    elif end <= start:
        message = f"The end {end:%H:%M:%S} UTC is not after the start {start:%H:%M:%S} UTC."
        problems.append(Problem("end_at", message, end, start, code=Code.END_TOO_EARLY))
    elif end - start > MAX_DURATION:
        problems.append(duration_problem("end_at", end - start))
    refuse_if(problems)
    return start, end


def duration_problem(field: str, duration: timedelta) -> Problem:
    """Return the problem for an order that would work longer than ``MAX_DURATION``."""
    message = f"The order would work for {as_clock(duration)}. At most {MAX_DURATION.days} days are allowed."
    return Problem(field, message, duration, MAX_DURATION, code=Code.DURATION_TOO_LONG)


def _past(what: str, instant: datetime, now: datetime) -> str:
    return (
        f"The {what} {instant:%Y-%m-%d %H:%M:%S} UTC is in the past. It is {now:%Y-%m-%d %H:%M:%S} UTC now."
    )
