"""Metrics of orders: their numbers, their lateness and their costs."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from datetime import datetime, timedelta
from decimal import Decimal

from django.db.models import Count

from execution.core.orders.schedule import is_behind, seconds_late
from execution.core.states import ORDER_LIVE, OrderStatus
from execution.core.types import ZERO
from execution.models import Order, OrderReport
from execution.payloads.encode import epoch_ms
from execution.selectors.metrics.families import Family
from execution.selectors.orders.schedules import schedule_lines

#: Costs are those of orders that ended in the last day, from the newest reports.
COSTS_OF = timedelta(days=1)
MAX_REPORTS = 500


def order_families(now: datetime) -> Iterator[Family]:
    yield _counts()
    needing = Family("orders_needing_person", "Live orders that wait for a person.")
    needing.add(Order.objects.filter(status__in=ORDER_LIVE, needs_person=True).count())
    yield needing
    yield from _lateness(now)
    yield from _costs(now)


def _counts() -> Family:
    family = Family("orders", "Orders by state and algorithm.")
    found = (
        Order.objects.values_list("status", "algorithm")
        .annotate(count=Count("pk"))
        .order_by("status", "algorithm")
    )
    for status, algorithm, count in found:
        family.add(count, status=status, algorithm=algorithm)
    return family


def _lateness(now: datetime) -> Iterator[Family]:
    late = Family(
        "order_lateness_seconds", "How long ago the latest working order should have done what it has."
    )
    behind = Family("orders_behind", "Working orders that lack more than 5 % of what their plan wants.")
    orders = list(Order.objects.filter(status=OrderStatus.WORKING))
    lines, at = schedule_lines(orders), epoch_ms(now)
    seconds: dict[str, float] = defaultdict(float)
    counts: dict[str, int] = defaultdict(int)
    for order in orders:
        line, done = lines.get(order.pk), float(order.filled / order.quantity)
        if line:
            seconds[order.algorithm] = max(seconds[order.algorithm], seconds_late(line, at, done))
            counts[order.algorithm] += is_behind(line, at, done)
    for algorithm in sorted(seconds):
        late.add(seconds[algorithm], algorithm=algorithm)
        behind.add(counts[algorithm], algorithm=algorithm)
    yield late
    yield behind


def _costs(now: datetime) -> Iterator[Family]:
    cost = Family(
        "cost_basis_points",
        "Cost against the arrival mid before fees, of orders that ended in the last day, weighted by notional.",
    )
    notional = Family("cost_notional", "Quote units behind cost_basis_points.")
    sums: dict[str, list[Decimal]] = defaultdict(lambda: [ZERO, ZERO])
    newest = OrderReport.objects.order_by("-pk")[:MAX_REPORTS]
    for report, algorithm, ended_at, traded in newest.values_list(
        "report", "order__algorithm", "order__ended_at", "order__notional"
    ):
        if ended_at is not None and now - ended_at <= COSTS_OF and report.get("cost_bp") is not None:
            sums[algorithm][0] += Decimal(report["cost_bp"]) * traded
            sums[algorithm][1] += traded
    for algorithm, (weighted, traded) in sorted(sums.items()):
        if traded > ZERO:
            cost.add(weighted / traded, algorithm=algorithm)
            notional.add(traded, algorithm=algorithm)
    yield cost
    yield notional
