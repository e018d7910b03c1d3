"""The analysis of many orders and the report of a day over the API."""

from __future__ import annotations

from django.http import HttpRequest
from django.utils import timezone
from ninja import Router

from dashboard.api.access import api_person
from dashboard.api.parsing import query_filter, query_parameters
from dashboard.forms.report_day import read_day
from execution.core.problems import refuse_if
from execution.payloads.day_report import DayReport
from execution.payloads.reports import AnalysisPage
from execution.selectors.day_report import day_report
from execution.selectors.orders.order_filter import AnalysisFilter, ReportDay
from execution.selectors.tca.analysis import analysis_page

router = Router(tags=["analysis"])


@router.get(
    "/analysis",
    response=AnalysisPage,
    summary="Analyse what orders cost",
    operation_id="analysis_read",
    openapi_extra=query_parameters(AnalysisFilter),
)
def analysis(request: HttpRequest) -> AnalysisPage:
    """Return the analysis of the final reports of the orders that you may see, the newest 5,000 at most. For each
    figure, a group has the means, the standard error and the number of orders with a known value. `charts` has the
    cost by week, hour, size and venue, the distribution of the cost, and predicted against achieved costs.
    """
    person = api_person(request)
    return analysis_page(person=person, chosen=query_filter(request, person, AnalysisFilter))


@router.get(
    "/analysis/day",
    response=DayReport,
    summary="Report a day",
    operation_id="day_report_read",
    openapi_extra=query_parameters(ReportDay),
)
def day(request: HttpRequest) -> DayReport:
    """Return the report of a day, UTC, of the orders that you may see. The report of today covers the time from
    midnight until now.
    """
    person, now = api_person(request), timezone.now()
    form = read_day(request.GET.dict(), now.date(), may_be_empty=False)
    refuse_if(form.problems)
    return day_report(person=person, day=form.day, now=now)
