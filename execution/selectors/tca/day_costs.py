"""The costs of a day's orders, by algorithm and by account, from their final reports."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

from django.db.models import Count, QuerySet

from execution.core.tca import costs
from execution.core.tca.buckets import summarise
from execution.core.types import ZERO, Side
from execution.models import ChildOrder, Order
from execution.payloads.day_report import DayCurrency, DayGroup, DayOrder
from execution.payloads.encode import rounded_str
from execution.selectors.tca.charts import NOTIONAL_PLACES, summary_row
from execution.selectors.tca.parts import Part

#: The number of dearest and of cheapest orders that a report names.
NAMED = 5


@dataclass(frozen=True, slots=True)
class Share:
    """The costs of an order at one account, or of the whole order. ``notional`` is None if nothing was filled."""

    order: str
    notional: Decimal | None
    arrival_bp: Decimal | None
    vwap_bp: Decimal | None


def currencies_of(orders: Sequence[Part], ended: QuerySet[Order]) -> list[DayCurrency]:
    """Return the costs by quote currency, because notionals in different currencies do not add up."""
    accounts = _accounts(orders, ended)
    found: dict[str, list[Part]] = defaultdict(list)
    for part in orders:
        found[part.quote].append(part)
    return [_currency(name, found[name], accounts) for name in sorted(found)]


def _currency(name: str, orders: Sequence[Part], accounts: Mapping[str, Mapping[str, Share]]) -> DayCurrency:
    algorithms: dict[str, list[Share]] = defaultdict(list)
    by_account: dict[str, list[Share]] = defaultdict(list)
    for part in orders:
        algorithms[part.figures["algorithm"]].append(_whole(part))
        for account, share in accounts.get(part.order, {}).items():
            by_account[account].append(share)
    return DayCurrency(
        currency=name,
        paid=rounded_str(sum((_paid(part) for part in orders), ZERO), NOTIONAL_PLACES),
        whole=_group("all", [_whole(part) for part in orders]),
        algorithms=[_group(key, algorithms[key]) for key in sorted(algorithms)],
        accounts=[_group(key, by_account[key]) for key in sorted(by_account)],
    )


def _paid(part: Part) -> Decimal:
    """Return the cost against arrival in quote units; 0 if nothing was filled or the arrival mid is unknown."""
    average, filled, arrival = part.number("average"), part.number("filled"), part.number("arrival_mid")
    if average is None or filled is None or arrival is None:
        return ZERO
    return Side(part.figures["side"]).sign * filled * (average - arrival)


def _whole(part: Part) -> Share:
    return Share(part.order, part.filled_notional, part.number("cost_bp"), part.number("vwap_cost_bp"))


def _group(name: str, shares: Sequence[Share]) -> DayGroup:
    return DayGroup(
        name=name,
        orders=len(shares),
        notional=rounded_str(sum((share.notional or ZERO for share in shares), ZERO), NOTIONAL_PLACES),
        arrival=summary_row(summarise((share.arrival_bp, share.notional) for share in shares)),
        vwap=summary_row(summarise((share.vwap_bp, share.notional) for share in shares)),
    )


def _accounts(orders: Sequence[Part], ended: QuerySet[Order]) -> dict[str, dict[str, Share]]:
    """Return each order's costs by account. Read children only for orders with several accounts."""
    parts = {part.order: part for part in orders}
    labels: dict[str, list[str]] = defaultdict(list)
    links = Order.accounts.through.objects.filter(order__in=ended)
    for order, label in links.values_list("order__public_id", "account__label"):
        labels[order].append(label)
    found = {
        order: {names[0]: _whole(parts[order])}
        for order, names in labels.items()
        if order in parts and len(names) == 1
    }
    for (order, label), (quantity, notional) in _filled_by_account(ended).items():
        if order in parts and quantity > ZERO:
            found.setdefault(order, {})[label] = _at_account(parts[order], quantity, notional)
    return found


def _filled_by_account(ended: QuerySet[Order]) -> dict[tuple[str, str], tuple[Decimal, Decimal]]:
    several = ended.annotate(places=Count("accounts")).filter(places__gt=1).values("pk")
    children = ChildOrder.objects.filter(order__in=several)
    totals: dict[tuple[str, str], tuple[Decimal, Decimal]] = {}
    columns = ("order__public_id", "account__label", "filled", "notional")
    for order, label, filled, notional in children.values_list(*columns):
        quantity, paid = totals.get((order, label), (ZERO, ZERO))
        totals[order, label] = (quantity + filled, paid + notional)
    return totals


def _at_account(part: Part, quantity: Decimal, notional: Decimal) -> Share:
    side, average = Side(part.figures["side"]), costs.average_price(notional, quantity)
    return Share(
        part.order,
        notional,
        costs.slippage_bp(side, average, part.number("arrival_mid")),
        costs.slippage_bp(side, average, part.number("market_vwap")),
    )


def extremes(orders: Iterable[Part]) -> tuple[list[DayOrder], list[DayOrder]]:
    """Return the dearest and the cheapest orders against arrival, each at most ``NAMED``. No order is in both."""
    ranked = sorted(
        ((cost, part.order, part) for part in orders if (cost := part.number("cost_bp")) is not None),
        key=lambda row: (-row[0], row[1]),
    )
    named = min(NAMED, (len(ranked) + 1) // 2)
    dearest = [part for _, _, part in ranked[:named]]
    cheapest = [part for _, _, part in reversed(ranked[max(named, len(ranked) - NAMED) :])]
    names = [part.order for part in (*dearest, *cheapest)]
    reasons = dict(Order.objects.filter(public_id__in=names).values_list("public_id", "reason"))
    return [_order(part, reasons) for part in dearest], [_order(part, reasons) for part in cheapest]


def _order(part: Part, reasons: Mapping[str, str]) -> DayOrder:
    figures = part.figures
    return DayOrder(
        id=part.order,
        status=figures["status"],
        trader=figures["trader"],
        symbol=figures["symbol"],
        side=figures["side"],
        algorithm=figures["algorithm"],
        notional=rounded_str(part.filled_notional or ZERO, NOTIONAL_PLACES),
        currency=part.quote,
        cost_bp=figures["cost_bp"],
        vwap_cost_bp=figures["vwap_cost_bp"],
        split_bp=figures["split_bp"],
        reason=reasons.get(part.order, ""),
    )
