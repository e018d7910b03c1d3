"""Consecutive refused children of an order. They slow the order down, and in the end pause it until a person acts."""

from __future__ import annotations

from itertools import takewhile

from execution.core.limits.kinds import LimitKind
from execution.core.orders.view import WOULD_TAKE, Rejections, is_refused
from execution.core.reconcile import ended_as_it_would_take
from execution.core.states import ChildStatus, OrderEvent
from execution.core.types import TimeInForce
from execution.models import ChildOrder, JournalEntry, Order
from execution.models.prepared import Compiled
from execution.selectors.decisions.limits import limits_applying

#: The run of refusals is counted over at most this many children.
REJECTIONS_READ = 20

_NEWEST = Compiled(
    lambda order: ChildOrder.objects.filter(order_id=order).order_by("-sequence")[:1], order=int
)
_NEWEST_RUN = Compiled(
    lambda order: ChildOrder.objects.filter(order_id=order).order_by("-sequence")[:REJECTIONS_READ],
    order=int,
)
#: Events after which earlier refusals no longer count: a person resumed the order, or its market or plan changed.
_FRESH_START = (OrderEvent.RESUME.value, "market", "replanned")
_STARTED_AFRESH = Compiled(
    lambda order: JournalEntry.objects.filter(order_id=order, kind__in=_FRESH_START).order_by("-version")[:1],
    order=int,
)


def rejections_of(order: Order) -> Rejections:
    """Return how many of the newest children in a row were refused, with time and reason of the last refusal.

    The count starts again at zero when a person resumes the order, and when the order's market or plan changes. A
    child that the account's balance cannot pay is also counted, whether the exchange or the desk's last check refused
    it.
    """
    last = _NEWEST.first(order=order.pk)
    if last is None or not refusal_kind(last):
        return Rejections()
    newest = _NEWEST_RUN.all(order=order.pk)
    run = list(takewhile(refusal_kind, newest))
    afresh = _STARTED_AFRESH.first(order=order.pk)
    run = [child for child in run if afresh is None or child.intended_at >= afresh.at]
    if not run:
        return Rejections()
    words = run[0].reason.partition(": ")[2] if _is_said(run[0]) else ""
    return Rejections(len(run), run[0].ended_at, refusal_kind(run[0]), words, _most(order, run[0].account_id))


def _most(order: Order, account_pk: int) -> int | None:
    """Return the lowest limit on consecutive refusals that applies to the order; None if there is no limit."""
    limits = limits_applying(order.trader_id, (account_pk,), order.symbol, {LimitKind.REFUSALS})
    return min((int(limit.value) for limit in limits), default=None)


def refusal_kind(child: ChildOrder) -> str:
    """Return the kind of reason for which a child was refused; empty if it was not refused.

    The exchange may have refused it, or the desk's last check before sending.
    """
    if _is_said(child):
        return child.reason.partition(":")[0]
    would_take = ended_as_it_would_take(
        time_in_force=TimeInForce(child.time_in_force),
        status=ChildStatus(child.status),
        filled=child.filled,
        cancel_wanted=child.cancel_requested_at is not None,
        submitted_at=child.submitted_at,
        ended_at=child.ended_at,
    )
    return WOULD_TAKE if would_take else ""


def _is_said(child: ChildOrder) -> bool:
    return is_refused(ChildStatus(child.status), child.reason)
