"""The trajectory, cost and risk of one order at each level of risk aversion, by the model."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

from execution.core.algorithms.shortfall import (
    DAY,
    STEEPNESS,
    Impact,
    risk_aversion_of,
    share_left,
    trajectory_of,
)
from execution.core.orders.policies import RiskLevel


@dataclass(frozen=True, slots=True)
class RiskOption:
    """An order at one level of risk aversion.

    ``first_half`` is the share of the quantity that is planned for the first half of the time. ``left`` has the
    planned unfilled shares at evenly spaced times from start to end. ``risk_aversion`` is λ per quote unit. The
    expected cost and its standard deviation are in basis points of the notional, before fees. An unknown figure is
    None.
    """

    level: RiskLevel
    first_half: float
    left: tuple[float, ...]
    risk_aversion: float | None = None
    cost_bp: float | None = None
    deviation_bp: float | None = None


#: The steps in which the trajectories of the levels are drawn.
DRAWN_STEPS = 48


def risk_options(
    *, quantity: float, notional: float, duration: timedelta, slices: int, impact: Impact | None
) -> tuple[RiskOption, ...]:
    """Return an option for each level. Without ``impact`` only the shape of each trajectory is known."""
    return tuple(
        _option(level, steepness, quantity, notional, duration / DAY, slices, impact)
        for level, steepness in STEEPNESS.items()
    )


def _option(
    level: RiskLevel,
    steepness: float,
    quantity: float,
    notional: float,
    days: float,
    slices: int,
    impact: Impact | None,
) -> RiskOption:
    left = tuple(
        share_left(steepness / DRAWN_STEPS, DRAWN_STEPS, number) for number in range(DRAWN_STEPS + 1)
    )
    shape = RiskOption(level, 1 - left[DRAWN_STEPS // 2], left)
    if impact is None or notional <= 0:
        return shape
    kappa = steepness / days
    best = trajectory_of(quantity, days, slices, impact, kappa)
    return replace(
        shape,
        risk_aversion=risk_aversion_of(impact, kappa, days / slices),
        cost_bp=best.cost / notional * 1e4,
        deviation_bp=best.deviation / notional * 1e4,
    )


def impact_in(forecast: Mapping[str, Any]) -> Impact | None:
    """Return the impact parameters that a plan's stored forecast contains; None if it has none."""
    names = ("sigma", "eta", "gamma", "epsilon")
    return (
        Impact(**{name: float(forecast[name]) for name in names}) if forecast.keys() >= set(names) else None
    )
