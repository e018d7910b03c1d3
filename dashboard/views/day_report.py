"""A day's report: a page that is made to be printed, and the same as CSV."""

from __future__ import annotations

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_GET

from dashboard.access import person_of
from dashboard.forms.report_day import read_day
from dashboard.present.day_csv import day_csv
from dashboard.present.day_tables import day_tables
from dashboard.responses import csv_response, filter_refused
from execution.core.tca.buckets import MIN_ORDERS
from execution.selectors.day_report import day_report as day_report_read


@require_GET
@login_required
def day_report(request: HttpRequest) -> HttpResponse:
    """Show the report of a day, of the orders that the person sees."""
    now = timezone.now()
    chosen = read_day(request.GET.dict(), now.date())
    report = None
    if not chosen.problems:
        report = day_report_read(person=person_of(request), day=chosen.day, now=now)
    context = {
        "chosen": chosen,
        "report": report,
        "few": MIN_ORDERS,
        **(day_tables(report) if report else {}),
    }
    return render(request, "dashboard/day_report.html", context)


@require_GET
@login_required
def day_report_export(request: HttpRequest) -> HttpResponseBase:
    """Export the report of a day with all digits."""
    now = timezone.now()
    chosen = read_day(request.GET.dict(), now.date())
    if chosen.problems:
        return filter_refused(chosen.problems)
    report = day_report_read(person=person_of(request), day=chosen.day, now=now)
    return csv_response(day_csv(report), f"day-{report['day']}.csv")
