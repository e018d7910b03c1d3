"""Means over many orders, with the figures that say how reliable they are."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal

from execution.core.types import ZERO


@dataclass(frozen=True, slots=True)
class MeanOf:
    """A mean over the ``n`` values that are known.

    ``weighted`` is the mean weighted by the values' weights; None if a weight is unknown. ``standard_error`` is that
    of the plain mean: the sample's standard deviation over √n. It needs at least two values.
    """

    n: int
    mean: Decimal | None
    weighted: Decimal | None
    standard_error: Decimal | None


def mean_of(parts: Iterable[tuple[Decimal | None, Decimal | None]]) -> MeanOf:
    """Return the mean of ``(value, weight)`` pairs. An unknown value is left out, never counted as 0."""
    known = [(value, weight) for value, weight in parts if value is not None]
    count = len(known)
    if not count:
        return MeanOf(0, None, None, None)
    mean = sum((value for value, _ in known), ZERO) / count
    error = None
    if count > 1:
        variance = sum(((value - mean) ** 2 for value, _ in known), ZERO) / (count - 1)
        error = (variance / count).sqrt()
    return MeanOf(count, mean, _weighted(known), error)


def _weighted(known: Iterable[tuple[Decimal, Decimal | None]]) -> Decimal | None:
    total = weights = ZERO
    for value, weight in known:
        if weight is None:
            return None
        total += value * weight
        weights += weight
    return total / weights if weights > ZERO else None
