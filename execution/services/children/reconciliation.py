"""Reconciliation: what a look found to differ, orphans taken in, and what a person does about an unknown child."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any, Literal

from django.db import transaction

from execution import notify
from execution.core.identifiers import parent_and_sequence
from execution.core.numbers import plain
from execution.core.problems import Problem, Refused
from execution.core.reconcile import mismatch
from execution.core.states import ChildEvent, ChildStatus, OrderStatus, child_after
from execution.core.types import ZERO, OrderReport, OrderType, Side, TimeInForce
from execution.models import Account, ChildOrder, Difference, DifferenceKind, Fill, Order, Role, User
from execution.selectors.decisions.exposure import exposure_of
from execution.services.children.children import child_cancel_request, child_report
from execution.services.children.fills import facts_keep, facts_of, raise_alarm
from execution.services.orders.orders import person_actor
from execution.services.records.audit import audit_append
from execution.services.records.journal import DESK, alert, journal_append
from execution.services.records.locking import order_locked

MAX_REASON_LENGTH = 500
MAX_EXCHANGE_ID_LENGTH = 64
#: A trade that belongs to no child is listed for so long.
LOST_TRADE_SHOWN = timedelta(days=1)


class UnknownNotFound(Exception):
    """There is no such child of unknown fate that the person may see."""


@dataclass(frozen=True, slots=True)
class Found:
    """A difference as a look found it; ``evidence`` holds JSON values, quantities as text."""

    kind: str
    symbol: str
    key: str
    evidence: dict[str, Any] = field(default_factory=dict)
    child_pk: int | None = None


@transaction.atomic
def differences_record(
    *, account_pk: int, found: Sequence[Found], symbols: Collection[str], now: datetime
) -> int:
    """Keep what a complete look over ``symbols`` found, close what it found no more; how many are open then.

    Differences of symbols that were not looked at are left as they are.
    """
    open_now = {
        (row.kind, row.symbol, row.key): row
        for row in Difference.objects.filter(account_id=account_pk, resolved_at=None)
    }
    seen = {(one.kind, one.symbol, one.key): one for one in found}
    for name, one in seen.items():
        row = open_now.get(name)
        if row is None:
            Difference.objects.create(
                account_id=account_pk,
                kind=one.kind,
                symbol=one.symbol,
                key=one.key,
                child_id=one.child_pk,
                evidence=one.evidence,
                opened_at=now,
                last_seen_at=now,
            )
        else:
            Difference.objects.filter(pk=row.pk).update(evidence=one.evidence, last_seen_at=now)
    gone = [row for name, row in open_now.items() if name not in seen and row.symbol in symbols]
    closed = [row.pk for row in gone if row.kind != DifferenceKind.LOST_TRADE or _is_explained(row, now)]
    Difference.objects.filter(pk__in=closed).update(resolved_at=now)
    return len(open_now.keys() | seen.keys()) - len(closed)


def _is_explained(row: Difference, now: datetime) -> bool:
    """Its trade has a child since, or is long shown: a look sees a trade only while its window holds it."""
    if now - row.opened_at >= LOST_TRADE_SHOWN:
        return True
    trade = Fill.objects.filter(account_id=row.account_id, symbol=row.symbol, trade_id=row.key)
    return trade.exclude(child=None).exists()


# --- orphans -------------------------------------------------------------------------------------

Policy = Literal["adopt", "cancel"]


@transaction.atomic
def orphan_adopt(*, account_pk: int, report: OrderReport, policy: Policy, now: datetime) -> bool:
    """Take an open order with our mark and no child into the books of its parent; False when it has none.

    1. The parent is the one that the client id names, if it trades the same symbol and side. 2. The child's
    row is written as sent long ago. 3. It stays on the book only when ``policy`` is adopt, the parent is
    working and has room for it (I1); else its cancel is asked for. 4. The parent alerts, and without room
    pauses for a person.
    """
    order = _parent_of(report)
    if order is None or ChildOrder.objects.filter(client_id=report.client_id).exists():
        return False
    quantity = report.quantity or ZERO
    has_room = exposure_of(order) + quantity <= order.quantity
    child = _orphans_child(order, account_pk, report, now)
    words = f"child {child.sequence}: an open order with our mark that no row knew was taken in"
    alert(order=order, text=words, at=now, data={"child": child.sequence, "adopted": child.client_id})
    child_report(account_pk=account_pk, report=report, now=now)
    order = order_locked(order.pk)
    child.refresh_from_db()
    if not has_room:
        raise_alarm(order, child, f"{plain(quantity)} more than the order has room for", now)
    keeps = policy == "adopt" and has_room and order.status == OrderStatus.WORKING
    if not keeps and child.status in {ChildStatus.OPEN, ChildStatus.PARTLY_FILLED}:
        child_cancel_request(child=child, order=order, reason="an orphan is not kept on the book", now=now)
    _audit_orphan(report, account_pk, now, "orphan_adopted", "kept" if keeps else "cancel asked for")
    return True


@transaction.atomic
def orphan_cancelled(*, account_pk: int, report: OrderReport, outcome: str, now: datetime) -> None:
    """Keep that an open order with our mark and no parent here was cancelled at the venue."""
    _audit_orphan(report, account_pk, now, "orphan_cancelled", outcome)


def _audit_orphan(report: OrderReport, account_pk: int, now: datetime, kind: str, reason: str) -> None:
    account = Account.objects.only("label").get(pk=account_pk)
    audit_append(
        kind=kind,
        actor=DESK,
        subject=account.label,
        reason=reason,
        at=now,
        data={"client_id": report.client_id, "exchange_id": report.exchange_id, "symbol": report.symbol},
    )


def _parent_of(report: OrderReport) -> Order | None:
    """The order that the client id names, locked; None when there is none, or it is another kind of order."""
    named = parent_and_sequence(report.client_id)
    if named is None or report.side is None or report.quantity is None:
        return None
    pk = Order.objects.filter(public_id=named[0]).values_list("pk", flat=True).first()
    if pk is None:
        return None
    order = order_locked(pk)
    same = order.symbol == report.symbol and order.side == report.side
    return order if same else None


def _orphans_child(order: Order, account_pk: int, report: OrderReport, now: datetime) -> ChildOrder:
    """Its row. The number in its client id, unless another child has it since (a restored backup)."""
    named = parent_and_sequence(report.client_id)
    sequence = named[1] if named is not None else order.next_sequence
    if order.children.filter(sequence=sequence).exists():
        sequence = order.next_sequence
    order.next_sequence = max(order.next_sequence, sequence + 1)
    at = report.at or now
    child = ChildOrder.objects.create(
        order=order,
        account_id=account_pk,
        sequence=sequence,
        client_id=report.client_id or "",
        symbol=report.symbol,
        side=report.side or order.side,
        type=OrderType.LIMIT,
        price=report.price,
        quantity=report.quantity or ZERO,
        time_in_force=TimeInForce.GTC,
        purpose="rest",
        why="found at the venue with our mark",
        status=ChildStatus.INTENDED,
        intended_at=at,
        taken_at=at,
        last_possible_send_at=at,
    )
    data = {"child": sequence, "child_status": child.status, "client_id": child.client_id}
    journal_append(order=order, kind="child_adopted", actor=DESK, reason=child.why, at=now, data=data)
    return child


# --- what a person does --------------------------------------------------------------------------


def _supervisors(person: User) -> None:
    if person.role != Role.SUPERVISOR:
        raise Refused([Problem("person", "only a supervisor settles children of unknown fate")])


def _reason(reason: str) -> str:
    if not reason:
        raise Refused([Problem("reason", "a reason is needed")])
    if len(reason) > MAX_REASON_LENGTH:
        message = f"the reason has {len(reason)} characters; at most {MAX_REASON_LENGTH}"
        raise Refused([Problem("reason", message, str(len(reason)), str(MAX_REASON_LENGTH))])
    return reason


def _unknown(client_id: str) -> tuple[ChildOrder, Order]:
    """An unknown child and its order, the order locked. Raises ``UnknownNotFound``, ``Refused``."""
    row = ChildOrder.objects.filter(client_id=client_id).values_list("order_id", flat=True).first()
    if row is None:
        raise UnknownNotFound
    order = order_locked(row)
    child = ChildOrder.objects.get(client_id=client_id)
    if child.status != ChildStatus.UNKNOWN:
        words = child.status.replace("_", " ")
        raise Refused([Problem("child", f"its fate is known by now: {words}", child.status)])
    return child, order


def _look_soon(child: ChildOrder, now: datetime) -> None:
    Account.objects.filter(pk=child.account_id).update(look_wanted_at=now)
    notify.wake_account(child.account_id)


def _note(child: ChildOrder, order: Order, person: User, kind: str, reason: str, now: datetime) -> None:
    data = {"child": child.sequence, "child_status": child.status, "client_id": child.client_id}
    journal_append(order=order, kind=kind, actor=person_actor(person), reason=reason, at=now, data=data)
    audit_append(
        kind=kind, actor=person_actor(person), subject=child.client_id, reason=reason, at=now, data=data
    )


@transaction.atomic
def unknown_look(*, client_id: str, person: User, now: datetime) -> None:
    """Ask the account's session to look at once. Raises ``UnknownNotFound``, ``Refused``."""
    _supervisors(person)
    child, _ = _unknown(client_id)
    _look_soon(child, now)


@transaction.atomic
def unknown_cancel(*, client_id: str, person: User, reason: str, now: datetime) -> None:
    """Want it cancelled: the session cancels it the moment that the exchange shows it."""
    _supervisors(person)
    child, order = _unknown(client_id)
    if child.cancel_requested_at is None:
        child_cancel_request(child=child, order=order, reason=_reason(reason), now=now)
        _note(child, order, person, "unknown_cancel", reason, now)
    _look_soon(child, now)


@transaction.atomic
def unknown_attach(*, client_id: str, exchange_id: str, person: User, reason: str, now: datetime) -> None:
    """Name the exchange's order that a person found; nothing is believed before the exchange has shown it."""
    _supervisors(person)
    if not exchange_id or len(exchange_id) > MAX_EXCHANGE_ID_LENGTH:
        message = f"the order id has {len(exchange_id)} characters; 1 to {MAX_EXCHANGE_ID_LENGTH}"
        raise Refused([Problem("exchange_id", message, exchange_id[:80], str(MAX_EXCHANGE_ID_LENGTH))])
    child, order = _unknown(client_id)
    child.attach = {"exchange_id": exchange_id, "by": person_actor(person), "at": now.isoformat()}
    child.save(update_fields=["attach"])
    _note(child, order, person, "unknown_attach", f"{exchange_id}: {_reason(reason)}", now)
    _look_soon(child, now)


def absent_phrase(client_id: str) -> str:
    """What a supervisor types to mark a child as absent without the exchange's word."""
    return f"ABSENT {client_id}"


@transaction.atomic
def unknown_absent(*, client_id: str, person: User, phrase: str, reason: str, now: datetime) -> None:
    """Say without proof that an order never reached the book. Its quantity may be sent again from then on.

    Refused while a request may still arrive and when a trade shows that it does exist. An order that appears
    all the same is cancelled, its fills recorded and its parent paused (core/states.py).
    """
    _supervisors(person)
    child, order = _unknown(client_id)
    wanted = absent_phrase(client_id)
    if phrase != wanted:
        raise Refused([Problem("phrase", f"type {wanted} to confirm", phrase, wanted)])
    sent = child.last_possible_send_at
    if sent is not None and now < sent:
        message = f"its request may arrive until {sent:%H:%M:%S} UTC"
        raise Refused([Problem("child", message, limit=sent.isoformat())])
    if child.filled or child.reported_filled or child.exchange_id:
        raise Refused([Problem("child", "the exchange has shown it: it is not absent", child.exchange_id)])
    child.reason = f"absent: {_reason(reason)} ({person_actor(person)}, without proof)"
    status = child_after(ChildStatus.UNKNOWN, ChildEvent.PROVEN_ABSENT)
    facts_keep(child, replace(facts_of(child), status=status, reported=ZERO), now)
    _note(child, order, person, "unknown_absent", reason, now)


@transaction.atomic
def attach_answered(*, child_pk: int, report: OrderReport | None, now: datetime) -> bool:
    """What the exchange shows under the order id that a person gave; True when it is the child's order."""
    order = order_locked(ChildOrder.objects.values_list("order_id", flat=True).get(pk=child_pk))
    child = ChildOrder.objects.get(pk=child_pk)
    asked = child.attach.get("exchange_id")
    if child.status != ChildStatus.UNKNOWN or not asked or child.attach.get("answer"):
        return False
    answer = _verified(child, report, asked)
    child.attach = {**child.attach, "answer": answer or "it is this order", "answered_at": now.isoformat()}
    child.save(update_fields=["attach"])
    data = {"child": child.sequence, "exchange_id": asked}
    words = f"order {asked} at the exchange: {answer or 'it is this child'}"
    journal_append(order=order, kind="attach_answered", actor=DESK, reason=words, at=now, data=data)
    if answer or report is None:
        return False
    ours = replace(report, client_id=child.client_id, exchange_id=report.exchange_id or asked)
    child_report(account_pk=child.account_id, report=ours, now=now)
    return True


def _verified(child: ChildOrder, report: OrderReport | None, exchange_id: str) -> str:
    """Why the exchange's order is not the child's; empty when it is."""
    if report is None:
        return "the exchange shows no such order"
    taken = ChildOrder.objects.filter(
        account_id=child.account_id, symbol=child.symbol, exchange_id=exchange_id
    ).exclude(pk=child.pk)
    if other := taken.first():
        return f"it is the order of {other.client_id}"
    if report.client_id not in {None, "", child.client_id}:
        return f"its client id is {report.client_id}"
    return mismatch(report, Side(child.side), child.quantity, child.price)
