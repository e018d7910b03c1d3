"""The analysis of many orders over the API."""

from __future__ import annotations

from django.http import HttpRequest
from ninja import Router

from dashboard.api.access import api_person
from dashboard.api.parsing import query_filter, query_parameters
from execution.payloads.reports import AnalysisPage
from execution.selectors.orders.order_filter import AnalysisFilter
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
    cost by week, hour, size and venue, its distribution, and predicted against achieved costs.
    """
    person = api_person(request)
    return analysis_page(person=person, chosen=query_filter(request, person, AnalysisFilter))
