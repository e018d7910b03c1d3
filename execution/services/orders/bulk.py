"""One action on many orders. Each order is changed through its own service, in a transaction of its own."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import structlog
from django.db import DatabaseError, transaction

from execution.core.durations import as_clock
from execution.core.numbers import plain
from execution.core.orders.bulk import (
    AMENDING,
    BulkAction,
    BulkOutcome,
    BulkRequest,
    ChosenOrder,
    check_bulk,
)
from execution.core.problem_codes import Code
from execution.core.problems import Problem, Refused, refuse
from execution.models import Order, OrderTerms, User
from execution.selectors.orders.visibility import order_find
from execution.services.orders.amend import order_amend
from execution.services.orders.orders import OrderNotFound, order_cancel, order_pause, order_resume

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class BulkResult:
    """The result for one order. ``order_pk`` is None for an order that the person may not see."""

    public_id: str
    outcome: BulkOutcome
    problems: tuple[Problem, ...] = ()
    order_pk: int | None = None
    #: The version of the order's terms before the action.
    terms_version: int | None = None


def orders_act(*, person: User, request: BulkRequest, now: datetime) -> list[BulkResult]:
    """Carry the action out and return the result of each order, in the same sequence as in the request.

    If one order is refused, or the database cannot change it now, the other orders are still changed. The request may
    be repeated safely. For an order that the first request changed, the second result is ``unchanged``. Raises
    ``Refused`` for a request that is invalid for every order.
    """
    check_bulk(request)
    return [_one(person, request, chosen, now) for chosen in request.orders]


def orders_act_preview(*, person: User, request: BulkRequest, now: datetime) -> list[BulkResult]:
    """Return the results that ``orders_act`` would return now. The action is carried out for each order and rolled
    back.
    """
    check_bulk(request, is_preview=True)
    return [_one(person, request, chosen, now, takes_back=True) for chosen in request.orders]


def _one(
    person: User, request: BulkRequest, chosen: ChosenOrder, now: datetime, *, takes_back: bool = False
) -> BulkResult:
    """Change one order in a transaction of its own. ``takes_back`` rolls the change back.

    For a person who may not see the order the result is ``NOT_FOUND``, as on the order's page.
    """
    pk = order_find(person=person, public_id=chosen.public_id)
    if pk is None:
        return BulkResult(chosen.public_id, BulkOutcome.NOT_FOUND)
    version = _terms_version(pk)
    problems: tuple[Problem, ...] = ()
    try:
        with transaction.atomic():
            outcome = _done(person, request, chosen, pk, now)
            transaction.set_rollback(takes_back)
    except OrderNotFound:
        return BulkResult(chosen.public_id, BulkOutcome.NOT_FOUND)
    except Refused as refused:
        changes_nothing = [problem.code for problem in refused.problems] == [Code.NOTHING_CHANGES]
        outcome = BulkOutcome.UNCHANGED if changes_nothing else BulkOutcome.REFUSED
        problems = () if changes_nothing else tuple(refused.problems)
    except DatabaseError as error:
        log.warning("an order of many could not be changed", order=chosen.public_id, error=str(error))
        message = "The database could not do it now. Send the same request again."
        outcome, problems = BulkOutcome.FAILED, (Problem("", message, code=Code.DATABASE_UNAVAILABLE),)
    return BulkResult(chosen.public_id, outcome, problems, pk, version)


def _terms_version(pk: int) -> int | None:
    version = Order.objects.values_list("terms__version", flat=True).get(pk=pk)
    return None if version is None else int(version)


def _done(person: User, request: BulkRequest, chosen: ChosenOrder, pk: int, now: datetime) -> BulkOutcome:
    """Call the action's service for one order. If the order's version does not change, the result is ``UNCHANGED``."""
    before = Order.objects.values_list("version", flat=True).get(pk=pk)
    asked: dict[str, Any] = {"public_id": chosen.public_id, "person": person, "now": now}
    if request.action in AMENDING:
        version = chosen.terms_version or _terms_version(pk)
        order = _amended(request, version, pk, asked)
        if _terms_version(pk) == version:
            return BulkOutcome.WAITING  # for another person: the order goes on as it is
    elif request.action is BulkAction.PAUSE:
        order = order_pause(reason=request.reason, **asked)
    elif request.action is BulkAction.CANCEL:
        order = order_cancel(reason=request.reason, **asked)
    elif request.mode is not None:
        order = order_resume(reason=request.reason, mode=request.mode, **asked)
    else:
        raise RuntimeError("a resume without a mode")  # refused by check_bulk
    return BulkOutcome.UNCHANGED if order.version == before else BulkOutcome.DONE


def _amended(request: BulkRequest, version: int | None, pk: int, asked: Mapping[str, Any]) -> Order:
    """Amend the order from the version of the terms that the person saw.

    If the same request is sent again, ``order_amend`` finds the existing amendment by that version and makes no
    second one.
    """
    if version is None:
        message = f"Order {asked['public_id']} has no terms."
        refuse("terms_version", message, code=Code.TERMS_CHANGED)
    terms = OrderTerms.objects.filter(order_id=pk, version=version).first()
    if terms is None:
        message = f"Order {asked['public_id']} has no terms of version {version}."
        refuse("terms_version", message, version, code=Code.TERMS_CHANGED)
    return order_amend(
        changes=_changes(request, terms), terms_version=version, reason=request.reason, **asked
    )


def _changes(request: BulkRequest, terms: OrderTerms) -> dict[str, Any]:
    """Return the changes for the amendment. A fixed end stays a fixed end, and a duration stays a duration."""
    if request.action is BulkAction.URGENCY and request.urgency is not None:
        return {"urgency": plain(request.urgency)}
    if request.by is None:
        raise RuntimeError("an extension without a length")  # refused by check_bulk
    end = terms.end_at + request.by
    if terms.end_is_fixed:
        return {"end_at": end.isoformat()}
    return {"duration": as_clock(end - terms.start_at)}
