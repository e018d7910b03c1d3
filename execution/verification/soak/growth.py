"""The growth of a figure over a run. An unknown figure stays unknown."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from execution.verification.benchmark.figures import median

#: A figure counts as flat while its last quarter is at most this much above its first one.
FLAT = 1.2
HOUR = 3600.0


@dataclass(frozen=True, slots=True)
class Sample:
    """A figure at ``at`` seconds since the run began."""

    at: float
    value: float


@dataclass(frozen=True, slots=True)
class Growth:
    """The growth of a figure: its medians in the first and the last quarter of a run, and the slope per hour of a
    fitted line.
    """

    first: float
    last: float
    by_hour: float

    @property
    def is_flat(self) -> bool:
        return self.last <= self.first * FLAT


def growth_of(samples: Sequence[Sample]) -> Growth | None:
    """Return the growth of a figure, or None if it has fewer than four samples."""
    if len(samples) < 4:
        return None
    begun, passed = samples[0].at, samples[-1].at - samples[0].at
    first = median([each.value for each in samples if each.at <= begun + passed / 4])
    last = median([each.value for each in samples if each.at >= begun + passed * 3 / 4])
    if first is None or last is None:
        return None
    return Growth(first, last, _slope(samples) * HOUR)


def _slope(samples: Sequence[Sample]) -> float:
    """Return the slope of the least-squares line, per second."""
    mean_at = sum(each.at for each in samples) / len(samples)
    mean = sum(each.value for each in samples) / len(samples)
    spread = sum((each.at - mean_at) ** 2 for each in samples)
    return sum((each.at - mean_at) * (each.value - mean) for each in samples) / spread if spread else 0.0
