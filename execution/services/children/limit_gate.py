"""The check of limits before each child is sent: for the child alone, and for all children of its order together."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal

from execution.core.limits.judgement import Breach, Limit, judge
from execution.core.limits.kinds import LimitKind
from execution.core.quantities import side_cost_bp
from execution.core.tca.costs import middle
from execution.core.types import ZERO, ChildRequest, Side
from execution.models import Account, ChildOrder, Order, TradingLimit
from execution.models.prepared import Compiled
from execution.selectors.decisions.exposure import UNSETTLED, exposure_of
from execution.selectors.decisions.limits import is_about, limit_of, limits_applying
from execution.selectors.decisions.rates import conversion
from execution.services.orders.limits import kinds_approved

SECOND = timedelta(seconds=1)
_SINCE = Compiled(lambda since: ChildOrder.objects.filter(submitted_at__gt=since), since=datetime)
_SINCE_ON = Compiled(
    lambda account, since: ChildOrder.objects.filter(account_id=account, submitted_at__gt=since),
    account=int,
    since=datetime,
)
#: The kinds that are judged before each child. The limits of open and of daily notional are not among them: they count
#: a whole order when it is placed.
KINDS = frozenset(
    {
        LimitKind.ORDER_QUANTITY,
        LimitKind.ORDER_NOTIONAL,
        LimitKind.COLLAR,
        LimitKind.ARRIVAL_MOVE,
        LimitKind.MESSAGE_RATE,
    }
)


@dataclass(frozen=True, slots=True)
class LimitStop:
    """The reason why a child must not be sent.

    If ``pauses`` is True, the child's order pauses for a person. Otherwise the child is checked again later.
    """

    reason: str
    pauses: bool


def limit_stop(order: Order, account: Account, request: ChildRequest, *, now: datetime) -> LimitStop | None:
    """Return the limit that stops a child; None if none does. Lock the row of ``HaltGate`` before.

    A limit of a kind that another person approved for the order does not stop the child. Nor does a soft limit.
    """
    rows = limits_applying(order.trader_id, (account.pk,), order.symbol, KINDS)
    if not rows:
        return None
    figures = list(_figures(rows, order, account, request, now))
    verdict = judge(figures)
    if verdict.approvals:
        verdict = judge(figures, approved=kinds_approved(order))
    breaches: tuple[Breach, ...] = (*verdict.refused, *verdict.approvals)
    if not breaches:
        return None
    pausing = [breach for breach in breaches if breach.kind is not LimitKind.MESSAGE_RATE]
    found = (pausing or breaches)[0]
    return LimitStop(f"not sent: {found.fact}", pauses=bool(pausing))


def _figures(
    rows: list[TradingLimit], order: Order, account: Account, request: ChildRequest, now: datetime
) -> Iterator[tuple[Limit, Decimal | None]]:
    for row in rows:
        kind, limit = LimitKind(row.kind), limit_of(row)
        if kind is LimitKind.ORDER_QUANTITY:
            yield limit, exposure_of(order)
        elif kind is LimitKind.ORDER_NOTIONAL and is_about(row, order.symbol.partition("/")[2]):
            yield limit, _notional(order, request, row.currency, now)
        elif kind is LimitKind.COLLAR and order.terms is not None:
            yield limit, Decimal(str(order.terms.parameters["collar_bp"]))
        elif kind is LimitKind.ARRIVAL_MOVE:
            arrival = middle(order.arrival_bid, order.arrival_ask)
            if arrival is not None and request.price is not None:
                yield limit, side_cost_bp(Side(order.side), request.price, arrival)
        elif kind is LimitKind.MESSAGE_RATE:
            yield limit, Decimal(1 + _sent(row, account, now))


def _notional(order: Order, request: ChildRequest, currency: str, now: datetime) -> Decimal | None:
    """Return the amount that the order has traded, plus the amount that its children may still trade at their
    prices.
    """
    total = order.notional
    for child in UNSETTLED.all(order=order.pk):
        price = child.price or request.price
        if price is None:
            return None
        total += max(child.quantity - child.filled, ZERO) * price
    quote = order.symbol.partition("/")[2]
    return total if quote == currency else conversion({quote}, now).total({quote: total})


def _sent(row: TradingLimit, account: Account, now: datetime) -> int:
    since = now - SECOND
    return (
        _SINCE.count(since=since)
        if row.account_id is None
        else _SINCE_ON.count(account=account.pk, since=since)
    )
