"""The submit of a basket. One transaction writes every order or none. It is safe to repeat."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial

from django.db import IntegrityError, transaction

from execution import notify
from execution.core.limits.judgement import Verdict
from execution.core.numbers import plain
from execution.core.orders.basket import BasketRow, basket_hash, in_row
from execution.core.orders.reservation import spent_currency
from execution.core.problem_codes import Code
from execution.core.problems import Problem, Refused, length_problem, refuse_if
from execution.core.types import Side
from execution.models import Basket, Order, User
from execution.selectors.halts import ANY_KIND
from execution.selectors.ticket import lookalike_find
from execution.services.orders.affordability import unaffordable_together
from execution.services.orders.basket_confirmation import (
    BasketConfirmation,
    basket_confirmation_problems,
    reasons_of,
)
from execution.services.orders.basket_preview import (
    BasketPreview,
    Clock,
    basket_preview,
    total_label,
    with_verdicts,
)
from execution.services.orders.confirmation import lookalike_problems
from execution.services.orders.halted import refuse_if_halted
from execution.services.orders.limits import verdicts_together
from execution.services.orders.submit import MAX_ATTEMPTS, MAX_KEY_LENGTH, KeyReused, is_foreseen, order_write
from execution.services.records.actors import person_actor, refuse_if_inactive
from execution.services.records.audit import audit_append


@dataclass(frozen=True, slots=True)
class _Sending:
    """A basket while it is being submitted, with everything that the submit needs."""

    person: User
    basket: BasketPreview
    key: str
    digest: str
    now: datetime
    clock: Clock
    confirmed: BasketConfirmation


def basket_submit(
    *,
    person: User,
    name: str,
    rows: Sequence[BasketRow],
    key: str,
    clock: Clock,
    confirmed: BasketConfirmation,
) -> Basket:
    """Create every order of the basket, once per person and key. If it raises ``Refused``, it creates none.

    1. If the key was used before with the same rows, that basket is returned. If it was used with other rows, the
       request is refused.
    2. The preview judges the rows. Any problem of any row refuses all rows, and so does a missing confirmation.
    3. The basket, its orders and the audit's entry are one transaction. The orders' drivers are woken after it.
    4. The row of ``HaltGate`` is locked, so that no other order comes in between. The limits and the free balances are
       checked once more for all orders together.
    """
    name, now = name.strip(), clock()
    if not key or len(key) > MAX_KEY_LENGTH:
        raise Refused([length_problem("key", "The idempotency key", key, MAX_KEY_LENGTH, 1)])
    refuse_if([in_row(problem, row.number) for row in rows for problem in row.problems])
    digest = basket_hash(name, [row.request for row in rows if row.request is not None])
    if (earlier := _sent(person, key, digest)) is not None:
        return earlier
    found = basket_preview(person=person, name=name, rows=rows, clock=clock)
    for _ in range(MAX_ATTEMPTS):
        refuse_if(found.every_problem)
        refuse_if(basket_confirmation_problems(person, found, confirmed))
        try:
            return _send_once(_Sending(person, found, key, digest, now, clock, confirmed))
        except _Outdated as outdated:
            # Others have traded since the preview: more of the limits are exceeded now.
            found = with_verdicts(found, outdated.verdicts)
    raise RuntimeError("the limits have changed at every attempt")


class _Outdated(Exception):
    """Raised when an order needs an approval or a reason that the preview did not ask for."""

    def __init__(self, verdicts: Sequence[Verdict]) -> None:
        super().__init__("the limits have changed since the preview")
        self.verdicts = verdicts


def _send_once(sending: _Sending) -> Basket:
    try:
        return _send(sending)
    except IntegrityError:
        # Somebody was faster with the same key: the constraint undid all of ours.
        if (earlier := _sent(sending.person, sending.key, sending.digest)) is None:
            raise
        return earlier


@transaction.atomic
def _send(sending: _Sending) -> Basket:
    person, now = sending.person, sending.now
    # Two tabs at once queue here: what the other one has committed since the preview is seen below.
    refuse_if_inactive(User.objects.select_for_update(no_key=True).get(pk=person.pk))
    if (earlier := _sent(person, sending.key, sending.digest)) is not None:
        return earlier
    _refuse_lookalikes(sending)
    basket = Basket.objects.create(
        trader=person,
        name=sending.basket.name,
        key=sending.key,
        body_hash=sending.digest,
        size=len(sending.basket.rows),
        created_at=now,
    )
    orders = _write(sending, basket)
    _judge(sending, orders)
    _audit(sending, basket)
    for order in orders:
        notify.drive(order.pk)
    return basket


def _write(sending: _Sending, basket: Basket) -> list[Order]:
    found = sending.basket
    return [
        order_write(
            person=sending.person,
            preview=preview,
            now=preview.now,
            confirmed=reasons_of(found, sending.confirmed, row.number),
            basket=basket,
        )
        for row, preview in zip(found.rows, found.previews, strict=True)
    ]


def _judge(sending: _Sending, orders: Sequence[Order]) -> None:
    """Check halts, limits and balances once more, with the gate locked.

    No other order can be written between this check and the commit.
    """
    found = sending.basket
    for row, order in zip(found.rows, orders, strict=True):
        _in_row(row.number, partial(refuse_if_halted, order, ANY_KIND))
    verdicts = verdicts_together(
        found.previews, order_pks=[order.pk for order in orders], now=sending.clock()
    )
    refuse_if(with_verdicts(found, verdicts).every_problem)
    before = [preview.verdict for preview in found.previews]
    if not all(map(is_foreseen, verdicts, before)):
        raise _Outdated(verdicts)
    _refuse_unaffordable(sending, orders)


def _refuse_unaffordable(sending: _Sending, orders: Sequence[Order]) -> None:
    groups: dict[tuple[tuple[str, ...], str], list[tuple[int, Order]]] = defaultdict(list)
    for row, order in zip(sending.basket.rows, orders, strict=True):
        spends = spent_currency(order.symbol, Side(order.side))
        groups[tuple(sorted(order.market)), spends].append((row.number, order))
    for members in groups.values():
        label = total_label([number for number, _ in members])
        rows = [order for _, order in members]
        refuse_if(unaffordable_together(rows, sending.person, field="orders", label=label))


def _refuse_lookalikes(sending: _Sending) -> None:
    """Refuse rows that are like an order that the person sent a moment ago, for example in another tab.

    It is called before any order of this basket is written.
    """
    problems = []
    for row in sending.basket.rows:
        confirmed, request = sending.confirmed.of(row.number), row.row.request
        if request is None or not confirmed.on_ticket or confirmed.lookalike:
            continue
        found = lookalike_find(person=sending.person, request=request, now=sending.now)
        problems += [in_row(each, row.number) for each in lookalike_problems(found)]
    refuse_if(problems)


def _in_row(number: int, judge: Callable[[], None]) -> None:
    try:
        judge()
    except Refused as refused:
        raise Refused([in_row(problem, number) for problem in refused.problems]) from refused


def _audit(sending: _Sending, basket: Basket) -> None:
    """Record the basket in the audit with its sums. Each order has its own journal besides."""
    sums = sending.basket.sums
    figures = {"bought": sums.bought, "sold": sums.sold, "net": sums.net}
    audit_append(
        kind="basket.sent",
        actor=person_actor(sending.person),
        subject=basket.public_id,
        reason=basket.name,
        at=sending.now,
        data={
            "orders": basket.size,
            "currency": sums.currency,
            **{name: None if figure is None else plain(figure) for name, figure in figures.items()},
        },
    )


def _sent(person: User, key: str, digest: str) -> Basket | None:
    basket = Basket.objects.filter(trader=person, key=key).first()
    if basket is not None and basket.body_hash != digest:
        message = f"The key {key} was used for another basket ({basket.public_id}). Nothing was sent."
        raise KeyReused([Problem("key", message, key, code=Code.IDEMPOTENCY_KEY_REUSED)])
    return basket
