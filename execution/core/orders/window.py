"""When an order works."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from execution.core.durations import as_clock
from execution.core.problems import Problem, Refused

MAX_DURATION = timedelta(days=7)


def order_window(
    now: datetime, start_at: datetime | None, end_at: datetime | None, duration: timedelta
) -> tuple[datetime, datetime]:
    """Start and end of an order that is accepted at ``now``, by its named end or its duration; raises ``Refused``."""
    problems: list[Problem] = []
    start = start_at or now
    if start < now:
        problems.append(Problem("start_at", _past("start", start, now), start.isoformat(), now.isoformat()))
        start = now
    if start > datetime.max.replace(tzinfo=UTC) - MAX_DURATION:
        message = f"the start {start:%Y-%m-%d %H:%M:%S} UTC is at the end of all time"
        raise Refused([Problem("start_at", message, start.isoformat())])
    end = end_at if end_at is not None else start + duration
    if end <= now:
        problems.append(Problem("end_at", _past("end", end, now), end.isoformat(), now.isoformat()))
    elif end <= start:
        message = f"the end {end:%H:%M:%S} UTC is not after the start {start:%H:%M:%S} UTC"
        problems.append(Problem("end_at", message, end.isoformat(), start.isoformat()))
    elif end - start > MAX_DURATION:
        message = f"the order would work for {as_clock(end - start)}; at most {MAX_DURATION.days} days"
        problems.append(Problem("end_at", message, as_clock(end - start), as_clock(MAX_DURATION)))
    if problems:
        raise Refused(problems)
    return start, end


def _past(what: str, instant: datetime, now: datetime) -> str:
    return f"the {what} {instant:%Y-%m-%d %H:%M:%S} UTC is in the past; it is {now:%Y-%m-%d %H:%M:%S} UTC now"
