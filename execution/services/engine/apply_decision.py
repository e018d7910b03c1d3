"""The writing of a decision about an order into rows. Only this module creates a child, after checking the
invariants.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import NamedTuple

from django.db import transaction

from execution import notify
from execution.core.identifiers import client_id
from execution.core.market_data.freshness import is_fresh
from execution.core.numbers import plain
from execution.core.orders.view import (
    CancelChild,
    ChangeStatus,
    Decision,
    OrderView,
    PlaceChild,
    Replan,
    memo_after,
)
from execution.core.quantities import collar_price, is_multiple
from execution.core.routing.account_selection import reference_quote
from execution.core.states import ORDER_TRADING, ChildStatus
from execution.core.types import ZERO, Quote, Side
from execution.models import Account, ChildOrder, Installation, Order, OrderTerms, Slice
from execution.models.prepared import Compiled, row_insert, row_save
from execution.selectors.decisions.exposure import done_of, exposure_of, live_of
from execution.selectors.halts import halt_blocks_order
from execution.selectors.markets import market_from_json
from execution.services.children.children import child_cancel_request
from execution.services.orders.replanning import order_replan
from execution.services.records.decision_record import Body, decision_body, decision_record
from execution.services.records.journal import DESK, alert, journal_append
from execution.services.records.locking import gate_locked, order_locked, order_locked_with_terms
from execution.services.records.order_transition import order_arrive, order_transition, pause_for_person

_INSTALLATION = Compiled(lambda: Installation.objects.all())
_ACCOUNT = Compiled(
    lambda order, account: Account.objects.filter(orders=order, public_id=account), order=int, account=str
)
_CHILD = Compiled(
    lambda order, sequence: ChildOrder.objects.filter(order_id=order, sequence=sequence),
    order=int,
    sequence=int,
)
_SLICE = Compiled(
    lambda order, plan, number: Slice.objects.filter(order_id=order, plan_version=plan, number=number),
    order=int,
    plan=int,
    number=int,
)


class Applied(StrEnum):
    """The outcome of an attempt to write a decision."""

    DONE = "done"
    STALE = "stale"  #: something has changed since the check: check again
    FENCED = "fenced"  #: the order is another driver's now


class Written(NamedTuple):
    """The result of writing a decision. ``version`` is the order's version afterwards. It is None if nothing was
    written.
    """

    applied: Applied
    version: int | None = None


class _Halted(Exception):
    """Raised when a halt was committed after the decision was checked. Nothing of the decision may be written."""


class InvariantBroken(Exception):
    """Raised for a decision that breaks an invariant and must never be written.

    The parent order pauses for a person, and the process goes on.
    """


def decision_apply(
    *,
    order_pk: int,
    worker_pk: int,
    fence: int,
    version: int,
    decision: Decision,
    quotes: Mapping[str, Quote],
    now: datetime,
    view: OrderView | None = None,
) -> Written:
    """Write a decision about an order, all of it or nothing. It is written only if the order still has ``version``.

    ``quotes`` are the quotes that the decision used, by account. ``view`` is the decision's whole input. It is stored
    with the children, so that anybody can repeat the decision later. A decision that breaks an invariant is not
    written. Instead the order pauses, and an alert is raised.
    """
    try:
        return _apply(
            order_pk, worker_pk, fence, version, decision, quotes, now, _body(order_pk, view, decision)
        )
    except _Halted:
        return Written(Applied.STALE)
    except InvariantBroken as broken:
        with transaction.atomic():
            order = order_locked(order_pk)
            alert(order=order, text=f"refused by an invariant: {broken}", at=now)
            pause_for_person(order, reason=str(broken), now=now)
        return Written(Applied.STALE)


@transaction.atomic
def _apply(
    order_pk: int,
    worker_pk: int,
    fence: int,
    version: int,
    decision: Decision,
    quotes: Mapping[str, Quote],
    now: datetime,
    body: Body | None,
) -> Written:
    order = order_locked_with_terms(order_pk)
    if order.owner_id != worker_pk or order.fence != fence:
        return Written(Applied.FENCED)
    if order.version != version or _is_too_late(order, decision, quotes, now):
        return Written(Applied.STALE)
    _arrive(order, quotes, now)
    why_changed = order.why != decision.why
    order.why, order.due_at = decision.why, decision.due_at
    order.memo = memo_after(order.memo, decision.memo)
    first_child = order.next_sequence
    for command in decision.commands:
        if isinstance(command, ChangeStatus):
            order_transition(order, command, quote=reference_quote(quotes.values(), now), now=now)
        elif isinstance(command, Replan):
            _replan(order, command, now)
        elif isinstance(command, CancelChild):
            child = _CHILD.get(order=order.pk, sequence=command.sequence)
            child_cancel_request(child=child, order=order, reason=command.why, now=now)
            notify.wake_account(child.account_id)
        else:
            _place_child(order, command, quotes, now, body)
    if body is not None and (children := order.next_sequence - first_child):
        decision_record(order=order, first_child=first_child, children=children, body=body, now=now)
    _stop_if_halted(order, decision)
    if why_changed and not decision.commands:
        journal_append(order=order, kind="decision", actor=DESK, reason=decision.why, at=now)
    elif order.version == version:  # else every entry of the journal has written the whole row
        row_save(order, ("why", "due_at", "memo"))
    return Written(Applied.DONE, order.version)


def _arrive(order: Order, quotes: Mapping[str, Quote], now: datetime) -> None:
    """Set the arrival price of a working order that has none.

    It has none if no quote was known when it started, or if it was paused at that time. Until the price is set, an
    order whose algorithm follows the arrival price places nothing.
    """
    if order.status in ORDER_TRADING and order.arrival_at is None:
        order_arrive(order, reference_quote(quotes.values(), now))
        order.save(update_fields=["arrival_bid", "arrival_ask", "arrival_at"])


def _replan(order: Order, command: Replan, now: datetime) -> None:
    """Make a new plan, of exactly the quantity that remains, by the order's own rules.

    A quantity that the exchange reported as filled is treated as done, even without fills. Otherwise it would be
    traded twice.
    """
    planned = sum((part.quantity for part in command.slices), ZERO)
    remaining = order.quantity - done_of(order)
    if planned != remaining:
        raise InvariantBroken(f"a plan of {plain(planned)} for a remainder of {plain(remaining)}")
    order_replan(
        order=order, slices=command.slices, end_at=command.end_at, actor=DESK, reason=command.reason, now=now
    )


def _stop_if_halted(order: Order, decision: Decision) -> None:
    """Raise ``_Halted`` if the decision places a child and a halt covers the order.

    The gate, a row that setting a halt locks too, is locked after every other row. The reason is that the child's row
    refers to the account's row. The caller rolls back all that the decision wrote, including its cancels. The next
    check sees the halt and decides the cancels again.
    """
    if any(isinstance(command, PlaceChild) for command in decision.commands):
        gate_locked()
        if halted := halt_blocks_order(order):
            raise _Halted(halted)


def _is_too_late(order: Order, decision: Decision, quotes: Mapping[str, Quote], now: datetime) -> bool:
    """Return True if a decision to place children is too old: the order's end has passed, or a quote is not fresh.

    The next check then makes a new decision.
    """
    placed = [command for command in decision.commands if isinstance(command, PlaceChild)]
    if not placed:
        return False
    is_over = order.terms is not None and now >= order.terms.end_at
    used = [quotes[child.account] for child in placed if child.account in quotes]
    return is_over or any(not is_fresh(quote.at, now) for quote in used)


def _body(order_pk: int, view: OrderView | None, decision: Decision) -> Body | None:
    places = any(isinstance(command, PlaceChild) for command in decision.commands)
    return decision_body(order_pk, view) if places and view is not None else None


def _place_child(
    order: Order, place: PlaceChild, quotes: Mapping[str, Quote], now: datetime, body: Body | None
) -> None:
    """Write a child. Its transaction checks I1, I7 and I14."""
    account = _ACCOUNT.first(order=order.pk, account=place.account)
    if account is None:
        raise InvariantBroken(f"a child at account {place.account}, which is not the order's")
    _check_placement(order, place, quotes.get(place.account), now)
    child = _write_child(order, account, place, now)
    order.next_sequence += 1
    data = {
        "child": child.sequence,
        "client_id": child.client_id,
        "quantity": plain(child.quantity),
        "price": None if child.price is None else plain(child.price),
        "time_in_force": child.time_in_force,
        "child_status": child.status,
    }
    if body is not None:
        data["decided_on"] = body.digest
    journal_append(order=order, kind="place", actor=DESK, reason=place.why, at=now, data=data)
    notify.wake_account(account.pk)


def _write_child(order: Order, account: Account, place: PlaceChild, now: datetime) -> ChildOrder:
    part = None
    if place.slice_number is not None:
        part = _SLICE.get(order=order.pk, plan=order.plan_version, number=place.slice_number)
    mark = _INSTALLATION.get().mark
    child = ChildOrder(
        order=order,
        slice=part,
        account=account,
        sequence=order.next_sequence,
        client_id=client_id(mark, order.public_id, order.next_sequence),
        symbol=order.symbol,
        side=order.side,
        type=place.type,
        price=place.price,
        quantity=place.quantity,
        time_in_force=place.time_in_force,
        purpose=place.purpose,
        why=place.why,
        status=ChildStatus.PENDING_SUBMIT,
        intended_at=now,
    )
    row_insert(child)
    return child


def _check_placement(order: Order, place: PlaceChild, quote: Quote | None, now: datetime) -> None:
    if order.status not in ORDER_TRADING:
        raise InvariantBroken(f"I7: a child of a {order.status} order")
    if order.terms is None or now >= order.terms.end_at:
        raise InvariantBroken(f"I7: a child after the end {order.terms.end_at if order.terms else 'unknown'}")
    total = exposure_of(order) + place.quantity
    if place.quantity <= ZERO or total > order.quantity:
        raise InvariantBroken(
            f"I1: {plain(total)} could be filled of {plain(order.quantity)} with a child of {plain(place.quantity)}"
        )
    _check_visible(order, order.terms, place)
    if quote is None or not quote.is_sane or place.price is None:
        raise InvariantBroken("I14: a child without market data or price")
    side = Side(order.side)
    limit = order.terms.limit_price
    if limit is not None and (place.price - limit) * side.sign > 0:
        raise InvariantBroken(f"I7: price {plain(place.price)} beyond the limit {plain(limit)}")
    market = market_from_json(order.market[place.account])
    collar_bp = Decimal(str(order.terms.parameters["collar_bp"]))
    worst = collar_price(quote.mid, collar_bp, market.tick, side)
    if (place.price - worst) * side.sign > 0:
        raise InvariantBroken(f"I7: price {plain(place.price)} beyond the collar {plain(worst)}")
    if not is_multiple(place.quantity, market.lot) or not is_multiple(place.price, market.tick):
        raise InvariantBroken(
            f"quantity {plain(place.quantity)} or price {plain(place.price)} off lot or tick"
        )


def _check_visible(order: Order, terms: OrderTerms, place: PlaceChild) -> None:
    """Check I17: the quantity of an iceberg order that may be on the books of all accounts is at most its visible
    quantity.
    """
    if (visible := terms.parameters.get("visible_quantity")) is None:
        return
    live = live_of(order) + place.quantity
    if live > Decimal(str(visible)):
        raise InvariantBroken(f"I17: {plain(live)} could be seen of an iceberg that shows {visible}")
