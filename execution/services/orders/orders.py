"""Actions of a person on orders: submit, pause, resume, cancel. One transaction each, safe to repeat."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Literal

from django.db import IntegrityError, transaction

from execution import notify
from execution.core.numbers import plain
from execution.core.orders.plans import shift_plan
from execution.core.orders.terms import OrderRequest, request_hash
from execution.core.orders.view import ChangeStatus
from execution.core.problem_codes import Code
from execution.core.problems import Problem, Refused, length_problem, refuse, refuse_if
from execution.core.states import ORDER_FINAL, ForbiddenTransition, OrderEvent, OrderStatus
from execution.core.types import Side
from execution.models import Order, OrderTerms, Submission, User
from execution.selectors.decisions.exposure import done_of
from execution.selectors.decisions.order_view import plan_rows
from execution.selectors.halts import ANY_KIND, STOPS, halt_problem, order_halt
from execution.selectors.markets import market_from_json, market_to_json
from execution.selectors.orders.visibility import may_act, order_find
from execution.selectors.ticket import lookalike_find
from execution.services.orders.affordability import refuse_if_unaffordable
from execution.services.orders.confirmation import (
    PROGRAM,
    Confirmation,
    confirmation_problems,
    lookalike_problems,
)
from execution.services.orders.estimates import order_estimate
from execution.services.orders.market_problems import resume_problems
from execution.services.orders.preview import order_preview
from execution.services.orders.replanning import order_replan, slices_create
from execution.services.orders.stages import Preview, RequestedTerms
from execution.services.records.journal import journal_append
from execution.services.records.locking import gate_locked
from execution.services.records.order_transition import order_transition

ResumeMode = Literal["catch_up", "shift"]

#: Characters of an idempotency key.
MAX_KEY_LENGTH = 64

__all__ = [
    "KeyReused",
    "OrderNotFound",
    "order_cancel",
    "order_pause",
    "order_preview",
    "order_resume",
    "order_submit",
    "refuse_if_halted",
]


class OrderNotFound(Exception):
    """There is no such order, or it is somebody else's: the two look the same."""


class KeyReused(Refused):
    """The idempotency key belongs to another order."""


def person_actor(person: User) -> str:
    """Name a person for the journal."""
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
    4. Under the gate, what is free beside other orders' reserves is judged once more.
    """
    if not key or len(key) > MAX_KEY_LENGTH:
        raise Refused([length_problem("key", "The idempotency key", key, MAX_KEY_LENGTH, 1)])
    digest = request_hash(request)
    if (earlier := _submitted(person, key, digest)) is not None:
        return earlier
    preview = order_preview(person=person, request=request, now=now)
    refuse_if(preview.problems)
    refuse_if(confirmation_problems(person, preview, confirmed))
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
    refuse_if_halted(order, ANY_KIND)
    refuse_if_unaffordable(order, person, field="quantity", label="The order")
    notify.drive(order.pk)
    return order


def refuse_if_halted(order: Order, kinds: tuple[str, ...]) -> None:
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
        message = (
            f"The key {key} was used for another order ({submission.order.public_id}). Nothing was sent."
        )
        raise KeyReused([Problem("key", message, key, code=Code.IDEMPOTENCY_KEY_REUSED)])
    return submission.order


def _create(person: User, request: OrderRequest, preview: Preview, now: datetime) -> Order:
    market, terms, plan = preview.market, preview.terms, preview.planned.plan
    if market is None or terms.quantity is None or plan is None:
        raise RuntimeError("a preview without problems has no plan")
    order = Order(
        trader=person,
        created_by=person,
        client_reference=request.client_reference,
        tags=list(request.tags),
        symbol=request.symbol,
        side=request.side,
        quantity_asked=request.quantity,
        unit=request.unit,
        quantity=terms.quantity,
        algorithm=request.algorithm,
        market={public_id: market_to_json(limits) for public_id, limits in market.markets.items()},
        forecast=dict(plan.forecast),
        status=OrderStatus.SCHEDULED,
        created_at=now,
        due_at=terms.start_at,
    )
    quote = market.fresh_quote
    if quote is not None and quote.is_sane and terms.start_at == now:
        order.arrival_bid, order.arrival_ask, order.arrival_at = quote.bid, quote.ask, quote.at
    order.save()
    for account in market.accounts:  # one by one: their order settles ties between them
        order.accounts.add(account)
    order.terms = _first_terms(order, person, request, terms, now)
    slices_create(order, plan.slices)
    _journal_submitted(order, [account.label for account in market.accounts], len(plan.slices), now)
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
    order: Order, person: User, request: OrderRequest, terms: RequestedTerms, now: datetime
) -> OrderTerms:
    if terms.parameters is None or terms.start_at is None or terms.end_at is None:
        raise RuntimeError("a preview without problems has no window")
    return OrderTerms.objects.create(
        order=order,
        version=1,
        parameters=terms.parameters.model_dump(mode="json"),
        limit_price=request.limit_price,
        start_at=terms.start_at,
        end_at=terms.end_at,
        end_is_fixed=terms.parameters.end_at is not None,
        actor=person,
        created_at=now,
    )


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
    """Stop new children from this commit on; what rests is cancelled. Pausing a paused order changes nothing."""
    order = _locked(public_id, person)
    if order.status == OrderStatus.PAUSED:
        return order
    _transition(order, ChangeStatus(OrderEvent.PAUSE, reason or "paused by a person"), person, now)
    return order


@transaction.atomic
def order_resume(*, public_id: str, person: User, reason: str, mode: ResumeMode, now: datetime) -> Order:
    """Work on. ``catch_up`` keeps the schedule's times; ``shift`` moves them by the time lost.

    Refused while the accounts cannot pay for the rest beside what other orders reserve.
    ``shift`` is refused with a fixed end. Resuming a working order changes nothing.
    """
    order = _locked(public_id, person)
    if order.status == OrderStatus.WORKING:
        return order
    if order.status == OrderStatus.PAUSED:
        _refuse_if_closed(order)
        refuse_if_halted(order, STOPS)
        refuse_if_unaffordable(order, person, field="", label="The rest of the order")
    if order.status == OrderStatus.PAUSED and mode == "shift":
        _shift(order, person, reason, now)
    order.needs_person = False
    change = ChangeStatus(OrderEvent.RESUME, reason or "resumed by a person")
    _transition(order, change, person, now, {"mode": mode})
    order.paused_at = None
    if order.started_at is None and order.terms is not None:
        order.started_at = max(order.terms.start_at, now)  # it was paused before its start
    order.save(update_fields=["paused_at", "started_at"])
    return order


def _refuse_if_closed(order: Order) -> None:
    """Refuse while none of the order's markets takes a new order of its side."""
    labels = dict(order.accounts.values_list("public_id", "label"))
    markets = {labels[public_id]: market_from_json(data) for public_id, data in order.market.items()}
    refuse_if(resume_problems(Side(order.side), markets))


def _shift(order: Order, person: User, reason: str, now: datetime) -> None:
    terms = order.terms
    if terms is None or order.paused_at is None:
        refuse("mode", "The order has no schedule to shift.", code=Code.NOTHING_TO_SHIFT)
    if terms.end_is_fixed:
        message = f"The end {terms.end_at:%H:%M:%S} UTC is fixed. Resume with catch up."
        refuse("mode", message, "shift", terms.end_at, code=Code.END_IS_FIXED)
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
    event = OrderEvent.CANCEL if order.status == OrderStatus.PENDING_APPROVAL else OrderEvent.CLOSE
    change = ChangeStatus(event, reason or "cancelled by a person", outcome=OrderStatus.CANCELLED)
    _transition(order, change, person, now)
    return order
