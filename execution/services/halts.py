"""Halts. A supervisor stops the desk or a part of it, until a supervisor lifts the halt (docs/how-to/halts.md).

Setting a halt is one short transaction. It locks the gate, a row that every submit of a child locks too. After its
commit, nothing in the halt's scope is submitted, placed or sent. Then a second step, the sweep, pauses the orders and
requests the cancels of earlier children. Any process may finish the sweep.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import structlog
from django.db import DatabaseError, transaction
from django.db.models import Q

from execution import notify
from execution.core.orders.terms import ALGORITHMS
from execution.core.problem_codes import Code
from execution.core.problems import Problem, Refused, not_allowed, refuse, refuse_if
from execution.core.states import CHILD_CANCELLABLE, ChildStatus, OrderStatus
from execution.models import Account, ChildOrder, Halt, HaltKind, HaltScope, Order, Role, User
from execution.payloads.halts import HaltPreview
from execution.selectors.halts import (
    STOPS,
    children_open,
    halt_reason,
    halt_reasons,
    halt_subject,
    halts_in_force,
    is_any_in_force,
    order_halt,
    orders_covered,
    orders_to_pause,
    preview_of,
    symbol_is_known,
)
from execution.services.children.children import child_cancel_request
from execution.services.orders.orders import order_shift, person_actor
from execution.services.records.audit import audit_append
from execution.services.records.journal import journal_append
from execution.services.records.locking import account_row_locked, gate_locked, order_locked
from execution.services.records.order_transition import pause_for_person
from execution.services.records.reasons import kept_reason

log = structlog.get_logger(__name__)

#: The time for which only the process that set the halt sweeps. After it any engine may finish the sweep.
SWEEP_PATIENCE = timedelta(seconds=2)
#: The statuses of children for which a halt requests a cancel. An unknown child is cancelled once the exchange shows
#: it.
CANCEL_WANTED = CHILD_CANCELLABLE | {ChildStatus.UNKNOWN}


#: The fields in which two halts agree if they are the same.
SAME = ("kind", "scope", "account", "trader", "symbol", "algorithm", "order")


class HaltNotFound(Exception):
    """There is no such halt."""


@dataclass(frozen=True, slots=True)
class HaltRequest:
    """A requested halt.

    ``subject`` is an account's public id or label, a trader's username or public id, a symbol, an algorithm or an
    order's public id; "" for the desk.
    """

    kind: str
    scope: str
    subject: str = ""


def parse_halt_request(raw: Mapping[str, Any]) -> HaltRequest:
    """Parse kind, scope and subject in ``raw``. Raises ``Refused`` with every problem."""
    kind, scope = str(raw.get("kind") or ""), str(raw.get("scope") or "")
    subject = str(raw.get("subject") or "").strip()
    problems = [
        *_known("kind", kind, HaltKind.values),
        *_known("scope", scope, HaltScope.values),
    ]
    if scope == HaltScope.DESK and subject:
        message = (
            f"Nothing was halted. To halt the whole desk, leave out the name {subject!r}. "
            f"To halt only {subject!r}, choose what it is instead of desk."
        )
        problems.append(Problem("subject", message, subject, code=Code.HALT_SUBJECT_UNKNOWN))
    if scope in HaltScope.values and scope != HaltScope.DESK and not subject:
        message = f"A halt of {_article(scope)} needs its name."
        problems.append(Problem("subject", message, code=Code.VALUE_MISSING))
    refuse_if(problems)
    return HaltRequest(kind, scope, subject)


def _known(field: str, value: str, values: Iterable[str]) -> list[Problem]:
    return [] if value in values else [not_allowed(field, field.capitalize(), value, values)]


def _article(scope: str) -> str:
    return str(HaltScope(scope).label).lower()


def _draft(person: User, request: HaltRequest) -> Halt:
    _refuse_all_but_supervisors(person)
    halt = Halt(kind=request.kind, scope=request.scope, set_by=person)
    subject, found = request.subject, True
    if request.scope == HaltScope.ACCOUNT:
        halt.account = Account.objects.filter(Q(public_id=subject) | Q(label=subject)).first()
        found = halt.account is not None
    elif request.scope == HaltScope.TRADER:
        halt.trader = User.objects.filter(Q(public_id=subject) | Q(username=subject)).first()
        found = halt.trader is not None and (halt.trader.may_trade or halt.trader.orders.exists())
    elif request.scope == HaltScope.SYMBOL:
        halt.symbol, found = subject, symbol_is_known(subject)
    elif request.scope == HaltScope.ALGORITHM:
        halt.algorithm, found = subject, subject in ALGORITHMS
    elif request.scope == HaltScope.ORDER:
        halt.order = Order.objects.filter(public_id=subject).first()
        found = halt.order is not None
    if not found:
        message = f"The desk has no {request.scope} {subject!r}."
        refuse("subject", message, subject, code=Code.HALT_SUBJECT_UNKNOWN)
    return halt


def _refuse_all_but_supervisors(person: User) -> None:
    if person.role != Role.SUPERVISOR:
        message = f"Only a supervisor sets and lifts halts. {person.username} is a {person.role}."
        refuse("", message, person.role, Role.SUPERVISOR, code=Code.ROLE_NOT_ALLOWED)


def _phrase(halt: Halt) -> str:
    return "HALT DESK" if halt.scope == HaltScope.DESK else f"HALT {halt_subject(halt)}"


def halt_preview(*, person: User, request: HaltRequest, now: datetime) -> HaltPreview:  # noqa: ARG001  as its siblings
    """Return the orders that the halt would pause, the children that it would cancel, and the phrase that confirms it.

    Nothing is changed.
    """
    halt = _draft(person, request)
    return preview_of(halt, _phrase(halt))


# --- set -----------------------------------------------------------------------------------------


def halt_set(*, person: User, request: HaltRequest, phrase: str, reason: str, now: datetime) -> Halt:
    """Set the halt in ``request``.

    Raises ``Refused``. If the same halt is in force already, it is returned unchanged.

    1. One transaction writes the halt, the list of children that the halt must cancel, and the audit entry. It locks
       the gate, the row that every submit of a child locks too.
    2. After it, ``halt_sweep`` pauses the parent orders and requests the cancels.
    """
    halt = _draft(person, request)
    reason = kept_reason(reason)
    if phrase.strip() != _phrase(halt):
        message = f"Type {_phrase(halt)} to confirm."
        refuse("phrase", message, phrase, _phrase(halt), code=Code.CONFIRMATION_PHRASE_WRONG)
    halt = _commit(halt, reason, now)
    halt_sweep(halt_pk=halt.pk, now=now)
    halt.refresh_from_db()
    return halt


@transaction.atomic
def _commit(halt: Halt, reason: str, now: datetime) -> Halt:
    if halt.account is not None:  # before the gate, as everywhere: the new row refers to it
        account_row_locked(halt.account.pk)
    gate_locked()
    same = {name: getattr(halt, name) for name in SAME}
    if (earlier := halts_in_force().filter(**same).first()) is not None:
        return earlier
    halt.reason, halt.set_at = reason, now
    if halt.kind != HaltKind.STOP:
        halt.swept_at = now  # what runs goes on: there is nothing to sweep, and nothing to become flat
    halt.save()
    if halt.kind == HaltKind.STOP:
        halt.children.set(children_open(halt))
    _audit("halt_set", halt, halt.set_by, reason, now)
    notify.wall_changed()
    return halt


def _audit(kind: str, halt: Halt, person: User, reason: str, now: datetime) -> None:
    """Append an entry about the halt to the audit. ``last_child`` is the newest child at that moment.

    Any child with a higher key was decided later.
    """
    newest = ChildOrder.objects.order_by("-pk").first()
    audit_append(
        kind=kind,
        actor=person_actor(person),
        subject=halt.public_id,
        at=now,
        reason=reason,
        data={
            "kind": halt.kind,
            "scope": halt.scope,
            "subject": halt_subject(halt),
            "last_child": "" if newest is None else newest.client_id,
            **({"keeps_time": "yes"} if halt.keeps_time else {}),
        },
    )


# --- sweep ---------------------------------------------------------------------------------------


def halt_sweep(*, halt_pk: int, now: datetime) -> None:
    """Pause the parent orders in scope and request every cancel, one order at a time. It may be repeated.

    If the database cannot change one order now, the others are still changed. The next sweep changes that order.
    """
    halt = halts_in_force().filter(pk=halt_pk, kind=HaltKind.STOP, swept_at=None).first()
    if halt is not None and _sweep(halt, now):
        _note_swept(halt, now)


def _note_swept(halt: Halt, now: datetime) -> None:
    if halt.swept_at is None:
        halt.swept_at = now
        Halt.objects.filter(pk=halt.pk, swept_at=None).update(swept_at=now)
        notify.wall_changed()


def _sweep(halt: Halt, now: datetime) -> bool:
    wanted = children_open(halt).filter(status__in=CANCEL_WANTED, cancel_requested_at=None)
    pks = {*orders_to_pause(halt).values_list("pk", flat=True), *wanted.values_list("order_id", flat=True)}
    complete = True
    for pk in sorted(pks):
        try:
            _sweep_order(halt, pk, now)
        except DatabaseError as error:
            complete = False
            log.warning("an order could not be swept yet", halt=halt.public_id, order=pk, error=str(error))
    return complete


@transaction.atomic
def _sweep_order(halt: Halt, order_pk: int, now: datetime) -> None:
    order = order_locked(order_pk)
    # Lifted since it was read: somebody may have resumed the order, and it stays so.
    if not Halt.objects.filter(pk=halt.pk, lifted_at=None).exists():
        return
    reason = halt_reason(halt)
    version = order.version
    if orders_covered(halt).filter(pk=order_pk).exists():
        pause_for_person(order, reason=reason, now=now)
    if order.version != version:
        halt.orders.add(order)
    children = children_open(halt).filter(order=order, status__in=CANCEL_WANTED, cancel_requested_at=None)
    for child in children.order_by("sequence"):
        child_cancel_request(child=child, order=order, reason=reason, now=now)
        notify.wake_account(child.account_id)


# --- tend ----------------------------------------------------------------------------------------


def halts_tend(*, now: datetime) -> None:
    """Complete the setting of each halt that was interrupted partway, and record which halts are flat.

    A halt is flat when all children that it covers have ended.

    Every engine calls this function again and again. While no halt is in force, a call costs one indexed query.
    """
    if not is_any_in_force():
        return
    for halt in halts_in_force().filter(kind=HaltKind.STOP):
        if halt.swept_at is None and now - halt.set_at < SWEEP_PATIENCE:
            continue  # the process that set it is at it
        if _sweep(halt, now):
            _note_swept(halt, now)
        if halt.swept_at is not None:
            _note_flat(halt)


def _note_flat(halt: Halt) -> None:
    """Record since when all children of the halt have ended.

    If a child was believed absent and appears later, the record is removed.
    """
    still = list(children_open(halt))
    flat_at = None if still else _flat_at(halt)
    if flat_at == halt.flat_at:
        return
    with transaction.atomic():
        halt.children.add(*still)
        Halt.objects.filter(pk=halt.pk, lifted_at=None).update(flat_at=flat_at)
        notify.wall_changed()


def _flat_at(halt: Halt) -> datetime | None:
    """Return the time at which the halt's last child ended, or, if it has no children, the time of the sweep.

    The exchange's answer may give a time before the halt. The result is never earlier than the halt.
    """
    ends = [at for at in halt.children.values_list("ended_at", flat=True) if at is not None]
    return max(halt.set_at, *ends) if ends else halt.swept_at


# --- lift ----------------------------------------------------------------------------------------


def halt_lift(*, public_id: str, person: User, reason: str, now: datetime, keeps_time: bool = False) -> Halt:
    """Lift a halt. Its orders stay paused until somebody resumes each. Lifting a second time changes nothing.

    1. The end of the halt and its audit entry are committed.
    2. Each order that the halt paused gets another reason for its pause, which does not name the halt. With
       ``keeps_time`` each order's plan moves to later by the time since the order's pause. A plan with a fixed end
       does not move.

    Raises ``HaltNotFound``. Raises ``Refused`` for anybody but a supervisor, without a reason, and until
    ``halt_sweep`` has paused all orders of the halt. If a halt were lifted earlier, some of its orders would simply go
    on.
    """
    halt = _lift(public_id, person, reason, now, keeps_time)
    _tell_orders(halt, now)
    return halt


@transaction.atomic
def _lift(public_id: str, person: User, reason: str, now: datetime, keeps_time: bool) -> Halt:
    _refuse_all_but_supervisors(person)
    reason = kept_reason(reason)
    gate_locked()
    halt = (
        Halt.objects.select_related("account", "trader", "order", "set_by")
        .filter(public_id=public_id)
        .first()
    )
    if halt is None:
        raise HaltNotFound(public_id)
    if halt.lifted_at is not None:
        return halt
    if halt.swept_at is None:
        message = "The halt is still pausing orders. Lifted now, the other orders would go on by themselves."
        refuse("", message, code=Code.HALT_UNFINISHED)
    halt.lifted_by, halt.lifted_at, halt.lift_reason, halt.keeps_time = person, now, reason, keeps_time
    halt.save(update_fields=["lifted_by", "lifted_at", "lift_reason", "keeps_time"])
    _audit("halt_lifted", halt, person, reason, now)
    notify.wall_changed()
    return halt


def halts_lifted_tell(*, since: datetime, now: datetime) -> None:
    """Finish the second step of ``halt_lift`` for halts whose process stopped in between.

    Only halts that were lifted after ``since`` are read.
    """
    for halt in Halt.objects.select_related("set_by", "lifted_by").filter(lifted_at__gte=since):
        _tell_orders(halt, now)


def _tell_orders(halt: Halt, now: datetime) -> None:
    said = halt.orders.filter(status=OrderStatus.PAUSED, reason__in=halt_reasons(halt))
    for pk in said.values_list("pk", flat=True):
        try:
            _tell_order(halt, pk, now)
        except DatabaseError as error:
            log.warning("a lifted halt is not said yet", halt=halt.public_id, order=pk, error=str(error))


@transaction.atomic
def _tell_order(halt: Halt, order_pk: int, now: datetime) -> None:
    order = order_locked(order_pk)
    if order.status != OrderStatus.PAUSED or order.reason not in halt_reasons(halt) or halt.lifted_by is None:
        return
    actor = person_actor(halt.lifted_by)
    if (other := order_halt(order, STOPS)) is not None:
        order.reason = halt_reason(other)
        other.orders.add(order)  # told again when that one is lifted
    else:
        kept = _keep_time(order, halt) if halt.keeps_time else ""
        order.reason = f"the halt was lifted by {halt.lifted_by.username}: resume or cancel the order{kept}"
    journal_append(order=order, kind="halt_lifted", actor=actor, reason=order.reason, at=now)


def _keep_time(order: Order, halt: Halt) -> str:
    """Move a locked order's plan by the time from its pause until the halt was lifted.

    Return words about the result, which are added to the order's reason. The new terms carry the time of the lift, so
    that a later shift counts from that time. A plan that cannot be shifted, such as one with a fixed end, does not
    move, and the words say so.
    """
    if halt.lifted_by is None or halt.lifted_at is None:
        raise RuntimeError(f"halt {halt.public_id} is not lifted")
    try:
        order_shift(order, halt.lifted_by, f"the time of halt {halt.public_id}", halt.lifted_at)
    except Refused as refused:
        return f". Its time is not kept: {refused}"
    return ". Its plan has moved by the time of the halt"
