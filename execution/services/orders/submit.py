"""The submit of an order: one transaction, safe to repeat."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from django.db import IntegrityError, transaction

from execution import notify
from execution.core.limits.judgement import Verdict
from execution.core.numbers import plain
from execution.core.orders.terms import OrderRequest, request_hash
from execution.core.problem_codes import Code
from execution.core.problems import Problem, Refused, length_problem, refuse_if
from execution.core.states import OrderStatus
from execution.models import Basket, Order, OrderTerms, Submission, User
from execution.selectors.halts import ANY_KIND
from execution.selectors.markets import market_to_json
from execution.selectors.ticket import lookalike_find
from execution.services.orders.affordability import refuse_if_unaffordable
from execution.services.orders.approval_requests import approval_ask
from execution.services.orders.confirmation import (
    PROGRAM,
    Confirmation,
    confirmation_problems,
    lookalike_problems,
)
from execution.services.orders.estimates import order_estimate
from execution.services.orders.halted import refuse_if_halted
from execution.services.orders.limits import limit_problems, preview_verdict, reasons_kept
from execution.services.orders.preview import order_preview
from execution.services.orders.replanning import slices_create
from execution.services.orders.stages import Preview, RequestedTerms
from execution.services.records.actors import person_actor, refuse_if_inactive
from execution.services.records.journal import journal_append

#: The most characters of an idempotency key.
MAX_KEY_LENGTH = 64
#: The most times that a submit is written. It is written again when it exceeds more limits than expected, and there
#: are few kinds of limits.
MAX_ATTEMPTS = 3


class KeyReused(Refused):
    """The idempotency key was already used for another order."""


def order_submit(
    *,
    person: User,
    request: OrderRequest,
    key: str,
    now: datetime,
    confirmed: Confirmation = PROGRAM,
) -> Order:
    """Create the order and its plan, once per person and key. If it raises ``Refused``, it creates nothing.

    1. If the key was used before with the same request, that order is returned. If it was used with another request,
       this one is refused.
    2. The preview judges the request. The order is refused if there is any problem, or if a confirmation is missing.
    3. One transaction locks the row of ``HaltGate``, so that no other order comes in between. It checks the limits
       again, and the balance less other orders' reserves. Then it writes the order with its terms, slices and journal.
       If the order exceeds a limit that another person may approve, it waits for the approval.
    4. After the commit, the engine that will work the order is woken.
    """
    if not key or len(key) > MAX_KEY_LENGTH:
        raise Refused([length_problem("key", "The idempotency key", key, MAX_KEY_LENGTH, 1)])
    digest = request_hash(request)
    if (earlier := _submitted(person, key, digest)) is not None:
        return earlier
    preview = order_preview(person=person, request=request, now=now)
    refuse_if(preview.problems)
    refuse_if(confirmation_problems(person, preview, confirmed))
    for _ in range(MAX_ATTEMPTS - 1):
        try:
            return _submit_once(person, request, preview, key, digest, now, confirmed)
        except _Outdated as outdated:
            # Others have traded since the preview: more of the limits are exceeded now.
            preview = replace(preview, verdict=outdated.verdict)
            refuse_if(confirmation_problems(person, preview, confirmed))
    return _submit_once(person, request, preview, key, digest, now, confirmed)


class _Outdated(Exception):
    """Raised when the order needs an approval or a reason that the preview did not ask for."""

    def __init__(self, verdict: Verdict) -> None:
        super().__init__("the limits have changed since the preview")
        self.verdict = verdict


def _submit_once(
    person: User,
    request: OrderRequest,
    preview: Preview,
    key: str,
    digest: str,
    now: datetime,
    confirmed: Confirmation,
) -> Order:
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
    refuse_if_inactive(User.objects.select_for_update(no_key=True).get(pk=person.pk))
    if (earlier := _submitted(person, key, digest)) is not None:
        return earlier
    must_be_alone = confirmed.on_ticket and not confirmed.lookalike
    if must_be_alone and (found := lookalike_find(person=person, request=request, now=now)):
        raise Refused(lookalike_problems(found))
    order = order_write(person=person, preview=preview, now=now, confirmed=confirmed)
    Submission.objects.create(person=person, key=key, body_hash=digest, order=order, created_at=now)
    refuse_if_halted(order, ANY_KIND)
    _refuse_if_limited(order, preview)
    refuse_if_unaffordable(order, person, field="quantity", label="The order")
    notify.drive(order.pk)
    return order


def _refuse_if_limited(order: Order, preview: Preview) -> None:
    """Check the limits once more, with the gate locked. No other order can be written before the commit."""
    verdict = preview_verdict(preview, order_pk=order.pk)
    refuse_if(limit_problems(verdict))
    if not is_foreseen(verdict, preview.verdict):
        raise _Outdated(verdict)


def is_foreseen(verdict: Verdict, preview: Verdict) -> bool:
    """Return True if ``verdict`` asks for no approval and no reason that the earlier verdict ``preview`` did not ask
    for.
    """
    foreseen = {breach.kind for breach in (*preview.approvals, *preview.reasons)}
    found = {breach.kind for breach in (*verdict.approvals, *verdict.reasons)}
    return found <= foreseen and verdict.kinds_to_approve <= preview.kinds_to_approve


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


def order_write(
    *,
    person: User,
    preview: Preview,
    now: datetime,
    confirmed: Confirmation,
    basket: Basket | None = None,
) -> Order:
    """Write the order of a preview that has no problems, and return it.

    Also write the order's terms, slices, journal and expected cost, and a request for approval if it needs one.
    Afterwards, in the same transaction, the caller locks the row of ``HaltGate`` and checks halts, limits and balances
    again.
    """
    order = _create(person, preview, now, confirmed, basket)
    order_estimate(order=order, preview=preview, now=now)
    if preview.verdict.approvals:
        approval_ask(order, preview.verdict, person=person, now=now)
    return order


def _create(
    person: User, preview: Preview, now: datetime, confirmed: Confirmation, basket: Basket | None
) -> Order:
    request, market, terms, plan = preview.request, preview.market, preview.terms, preview.planned.plan
    if market is None or terms.quantity is None or plan is None:
        raise RuntimeError("a preview without problems has no plan")
    order = Order(
        trader=person,
        created_by=person,
        basket=basket,
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
        status=OrderStatus.PENDING_APPROVAL if preview.verdict.approvals else OrderStatus.SCHEDULED,
        created_at=now,
        due_at=terms.start_at,
    )
    quote = market.fresh_quote
    begins_now = terms.start_at == now and not preview.verdict.approvals
    if quote is not None and quote.is_sane and begins_now:
        order.arrival_bid, order.arrival_ask, order.arrival_at = quote.bid, quote.ask, quote.at
    order.save()
    for account in market.accounts:  # one by one: their order settles ties between them
        order.accounts.add(account)
    order.terms = _first_terms(order, person, request, terms, now)
    slices_create(order, plan.slices)
    exceeded = reasons_kept(preview.verdict, confirmed.limit_reasons)
    _journal_submitted(order, [account.label for account in market.accounts], len(plan.slices), exceeded, now)
    return order


def _journal_submitted(
    order: Order, accounts: list[str], slices: int, exceeded: list[dict[str, str]], now: datetime
) -> None:
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
            **({"basket": order.basket_id} if order.basket_id else {}),
            **({"limits_exceeded": exceeded} if exceeded else {}),
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
