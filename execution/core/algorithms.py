"""An algorithm is data: how it plans, what it should have done by when, and how it works a slice."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from decimal import Decimal

from execution.core.iceberg import plan_iceberg, show_part
from execution.core.plans import Plan, PlanInput, plan_twap
from execution.core.pov import follow_volume, plan_pov, pov_target
from execution.core.shortfall import plan_is
from execution.core.tactics import SliceWork, rest_then_cross
from execution.core.view import Decision, OrderView, VenueView


@dataclass(frozen=True, slots=True)
class Working:
    """How an algorithm plans and works.

    ``target`` is what should be done when the slice ends, at most what its plan says of the whole order;
    None: what the plan says. ``wants_candles``: it plans from the market's history;
    ``wants_traded``: it decides by what the market trades. ``judge`` raises ``Refused``
    for an order that the venues, as they are now, could not do as it was asked.
    """

    plan: Callable[[PlanInput], Plan]
    tactic: Callable[[OrderView, SliceWork], Decision]
    target: Callable[[OrderView, SliceWork], Decimal] | None = None
    wants_candles: bool = False
    wants_traded: bool = False
    judge: Callable[[PlanInput, tuple[VenueView, ...]], None] | None = None


#: By the names of ``terms.ALGORITHMS``.
WORKINGS: dict[str, Working] = {
    "twap": Working(plan=plan_twap, tactic=rest_then_cross),
    "iceberg": Working(plan=plan_iceberg, tactic=show_part),
    "pov": Working(
        plan=plan_pov, tactic=follow_volume, target=pov_target, wants_candles=True, wants_traded=True
    ),
    "is": Working(plan=plan_is, tactic=rest_then_cross, wants_candles=True),
}


def plan_order(algorithm: str, given: PlanInput) -> Plan:
    """The plan of an order; raises ``Refused`` with the field, the value and the limit."""
    return WORKINGS[algorithm].plan(given)


def work_slice(view: OrderView, work: SliceWork) -> Decision:
    """What the order's algorithm does in a slice."""
    working = WORKINGS[view.algorithm]
    if working.target is not None:
        work = replace(work, target=min(working.target(view, work), view.quantity))
    return working.tactic(view, work)
