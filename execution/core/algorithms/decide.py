"""The function that decides what an order does next. It is pure: the same view gives the same commands.

It checks these states of the order in turn: final, not approved, scheduled, closing, completely filled, past its end,
paused, halted, blocked. If none of them applies, the algorithm's tactic decides.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal

from execution.core.algorithms.registry import bound_reason, work_slice
from execution.core.algorithms.replan import OUTSIDE_SINCE, beyond_limit, end_reason, extension, outside_limit
from execution.core.market_rules import status_words
from execution.core.numbers import grouped
from execution.core.orders.slices import IDLE_RECHECK, OPPOSED_RECHECK, SliceTask, slice_at
from execution.core.orders.view import (
    CROSS,
    HARMLESS_REJECTIONS,
    PATIENT_REJECTIONS,
    CancelChild,
    ChangeStatus,
    Command,
    Decision,
    OrderView,
)
from execution.core.routing.account_selection import least_quantity, opposed_cross, was_refused
from execution.core.states import CLOSING_EVENTS, ORDER_FINAL, OrderEvent, OrderStatus
from execution.core.types import ZERO

#: After this many refused children in a row the order pauses, so that a person looks at it.
MAX_REJECTIONS = 10
MIN_BACK_OFF, MAX_BACK_OFF = Decimal("0.5"), Decimal(30)  # seconds
BLOCKED_RECHECK = timedelta(seconds=1)
HELD_BACK_RECHECK = timedelta(seconds=5)


def decide(view: OrderView) -> Decision:
    """Return the decision for an order as its view shows it."""
    if view.status in ORDER_FINAL:
        return Decision((), None, "the order is final")
    if view.status is OrderStatus.PENDING_APPROVAL:
        return Decision((), None, "waits for approval")
    if view.status is OrderStatus.SCHEDULED:
        return _scheduled(view)
    if view.status is OrderStatus.CLOSING:
        return _closing(view)
    if view.done >= view.quantity:
        return _close(view, OrderStatus.COMPLETED, "everything is filled")
    if view.now >= view.end_at:
        return _over(view)
    if view.status is OrderStatus.PAUSED:
        return _paused(view)
    return _working(view)


def _over(view: OrderView) -> Decision:
    """Return the decision when an order's end has come: move the end if the order's rules allow it, else close."""
    if view.status is OrderStatus.WORKING:
        moved = outside_limit(view) if OUTSIDE_SINCE in view.memo else None
        moved = moved or extension(view)
        if moved is not None and moved.commands:
            return moved
    return _close(view, OrderStatus.EXPIRED, over_reason(view))


def over_reason(view: OrderView) -> str:
    """Return the reason why an order still has an unfilled quantity although its time is over."""
    left = _left(view)
    if view.status is OrderStatus.PAUSED:
        why = view.outcome_reason.removeprefix("paused ")
        separator = " " if why.startswith("by ") else ": "
        return f"{left} while it was paused{separator + why if why else ''}"
    if view.halted or view.trouble:
        return f"{left}: {view.halted or view.unattended or view.trouble}"
    if all(view.remaining < least_quantity(view, venue, CROSS) for venue in view.usable):
        return f"{left}: this is under the exchange's minimum"
    if not view.crossable:
        return f"{left}: {'; '.join(status_words(venue.market) for venue in view.usable)}"
    if (limit := view.limit_price) is not None:
        touches = [venue.quote.aggressive(view.side) for venue in view.usable if venue.quote is not None]
        if all((touch - limit) * view.side.sign > 0 for touch in touches):
            return f"{left}: the market is beyond the limit price {grouped(limit)}"
    if view.rejections.count and view.rejections.kind not in HARMLESS_REJECTIONS:
        return f"{left}: the last {view.rejections.count} of its children were refused: {view.rejections.why}"
    if why := end_reason(view) or bound_reason(view):
        return f"{left}: {why}"
    if opposed := opposed_cross(view):
        return f"{left}: {opposed}"
    if any(not child.is_settled for child in view.children):
        return f"{left}: some children are not settled yet"
    if view.unattended:
        return f"{left}: {view.unattended}"
    return f"{left}: the last slices could not be filled in time within the collar"


def _left(view: OrderView) -> str:
    return f"time ran out with {grouped(view.remaining)} {view.base} left"


def _scheduled(view: OrderView) -> Decision:
    if view.now >= view.end_at:
        why = "".join(f"; {each}" for each in (view.unattended, view.held_back) if each)
        reason = f"it could not start before its end at {view.end_at:%H:%M:%S} UTC{why}"
        return _close(view, OrderStatus.EXPIRED, reason)
    if view.now >= view.start_at and view.held_back:
        return Decision((), view.now + HELD_BACK_RECHECK, f"waits to start: {view.held_back}")
    if view.now >= view.start_at:
        return Decision((ChangeStatus(OrderEvent.START, "its start time is reached"),), view.now, "starts")
    return Decision((), view.start_at, f"starts at {view.start_at:%H:%M:%S} UTC")


def _cancels(view: OrderView, why: str) -> tuple[Command, ...]:
    return tuple(CancelChild(child.sequence, why) for child in view.children if child.can_be_cancelled)


def _close(view: OrderView, outcome: OrderStatus, reason: str) -> Decision:
    """Return the decision that begins to close the order.

    If every child is settled, the decision also ends the order.
    """
    commands: list[Command] = [
        ChangeStatus(OrderEvent.CLOSE, reason, outcome=outcome),
        *_cancels(view, reason),
    ]
    if view.is_settled:
        commands.append(ChangeStatus(CLOSING_EVENTS[outcome], reason))
        return Decision(tuple(commands), None, reason)
    return Decision(tuple(commands), view.now + IDLE_RECHECK, f"{reason}; settling its children")


def _closing(view: OrderView) -> Decision:
    cancels = _cancels(view, "the order is closing")
    if not view.is_settled:
        waiting = sum(1 for child in view.children if not child.is_settled)
        return Decision(
            cancels, view.now + IDLE_RECHECK, f"closing: waits for its children to settle ({waiting} left)"
        )
    outcome = view.outcome or OrderStatus.FAILED
    reason = view.outcome_reason
    if view.done >= view.quantity:
        outcome, reason = OrderStatus.COMPLETED, "everything is filled"
    elif outcome is OrderStatus.EXPIRED and reason.startswith("time ran out with "):
        # What was still under way at the end may have filled since.
        reason = _left(view) + reason.partition(" left")[2]
    return Decision(
        (ChangeStatus(CLOSING_EVENTS[outcome], reason, outcome=outcome),), None, f"ends {outcome}"
    )


def _paused(view: OrderView) -> Decision:
    cancels = _cancels(view, "the order is paused")
    waiting = "" if view.is_settled else "; waits for its last children to settle"
    forget = {OUTSIDE_SINCE: None} if OUTSIDE_SINCE in view.memo else {}
    return Decision(cancels, view.end_at, f"paused{waiting}", memo=forget)


def _working(view: OrderView) -> Decision:
    if view.halted:  # its parent is about to be paused; the cancels do not wait for that
        return Decision(_cancels(view, view.halted), view.now + BLOCKED_RECHECK, f"waits: {view.halted}")
    is_bearable = view.rejections.kind in HARMLESS_REJECTIONS | PATIENT_REJECTIONS
    most = MAX_REJECTIONS if view.rejections.most is None else min(view.rejections.most + 1, MAX_REJECTIONS)
    if view.rejections.count >= most and not is_bearable:
        reason = f"{view.rejections.count} children in a row were refused: {view.rejections.why}"
        return Decision(
            (ChangeStatus(OrderEvent.PAUSE, reason, needs_person=True), *_cancels(view, reason)), None, reason
        )
    if beyond := beyond_limit(view):
        return Decision(beyond, view.now + IDLE_RECHECK, beyond[0].why)
    if (waits := outside_limit(view)) is not None:
        return waits
    work = slice_at(view)
    if work is None:
        first = min(
            (part.starts_at for part in view.slices if part.starts_at > view.now), default=view.end_at
        )
        return Decision((), first, f"waits for the next slice at {first:%H:%M:%S} UTC")
    # A cancel needs no market data: what must go, goes even when nothing new may come.
    if view.trouble:
        return _blocked(view, view.trouble)
    if (wait := _backoff(view)) > ZERO:
        return _after_refusal(view, work, min(view.now + timedelta(seconds=float(wait)), work.part.ends_at))
    return _awake(view, work_slice(view, work))


def _after_refusal(view: OrderView, work: SliceTask, until: datetime) -> Decision:
    """Return the decision after a refusal: wait, but go on with accounts that have refused no child of this slice."""
    unpaid = view.rejections.unpaid
    why = f"waits: {unpaid}" if unpaid else f"waits after a refusal: {view.rejections.kind}"
    venues = tuple(
        replace(venue, blocked=venue.blocked or "it has just refused a child")
        if was_refused(view, venue)
        else venue
        for venue in view.accounts
    )
    others = replace(view, accounts=venues)
    if venues == view.accounts or not others.usable or view.rejections.kind in HARMLESS_REJECTIONS:
        return Decision((), until, why)
    # The quotes of all accounts wake the order, also those of an account that has just refused a child.
    decision = _awake(view, work_slice(others, work))
    return replace(decision, due_at=until if decision.due_at is None else min(decision.due_at, until))


def _awake(view: OrderView, decision: Decision) -> Decision:
    """Return the decision without those wake prices that a quote has already crossed.

    Otherwise every further quote would wake the order in vain.
    """
    quotes = [venue.quote for venue in view.usable if venue.quote is not None]
    below, above = decision.wake_below, decision.wake_above
    if below is not None and any(quote.ask <= below for quote in quotes):
        decision = replace(decision, wake_below=None)
    if above is not None and any(quote.bid >= above for quote in quotes):
        decision = replace(decision, wake_above=None)
    return decision


def _blocked(view: OrderView, trouble: str) -> Decision:
    overdue = tuple(
        CancelChild(child.sequence, f"its slice is over; {trouble}")
        for child in view.children
        if child.can_be_cancelled and _is_over(view, child.slice_number)
    )
    is_opposed = any(view.is_opposed_at(venue) for venue in view.accounts)
    after = OPPOSED_RECHECK if is_opposed else BLOCKED_RECHECK
    return Decision(overdue, view.now + after, f"waits: {trouble}")


def _is_over(view: OrderView, number: int | None) -> bool:
    return any(part.number == number and part.ends_at <= view.now for part in view.slices)


def _backoff(view: OrderView) -> Decimal:
    """Return the seconds still to wait after refusals.

    The pause is half a second, doubles with each refusal, and is at most thirty seconds. It stays at half a second if
    a post-only child was refused because it would have traded at once. Such a refusal only means that the book has
    moved, and the slice's time is running out.
    """
    refused = view.rejections
    if refused.count == 0 or refused.last_at is None:
        return ZERO
    harmless = refused.kind in HARMLESS_REJECTIONS
    pause = MIN_BACK_OFF if harmless else min(MIN_BACK_OFF * 2 ** (refused.count - 1), MAX_BACK_OFF)
    return pause - Decimal(str((view.now - refused.last_at).total_seconds()))
