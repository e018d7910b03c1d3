"""The decisions about requests to approve an order or amendment above a limit.

A request is approved, refused, withdrawn or expired (docs/how-to/limits.md).
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

import structlog
from django.db import DatabaseError, transaction

from execution import notify
from execution.core.durations import as_words
from execution.core.limits.judgement import WITHIN, Verdict
from execution.core.orders.plans import shift_plan
from execution.core.orders.view import ChangeStatus
from execution.core.problem_codes import Code
from execution.core.problems import refuse, refuse_if
from execution.core.states import OrderEvent, OrderStatus
from execution.models import ApprovalState, Order, OrderApproval, Role, User
from execution.selectors.decisions.exposure import done_of
from execution.selectors.decisions.order_view import plan_rows
from execution.selectors.halts import ANY_KIND
from execution.selectors.orders.approvals import lost_until_approval
from execution.selectors.orders.visibility import may_act
from execution.services.orders.amend import amendment_approved
from execution.services.orders.amend_preview import amendment_of, market_of_order
from execution.services.orders.approval_requests import approval_end
from execution.services.orders.halted import refuse_if_halted
from execution.services.orders.limits import (
    amendment_verdict,
    limit_problems,
    order_verdict,
)
from execution.services.orders.replanning import order_replan
from execution.services.records.actors import person_actor, refuse_if_inactive
from execution.services.records.journal import DESK, journal_append
from execution.services.records.locking import gate_locked, order_locked_with_terms
from execution.services.records.order_transition import order_transition
from execution.services.records.reasons import kept_reason, optional_reason

log = structlog.get_logger(__name__)


class ApprovalNotFound(Exception):
    """There is no such request, or the person may not see it."""


def approval_verdict(approval: OrderApproval, now: datetime) -> Verdict:
    """Return the verdict on the order, or on its amendment: the limits that it exceeds now, in the current markets."""
    order = approval.order
    market = market_of_order(order, now)
    if approval.changes is None:
        return order_verdict(order, market, done=done_of(order))
    return amendment_verdict(amendment_of(order, market, approval.changes))


def waiting_verdict(approval: OrderApproval, now: datetime) -> Verdict:
    """Return the limits that a waiting request exceeds now. Return an empty verdict once the request is decided."""
    return approval_verdict(approval, now) if approval.is_waiting else WITHIN


@transaction.atomic
def approval_approve(
    *, public_id: str, person: User, seen: Collection[str], reason: str, now: datetime
) -> OrderApproval:
    """Approve a request: the order begins, or the amendment is made. A second time changes nothing.

    ``seen`` are the kinds of limits that the person saw exceeded. Raises ``ApprovalNotFound``. Raises
    ``Refused`` for a reason that is too long, for the person who asked, when the request has expired, under a
    halt, and when the terms have changed. Raises ``Refused`` too if a hard limit is exceeded now, or a limit
    whose kind is not in ``seen``.
    """
    _refuse_all_but_supervisors(person)
    reason = optional_reason(reason)
    approval, order = _locked(public_id)
    if approval.state == ApprovalState.APPROVED and approval.decided_by_id == person.pk:
        return approval
    _refuse_closed(approval, now)
    if approval.requested_by_id == person.pk:
        refuse(
            "", "You asked for this yourself. Another supervisor has to approve it.", code=Code.OWN_REQUEST
        )
    refuse_if_inactive(approval.requested_by)
    gate_locked()
    refuse_if_halted(order, ANY_KIND)
    verdict = approval_verdict(approval, now)
    refuse_if(limit_problems(verdict))
    unseen = [breach for breach in verdict.approvals if breach.kind not in seen]
    if unseen:
        message = f"By now {unseen[0].fact}. Read the request again."
        refuse("kinds", message, unseen[0].kind, code=Code.APPROVAL_OUTDATED)
    approval.kinds = sorted({*approval.kinds, *verdict.kinds_to_approve})
    approval.state, approval.decided_by, approval.decided_at = ApprovalState.APPROVED, person, now
    approval.reason = reason
    approval.save()
    if approval.changes is None:
        _begin(order, approval, person, now)
    else:
        amendment_approved(order=order, approval=approval, now=now)
    notify.wall_changed()
    notify.drive(order.pk)
    return approval


def _begin(order: Order, approval: OrderApproval, person: User, now: datetime) -> None:
    """Let an approved order begin. Its schedule moves by the time of the wait, unless its trader fixed the end."""
    terms = order.terms
    if terms is None:
        raise RuntimeError(f"order {order.public_id} has no terms")
    reason = approval.reason or "approved"
    lost = lost_until_approval(order, now)
    change = ChangeStatus(OrderEvent.APPROVE, reason)
    order.due_at = max(now, terms.start_at)
    order_transition(
        order, change, actor=person_actor(person), now=now, data={"approval": approval.public_id}
    )
    if not lost:
        return
    order_replan(
        order=order,
        slices=shift_plan(plan_rows(order), remaining=order.quantity, paused_at=terms.start_at, now=now),
        end_at=terms.end_at + lost,
        actor=person_actor(person),
        reason=f"shifted by {lost.total_seconds():.0f} s, the time until its approval",
        now=now,
    )


@transaction.atomic
def approval_refuse(*, public_id: str, person: User, reason: str, now: datetime) -> OrderApproval:
    """Refuse a request, with a reason. A new order is rejected; a running order goes on unchanged."""
    _refuse_all_but_supervisors(person)
    reason = kept_reason(reason)
    approval, order = _locked(public_id)
    if approval.state == ApprovalState.REFUSED and approval.decided_by_id == person.pk:
        return approval
    _refuse_closed(approval, now)
    approval.decided_by = person
    approval_end(approval, ApprovalState.REFUSED, now=now, reason=reason)
    _after_end(order, approval, OrderEvent.REFUSE, person_actor(person), reason, now)
    return approval


@transaction.atomic
def approval_withdraw(*, public_id: str, person: User, now: datetime) -> OrderApproval:
    """Withdraw a request. A new order is cancelled; a running order goes on unchanged."""
    approval, order = _locked(public_id)
    if not may_act(person, order):
        raise ApprovalNotFound(public_id)
    if approval.state == ApprovalState.WITHDRAWN:
        return approval
    _refuse_closed(approval, now)
    approval.decided_by = person
    approval_end(approval, ApprovalState.WITHDRAWN, now=now)
    _after_end(order, approval, OrderEvent.CANCEL, person_actor(person), "withdrawn", now)
    return approval


def approvals_expire(*, now: datetime) -> int:
    """End the requests that have expired, and return their number.

    If the database cannot change a request now, the next call does.
    """
    late = OrderApproval.objects.filter(state=ApprovalState.WAITING, expires_at__lte=now)
    ended = 0
    for public_id in late.values_list("public_id", flat=True):
        try:
            ended += _expire(public_id, now)
        except DatabaseError as error:
            log.warning("an approval could not expire yet", approval=public_id, error=str(error))
    return ended


@transaction.atomic
def _expire(public_id: str, now: datetime) -> bool:
    approval, order = _locked(public_id)
    if approval.state != ApprovalState.WAITING:
        return False
    reason = f"nobody approved it within {as_words(approval.expires_at - approval.requested_at)}"
    approval_end(approval, ApprovalState.EXPIRED, now=now, reason=reason)
    _after_end(order, approval, OrderEvent.EXPIRE, DESK, reason, now)
    return True


def _after_end(
    order: Order, approval: OrderApproval, event: OrderEvent, actor: str, reason: str, now: datetime
) -> None:
    data = {"approval": approval.public_id}
    if approval.changes is None and order.status == OrderStatus.PENDING_APPROVAL:
        order_transition(order, ChangeStatus(event, reason), actor=actor, now=now, data=data)
        return
    words = f"amendment not made: {approval.change_words} ({reason})"
    journal_append(
        order=order, kind=f"approval_{approval.state}", actor=actor, reason=words, at=now, data=data
    )


# --- who, and which ------------------------------------------------------------------------------


def _refuse_all_but_supervisors(person: User) -> None:
    if person.role != Role.SUPERVISOR:
        message = f"Only a supervisor approves orders. {person.username} is a {person.role}."
        refuse("", message, person.role, Role.SUPERVISOR, code=Code.ROLE_NOT_ALLOWED)


def _locked(public_id: str) -> tuple[OrderApproval, Order]:
    """Lock an order inside a transaction, and return its request, read under the lock, and the order."""
    order_pk = OrderApproval.objects.filter(public_id=public_id).values_list("order_id", flat=True).first()
    if order_pk is None:
        raise ApprovalNotFound(public_id)
    order = order_locked_with_terms(order_pk)
    approval = OrderApproval.objects.select_related("requested_by").get(public_id=public_id)
    approval.order = order
    return approval, order


def _refuse_closed(approval: OrderApproval, now: datetime) -> None:
    if approval.state == ApprovalState.WAITING and now < approval.expires_at:
        return
    state = ApprovalState.EXPIRED if approval.state == ApprovalState.WAITING else approval.state
    message = f"Request {approval.public_id} is {state}."
    refuse("", message, state, ApprovalState.WAITING, code=Code.APPROVAL_CLOSED)
