"""What becomes of a child order: taken to be sent, answered, reported, proven absent.

Everything an exchange says is a fact and needs no fence; only taking a child to send it does.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from decimal import Decimal

from django.db import transaction

from execution.core.faults import blocking_fault
from execution.core.numbers import plain
from execution.core.reconcile import (
    ChildFacts,
    Merged,
    merge_report,
)
from execution.core.states import CHILD_FINAL, ChildEvent, ChildStatus, OrderStatus, child_after
from execution.core.types import (
    ZERO,
    Accepted,
    CancelConfirmed,
    ChildRequest,
    CreateOutcome,
    NotSent,
    OrderRef,
    OrderReport,
    OrderType,
    Rejected,
    Side,
    TimeInForce,
    Unknown,
)
from execution.models import ChildOrder, Credential, CredentialState, Order
from execution.models.prepared import Compiled, row_save
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
from execution.services.records.journal import DESK, VENUE, journal_append
from execution.services.records.locking import (
    account_row_locked,
    gate_locked,
    order_locked,
    order_locked_with_terms,
)

_KEYS = Compiled(
    lambda account: Credential.objects.filter(account_id=account, state=CredentialState.ACTIVE), account=int
)


@dataclass(frozen=True, slots=True)
class Taken:
    """A child that this session alone may send now, exactly as its row says."""

    child_pk: int
    order_pk: int
    request: ChildRequest
    fence: int


def child_locked(child_pk: int, order_pk: int | None = None) -> tuple[ChildOrder, Order]:
    """Inside a transaction: a child and its order, the order under lock first; ``order_pk`` if it is known."""
    if order_pk is None:
        order_pk = CHILD.get(pk=child_pk).order_id
    order = order_locked(order_pk)
    return CHILD.get(pk=child_pk), order


def request_of(child: ChildOrder) -> ChildRequest:
    """Exactly what the row says."""
    return ChildRequest(
        client_id=child.client_id,
        symbol=child.symbol,
        side=Side(child.side),
        type=OrderType(child.type),
        quantity=child.quantity,
        price=child.price,
        time_in_force=TimeInForce(child.time_in_force),
    )


def ref_of(child: ChildOrder) -> OrderRef:
    return OrderRef(child.client_id, child.symbol, child.exchange_id or None)


@transaction.atomic
def child_take(
    *,
    child_pk: int,
    worker_pk: int,
    account_fence: int,
    budget: timedelta,
    now: datetime,
    order_pk: int | None = None,
) -> Taken | None:
    """Take a child to send it, or drop it when it is not wanted any more; None when there is nothing to send.

    The commit of this is the last thing before the request leaves: after it the child counts as maybe sent.
    """
    order = order_locked_with_terms(order_pk or CHILD.get(pk=child_pk).order_id)
    child = CHILD.get(pk=child_pk)
    account = account_row_locked(child.account_id)
    if account.owner_id != worker_pk or account.fence != account_fence:
        return None
    if child.taken_at is not None or child.status != ChildStatus.INTENDED:
        return None
    if not account.is_reconciled or blocking_fault(account.faults, account.fence) is not None:
        return None  # it waits: the look that is under way ends this, or its order's end does
    end_at = order.terms.end_at if order.terms is not None else None
    if order.status != OrderStatus.WORKING or end_at is None or now >= end_at:
        came = (
            f"the order is {order.status}" if order.status != OrderStatus.WORKING else "the order's end came"
        )
        _drop(child, order, f"not wanted any more: {came}", now)
        return None
    if (limit := _limit_passed(child, order)) is not None:
        _drop(child, order, f"not wanted any more: its price is beyond the limit price {plain(limit)}", now)
        return None
    if not account.is_active:
        _drop(child, order, f"account {account.label} is closed", now)
        return None
    if not _KEYS.all(account=account.pk):
        _drop(child, order, f"account {account.label} has no checked key", now)
        return None
    gate_locked()
    if halted := halt_blocks_order(order):
        _drop(child, order, halted, now)
        return None
    child.taken_at = now
    child.taken_fence = account_fence
    child.last_possible_send_at = now + budget
    row_save(child)
    return Taken(child.pk, order.pk, request_of(child), account_fence)


def _limit_passed(child: ChildOrder, order: Order) -> Decimal | None:
    """The limit price, if it was changed so since the child was intended that its price is beyond."""
    limit = order.terms.limit_price if order.terms is not None else None
    if limit is None or child.price is None or (child.price - limit) * Side(child.side).sign <= ZERO:
        return None
    return limit


def _drop(child: ChildOrder, order: Order, reason: str, now: datetime) -> None:
    """End a child that has certainly not left."""
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


@transaction.atomic
def child_cancel_request(*, child: ChildOrder, order: Order, reason: str, now: datetime) -> None:
    """Want a child cancelled, inside the caller's lock: dropped if it has not left, else the session cancels."""
    if child.status == ChildStatus.INTENDED and child.taken_at is None:
        _drop(child, order, reason, now)
        return
    if child.status != ChildStatus.UNKNOWN:  # that one is cancelled as soon as it turns out to be on the book
        child.status = child_after(ChildStatus(child.status), ChildEvent.CANCEL)
    child.cancel_requested_at = child.cancel_requested_at or now
    row_save(child)
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
    """Record what became of a create; ``fence`` is the one under which the child was taken for it."""
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
        if fence is not None and child.taken_fence not in {None, fence}:
            return  # another session has taken it since, and may have sent it
        _not_sent(child, order, outcome, now)
    else:
        _lost(child, order, outcome, now)


def _is_known(child: ChildOrder) -> bool:
    """The exchange has shown the order already: an answer that it never came to be is wrong, or comes twice."""
    awaited = {ChildStatus.INTENDED, ChildStatus.UNKNOWN, ChildStatus.CANCELLING}
    return bool(child.exchange_id) or child.status not in awaited


def _rejected(child: ChildOrder, order: Order, outcome: Rejected, now: datetime) -> None:
    if _is_known(child):
        return
    child.reason = f"{outcome.kind}: {outcome.message}"
    report = OrderReport(child.symbol, child.client_id, None, None, ZERO)
    status = child_after(ChildStatus(child.status), ChildEvent.REJECTED)
    facts_keep(child, replace(facts_of(child), status=status, reported=report.filled), now)
    journal_child(order, child, VENUE, child.reason, now)


def _not_sent(child: ChildOrder, order: Order, outcome: NotSent, now: datetime) -> None:
    """It certainly did not reach the book: the same row may be sent again, or ends if it is not wanted."""
    if _is_known(child):
        return
    if child.status == ChildStatus.CANCELLING:
        status = child_after(ChildStatus(child.status), ChildEvent.CANCELLED)
        child.reason = f"cancelled before it could be sent: {outcome.message}"
        facts_keep(child, replace(facts_of(child), status=status, reported=ZERO), now)
    elif child.status == ChildStatus.INTENDED:
        child.taken_at = child.taken_fence = child.last_possible_send_at = None
        child.send_not_before = now + outcome.retry_after
        child.reason = f"not sent yet: {outcome.message}"
        child.save()
    journal_child(order, child, DESK, child.reason, now)


def _lost(child: ChildOrder, order: Order, outcome: Unknown, now: datetime) -> None:
    if _is_known(child) or child.status == ChildStatus.UNKNOWN:
        return  # the stream was faster than the failing answer: we know better already
    child.status = child_after(ChildStatus(child.status), ChildEvent.OUTCOME_UNKNOWN)
    child.reason = f"unknown: {outcome.message}"
    child.evidence = {}
    child.save(update_fields=["status", "reason", "evidence"])
    journal_child(order, child, VENUE, child.reason, now)


@transaction.atomic
def child_mark_unknown(*, child_pk: int, message: str, now: datetime) -> None:
    """Nobody knows what became of a child that was sent: evidence is to be gathered."""
    child, order = child_locked(child_pk)
    if child.taken_at is not None:  # else it was given back meanwhile, and has certainly not left
        _lost(child, order, Unknown(message), now)


@transaction.atomic
def child_cancelled(*, child_pk: int, outcome: CancelConfirmed, now: datetime) -> bool:
    """Record a confirmed cancel; False when its answer does not say how the order ended: somebody must ask."""
    child, order = child_locked(child_pk)
    merged = report_apply(child, order, outcome.report, now)
    return merged.facts.status in CHILD_FINAL and not merged.wants_figure


def child_report(*, account_pk: int, report: OrderReport, now: datetime) -> int | None:
    """Record what the exchange said of an order; the order's primary key when it was news of ours.

    What is known already takes no lock: an answer comes over the stream as well, and in every look.
    """
    child = child_of(account_pk, report.symbol, report.exchange_id, report.client_id)
    if child is None or _is_known_report(child, report):
        return None
    with transaction.atomic():
        child, order = child_locked(child.pk, child.order_id)
        merged = report_apply(child, order, report, now)
    return order.pk if merged.changed else None


def _is_known_report(child: ChildOrder, report: OrderReport) -> bool:
    """Nothing of it would change the row, which only grows, and no fill waits for the child."""
    if (report.exchange_id and not child.exchange_id) or not child.exchange_id:
        return False
    merged = merge_report(facts_of(child), report)
    if merged.alert or cancel_as_wanted(child, merged.facts) != facts_of(child):
        return False
    return not fills_waiting(child)


def report_apply(child: ChildOrder, order: Order, report: OrderReport, now: datetime) -> Merged:
    """Merge what the exchange said into both rows, which ``child_locked`` gave."""
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
    """A session that begins: what an earlier one took and never recorded an answer for is unknown.

    That may have been one of the same fence, which failed and was started again.
    """
    lost = ChildOrder.objects.filter(
        account_id=account_pk,
        is_settled=False,
        status__in=[ChildStatus.INTENDED, ChildStatus.CANCELLING],
        exchange_id="",
        taken_at__isnull=False,
        taken_fence__lte=account_fence,
    )
    recovered = []
    # Every transaction that locks several orders takes them by primary key.
    for pk in list(lost.order_by("order_id", "pk").values_list("pk", flat=True)):
        child, order = child_locked(pk)
        _lost(child, order, Unknown("its sender went away before it recorded an answer"), now)
        recovered.append(child.client_id)
    return recovered
