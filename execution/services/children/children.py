"""The services that record the life of a child order: submitted, answered, reported, proven absent.

A report from the exchange is a fact, so any worker may record it. Only the submit of a child needs the current fence
of the account. The fence is a number that grows with each worker that takes the account over.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from django.db import transaction

from execution import notify
from execution.core.faults import blocking_fault
from execution.core.numbers import plain
from execution.core.reconcile import ChildFacts, Merged, merge_report
from execution.core.states import (
    CHILD_CANCELLABLE,
    CHILD_FINAL,
    CHILD_UNANSWERED,
    ChildEvent,
    ChildStatus,
    child_after,
)
from execution.core.types import (
    ZERO,
    Accepted,
    CancelConfirmed,
    ChildRequest,
    CreateOutcome,
    NotSent,
    OrderReport,
    OrderType,
    Quote,
    Rejected,
    Side,
    TimeInForce,
    Unknown,
)
from execution.models import Account, ChildOrder, Order
from execution.models.prepared import row_save
from execution.selectors.halts import halt_blocks_order
from execution.services.children.fills import (
    CHILD,
    cancel_as_wanted,
    child_of,
    facts_keep,
    facts_of,
    fill_record,
    fills_adopt,
    fills_waiting,
    raise_alarm,
)
from execution.services.children.last_gate import reason_to_drop
from execution.services.children.limit_gate import limit_stop
from execution.services.records.journal import DESK, VENUE, journal_append
from execution.services.records.locking import (
    account_row_locked,
    gate_locked,
    order_locked,
    order_locked_with_terms,
)
from execution.services.records.order_transition import pause_for_person

#: The fields of a child that change when it is submitted, or when it is given back to be sent again.
SENDING = ("status", "submitted_at", "submitted_fence", "last_possible_send_at")


@dataclass(frozen=True, slots=True)
class SubmittedChild:
    """A child that is marked as submitted. Only the caller's session may send it, exactly as its row says."""

    child_pk: int
    order_pk: int
    request: ChildRequest
    fence: int


def child_locked(child_pk: int, order_pk: int | None = None) -> tuple[ChildOrder, Order]:
    """Lock a child's order, read the child under this lock, and return both. Call it inside a transaction.

    If the caller knows the order, ``order_pk`` saves a query.
    """
    if order_pk is None:
        order_pk = CHILD.get(pk=child_pk).order_id
    order = order_locked(order_pk)
    return CHILD.get(pk=child_pk), order


def request_of(child: ChildOrder) -> ChildRequest:
    """Return the request for a child, exactly as its row describes it."""
    return ChildRequest(
        client_id=child.client_id,
        symbol=child.symbol,
        side=Side(child.side),
        type=OrderType(child.type),
        quantity=child.quantity,
        price=child.price,
        time_in_force=TimeInForce(child.time_in_force),
    )


@transaction.atomic
def child_submit(
    *,
    child_pk: int,
    worker_pk: int,
    account_fence: int,
    budget: timedelta,
    quote: Quote | None,
    now: datetime,
    order_pk: int | None = None,
) -> SubmittedChild | None:
    """Mark a child as submitted and return it for sending. Drop a child that must not be sent any more.

    Return None when there is nothing to send. ``quote`` is the newest quote of the child's market. It is needed
    because the quote of the decision may be too old. After the commit of this transaction, the next step is the
    request to the exchange.
    """
    order = order_locked_with_terms(order_pk or CHILD.get(pk=child_pk).order_id)
    child = CHILD.get(pk=child_pk)
    account = account_row_locked(child.account_id)
    if account.owner_id != worker_pk or account.fence != account_fence:
        return None
    if child.status != ChildStatus.PENDING_SUBMIT:
        return None
    request = request_of(child)
    if dropped := reason_to_drop(
        order, account, request, child_pk=child.pk, intended_at=child.intended_at, quote=quote, now=now
    ):
        _drop(child, order, dropped, now)
        return None
    if (
        not account.is_symbol_reconciled(child.symbol)
        or blocking_fault(account.faults, account.fence) is not None
    ):
        return None  # it waits for the poll that is under way, until it is too old
    gate_locked()
    if halted := halt_blocks_order(order):
        _drop(child, order, halted, now)
        return None
    if (stop := limit_stop(order, account, request, now=now)) is not None:
        if stop.pauses:
            _drop(child, order, stop.reason, now)
            pause_for_person(order, reason=stop.reason, now=now)
        return None  # too many within a second: it is tried again, until it is too old
    child.status = child_after(ChildStatus.PENDING_SUBMIT, ChildEvent.SUBMIT)
    child.submitted_at = now
    child.submitted_fence = account_fence
    child.last_possible_send_at = now + budget
    row_save(child, SENDING)
    journal_child(order, child, DESK, f"submitted to {account.label}", now)
    return SubmittedChild(child.pk, order.pk, request, account_fence)


def _drop(child: ChildOrder, order: Order, reason: str, now: datetime) -> None:
    status = child_after(ChildStatus(child.status), ChildEvent.DROP)
    child.reason = reason
    facts_keep(child, ChildFacts(status, child.quantity, ZERO, ZERO), now)
    journal_child(order, child, DESK, reason, now)


def journal_child(order: Order, child: ChildOrder, actor: str, reason: str, now: datetime) -> None:
    journal_append(
        order=order,
        kind="child",
        actor=actor,
        reason=reason,
        at=now,
        data={
            "child": child.sequence,
            "child_status": child.status,
            "reported": None if child.reported_filled is None else plain(child.reported_filled),
        },
    )


def resting_cancel(order: Order, *, reason: str, now: datetime, account: Account | None = None) -> int:
    """Request the cancel of all resting children of a locked order, or only of those on ``account``. Return their
    number.
    """
    resting = order.children.filter(is_settled=False, status__in=CHILD_CANCELLABLE, cancel_requested_at=None)
    if account is not None:
        resting = resting.filter(account=account)
    children = list(resting.order_by("sequence"))
    for child in children:
        child_cancel_request(child=child, order=order, reason=reason, now=now)
        notify.wake_account(child.account_id)
    return len(children)


@transaction.atomic
def child_cancel_request(*, child: ChildOrder, order: Order, reason: str, now: datetime) -> None:
    """Request the cancel of a child, under the caller's lock.

    If the child was not sent yet, it is dropped and never sent.
    """
    if child.status == ChildStatus.PENDING_SUBMIT:
        _drop(child, order, reason, now)
        return
    if child.status != ChildStatus.UNKNOWN:  # that one is cancelled as soon as it turns out to be on the book
        child.status = child_after(ChildStatus(child.status), ChildEvent.CANCEL)
    child.cancel_requested_at = child.cancel_requested_at or now
    row_save(child, ("status", "cancel_requested_at"))
    journal_child(order, child, DESK, reason, now)


# --- answers -------------------------------------------------------------------------------------


@transaction.atomic
def child_outcome(
    *,
    child_pk: int,
    outcome: CreateOutcome,
    now: datetime,
    fence: int | None = None,
    order_pk: int | None = None,
) -> None:
    """Record the outcome of a request to create a child.

    ``fence`` is the account's fence under which the child was submitted, the number that grows with each takeover of
    the account.
    """
    child, order = child_locked(child_pk, order_pk)
    if isinstance(outcome, Accepted):
        report_apply(child, order, outcome.report, now)
        for trade in outcome.trades:
            exchange_id = trade.exchange_id or child.exchange_id or None
            fill_record(
                account_pk=child.account_id,
                trade=replace(trade, client_id=child.client_id, exchange_id=exchange_id),
                now=now,
            )
    elif isinstance(outcome, Rejected):
        _rejected(child, order, outcome, now)
    elif isinstance(outcome, NotSent):
        if fence is not None and child.submitted_fence not in {None, fence}:
            return  # another session has submitted it since, and may have sent it
        _not_sent(child, order, outcome, now)
    else:
        _lost(child, order, outcome, now)


def _is_known(child: ChildOrder) -> bool:
    """Return True if the exchange has shown the child, or if its outcome is known. In both cases a later answer that
    the child was rejected, not sent or lost is ignored.
    """
    return bool(child.exchange_id) or child.status not in CHILD_UNANSWERED


def end_unfilled(child: ChildOrder, event: ChildEvent, reason: str, now: datetime) -> None:
    """End a child that can fill no more, and store the reason."""
    child.reason = reason
    status = child_after(ChildStatus(child.status), event)
    facts_keep(child, replace(facts_of(child), status=status, reported=ZERO), now)


def _rejected(child: ChildOrder, order: Order, outcome: Rejected, now: datetime) -> None:
    if _is_known(child):
        return
    end_unfilled(child, ChildEvent.REJECTED, f"{outcome.kind}: {outcome.message}", now)
    journal_child(order, child, VENUE, child.reason, now)


def _not_sent(child: ChildOrder, order: Order, outcome: NotSent, now: datetime) -> None:
    """Record that a child certainly did not reach the book, so that it may be sent again.

    If its cancel was requested meanwhile, the child ends instead.
    """
    if _is_known(child):
        return
    if child.status == ChildStatus.CANCELLING:
        reason = f"cancelled before it could be sent: {outcome.message}"
        end_unfilled(child, ChildEvent.CANCELLED, reason, now)
    elif child.status != ChildStatus.UNKNOWN:
        child.status = child_after(ChildStatus(child.status), ChildEvent.RELEASE)
        child.submitted_at = child.submitted_fence = child.last_possible_send_at = None
        child.send_not_before = now + outcome.retry_after
        child.reason = f"not sent yet: {outcome.message}"
        row_save(child, (*SENDING, "send_not_before", "reason"))
    journal_child(order, child, DESK, child.reason, now)


def _lost(child: ChildOrder, order: Order, outcome: Unknown, now: datetime) -> None:
    if _is_known(child) or child.status == ChildStatus.UNKNOWN:
        return  # the stream was faster than the failing answer: we know better already
    child.status = child_after(ChildStatus(child.status), ChildEvent.OUTCOME_UNKNOWN)
    child.reason = f"unknown: {outcome.message}"
    child.evidence = {}
    row_save(child, ("status", "reason", "evidence"))
    journal_child(order, child, VENUE, child.reason, now)


@transaction.atomic
def child_mark_unknown(*, child_pk: int, message: str, now: datetime) -> None:
    """Record that the outcome of a sent child is unknown. From then on polls gather evidence about it."""
    child, order = child_locked(child_pk)
    if child.status != ChildStatus.PENDING_SUBMIT:  # else it was released meanwhile, and certainly not sent
        _lost(child, order, Unknown(message), now)


@transaction.atomic
def child_cancelled(*, child_pk: int, outcome: CancelConfirmed, now: datetime) -> bool:
    """Record a confirmed cancel.

    Return False if the final filled quantity is not known yet. In that case the caller has to ask the exchange for it.
    """
    child, order = child_locked(child_pk)
    merged = report_apply(child, order, outcome.report, now)
    return merged.facts.status in CHILD_FINAL and not merged.wants_figure


def child_report(*, account_pk: int, report: OrderReport, now: datetime) -> int | None:
    """Record the exchange's report on a child.

    Return the primary key of the parent order if the report changed something.

    The stream, the answer to the request and every poll bring the same reports. So a report that changes nothing takes
    no lock.
    """
    child = child_of(account_pk, report.symbol, report.exchange_id, report.client_id)
    if child is None or _is_known_report(child, report):
        return None
    with transaction.atomic():
        child, order = child_locked(child.pk, child.order_id)
        merged = report_apply(child, order, report, now)
    return order.pk if merged.changed else None


def _is_known_report(child: ChildOrder, report: OrderReport) -> bool:
    if (report.exchange_id and not child.exchange_id) or not child.exchange_id:
        return False
    merged = merge_report(facts_of(child), report)
    if merged.alert or cancel_as_wanted(child, merged.facts) != facts_of(child):
        return False
    return not fills_waiting(child)


def report_apply(child: ChildOrder, order: Order, report: OrderReport, now: datetime) -> Merged:
    """Merge a report into the rows of child and order, which ``child_locked`` returned."""
    known_id = child.exchange_id
    if report.exchange_id and not known_id:
        child.exchange_id = report.exchange_id
    merged = merge_report(facts_of(child), report)
    facts = cancel_as_wanted(child, merged.facts)
    changed = facts != facts_of(child)
    if changed or child.exchange_id != known_id:
        if facts.status in CHILD_FINAL or facts.status != ChildStatus.UNKNOWN:
            child.evidence = {}
        facts_keep(child, facts, now)
    if changed:
        journal_child(order, child, VENUE, f"the exchange reports it {child.status.replace('_', ' ')}", now)
    if merged.alert and changed:
        raise_alarm(order, child, merged.alert, now)
    if child.exchange_id != known_id:
        # A trade of that id that is being recorded without a child (fill_record) comes before this, or sees it.
        account_row_locked(child.account_id)
    fills_adopt(child=child, order=order, now=now)
    return replace(merged, changed=changed)


# --- recovery and evidence -----------------------------------------------------------------------


@transaction.atomic
def children_recover(*, account_pk: int, account_fence: int, now: datetime) -> list[str]:
    """Mark as unknown each submitted child whose answer no earlier session has recorded. Return their client ids.

    Children that were submitted under the present fence are included, because a restarted session keeps its fence.
    """
    lost = ChildOrder.objects.filter(
        account_id=account_pk,
        is_settled=False,
        status__in=[ChildStatus.SUBMITTED, ChildStatus.CANCELLING],
        exchange_id="",
        submitted_fence__lte=account_fence,
    )
    recovered = []
    # Every transaction that locks several orders takes them by primary key.
    for pk in list(lost.order_by("order_id", "pk").values_list("pk", flat=True)):
        child, order = child_locked(pk)
        _lost(child, order, Unknown("the worker that sent it stopped before it recorded an answer"), now)
        recovered.append(child.client_id)
    return recovered
