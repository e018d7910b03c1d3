"""Predicted costs against achieved ones, both with fees, in basis points of the arrival notional; + is cost."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from itertools import pairwise

from execution.core.tca.buckets import MIN_ORDERS, Summary, summarise
from execution.core.types import ZERO

#: Groups of orders of which the mean achieved cost is compared with the mean predicted one.
STEPS = 5


@dataclass(frozen=True, slots=True)
class Pair:
    """An order's predicted and achieved cost. ``notional`` is its filled notional."""

    order: str
    notional: Decimal | None
    predicted_bp: Decimal | None
    achieved_bp: Decimal | None

    @property
    def error_bp(self) -> Decimal | None:
        """Return achieved − predicted: above zero the order cost more than predicted."""
        if self.predicted_bp is None or self.achieved_bp is None:
            return None
        return self.achieved_bp - self.predicted_bp


@dataclass(frozen=True, slots=True)
class Step:
    """A group of orders with similar predictions: the mean of the predicted and of the achieved costs."""

    predicted: Summary
    achieved: Summary


@dataclass(frozen=True, slots=True)
class Calibration:
    """The quality of predictions. ``error`` summarises achieved − predicted, and ``absolute_error`` the size of this
    difference.
    """

    pairs: Sequence[Pair]
    error: Summary
    absolute_error: Summary
    steps: Sequence[Step]


def calibration(pairs: Iterable[Pair]) -> Calibration:
    """Compare the predicted and the achieved costs of all orders that have both.

    The orders are sorted by prediction and divided into steps of equal size, give or take one order. There are no
    steps if a step would have fewer orders than ``MIN_ORDERS``.
    """
    listed = list(pairs)
    known = sorted(
        (pair for pair in listed if pair.error_bp is not None and (pair.notional or ZERO) > ZERO), key=_rank
    )
    errors = [pair.error_bp for pair in listed]
    weights = [pair.notional for pair in listed]
    sizes = [None if error is None else abs(error) for error in errors]
    return Calibration(
        pairs=known,
        error=summarise(zip(errors, weights, strict=True)),
        absolute_error=summarise(zip(sizes, weights, strict=True)),
        steps=_steps(known),
    )


def _steps(known: Sequence[Pair]) -> list[Step]:
    count = len(known)
    if count < STEPS * MIN_ORDERS:
        return []
    bounds = [count * step // STEPS for step in range(STEPS + 1)]
    return [
        Step(
            predicted=summarise((pair.predicted_bp, pair.notional) for pair in known[first:last]),
            achieved=summarise((pair.achieved_bp, pair.notional) for pair in known[first:last]),
        )
        for first, last in pairwise(bounds)
    ]


def _rank(pair: Pair) -> tuple[Decimal, Decimal, Decimal, str]:
    return pair.predicted_bp or ZERO, pair.achieved_bp or ZERO, pair.notional or ZERO, pair.order
