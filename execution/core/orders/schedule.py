"""The distance of an order from its schedule.

A schedule is a line of ``(milliseconds, share)`` points that never falls: the start of the first slice, and the end
of each slice with the share of the quantity that should be done by that time. ``static/js/lib/plan.js`` has the same
rules for the pages.
"""

from __future__ import annotations

from collections.abc import Sequence

Line = Sequence[tuple[int, float]]

#: Time after a slice's end before it counts as due, because its last fills are reported a moment later.
SETTLING_MS = 5_000
#: Tolerance for comparisons, because shares are rounded to six digits.
ROUNDING = 1e-6
#: An order that is behind by less than this share is on schedule. Slices leave small remainders because of lots.
ON_SCHEDULE = 0.0005
#: An order is behind when it lacks more than this share of its quantity. It is more than a rest under a minimum.
BEHIND_SHARE = 0.05


def share_due(line: Line, at: int, done: float) -> float | None:
    """Return the share of the order that should be filled at ``at``; None without a plan.

    A slice may be filled at any moment between its start and its end. So the plan allows every share from the sum of
    its ended slices up to that sum plus the current slice. If ``done``, the filled share, is in this range, return it.
    Otherwise return the nearer end of the range.
    """
    if not line:
        return None
    least, most = _ended(line, at - SETTLING_MS), _begun(line, at)
    if done < least - ROUNDING:
        return least
    return most if done > most + ROUNDING else done


def _ended(line: Line, at: int) -> float:
    return next((share for time, share in reversed(line) if time <= at), line[0][1])


def _begun(line: Line, at: int) -> float:
    if at < line[0][0]:
        return line[0][1]
    return next((share for time, share in line if time > at), line[-1][1])


def finish_share(line: Line, at: int, done: float) -> float | None:
    """Return the share that will be filled at the plan's end if the order keeps its pace so far; None without a plan.

    It is 1 for an order that is on schedule.
    """
    due = share_due(line, at, done)
    if due is None:
        return None
    if due - done < ON_SCHEDULE:
        return 1.0
    first = line[0][1]
    kept = max(done - first, 0.0) / (due - first)
    return max(done, first + kept * (1 - first))


def seconds_late(line: Line, at: int, done: float) -> float:
    """Return by how many seconds the order is late; 0 for an order that is on schedule.

    They begin at the time at which the plan first wanted more than the share that is filled now.
    """
    due = share_due(line, at, done)
    if due is None or due - done < ON_SCHEDULE:
        return 0.0
    missed = next(time for time, share in line if share > done + ROUNDING)
    return max(0.0, (at - missed) / 1000)


def is_behind(line: Line, at: int, done: float) -> bool:
    """Return True if ``done``, the filled share, is more than ``BEHIND_SHARE`` below the share due; False without a
    plan.
    """
    due = share_due(line, at, done)
    return due is not None and due - done > BEHIND_SHARE
