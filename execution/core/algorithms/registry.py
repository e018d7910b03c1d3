"""The table of algorithms: the functions with which each one plans, sets a slice's target and works a slice."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal

from execution.core.algorithms.iceberg import plan_iceberg, show_part
from execution.core.algorithms.pov import follow_volume, plan_pov, pov_bound, pov_target
from execution.core.algorithms.shortfall import plan_is
from execution.core.algorithms.slice_tactic import rest_and_cross
from execution.core.algorithms.vwap import plan_vwap, vwap_note, vwap_target
from execution.core.orders.parameters import SlicedParameters
from execution.core.orders.plans import Plan, PlanInput, plan_twap
from execution.core.orders.randomisation import random_note, randomised
from execution.core.orders.slices import SliceTask
from execution.core.orders.view import AccountView, Decision, OrderView
from execution.core.orders.volume_gaps import gaps_note
from execution.core.routing.sor import judge_sor, plan_sor, route_now, route_would, work_route
from execution.core.routing.split import Split


@dataclass(frozen=True, slots=True)
class AlgorithmSpec:
    """The functions and needs of one algorithm.

    ``plan`` makes the slices, and ``tactic`` decides in a slice. ``target`` returns the quantity that should be filled
    when the slice ends. Without a function ``target``, that quantity comes from the plan. ``wants_candles`` means that
    the algorithm plans from the market's history. ``wants_traded`` means that it decides by the market's volume.
    ``route`` returns the split over the venues if the order would trade at once, else None. ``judge`` raises
    ``Refused`` for a split that the trader's parameters do not allow.
    """

    plan: Callable[[PlanInput], Plan]
    tactic: Callable[[OrderView, SliceTask], Decision]
    target: Callable[[OrderView, SliceTask], Decimal] | None = None
    wants_candles: bool = False
    wants_traded: bool = False
    route: Callable[[PlanInput, Sequence[AccountView]], Split | None] = route_would
    judge: Callable[[PlanInput, Sequence[AccountView], Split], None] | None = None
    #: Returns why the algorithm's own rules kept it from doing more by its end; empty when they did not.
    bound: Callable[[OrderView], str] | None = None
    #: Returns which part of the market's volume is missing for its decisions; empty when none is missing.
    note: Callable[[OrderView], str] = gaps_note


#: Every algorithm by its name in ``terms.ALGORITHMS``.
ALGORITHM_SPECS: dict[str, AlgorithmSpec] = {
    "twap": AlgorithmSpec(plan=plan_twap, tactic=rest_and_cross),
    "vwap": AlgorithmSpec(
        plan_vwap, rest_and_cross, target=vwap_target, wants_candles=True, wants_traded=True, note=vwap_note
    ),
    "pov": AlgorithmSpec(
        plan_pov, follow_volume, target=pov_target, wants_candles=True, wants_traded=True, bound=pov_bound
    ),
    "is": AlgorithmSpec(plan=plan_is, tactic=rest_and_cross, wants_candles=True),
    "iceberg": AlgorithmSpec(plan=plan_iceberg, tactic=show_part),
    "sor": AlgorithmSpec(plan=plan_sor, tactic=work_route, route=route_now, judge=judge_sor),
}


def plan_order(algorithm: str, plan_input: PlanInput) -> Plan:
    """Return an order's plan, randomised if asked. Raise ``Refused`` with the field, the value and the limit."""
    plan, parameters = ALGORITHM_SPECS[algorithm].plan(plan_input), plan_input.parameters
    if not isinstance(parameters, SlicedParameters):
        return plan
    slices = randomised(plan.slices, parameters, plan_input.market, plan_input.price)
    if slices is plan.slices:
        return plan
    return replace(plan, slices=slices, notes=(*plan.notes, random_note(parameters)))


def work_slice(view: OrderView, work: SliceTask) -> Decision:
    """Return the decision of the order's algorithm in the slice ``work``."""
    working = ALGORITHM_SPECS[view.algorithm]
    if working.target is not None:
        work = replace(work, target=min(working.target(view, work), view.quantity))
    decision = working.tactic(view, work)
    note = working.note(view)
    return replace(decision, why=f"{decision.why}; {note}") if note else decision


def bound_reason(view: OrderView) -> str:
    """Return the reason why the order's algorithm could not trade more; empty when it was not limited."""
    bound = ALGORITHM_SPECS[view.algorithm].bound
    return "" if bound is None else bound(view)
