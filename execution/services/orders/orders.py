"""A person's actions on orders: pause, resume, cancel. Each is one transaction and safe to repeat."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from django.db import transaction

from execution.core.orders.plans import shift_plan
from execution.core.orders.policies import ResumeMode
from execution.core.orders.view import ChangeStatus
from execution.core.problem_codes import Code
from execution.core.problems import Refused, refuse, refuse_if
from execution.core.states import ORDER_FINAL, ForbiddenTransition, OrderEvent, OrderStatus
from execution.core.types import Side
from execution.models import ApprovalState, Order, Role, User
from execution.selectors.decisions.exposure import done_of
from execution.selectors.decisions.order_view import plan_rows
from execution.selectors.halts import STOPS
from execution.selectors.markets import market_from_json
from execution.selectors.orders.schedules import lost_since
from execution.selectors.orders.visibility import may_act, order_find
from execution.services.orders.affordability import refuse_if_unaffordable
from execution.services.orders.amend_preview import market_of_order
from execution.services.orders.approval_requests import approval_end, approval_of_resume
from execution.services.orders.halted import refuse_if_halted
from execution.services.orders.limits import (
    approval_problems,
    is_limited,
    limit_problems,
    order_verdict,
    waiting_approval,
)
from execution.services.orders.market_problems import resume_problems
from execution.services.orders.preview import order_preview
from execution.services.orders.replanning import order_replan
from execution.services.orders.submit import KeyReused, order_submit
from execution.services.records.actors import person_actor, refuse_if_inactive
from execution.services.records.order_transition import order_transition
from execution.services.records.reasons import kept_reason, optional_reason

__all__ = [
    "KeyReused",
    "OrderNotFound",
    "ResumeMode",
    "order_cancel",
    "order_pause",
    "order_preview",
    "order_resume",
    "order_shift",
    "order_submit",
    "person_actor",
    "refuse_if_halted",
]


class OrderNotFound(Exception):
    """There is no such order, or it is somebody else's. The two cases look the same."""


# --- pause, resume, cancel -----------------------------------------------------------------------


def _locked(public_id: str, person: User) -> Order:
    locked = Order.objects.select_for_update(of=("self",), no_key=True).select_related("trader")
    pk = order_find(person=person, public_id=public_id)
    order = None if pk is None else locked.get(pk=pk)
    if order is None:
        raise OrderNotFound(public_id)
    if not may_act(person, order):
        message = f"Only its trader or a supervisor may act on order {public_id}."
        refuse("", message, public_id, code=Code.NOT_YOUR_ORDER)
    return order


def _transition(
    order: Order, change: ChangeStatus, person: User, now: datetime, data: Mapping[str, str] | None = None
) -> None:
    # Whoever drives it, or comes to drive it, has something to do now.
    order.due_at = now
    try:
        order_transition(order, change, actor=person_actor(person), now=now, data=data)
    except ForbiddenTransition:
        message = f"Order {order.public_id} is {order.status.replace('_', ' ')}. It cannot {change.event}."
        refuse("status", message, order.status, code=Code.ORDER_NOT_OPEN)


@transaction.atomic
def order_pause(*, public_id: str, person: User, reason: str, now: datetime) -> Order:
    """Stop new children from this commit on, and cancel resting ones. Pausing a paused order changes nothing."""
    reason, order = optional_reason(reason), _locked(public_id, person)
    if order.status == OrderStatus.PAUSED:
        return order
    _transition(
        order, ChangeStatus(OrderEvent.PAUSE, reason or f"paused by {person.get_username()}"), person, now
    )
    return order


@transaction.atomic
def order_resume(*, public_id: str, person: User, reason: str, mode: ResumeMode, now: datetime) -> Order:
    """Resume a paused order. Resuming a working order changes nothing.

    The mode ``catch_up`` keeps the schedule's times. The mode ``shift`` moves them to later by the length of the
    pause. Raises ``Refused`` while the accounts cannot pay for the remaining quantity in addition to the reserves of
    other orders. Raises ``Refused`` too if the order exceeds a limit, and for ``shift`` if its end is fixed.
    """
    reason, order = optional_reason(reason), _locked(public_id, person)
    if order.status == OrderStatus.WORKING:
        return order
    if order.status == OrderStatus.PAUSED:
        refuse_if_inactive(User.objects.get(pk=person.pk))
        _refuse_if_closed(order)
        refuse_if_halted(order, STOPS)
        refuse_if_unaffordable(order, person, field="", label="The rest of the order")
        _refuse_resume_above_limits(order, person, reason, now)
    if order.status == OrderStatus.PAUSED and mode == "shift":
        order_shift(order, person, reason, now)
    order.needs_person = False
    change = ChangeStatus(OrderEvent.RESUME, reason or f"resumed by {person.get_username()}")
    _transition(order, change, person, now, {"mode": mode})
    order.paused_at = None
    if order.started_at is None and order.terms is not None:
        order.started_at = max(order.terms.start_at, now)  # it was paused before its start
    order.save(update_fields=["paused_at", "started_at"])
    return order


def _refuse_resume_above_limits(order: Order, person: User, reason: str, now: datetime) -> None:
    """Refuse to resume an order that exceeds the current limits.

    If the limit is one that another person may approve, a supervisor approves the excess by resuming the order.
    """
    if not is_limited(order):
        return
    if not order.market:
        message = f"The markets of order {order.public_id} are not known, so its limits cannot be judged."
        refuse("", message, order.public_id, code=Code.MARKET_UNKNOWN)
    verdict = order_verdict(order, market_of_order(order, now), done=done_of(order))
    refuse_if(limit_problems(verdict))
    if verdict.approvals and person.role != Role.SUPERVISOR:
        raise Refused(approval_problems(verdict))
    if verdict.approvals:
        approval_of_resume(order, verdict, person=person, reason=kept_reason(reason), now=now)


def _refuse_if_closed(order: Order) -> None:
    """Refuse if every market of the order takes no new orders of its side."""
    labels = dict(order.accounts.values_list("public_id", "label"))
    markets = {labels[public_id]: market_from_json(data) for public_id, data in order.market.items()}
    refuse_if(resume_problems(Side(order.side), markets))


def order_shift(order: Order, person: User, reason: str, now: datetime) -> None:
    """Move the remaining plan of a locked, paused order by the time from its pause until ``now``.

    Raises ``Refused`` for an order without a schedule, or with a fixed end.
    """
    terms, paused_at = order.terms, lost_since(order)
    if terms is None or paused_at is None:
        refuse("mode", "The order has no schedule to shift.", code=Code.NOTHING_TO_SHIFT)
    if terms.end_is_fixed:
        message = f"The end {terms.end_at:%H:%M:%S} UTC is fixed. Resume with catch up."
        refuse("mode", message, "shift", terms.end_at, code=Code.END_IS_FIXED)
    if now <= paused_at:
        return
    lost = now - paused_at
    slices = shift_plan(
        plan_rows(order), remaining=order.quantity - done_of(order), paused_at=paused_at, now=now
    )
    order_replan(
        order=order,
        slices=slices,
        end_at=terms.end_at + lost,
        actor=person_actor(person),
        reason=reason or f"shifted by {lost.total_seconds():.0f} s, the time of the pause",
        now=now,
        person=person,
    )


@transaction.atomic
def order_cancel(*, public_id: str, person: User, reason: str, now: datetime) -> Order:
    """Close the order as cancelled. A second time changes nothing.

    The order becomes final when its children can fill no more and all their trades are recorded.
    """
    reason, order = optional_reason(reason), _locked(public_id, person)
    if order.status in ORDER_FINAL or (
        order.status == OrderStatus.CLOSING and order.outcome == OrderStatus.CANCELLED
    ):
        return order
    event = OrderEvent.CANCEL if order.status == OrderStatus.PENDING_APPROVAL else OrderEvent.CLOSE
    if (approval := waiting_approval(order)) is not None:
        approval.decided_by = person
        approval_end(approval, ApprovalState.WITHDRAWN, now=now, reason=reason)
    order.needs_person = False
    change = ChangeStatus(
        event, reason or f"cancelled by {person.get_username()}", outcome=OrderStatus.CANCELLED
    )
    _transition(order, change, person, now)
    return order
