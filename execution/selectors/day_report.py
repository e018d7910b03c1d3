"""The report of a day: its ended orders with their costs, open orders, halts and alerts."""

from __future__ import annotations

from collections import defaultdict
from datetime import date, datetime, timedelta
from decimal import Decimal

from django.db.models import Q, QuerySet

from execution.core.alerts.kinds import Severity, kind_of
from execution.core.days import start_of
from execution.core.states import ORDER_FINAL
from execution.core.types import ZERO
from execution.models import AlertSubject, Fill, Halt, HaltKind, Order, User
from execution.payloads.day_report import DayAlert, DayHalt, DayReport, OpenOrder
from execution.payloads.encode import decimal_str, epoch_ms
from execution.selectors.alerts.visibility import alerts_visible
from execution.selectors.halts import halt_subject, halts_concerning
from execution.selectors.orders.visibility import orders_visible, sees_several
from execution.selectors.tca.day_costs import currencies_of, extremes
from execution.selectors.tca.parts import reports_read

MAX_OPEN = 20
MAX_ALERTS = 15


def day_report(*, person: User, day: date, now: datetime) -> DayReport:
    """Return the report of a day, of the orders that the person sees.

    The report of a past day depends only on what happened by the day's end. It changes later only if an order's own
    report is made after that, or is made again because of a late fill or fee.
    """
    start, end = start_of(day), start_of(day) + timedelta(days=1)
    until = min(end, now)
    visible = orders_visible(person)
    ended = visible.filter(status__in=ORDER_FINAL, ended_at__gte=start, ended_at__lt=end)
    counted, left_out = reports_read(ended)
    orders = [found.order for found in counted]
    dearest, cheapest = extremes(orders)
    still = visible.filter(Q(ended_at=None) | Q(ended_at__gte=until), created_at__lt=until)
    alerts, alert_count = _alerts(person, start, until)
    return DayReport(
        day=day.isoformat(),
        until=epoch_ms(until),
        is_over=now >= end,
        of="" if sees_several(person) else person.get_username(),
        orders=len(orders),
        unfilled=sum(1 for part in orders if not part.number("filled")),
        waiting=ended.filter(report=None).count(),
        left_out=left_out,
        currencies=currencies_of(orders, ended),
        dearest=dearest,
        cheapest=cheapest,
        open=_open(still, until, is_over=now >= end),
        open_count=still.count(),
        halts=[_halt(halt, until) for halt in _halts(person, start, until)],
        alerts=alerts,
        alert_count=alert_count,
    )


def _open(still: QuerySet[Order], until: datetime, *, is_over: bool) -> list[OpenOrder]:
    orders = list(still.select_related("trader").order_by("created_at", "pk")[:MAX_OPEN])
    filled: dict[int, Decimal] = defaultdict(Decimal)
    fills = Fill.objects.filter(order__in=orders, executed_at__lt=until)
    for order, quantity in fills.values_list("order_id", "quantity"):
        filled[order or 0] += quantity
    return [
        OpenOrder(
            id=order.public_id,
            trader=order.trader.get_username(),
            symbol=order.symbol,
            side=order.side,
            algorithm=order.algorithm,
            quantity=decimal_str(order.quantity),
            filled=decimal_str(filled.get(order.pk, ZERO)),
            status="" if is_over else order.status,
            created_at=epoch_ms(order.created_at),
        )
        for order in orders
    ]


def _halts(person: User, start: datetime, until: datetime) -> QuerySet[Halt]:
    halts = halts_concerning(
        person, Halt.objects.filter(Q(lifted_at=None) | Q(lifted_at__gte=start), set_at__lt=until)
    )
    return halts.select_related("account", "trader", "order", "set_by").order_by("set_at", "pk")


def _halt(halt: Halt, until: datetime) -> DayHalt:
    lifted = halt.lifted_at if halt.lifted_at is not None and halt.lifted_at < until else None
    return DayHalt(
        id=halt.public_id,
        kind=HaltKind(halt.kind).label,
        subject=halt_subject(halt),
        reason=halt.reason,
        set_by=halt.set_by.get_username(),
        set_at=epoch_ms(halt.set_at),
        lifted_at=epoch_ms(lifted),
    )


def _alerts(person: User, start: datetime, until: datetime) -> tuple[list[DayAlert], int]:
    """Return the alerts raised in the interval, critical ones first, and their number. An alert's text is its newest
    subject before ``until``.
    """
    raised = alerts_visible(person).filter(raised_at__gte=start, raised_at__lt=until)
    found = sorted(
        raised.values_list("pk", "public_id", "kind", "severity", "raised_at", "text"),
        key=lambda row: (row[3] != Severity.CRITICAL, row[4], row[0]),
    )
    shown = found[:MAX_ALERTS]
    subjects = AlertSubject.objects.filter(alert__in=[row[0] for row in shown], at__lt=until).order_by(
        "at", "pk"
    )
    texts = dict(subjects.values_list("alert", "text"))
    rows = [
        DayAlert(
            id=public_id,
            label=kind_of(kind).label,
            severity=severity,
            text=texts.get(pk, text),
            raised_at=epoch_ms(raised_at),
        )
        for pk, public_id, kind, severity, raised_at, text in shown
    ]
    return rows, len(found)
