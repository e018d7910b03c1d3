"""Requests that another person approves an order or an amendment. This module makes and ends them."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import transaction

from execution import notify
from execution.core.limits.judgement import Verdict
from execution.core.numbers import plain
from execution.core.problem_codes import Code
from execution.core.problems import refuse
from execution.models import ApprovalState, Order, OrderApproval, User
from execution.services.orders.limits import waiting_approval
from execution.services.records.actors import person_actor
from execution.services.records.journal import journal_append


def approval_lasts() -> timedelta:
    return timedelta(minutes=settings.TRANCHE_APPROVAL_MINUTES)


def approval_ask(
    order: Order,
    verdict: Verdict,
    *,
    person: User,
    now: datetime,
    changes: Mapping[str, Any] | None = None,
    change_words: str = "",
    change_reason: str = "",
) -> OrderApproval:
    """Write a request for approval of a locked order, and its journal entry.

    ``changes`` are the raw values of an amendment; None if the request is about the order itself. Raises ``Refused``
    if the order has a waiting request already.
    """
    if (earlier := waiting_approval(order)) is not None:
        message = f"Order {order.public_id} waits for approval {earlier.public_id} already. Withdraw that one first."
        refuse("", message, earlier.public_id, code=Code.APPROVAL_NEEDED)
    terms = order.terms
    if terms is None:
        raise RuntimeError(f"order {order.public_id} has no terms")
    approval = OrderApproval.objects.create(
        order=order,
        changes=None if changes is None else dict(changes),
        change_words=change_words,
        change_reason=change_reason,
        terms_version=terms.version,
        kinds=sorted(verdict.kinds_to_approve),
        requested_by=person,
        requested_at=now,
        expires_at=min(now + approval_lasts(), terms.end_at)
        if terms.end_is_fixed
        else now + approval_lasts(),
    )
    journal_append(
        order=order,
        kind="approval_asked",
        actor=person_actor(person),
        reason="; ".join(breach.fact for breach in verdict.approvals),
        at=now,
        data={
            "approval": approval.public_id,
            "expires_at": approval.expires_at.isoformat(),
            "changes": change_words,
            "limits": [
                {
                    "limit": breach.limit.public_id,
                    "kind": breach.kind,
                    "value": None if breach.value is None else plain(breach.value),
                    "most": plain(breach.limit.value),
                }
                for breach in verdict.approvals
            ],
        },
    )
    notify.wall_changed()
    return approval


@transaction.atomic
def approval_end(approval: OrderApproval, state: ApprovalState, *, now: datetime, reason: str = "") -> None:
    """End a waiting request without an approval, under the order's lock."""
    approval.state, approval.decided_at, approval.reason = state, now, reason
    approval.save(update_fields=["state", "decided_at", "decided_by", "reason"])
    notify.wall_changed()


def approval_of_resume(
    order: Order, verdict: Verdict, *, person: User, reason: str, now: datetime
) -> OrderApproval:
    """Record that a supervisor approved a locked order above its limits by resuming it.

    Call it inside a transaction.
    """
    terms = order.terms
    if terms is None:
        raise RuntimeError(f"order {order.public_id} has no terms")
    return OrderApproval.objects.create(
        order=order,
        terms_version=terms.version,
        kinds=sorted(verdict.kinds_to_approve),
        state=ApprovalState.APPROVED,
        requested_by=order.trader,
        requested_at=now,
        expires_at=now,
        decided_by=person,
        decided_at=now,
        reason=reason,
    )
