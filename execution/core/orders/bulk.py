"""One action on many orders: the request, and the result for each order."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from enum import StrEnum

from execution.core.numbers import grouped
from execution.core.orders.policies import ResumeMode
from execution.core.problem_codes import Code
from execution.core.problems import Problem, refuse_if

#: Most orders of one request: as many as are live on a busy desk.
MAX_ORDERS = 200


class BulkAction(StrEnum):
    """Actions on many orders at once."""

    PAUSE = "pause"
    RESUME = "resume"
    CANCEL = "cancel"
    EXTEND = "extend"
    URGENCY = "urgency"


#: Actions that write new terms, so a request gives the version of the terms that the person saw.
AMENDING = frozenset({BulkAction.EXTEND, BulkAction.URGENCY})


class BulkOutcome(StrEnum):
    """The result of a bulk action for one order.

    ``UNCHANGED`` means that the order was already in the wanted state. ``WAITING`` means that another person must
    approve the action.
    """

    DONE = "done"
    UNCHANGED = "unchanged"
    WAITING = "waiting"
    REFUSED = "refused"
    NOT_FOUND = "not_found"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class ChosenOrder:
    """An order's public id, and the version of its terms that the person saw; None means the version in force."""

    public_id: str
    terms_version: int | None = None


@dataclass(frozen=True, slots=True)
class BulkRequest:
    """One action on several orders.

    ``mode`` is needed to resume, ``by`` to extend, and ``urgency`` to amend the urgency.
    """

    action: BulkAction
    orders: tuple[ChosenOrder, ...]
    reason: str = ""
    mode: ResumeMode | None = None
    by: timedelta | None = None
    urgency: Decimal | None = None


def check_bulk(request: BulkRequest, *, is_preview: bool = False) -> None:
    """Raise ``Refused`` for a request that is wrong for every order.

    A request to extend orders must give the versions of their terms, except in a preview, which returns them. Without
    versions, a repeated request would extend an order twice.
    """
    problems = [*_order_problems(request.orders), *_value_problems(request)]
    unseen = [each.public_id for each in request.orders if each.terms_version is None]
    if request.action is BulkAction.EXTEND and unseen and not is_preview:
        message = (
            f"Order {unseen[0]} has no terms_version. Take it from the preview: it makes a repetition safe."
        )
        problems.append(Problem("orders", message, unseen[0], code=Code.VALUE_MISSING))
    refuse_if(problems)


def _order_problems(orders: Sequence[ChosenOrder]) -> list[Problem]:
    names = [chosen.public_id for chosen in orders]
    if not 1 <= len(names) <= MAX_ORDERS:
        message = f"There are {len(names):,} orders. Choose from 1 to {MAX_ORDERS}."
        return [Problem("orders", message, len(names), MAX_ORDERS, code=Code.LENGTH_OUT_OF_RANGE)]
    again = sorted({name for name in names if names.count(name) > 1})
    return [
        Problem("orders", f"Order {name} is named more than once.", name, code=Code.VALUE_REPEATED)
        for name in again
    ]


def _value_problems(request: BulkRequest) -> list[Problem]:
    needs = {
        BulkAction.RESUME: ("mode", request.mode, "Say whether the orders catch up or shift."),
        BulkAction.EXTEND: ("by", request.by, "Say by how much the orders are extended."),
        BulkAction.URGENCY: ("urgency", request.urgency, "Say which urgency the orders get, from 0 to 1."),
    }
    problems = []
    if request.action in needs:
        field, value, message = needs[request.action]
        if value is None:
            problems.append(Problem(field, message, code=Code.VALUE_MISSING))
    if request.by is not None and request.by <= timedelta(0):
        message = f"The extension is {request.by.total_seconds():,.0f} s. It must be above 0."
        problems.append(Problem("by", message, request.by, timedelta(0), code=Code.VALUE_OUT_OF_RANGE))
    if request.urgency is not None and request.urgency > 1:
        message = f"Urgency is {grouped(request.urgency)}. It must be from 0 to 1."
        problems.append(Problem("urgency", message, request.urgency, 1, code=Code.VALUE_OUT_OF_RANGE))
    return problems
