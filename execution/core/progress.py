"""How far an order is from its schedule.

A schedule is a line of ``(milliseconds, share)`` points that never falls: what share of the quantity should
be done by when, straight between its points.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

Line = Sequence[tuple[int, float]]

#: An order is behind when it lacks more than its largest slice and this share of its quantity. A slice rests
#: first and crosses at its end, so that one whole slice may be outstanding while everything goes to plan.
BEHIND_SHARE = 0.05


def share_due(line: Line, at: int) -> float | None:
    """What share should be done at ``at``; unknown without a schedule."""
    if not line:
        return None
    if at <= line[0][0]:
        return line[0][1]
    for (before, low), (after, high) in pairwise(line):
        if at < after:
            return low + (high - low) * (at - before) / (after - before)
    return line[-1][1]


def is_behind(*, done: float, due: float | None, largest_slice: float) -> bool:
    """Whether an order lacks more than one slice and ``BEHIND_SHARE`` of what is due; all are shares."""
    return due is not None and due - done > largest_slice + BEHIND_SHARE


def largest_rise(line: Line, slices: int) -> float:
    """The largest slice of a plan of so many slices; of a thinned line the mean of its steepest stretch."""
    if len(line) < 2 or slices < 1:
        return 0.0
    in_a_stretch = max(1, round(slices / (len(line) - 1)))
    return max(high - low for (_, low), (_, high) in pairwise(line)) / in_a_stretch
