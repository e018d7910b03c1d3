"""A set of time stretches, such as those of which all trades are known."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class Stretch:
    """A stretch of time from ``start`` (included) to ``end`` (excluded)."""

    start: datetime
    end: datetime


class Coverage:
    """A set of stretches of time, sorted by time. Stretches that overlap or touch become one."""

    def __init__(self, stretches: Iterable[Stretch] = ()) -> None:
        """Cover ``stretches``, which may overlap and come in any order."""
        self._stretches: list[Stretch] = []
        for each in stretches:
            self.add(each.start, each.end)

    @property
    def end(self) -> datetime | None:
        """Return the end of the last stretch; None if nothing is covered."""
        return self._stretches[-1].end if self._stretches else None

    @property
    def stretches(self) -> tuple[Stretch, ...]:
        return tuple(self._stretches)

    def add(self, start: datetime, end: datetime) -> list[Stretch]:
        """Add a stretch, and return the parts of it that were not covered before."""
        if start >= end:
            return []
        added = self.gaps(start, end)
        touching = [each for each in self._stretches if each.start <= end and each.end >= start]
        whole = Stretch(
            min([start, *(each.start for each in touching)]), max([end, *(each.end for each in touching)])
        )
        apart = [each for each in self._stretches if each.start > end or each.end < start]
        self._stretches = sorted([*apart, whole], key=lambda each: each.start)
        return added

    def gaps(self, start: datetime, end: datetime) -> list[Stretch]:
        """Return the parts between ``start`` and ``end`` that are not covered, in order."""
        found, at = [], start
        for each in self._stretches:
            if each.end <= at:
                continue
            if each.start >= end:
                break
            if each.start > at:
                found.append(Stretch(at, each.start))
            at = each.end
        if at < end:
            found.append(Stretch(at, end))
        return found

    def covers(self, start: datetime, end: datetime) -> bool:
        return any(each.start <= start and end <= each.end for each in self._stretches)

    def holds(self, moment: datetime) -> bool:
        return any(each.start <= moment < each.end for each in self._stretches)

    def forget(self, before: datetime) -> None:
        """Remove everything before the moment ``before``."""
        self._stretches = [
            Stretch(max(each.start, before), each.end) for each in self._stretches if each.end > before
        ]
