"""What a person does with orders: submit, pause, resume, cancel. One transaction each, safe to repeat."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal

from django.db import IntegrityError, transaction

from execution import notify
from execution.core.numbers import plain
from execution.core.orders.plans import shift_plan
from execution.core.orders.terms import OrderRequest, request_hash
from execution.core.problems import Problem, Refused
from execution.core.states import (
    ORDER_FINAL,
    ForbiddenTransition,
    OrderEvent,
    OrderStatus,
    order_after,
)
from execution.models import Order, OrderTerms, Submission, User
from execution.selectors.decisions.exposure import done_of
from execution.selectors.decisions.order_view import plan_rows
from execution.selectors.halts import ANY_KIND, STOPS, halt_problem, order_halt
from execution.selectors.markets import market_to_json
from execution.selectors.orders.visibility import may_act, order_find
from execution.selectors.ticket import lookalike_find
from execution.services.orders.confirmation import (
    PROGRAM,
    Confirmation,
    confirmation_problems,
    lookalike_problems,
)
from execution.services.orders.estimates import order_estimate
from execution.services.orders.preview import Preview, order_preview
from execution.services.orders.replanning import order_replan, slices_create
from execution.services.records.journal import journal_append
from execution.services.records.locking import gate_locked

ResumeMode = Literal["catch_up", "shift"]

__all__ = [
    "KeyReused",
    "OrderNotFound",
    "Preview",
    "order_cancel",
    "order_pause",
    "order_preview",
    "order_resume",
    "order_submit",
]


class OrderNotFound(Exception):
    """There is no such order, or it is somebody else's: the two look the same."""


class KeyReused(Refused):
    """The idempotency key belongs to another order."""


def person_actor(person: User) -> str:
    """How the journal names a person."""
    return f"{person.role}:{person.username}"


# --- submit --------------------------------------------------------------------------------------


def order_submit(
    *,
    person: User,
    request: OrderRequest,
    key: str,
    now: datetime,
    confirmed: Confirmation = PROGRAM,
) -> Order:
    """Create the order and its plan, once per person and key; raises ``Refused`` and then creates nothing.

    1. The same key with the same body gives the order that it made before; with another body it is refused.
    2. The preview judges the request; any problem refuses it, and so does what is ``confirmed`` too little.
    3. Order, terms, slices, journal and submission are one transaction; the driver is woken after it.
    """
    if not key or len(key) > 64:
        raise Refused(
            [Problem("key", f"idempotency key has {len(key)} characters; it must have 1 to 64", key, "64")]
        )
    digest = request_hash(request)
    if (earlier := _submitted(person, key, digest)) is not None:
        return earlier
    preview = order_preview(person=person, request=request, now=now)
    if preview.problems:
        raise Refused(preview.problems)
    if missing := confirmation_problems(person, preview, confirmed):
        raise Refused(missing)
    try:
        return _submit(person, request, preview, key, digest, now, confirmed)
    except IntegrityError:
        # Somebody was faster with the same key: the constraint undid all of ours.
        if (earlier := _submitted(person, key, digest)) is None:
            raise
        return earlier


@transaction.atomic
def _submit(
    person: User,
    request: OrderRequest,
    preview: Preview,
    key: str,
    digest: str,
    now: datetime,
    confirmed: Confirmation,
) -> Order:
    # Two tabs at once queue here: what the other one has committed since the preview is seen below.
    User.objects.select_for_update(no_key=True).get(pk=person.pk)
    if (earlier := _submitted(person, key, digest)) is not None:
        return earlier
    must_be_alone = confirmed.on_ticket and not confirmed.lookalike
    if must_be_alone and (found := lookalike_find(person=person, request=request, now=now)):
        raise Refused(lookalike_problems(found))
    order = _create(person, request, preview, now)
    Submission.objects.create(person=person, key=key, body_hash=digest, order=order, created_at=now)
    order_estimate(order=order, preview=preview, now=now)
    _refuse_if_halted(order, ANY_KIND)
    notify.drive(order.pk)
    return order


def _refuse_if_halted(order: Order, kinds: tuple[str, ...]) -> None:
    """Refuse what a halt covers, under the gate: from a halt's commit on nothing of it gets through."""
    gate_locked()
    halt = order_halt(order, kinds)
    if halt is not None:
        raise Refused([halt_problem(halt)])


def _submitted(person: User, key: str, digest: str) -> Order | None:
    submission = Submission.objects.filter(person=person, key=key).select_related("order").first()
    if submission is None:
        return None
    if submission.body_hash != digest:
        message = f"key {key} was used for another order ({submission.order.public_id}); nothing was sent"
        raise KeyReused([Problem("key", message, key)])
    return submission.order


def _create(person: User, request: OrderRequest, preview: Preview, now: datetime) -> Order:
    quote = preview.quote
    if not preview.accounts or preview.quantity is None:
        raise Refused([Problem("", "the order cannot be planned")])
    order = Order(
        trader=person,
        created_by=person,
        client_reference=request.client_reference,
        tags=list(request.tags),
        symbol=request.symbol,
        side=request.side,
        quantity_asked=request.quantity,
        unit=request.unit,
        quantity=preview.quantity,
        algorithm=request.algorithm,
        market={public_id: market_to_json(market) for public_id, market in preview.markets.items()},
        forecast=dict(preview.plan.forecast) if preview.plan else {},
        status=OrderStatus.SCHEDULED,
        created_at=now,
        due_at=preview.start_at,
    )
    if quote is not None and quote.is_sane and preview.quote_is_fresh and preview.start_at == now:
        order.arrival_bid, order.arrival_ask, order.arrival_at = quote.bid, quote.ask, quote.at
    order.save()
    for account in preview.accounts:  # one by one: their order settles ties between them
        order.accounts.add(account)
    order.terms = _first_terms(order, person, request, preview, now)
    slices_create(order, preview.slices)
    _journal_submitted(order, [account.label for account in preview.accounts], len(preview.slices), now)
    return order


def _journal_submitted(order: Order, accounts: list[str], slices: int, now: datetime) -> None:
    journal_append(
        order=order,
        kind="submitted",
        actor=person_actor(order.created_by),
        reason=order.client_reference or "submitted by a person",
        at=now,
        data={
            "status": order.status,
            "terms_version": 1,
            "plan_version": order.plan_version,
            "slices": slices,
            "side": order.side,
            "quantity": plain(order.quantity),
            "symbol": order.symbol,
            "accounts": accounts,
        },
    )


def _first_terms(
    order: Order, person: User, request: OrderRequest, preview: Preview, now: datetime
) -> OrderTerms:
    if preview.parameters is None or preview.start_at is None or preview.end_at is None:
        raise Refused([Problem("", "the order has no window")])
    return OrderTerms.objects.create(
        order=order,
        version=1,
        parameters=preview.parameters.model_dump(mode="json"),
        limit_price=request.limit_price,
        start_at=preview.start_at,
        end_at=preview.end_at,
        end_is_fixed=preview.parameters.end_at is not None,
        actor=person,
        created_at=now,
    )


# --- pause, resume, cancel -----------------------------------------------------------------------


def _locked(public_id: str, person: User) -> Order:
    """The order under lock, if the person may act on it: its trader, or a supervisor.

    An order that the person does not see is not there; one that they only watch is refused.
    """
    pk = order_find(person=person, public_id=public_id)
    order = (
        Order.objects.select_for_update(of=("self",), no_key=True)
        .select_related("trader")
        .filter(pk=pk)
        .first()
        if pk is not None
        else None
    )
    if order is None:
        raise OrderNotFound(public_id)
    if not may_act(person, order):
        message = f"only its trader or a supervisor may act on order {public_id}"
        raise Refused([Problem("", message, public_id)])
    return order


def _move(
    order: Order,
    event: OrderEvent,
    *,
    actor: str,
    reason: str,
    now: datetime,
    data: dict[str, Any] | None = None,
) -> None:
    """Change the status along the table and journal it; raises ``Refused`` where the table does not allow it."""
    try:
        order.status = order_after(OrderStatus(order.status), event)
    except ForbiddenTransition:
        message = f"order {order.public_id} is {order.status.replace('_', ' ')}: it cannot {event}"
        raise Refused([Problem("status", message, order.status)]) from None
    order.reason = "" if order.status == OrderStatus.WORKING else reason
    # Whoever drives it, or comes to drive it, has something to do now.
    order.due_at = None if order.status in ORDER_FINAL else now
    order.ended_at = now if order.status in ORDER_FINAL else None
    journal_append(
        order=order,
        kind=event.value,
        actor=actor,
        reason=reason,
        at=now,
        data={"status": order.status, **(data or {})},
    )


@transaction.atomic
def order_pause(*, public_id: str, person: User, reason: str, now: datetime) -> Order:
    """No new children from this commit on; what rests is cancelled. Pausing a paused order changes nothing."""
    order = _locked(public_id, person)
    if order.status == OrderStatus.PAUSED:
        return order
    order.paused_at = now
    _move(order, OrderEvent.PAUSE, actor=person_actor(person), reason=reason or "paused by a person", now=now)
    return order


@transaction.atomic
def order_resume(*, public_id: str, person: User, reason: str, mode: ResumeMode, now: datetime) -> Order:
    """Work on. ``catch_up`` keeps the schedule's times; ``shift`` moves them by the time lost.

    ``shift`` is refused with a fixed end. Resuming a working order changes nothing.
    """
    order = _locked(public_id, person)
    if order.status == OrderStatus.WORKING:
        return order
    if order.status == OrderStatus.PAUSED:
        _refuse_if_halted(order, STOPS)
    if order.status == OrderStatus.PAUSED and mode == "shift":
        _shift(order, person, reason, now)
    order.needs_person = False
    _move(
        order,
        OrderEvent.RESUME,
        actor=person_actor(person),
        reason=reason or "resumed by a person",
        now=now,
        data={"mode": mode},
    )
    order.paused_at = None
    if order.started_at is None and order.terms is not None:
        order.started_at = max(order.terms.start_at, now)  # it was paused before its start
    order.save(update_fields=["paused_at", "started_at"])
    return order


def _shift(order: Order, person: User, reason: str, now: datetime) -> None:
    """New terms and a new plan version, moved by the time that the pause took."""
    terms = order.terms
    if terms is None or order.paused_at is None:
        raise Refused([Problem("mode", "the order has no schedule to shift")])
    if terms.end_is_fixed:
        message = f"the end {terms.end_at:%H:%M:%S} UTC is fixed; resume with catch up"
        raise Refused([Problem("mode", message, "shift", terms.end_at.isoformat())])
    # Time lost before the start is no time lost, and a plan that was made during the pause begins where it was.
    paused_at = max(order.paused_at, terms.start_at, terms.created_at)
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
    """Close the order as cancelled; it is final when its children are settled. Cancelling twice is once."""
    order = _locked(public_id, person)
    if order.status in ORDER_FINAL or (
        order.status == OrderStatus.CLOSING and order.outcome == OrderStatus.CANCELLED
    ):
        return order
    order.outcome = OrderStatus.CANCELLED
    text = reason or "cancelled by a person"
    _move(
        order,
        OrderEvent.CANCEL if order.status == OrderStatus.PENDING_APPROVAL else OrderEvent.CLOSE,
        actor=person_actor(person),
        reason=text,
        now=now,
        data={"outcome": order.outcome},
    )
    return order
