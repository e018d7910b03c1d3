"""An algorithm is data: how it plans, what it should have done by when, and how it works a slice."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal

from execution.core.iceberg import plan_iceberg, show_part
from execution.core.parameters import SlicedParameters
from execution.core.plans import Plan, PlanInput, plan_twap
from execution.core.pov import follow_volume, plan_pov, pov_bound, pov_target
from execution.core.randomising import random_note, randomised
from execution.core.router import judge_sor, plan_sor, route_now, route_would, work_route
from execution.core.shortfall import plan_is
from execution.core.split import Split
from execution.core.tactics import SliceWork
from execution.core.view import Decision, OrderView, VenueView
from execution.core.volume_plan import plan_vwap, vwap_target
from execution.core.working import rest_and_cross


@dataclass(frozen=True, slots=True)
class Working:
    """How an algorithm plans and works.

    ``target`` is what should be done when the slice ends, at most what its plan says of the whole order;
    None: what the plan says. ``wants_candles``: it plans from the market's history;
    ``wants_traded``: it decides by what the market trades. ``route`` is what it would take at this moment at the
    venues, None when it does not take at once; ``judge`` raises ``Refused`` where that is not what was asked for.
    """

    plan: Callable[[PlanInput], Plan]
    tactic: Callable[[OrderView, SliceWork], Decision]
    target: Callable[[OrderView, SliceWork], Decimal] | None = None
    wants_candles: bool = False
    wants_traded: bool = False
    route: Callable[[PlanInput, Sequence[VenueView]], Split | None] = route_would
    judge: Callable[[PlanInput, Sequence[VenueView], Split], None] | None = None
    #: Why it could not do more by its end, of its own nature; empty when it could have.
    bound: Callable[[OrderView], str] | None = None


#: By the names of ``terms.ALGORITHMS``.
WORKINGS: dict[str, Working] = {
    "twap": Working(plan=plan_twap, tactic=rest_and_cross),
    "vwap": Working(plan_vwap, rest_and_cross, target=vwap_target, wants_candles=True, wants_traded=True),
    "pov": Working(
        plan_pov, follow_volume, target=pov_target, wants_candles=True, wants_traded=True, bound=pov_bound
    ),
    "is": Working(plan=plan_is, tactic=rest_and_cross, wants_candles=True),
    "iceberg": Working(plan=plan_iceberg, tactic=show_part),
    "sor": Working(plan=plan_sor, tactic=work_route, route=route_now, judge=judge_sor),
}


def plan_order(algorithm: str, given: PlanInput) -> Plan:
    """The plan of an order; raises ``Refused`` with the field, the value and the limit."""
    plan, parameters = WORKINGS[algorithm].plan(given), given.parameters
    if not isinstance(parameters, SlicedParameters):
        return plan
    slices = randomised(plan.slices, parameters, given.market, given.price)
    if slices is plan.slices:
        return plan
    return replace(plan, slices=slices, notes=(*plan.notes, random_note(parameters)))


def work_slice(view: OrderView, work: SliceWork) -> Decision:
    """What the order's algorithm does in a slice."""
    working = WORKINGS[view.algorithm]
    if working.target is not None:
        work = replace(work, target=min(working.target(view, work), view.quantity))
    return working.tactic(view, work)


def bound_reason(view: OrderView) -> str:
    """Why the order's algorithm could not do more; empty when it could have."""
    bound = WORKINGS[view.algorithm].bound
    return "" if bound is None else bound(view)
