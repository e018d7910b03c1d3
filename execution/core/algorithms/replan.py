"""The rules by which an order moves its own schedule.

An order may extend its end, or shift its schedule by the time that the market was beyond its limit price. In all, an
order lasts at most twice the duration that its trader set. A fixed end never moves.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from execution.core.durations import as_clock
from execution.core.numbers import grouped
from execution.core.orders.parameters import MIN_SLICE, AlgorithmParameters, AtEnd, OutsideLimit
from execution.core.orders.plans import SlicePlan, shift_plan
from execution.core.orders.view import CROSS, CancelChild, Decision, OrderView, Replan
from execution.core.problem_codes import Code
from execution.core.problems import Problem
from execution.core.routing.account_selection import least_quantity
from execution.core.types import Side

if TYPE_CHECKING:
    from execution.core.orders.slices import SliceTask  # which asks here whether a slice must finish

#: Name in the order's memo of the time since which the market has been beyond the limit price, in ISO 8601.
OUTSIDE_SINCE = "outside_since"
#: Pause between checks while the market is beyond the limit, unless a quote wakes the order earlier.
OUTSIDE_RECHECK = timedelta(seconds=5)
#: Least time beyond the limit for a shift, also as a share of a slice. After a shorter time the order catches up.
MIN_SHIFT, MIN_SHIFT_SHARE = timedelta(seconds=1), 0.05


def at_end_of(parameters: AlgorithmParameters) -> AtEnd:
    """Return the rule for a quantity that remains at the order's end.

    For an algorithm without the parameter ``at_end``, the rule is to cross.
    """
    return AtEnd(getattr(parameters, "at_end", AtEnd.CROSS))


def shifts(parameters: AlgorithmParameters) -> bool:
    """Return whether the schedule moves to later by the time for which the market is beyond the limit."""
    return getattr(parameters, "outside_limit", OutsideLimit.WAIT) is OutsideLimit.SHIFT


def fixed_end_problems(parameters: AlgorithmParameters, end_at: datetime) -> list[Problem]:
    """Return a problem for each parameter that could move the end, if the person fixed the end."""
    if parameters.end_at is None:
        return []
    moving: dict[str, tuple[str, AtEnd | OutsideLimit]] = {}
    if at_end_of(parameters) is AtEnd.EXTEND:
        moving["at_end"] = ("extended at the end", AtEnd.EXTEND)
    if shifts(parameters):
        moving["outside_limit"] = ("shifted outside the limit", OutsideLimit.SHIFT)
    fixed = f"An order with the fixed end {end_at:%Y-%m-%d %H:%M:%S} UTC"
    return [
        Problem(
            name,
            f"{fixed} cannot be {words}. Give a duration instead.",
            choice.value,
            end_at,
            code=Code.END_IS_FIXED,
        )
        for name, (words, choice) in moving.items()
    ]


def room_of(view: OrderView) -> timedelta:
    """Return by how much the order's own rules may still move its end to later.

    In all they may double the order's original duration. A fixed end cannot move, so the result is then zero.
    """
    if view.parameters.end_at is not None:
        return timedelta(0)
    asked = view.end_at - view.start_at - view.extended
    return max(asked - view.extended, timedelta(0))


# --- at the end ----------------------------------------------------------------------------------


def must_finish(view: OrderView, work: SliceTask) -> bool:
    """Return whether this slice has to take the order's whole remaining quantity.

    Only the last slice has to. It does not have to if the order is set to stop at its end, or is set to extend its end
    and may still do so.
    """
    if not work.is_last:
        return False
    at_end = at_end_of(view.parameters)
    return at_end is AtEnd.CROSS or (at_end is AtEnd.EXTEND and room_of(view) < MIN_SLICE)


def extension(view: OrderView) -> Decision | None:
    """Return the decision that adds a slice for the remaining quantity at the order's end.

    Return None when the order does not extend, may not extend further, or every venue's minimum is above the
    remaining quantity.
    """
    if at_end_of(view.parameters) is not AtEnd.EXTEND or view.halted or not view.slices or _is_dust(view):
        return None
    end = min(view.now + _slice_length(view), view.end_at + room_of(view))
    if end - view.now < MIN_SLICE:
        return None
    why = f"{grouped(view.remaining)} {view.base} is left: the order is extended until {end:%H:%M:%S} UTC"
    part = SlicePlan(1, view.now, end, view.remaining)
    return Decision((Replan((part,), end, why),), view.now, why)


def _slice_length(view: OrderView) -> timedelta:
    return max((view.slices[-1].ends_at - view.slices[0].starts_at) / len(view.slices), MIN_SLICE)


def _is_dust(view: OrderView) -> bool:
    """Return whether the remaining quantity is under every usable venue's minimum. False if no venue is usable."""
    return bool(view.usable) and all(
        view.remaining < least_quantity(view, venue, CROSS) for venue in view.usable
    )


def end_reason(view: OrderView) -> str:
    """Return why the order's rule for its end (``AtEnd``) left a quantity unfilled; empty if the rule is not the
    reason.
    """
    at_end = at_end_of(view.parameters)
    if at_end is AtEnd.STOP:
        return "the order was set to stop at its end"
    if at_end is AtEnd.EXTEND and view.extended > timedelta(0):
        return f"it was already extended by {as_clock(view.extended)}, the most that is allowed"
    return ""


# --- outside the limit ---------------------------------------------------------------------------


def is_outside(view: OrderView) -> bool | None:
    """Return whether every usable venue's opposite side is beyond the limit price; None when no quote is known."""
    if view.limit_price is None:
        return False
    touches = [venue.quote.aggressive(view.side) for venue in view.usable if venue.quote is not None]
    if not touches:
        return None
    return all((touch - view.limit_price) * view.side.sign > 0 for touch in touches)


def outside_limit(view: OrderView) -> Decision | None:
    """Return the decision of an order whose schedule waits while the market is beyond the limit price.

    Return None when the algorithm's tactic should decide instead. While the market is beyond the limit, the schedule
    stands still. When the market comes back, or when the order would end, the rest of the schedule moves to later by
    the time lost. A very short time is ignored. A child that rests inside the limit stays on the book. While no quote
    is known, the last known side of the limit counts.
    """
    since = _since(view.memo)
    if not shifts(view.parameters) or view.limit_price is None or room_of(view) <= timedelta(0):
        return None if since is None else _forget(view)
    outside = is_outside(view)
    if outside is None and (since is None or view.now < view.end_at):
        return None
    if outside is False:
        return None if since is None else _back(view, since)
    if since is not None and view.now >= view.end_at:
        if view.end_at + min(view.now - since, room_of(view)) <= view.now:
            return None  # looked at too late: a plan that is over already is none
        return _shifted(view, since, still_outside=True)
    return _waits(view, since or view.now)


def _since(memo: Mapping[str, Any]) -> datetime | None:
    kept = memo.get(OUTSIDE_SINCE)
    return None if kept is None else datetime.fromisoformat(kept)


def _forget(view: OrderView) -> Decision:
    return Decision((), view.now, "the schedule can no longer shift", memo={OUTSIDE_SINCE: None})


def _waits(view: OrderView, since: datetime) -> Decision:
    limit = view.limit_price
    buying = view.side is Side.BUY
    why = f"the market has been beyond the limit price since {since:%H:%M:%S} UTC: the schedule will shift"
    return Decision(
        (),
        min(view.now + OUTSIDE_RECHECK, max(view.end_at, view.now)),
        why,
        wake_below=limit if buying else None,
        wake_above=None if buying else limit,
        memo={OUTSIDE_SINCE: since.isoformat()},
    )


def _back(view: OrderView, since: datetime) -> Decision:
    least = max(MIN_SHIFT, _slice_length(view) * MIN_SHIFT_SHARE) if view.slices else MIN_SHIFT
    if view.now - since < least:
        why = "the market was beyond the limit price only briefly: the order catches up"
        return Decision((), view.now, why, memo={OUTSIDE_SINCE: None})
    if view.end_at + min(view.now - since, room_of(view)) <= view.now:
        return _forget(view)
    return _shifted(view, since, still_outside=False)


def _shifted(view: OrderView, since: datetime, *, still_outside: bool) -> Decision:
    """Return the decision that moves the plan by the time lost since ``since``, at most by ``room_of``."""
    lost = min(view.now - since, room_of(view))
    slices = shift_plan(view.slices, remaining=view.remaining, paused_at=view.now - lost, now=view.now)
    end = view.end_at + lost
    why = f"shifted by {lost.total_seconds():.0f} s, the time that the market was beyond the limit price"
    memo = {OUTSIDE_SINCE: view.now.isoformat() if still_outside else None}
    return Decision((Replan(slices, end, why),), view.now, why, memo=memo)


# --- after an amendment --------------------------------------------------------------------------


def beyond_limit(view: OrderView) -> tuple[CancelChild, ...]:
    """Return a cancel for each child that rests at a price beyond the order's present limit price."""
    limit = view.limit_price
    if limit is None:
        return ()
    why = f"its price is beyond the limit price, which is {grouped(limit)} now"
    return tuple(
        CancelChild(child.sequence, why)
        for child in view.children
        if child.can_be_cancelled and child.price is not None and (child.price - limit) * view.side.sign > 0
    )
