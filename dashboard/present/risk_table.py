"""The levels of risk aversion of an implementation-shortfall order, side by side on the ticket."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from dashboard.present.numbers import DASH, points
from execution.core.algorithms.risk_levels import RiskOption, impact_in, risk_options
from execution.core.algorithms.shortfall import DAY, share_left
from execution.core.orders.parameters import IsParameters, RiskLevel
from execution.services.orders.stages import Preview

#: What is said where the model knows no cost, if no problem says why.
NO_PLAN = "Cost and risk are not known: there is no plan yet."


def risk_options_of(preview: Preview | None) -> tuple[RiskOption, ...]:
    """Return the levels for the previewed order; empty for another algorithm, or before its times are known."""
    if preview is None or not isinstance(preview.terms.parameters, IsParameters):
        return ()
    terms, plan = preview.terms, preview.planned.plan
    if terms.start_at is None or terms.end_at is None:
        return ()
    return risk_options(
        quantity=float(terms.quantity or 0),
        notional=float(terms.notional or 0),
        duration=terms.end_at - terms.start_at,
        slices=1 if plan is None else int(plan.forecast["slices"]),
        impact=None if plan is None else impact_in(plan.forecast),
    )


def risk_table(preview: Preview | None) -> dict[str, Any] | None:
    """Return a row for each level; None for another algorithm. A row has the share of the quantity that is planned for
    the first half of the time, the expected cost, the risk and λ.
    """
    options = risk_options_of(preview)
    parameters = None if preview is None else preview.terms.parameters
    if preview is None or not options or not isinstance(parameters, IsParameters):
        return None
    rows = [
        _row(option.level, option.first_half, option.cost_bp, option.deviation_bp, option.risk_aversion)
        | {"is_chosen": option.level is parameters.risk}
        for option in options
    ]
    if parameters.risk is RiskLevel.NUMBERS:
        rows.append(_by_number(preview, parameters) | {"is_chosen": True})
    unknown = next(
        (p.message for p in preview.problems if p.field in {"volatility", "impact_bp", "limit_price"}),
        NO_PLAN,
    )
    return {"rows": rows, "unknown": "" if options[0].cost_bp is not None else unknown}


def _by_number(preview: Preview, parameters: IsParameters) -> dict[str, Any]:
    number, plan = float(parameters.risk_aversion or 0), preview.planned.plan
    if plan is None or preview.terms.start_at is None or preview.terms.end_at is None:
        return _row(RiskLevel.NUMBERS, None, None, None, number)
    forecast, days = plan.forecast, (preview.terms.end_at - preview.terms.start_at) / DAY
    half = 1 - share_left(forecast["kappa"] * days / 2, 2, 1)
    return _row(RiskLevel.NUMBERS, half, forecast["expected_cost_bp"], forecast["cost_deviation_bp"], number)


def _row(
    level: RiskLevel,
    first_half: float | None,
    cost_bp: float | None,
    deviation_bp: float | None,
    risk_aversion: float | None,
) -> dict[str, Any]:
    return {
        "level": level.value,
        "words": "by number" if level is RiskLevel.NUMBERS else level.value,
        "first_half": DASH if first_half is None else f"{first_half:.0%}".replace("%", " %"),
        "cost": DASH if cost_bp is None else f"{points(Decimal(repr(cost_bp)), 2)} bp",
        "deviation": DASH if deviation_bp is None else f"± {deviation_bp:,.1f} bp",
        "risk_aversion": DASH if risk_aversion is None else two_digits(risk_aversion),
    }


def two_digits(number: float) -> str:
    """Return a number with two significant digits, in the notation that the form accepts, such as ``0.0000023``."""
    return format(Decimal(f"{number:.2g}"), "f")
