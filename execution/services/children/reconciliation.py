"""The writes of reconciliation: differences from the exchange, adopted orphans, and what people do about children of
unknown outcome.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any, Literal, TypeVar

from django.db import transaction

from execution import notify
from execution.core.guarantees import guarantees_of
from execution.core.identifiers import parent_and_sequence
from execution.core.numbers import plain
from execution.core.problem_codes import Code
from execution.core.problems import Refused, length_problem, refuse
from execution.core.reconcile import mismatch
from execution.core.states import ChildEvent, ChildStatus, OrderStatus
from execution.core.types import ZERO, OrderReport, OrderType, Side, TimeInForce
from execution.models import Account, ChildOrder, Difference, DifferenceKind, Fill, Order, Role, User
from execution.selectors.decisions.evidence import misses_trades, was_shown
from execution.selectors.decisions.exposure import exposure_of
from execution.services.children.absence import end_forgotten
from execution.services.children.children import child_cancel_request, child_report, end_unfilled
from execution.services.children.fills import raise_alarm
from execution.services.orders.orders import person_actor
from execution.services.records.audit import audit_append
from execution.services.records.journal import DESK, alert, journal_append
from execution.services.records.locking import order_locked
from execution.services.records.reasons import kept_reason

V = TypeVar("V")

MAX_EXCHANGE_ID_LENGTH = 64
#: The time for which a trade without a child is listed as a difference.
LOST_TRADE_SHOWN = timedelta(days=1)


class UnknownNotFound(Exception):
    """There is no child of unknown outcome with this client id that the person may see."""


@dataclass(frozen=True, slots=True)
class Found:
    """A difference from the exchange that a poll found. ``evidence`` holds JSON values, quantities as text."""

    kind: str
    symbol: str
    key: str
    evidence: dict[str, Any] = field(default_factory=dict)
    child_pk: int | None = None


@transaction.atomic
def differences_record(
    *, account_pk: int, differences: Sequence[Found], symbols: Collection[str], now: datetime
) -> int:
    """Record the differences that a complete poll of ``symbols`` found. Close the stored ones that it did not find.

    Return the number of open differences. Differences of symbols that were not polled do not change.
    """
    open_now = {
        (row.kind, row.symbol, row.key): row
        for row in Difference.objects.filter(account_id=account_pk, resolved_at=None)
    }
    seen = {(one.kind, one.symbol, one.key): one for one in differences}
    fresh = [one for name, one in seen.items() if name not in open_now]
    Difference.objects.bulk_create(
        [
            Difference(
                account_id=account_pk,
                kind=one.kind,
                symbol=one.symbol,
                key=one.key,
                child_id=one.child_pk,
                evidence=one.evidence,
                opened_at=now,
                last_seen_at=now,
            )
            for one in fresh
        ],
        batch_size=ROWS_AT_ONCE,
    )
    _see_again([(row, seen[name]) for name, row in open_now.items() if name in seen], now)
    gone = [row for name, row in open_now.items() if name not in seen and row.symbol in symbols]
    explained = _explained(account_pk, [row for row in gone if row.kind == DifferenceKind.LOST_TRADE], now)
    closed = [row.pk for row in gone if row.kind != DifferenceKind.LOST_TRADE or row.pk in explained]
    for pks in _chunks(closed):
        Difference.objects.filter(pk__in=pks).update(resolved_at=now)
    return len(open_now.keys() | seen.keys()) - len(closed)


#: The most rows in one statement, because SQLite limits the number of values.
ROWS_AT_ONCE = 100


def _see_again(rows: Sequence[tuple[Difference, Found]], now: datetime) -> None:
    """Record when open differences were last seen, and their evidence where it has changed."""
    for pks in _chunks([row.pk for row, _ in rows]):
        Difference.objects.filter(pk__in=pks).update(last_seen_at=now)
    changed = [(row, found) for row, found in rows if row.evidence != found.evidence]
    for row, found in changed:
        row.evidence = found.evidence
    Difference.objects.bulk_update([row for row, _ in changed], ["evidence"], batch_size=ROWS_AT_ONCE)


def _explained(account_pk: int, rows: Sequence[Difference], now: datetime) -> set[int]:
    """Return the primary keys of those differences about trades without a child that are to be closed. A difference
    is closed when its trade has a child, or when it has been open for ``LOST_TRADE_SHOWN``.
    """
    found = {row.pk for row in rows if now - row.opened_at >= LOST_TRADE_SHOWN}
    by_trade = {(row.symbol, row.key): row.pk for row in rows if row.pk not in found}
    for keys in _chunks(sorted({key for _, key in by_trade})):
        trades = Fill.objects.filter(account_id=account_pk, trade_id__in=keys).exclude(child=None)
        names = set(trades.values_list("symbol", "trade_id"))
        found |= {by_trade[name] for name in names if name in by_trade}
    return found


def _chunks(rows: Sequence[V]) -> Iterator[Sequence[V]]:
    for first in range(0, len(rows), ROWS_AT_ONCE):
        yield rows[first : first + ROWS_AT_ONCE]


# --- orphans -------------------------------------------------------------------------------------

Policy = Literal["adopt", "cancel"]


@transaction.atomic
def orphan_adopt(*, account_pk: int, report: OrderReport, policy: Policy, now: datetime) -> bool:
    """Make a child of an open order that has our mark but no known child. Return False if it has no parent order.

    1. The parent is the order that the client id names, if that order has the same symbol and side.
    2. The child's row says that it was sent at the time in the report, or now if the report has no time.
    3. The child stays on the book only if ``policy`` is adopt, the parent is working, and all its children together
       cannot fill more than its quantity (invariant I1). Otherwise the child's cancel is requested.
    4. The parent gets an alert. It pauses for a person if its children could fill more than its quantity.
    """
    order = _parent_of(report)
    if order is None or ChildOrder.objects.filter(client_id=report.client_id).exists():
        return False
    quantity = report.quantity or ZERO
    has_room = exposure_of(order) + quantity <= order.quantity
    child = _orphans_child(order, account_pk, report, now)
    words = f"child {child.sequence}: adopted an open order that this desk sent and had no record of"
    alert(order=order, text=words, at=now, data={"child": child.sequence, "adopted": child.client_id})
    child_report(account_pk=account_pk, report=report, now=now)
    order = order_locked(order.pk)
    child.refresh_from_db()
    if not has_room:
        raise_alarm(order, child, f"{plain(quantity)} more than the order can take", now)
    keeps = policy == "adopt" and has_room and order.status == OrderStatus.WORKING
    if not keeps and child.status in {ChildStatus.OPEN, ChildStatus.PARTLY_FILLED}:
        child_cancel_request(
            child=child, order=order, reason="an adopted order does not stay on the book", now=now
        )
    _audit_orphan(report, account_pk, now, "orphan_adopted", "kept" if keeps else "cancel requested")
    return True


@transaction.atomic
def orphan_cancelled(*, account_pk: int, report: OrderReport, outcome: str, now: datetime) -> None:
    """Record in the audit that the venue cancelled an open order with the desk's mark and without a parent order."""
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
    """Create the orphan's row and return it. Its number is the one in its client id, unless another child has that
    number.
    """
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
        why="Found at the exchange under an order id of this desk, and added to this order.",
        status=ChildStatus.SUBMITTED,
        intended_at=at,
        submitted_at=at,
        last_possible_send_at=at,
    )
    data = {"child": sequence, "child_status": child.status, "client_id": child.client_id}
    journal_append(order=order, kind="child_adopted", actor=DESK, reason=child.why, at=now, data=data)
    return child


# --- what a person does --------------------------------------------------------------------------


def _supervisors(person: User) -> None:
    if person.role != Role.SUPERVISOR:
        message = "Only a supervisor settles children whose outcome is unknown."
        refuse("person", message, person.role, Role.SUPERVISOR, code=Code.ROLE_NOT_ALLOWED)


def _unknown(client_id: str) -> tuple[ChildOrder, Order]:
    row = ChildOrder.objects.filter(client_id=client_id).values_list("order_id", flat=True).first()
    if row is None:
        raise UnknownNotFound
    order = order_locked(row)
    child = ChildOrder.objects.get(client_id=client_id)
    if child.status != ChildStatus.UNKNOWN:
        words = child.status.replace("_", " ")
        message = f"The outcome of the child is known by now: {words}."
        refuse("child", message, child.status, code=Code.CHILD_NOT_UNKNOWN)
    return child, order


def _poll_soon(child: ChildOrder, now: datetime) -> None:
    Account.objects.filter(pk=child.account_id).update(poll_requested_at=now)
    notify.wake_account(child.account_id)


def _note(child: ChildOrder, order: Order, person: User, kind: str, reason: str, now: datetime) -> None:
    data = {"child": child.sequence, "child_status": child.status, "client_id": child.client_id}
    journal_append(order=order, kind=kind, actor=person_actor(person), reason=reason, at=now, data=data)
    audit_append(
        kind=kind, actor=person_actor(person), subject=child.client_id, reason=reason, at=now, data=data
    )


@transaction.atomic
def unknown_poll(*, client_id: str, person: User, now: datetime) -> None:
    """Ask the session of the child's account to poll at once. Raises ``UnknownNotFound`` and ``Refused``."""
    _supervisors(person)
    child, _ = _unknown(client_id)
    _poll_soon(child, now)


@transaction.atomic
def unknown_cancel(*, client_id: str, person: User, reason: str, now: datetime) -> None:
    """Request the cancel of a child of unknown outcome. The session cancels it as soon as the exchange shows it."""
    _supervisors(person)
    child, order = _unknown(client_id)
    if child.cancel_requested_at is None:
        reason = kept_reason(reason)
        child_cancel_request(child=child, order=order, reason=reason, now=now)
        _note(child, order, person, "unknown_cancel", reason, now)
    _poll_soon(child, now)


@transaction.atomic
def unknown_attach(*, client_id: str, exchange_id: str, person: User, reason: str, now: datetime) -> None:
    """Record the exchange's order id that a person found for a child. It counts once the exchange has confirmed it."""
    _supervisors(person)
    reason = kept_reason(reason)
    if not exchange_id or len(exchange_id) > MAX_EXCHANGE_ID_LENGTH:
        raise Refused([length_problem("exchange_id", "The order id", exchange_id, MAX_EXCHANGE_ID_LENGTH, 1)])
    child, order = _unknown(client_id)
    child.attach = {"exchange_id": exchange_id, "by": person_actor(person), "at": now.isoformat()}
    child.save(update_fields=["attach"])
    _note(child, order, person, "unknown_attach", f"{exchange_id}: {reason}", now)
    _poll_soon(child, now)


def may_arrive_until(child: ChildOrder) -> datetime | None:
    """Return the time until which the request to create a child may still reach the book.

    If the exchange guarantees no such time, return the time of the last send.
    """
    if child.last_possible_send_at is None:
        return None
    guarantees = guarantees_of(child.account.venue.exchange)
    return child.last_possible_send_at + (guarantees.arrives_within or timedelta(0))


def absent_phrase(client_id: str) -> str:
    """Return the phrase that a supervisor types to mark a child as absent without proof."""
    return f"ABSENT {client_id}"


@transaction.atomic
def unknown_absent(*, client_id: str, person: User, phrase: str, reason: str, now: datetime) -> None:
    """Mark a child as absent from the exchange, without proof. From then on its quantity may be sent again.

    Raises ``Refused`` while the child's request may still reach the exchange, and when the exchange has shown the
    child. If the child appears at the exchange later, it is cancelled, its fills are recorded and its parent pauses.
    """
    _supervisors(person)
    reason = kept_reason(reason)
    child, order = _unknown(client_id)
    wanted = absent_phrase(client_id)
    if phrase != wanted:
        refuse("phrase", f"Type {wanted} to confirm.", phrase, wanted, code=Code.CONFIRMATION_PHRASE_WRONG)
    if (until := may_arrive_until(child)) is not None and now < until:
        message = f"The request for the child may still arrive until {until:%H:%M:%S} UTC."
        refuse("child", message, limit=until, code=Code.CHILD_MAY_ARRIVE)
    if was_shown(child):
        message = "The exchange has shown the child, so it is not absent."
        refuse("child", message, child.exchange_id, code=Code.CHILD_IS_KNOWN)
    words = f"absent: {reason} (by {person.username}, without proof)"
    end_unfilled(child, ChildEvent.PROVEN_ABSENT, words, now)
    _note(child, order, person, "unknown_absent", reason, now)


def ended_phrase(client_id: str) -> str:
    """Return the phrase that a supervisor types to mark a child as ended without proof."""
    return f"ENDED {client_id}"


@transaction.atomic
def unknown_ended(*, client_id: str, person: User, phrase: str, reason: str, now: datetime) -> None:
    """Mark as ended, without proof, a child that the exchange has shown. Its filled quantity is the sum of its trades.

    From then on its unfilled quantity may be sent again. Raises ``Refused`` for a child that the exchange never
    showed, and while the exchange has reported more as filled than the trades add up to.
    """
    _supervisors(person)
    reason = kept_reason(reason)
    child, order = _unknown(client_id)
    wanted = ended_phrase(client_id)
    if phrase != wanted:
        refuse("phrase", f"Type {wanted} to confirm.", phrase, wanted, code=Code.CONFIRMATION_PHRASE_WRONG)
    if not was_shown(child):
        message = "The exchange has never shown the child, so nobody knows that it ended."
        refuse("child", message, child.client_id, code=Code.CHILD_NEVER_SHOWN)
    if misses_trades(child):
        message = "The exchange has told of more fills than the desk has trades of the child."
        told = child.reported_filled or child.filled
        refuse("child", message, child.filled, told, code=Code.CHILD_MISSES_TRADES)
    words = f"ended: {reason} (by {person.username}, without proof)"
    end_forgotten(child, words, now)
    _note(child, order, person, "unknown_ended", reason, now)


@transaction.atomic
def attach_answered(*, child_pk: int, report: OrderReport | None, now: datetime) -> bool:
    """Record the exchange's answer about an order id that a person attached. Return True if the id is the child's."""
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
