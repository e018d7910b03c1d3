"""The amendment of a running order: a preview of its new plan, and then a new version of its terms."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any

from django.db import transaction

from execution.core.numbers import plain
from execution.core.orders import plans
from execution.core.problem_codes import Code
from execution.core.problems import Problem, Refused, refuse, refuse_if
from execution.core.states import ORDER_AMENDABLE
from execution.models import JournalEntry, Order, OrderApproval, User
from execution.selectors.halts import ANY_KIND, halt_problem, order_halt
from execution.selectors.orders.visibility import may_amend, order_find
from execution.services.orders.affordability import refuse_if_unaffordable
from execution.services.orders.amend_preview import UNSENT, Amendment, amendment_of, market_of_order
from execution.services.orders.approval_requests import approval_ask
from execution.services.orders.confirmation import PROGRAM, Confirmation, must_be_typed, typed_problems
from execution.services.orders.limits import (
    amendment_verdict,
    limit_problems,
    reason_problems,
    waiting_approval,
)
from execution.services.orders.orders import OrderNotFound, person_actor, refuse_if_halted
from execution.services.orders.replanning import order_replan
from execution.services.records.locking import gate_locked, order_locked
from execution.services.records.reasons import optional_reason


class TermsChanged(Refused):
    """The refusal of an amendment because the order's terms have changed since the person saw them."""


def order_amend_preview(
    *, public_id: str, person: User, changes: Mapping[str, Any], now: datetime
) -> Amendment:
    """Return the order as it would be with ``changes``, and the problems that forbid them. Nothing is written.

    ``changes`` has raw values by name: quantity (base units), limit_price (empty: none), duration or end_at, and the
    algorithm's amendable parameters. A value that equals the present one is no change. Raises ``OrderNotFound``.
    Raises ``Refused`` if the person may not amend the order, or its state does not allow it.
    """
    order = _theirs(public_id, person)
    _refuse_if_over(order)
    amendment = amendment_of(order, market_of_order(order, now), changes)
    amendment = _judged(amendment)
    if amendment.grows and (halt := order_halt(order, ANY_KIND)) is not None:
        return replace(amendment, problems=(*amendment.problems, halt_problem(halt)))
    return amendment


def order_amend(
    *,
    public_id: str,
    person: User,
    changes: Mapping[str, Any],
    terms_version: int,
    now: datetime,
    reason: str = "",
    confirmed: Confirmation = PROGRAM,
) -> Order:
    """Write the changes as new terms and a new plan. The order's driver then makes a new decision.

    1. If the same person sends the same changes to the same version again, nothing happens.
    2. It is refused if the terms are no longer ``terms_version`` (the preview's), or the order is final or closing.
    3. While the order is locked, the amendment is judged again. It is refused for any problem and for a missing
       confirmation.
    4. The row of ``HaltGate`` is locked, so that no order or halt comes in between. A halt refuses only an amendment
       that makes the order larger. If the order needs more money, the balance must cover it in addition to the
       reserves of other orders. If the amended order exceeds a limit that another person may approve, the amendment
       waits for the approval. Meanwhile the order goes on unchanged.
    """
    reason, order = optional_reason(reason), _theirs(public_id, person)
    market = market_of_order(order, now)
    with transaction.atomic():
        order = order_locked(order.pk)
        if _is_done(order, person, changes, terms_version):
            return order
        _refuse_if_over(order)
        _refuse_other_terms(order, terms_version)
        amendment = amendment_of(order, market, changes)
        gate_locked()
        amendment = _judged(amendment)
        if problems := amendment.problems or missing_of(person, amendment, confirmed):
            raise Refused(problems)
        if amendment.verdict.approvals:
            _ask(order, person, amendment, changes, reason, now)
            return order
        _make(order, person, amendment, changes, reason, now)
    return order


def amendment_approved(*, order: Order, approval: OrderApproval, now: datetime) -> None:
    """Make an amendment that another person has approved, in the name of the person who asked for it.

    The caller has locked the row of ``HaltGate``. Raises ``Refused`` when the order's terms have changed since the
    request, or when a new amendment would be refused.
    """
    if approval.changes is None:
        raise RuntimeError(f"request {approval.public_id} is not about an amendment")
    _refuse_if_over(order)
    _refuse_other_terms(order, approval.terms_version)
    amendment = amendment_of(order, market_of_order(order, now), approval.changes)
    refuse_if(amendment.problems)
    by = approval.decided_by
    reason = f"{approval.change_reason}; " if approval.change_reason else ""
    reason += f"approved by {by.username}" if by is not None else "approved"
    _make(order, approval.requested_by, amendment, approval.changes, reason, now)


def _judged(amendment: Amendment) -> Amendment:
    """Return the amendment with the limits that it exceeds."""
    verdict = amendment_verdict(amendment)
    return replace(amendment, verdict=verdict, problems=(*amendment.problems, *limit_problems(verdict)))


def _make(
    order: Order,
    person: User,
    amendment: Amendment,
    changes: Mapping[str, Any],
    reason: str,
    now: datetime,
) -> None:
    _write(order, person, amendment, changes, reason, now)
    if amendment.grows:
        refuse_if_halted(order, ANY_KIND)
    if amendment.needs_more:
        refuse_if_unaffordable(order, person, field=amendment.paid_by, label=UNSENT)


def _ask(
    order: Order,
    person: User,
    amendment: Amendment,
    changes: Mapping[str, Any],
    reason: str,
    now: datetime,
) -> None:
    """Ask for approval of an amendment. The order goes on as it is. If the person has already asked for the same
    changes, no second request is written.
    """
    kept = {name: None if value is None else str(value) for name, value in changes.items()}
    waiting = waiting_approval(order)
    if waiting is not None and waiting.changes == kept and waiting.requested_by_id == person.pk:
        return
    approval_ask(
        order,
        amendment.verdict,
        person=person,
        now=now,
        changes=kept,
        change_words="; ".join(change.words for change in amendment.changes),
        change_reason=reason,
    )


def missing_of(person: User, amendment: Amendment, confirmation: Confirmation) -> list[Problem]:
    """Return the confirmations that the amendment still needs. The rules are those for a new order with the amended
    values.
    """
    problems = confirmation.missing(far_prices(amendment))
    problems += reason_problems(amendment.verdict, confirmation.limit_reasons)
    if confirmation.is_retyped and typing_wanted(person, amendment):
        problems += typed_problems(amendment.quantity, confirmation.quantity)
    return problems


def typing_wanted(person: User, amendment: Amendment) -> bool:
    """Return True if the person must type the quantity again: it grows, and the notional is above the person's
    threshold.
    """
    return amendment.grows and must_be_typed(person, amendment.notional)


def far_prices(amendment: Amendment) -> list[Problem]:
    """Return a problem for each price that is beyond the collar, if the amendment changes that price or the collar."""
    found = plans.far_prices(
        amendment.side, amendment.limit_price, amendment.parameters, amendment.market.quote
    )
    return [problem for name, problem in found.items() if amendment.touches(name, "collar_bp")]


def _theirs(public_id: str, person: User) -> Order:
    pk = order_find(person=person, public_id=public_id)
    order = None if pk is None else Order.objects.select_related("terms", "trader").get(pk=pk)
    if order is None:
        raise OrderNotFound(public_id)
    if not may_amend(person, order):
        message = f"Only its trader may amend order {public_id}."
        refuse("", message, public_id, code=Code.NOT_YOUR_ORDER)
    return order


def _refuse_if_over(order: Order) -> None:
    if order.status not in ORDER_AMENDABLE:
        message = f"Order {order.public_id} is {order.status.replace('_', ' ')}. It cannot be amended."
        refuse("status", message, order.status, ", ".join(sorted(ORDER_AMENDABLE)), code=Code.ORDER_NOT_OPEN)


def _refuse_other_terms(order: Order, expected: int) -> None:
    version = order.terms.version if order.terms is not None else 0
    if version != expected:
        message = f"The terms of order {order.public_id} are version {version} now, not {expected}. Read them again."
        problem = Problem("terms_version", message, expected, version, code=Code.TERMS_CHANGED)
        raise TermsChanged([problem])


# --- once ----------------------------------------------------------------------------------------


def _digest(changes: Mapping[str, Any]) -> str:
    body = {name: None if value is None else str(value) for name, value in changes.items()}
    return hashlib.sha256(json.dumps(body, sort_keys=True).encode()).hexdigest()


def _is_done(order: Order, person: User, changes: Mapping[str, Any], expected: int) -> bool:
    entry = JournalEntry.objects.filter(
        order=order, kind="replanned", actor=person_actor(person), data__terms_version=expected + 1
    ).first()
    return entry is not None and entry.data.get("amendment") == _digest(changes)


def _write(
    order: Order,
    person: User,
    amendment: Amendment,
    changes: Mapping[str, Any],
    reason: str,
    now: datetime,
) -> None:
    if amendment.plan is None:
        raise RuntimeError("an amendment without a plan and without a problem")
    words = "; ".join(change.words for change in amendment.changes)
    order.due_at = now
    order_replan(
        order=order,
        slices=amendment.plan.slices,
        end_at=amendment.end_at,
        actor=person_actor(person),
        reason=f"amended: {words}" + (f" ({reason})" if reason else ""),
        now=now,
        person=person,
        parameters=amendment.parameters.model_dump(mode="json"),
        limit_price=amendment.limit_price,
        quantity=amendment.quantity,
        forecast=amendment.plan.forecast,
        data={
            "changes": {change.name: [change.before, change.after] for change in amendment.changes},
            "amendment": _digest(changes),
            "done": plain(amendment.done),
        },
    )


__all__ = ["Amendment", "TermsChanged", "order_amend", "order_amend_preview"]
