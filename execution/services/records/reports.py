"""The storing of the reports of ended orders, before the market samples that the reports need are deleted."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction
from django.db.models import F, Q

from execution.core.states import ORDER_FINAL
from execution.models import Order, OrderReport
from execution.selectors.tca.reports import SETTLES_AFTER, is_settled, report_make

#: The most reports that one run of the housekeeping makes. The next run continues.
MAX_REPORTS = 50


def reports_keep(*, now: datetime, samples_since: datetime, most: int = MAX_REPORTS) -> int:
    """Store the reports of ended orders, oldest first, at most ``most``. Return the number of stored reports.

    A fill or fee that arrives late makes a stored report outdated. The report is made again if the order started at or
    after ``samples_since``, because all of its samples still exist. Otherwise the stored report stays, because a new
    one would lack samples.
    """
    settled = Order.objects.filter(status__in=ORDER_FINAL, ended_at__lte=now - SETTLES_AFTER)
    missing = Q(report=None)
    outdated = ~Q(report__version=F("version")) & Q(started_at__gte=samples_since)
    wanted = settled.filter(missing | outdated).order_by("ended_at").values_list("pk", flat=True)[:most]
    return sum(report_keep(order_pk=pk, now=now) for pk in list(wanted))


@transaction.atomic
def report_keep(*, order_pk: int, now: datetime) -> bool:
    """Store an ended order's report, once for each version of the order. Return False if there was nothing to do.

    The version is read before the report is made, and stored with it. If the order changes meanwhile, the
    stored version is outdated, and a later call makes the report again.
    """
    order = Order.objects.only("version", "status", "ended_at").get(pk=order_pk)
    if not is_settled(order, now):
        return False
    if OrderReport.objects.filter(order=order_pk, version=order.version).exists():
        return False
    report = report_make(order_pk, now)
    OrderReport.objects.update_or_create(
        order=order, defaults={"version": order.version, "report": report, "made_at": now}
    )
    return True
