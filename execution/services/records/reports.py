"""The storing of order reports, before the market samples that they are made of are deleted."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction
from django.db.models import F, Q

from execution.core.states import ORDER_FINAL
from execution.models import Order, OrderReport
from execution.selectors.tca.reports import SETTLES_AFTER, is_settled, report_make

#: Reports made in one run of the housekeeping; the next run makes the next ones.
MAX_REPORTS = 50


def reports_keep(*, now: datetime, samples_since: datetime, most: int = MAX_REPORTS) -> int:
    """Store the reports of ended orders, oldest first. Return the number.

    A report is made again after a late fill or fee, as long as all samples of the order still exist
    (``samples_since``). Later the stored figures of the market are worth more.
    """
    settled = Order.objects.filter(status__in=ORDER_FINAL, ended_at__lte=now - SETTLES_AFTER)
    missing = Q(report=None)
    outdated = ~Q(report__version=F("version")) & Q(started_at__gte=samples_since)
    wanted = settled.filter(missing | outdated).order_by("ended_at").values_list("pk", flat=True)[:most]
    return sum(report_keep(order_pk=pk, now=now) for pk in list(wanted))


@transaction.atomic
def report_keep(*, order_pk: int, now: datetime) -> bool:
    """Store an ended order's report, once for each version. Return False when nothing was to be done.

    The version is read first, so that a change during the work makes the report again.
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
