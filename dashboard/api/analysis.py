"""What many orders achieved, over the API."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest
from ninja import Query, Router

from dashboard.api import report_schemas
from dashboard.api.access import api_person
from dashboard.forms.analysis_filters import read_analysis
from execution.core.problems import Refused
from execution.selectors.tca.analysis import analysis_page

router = Router(tags=["analysis"])


@router.get(
    "/analysis",
    response=report_schemas.Analysis,
    summary="Analyse what orders cost",
    operation_id="analysis_read",
)
def analysis(request: HttpRequest, asked: Query[report_schemas.AnalysisAsked]) -> Any:  # noqa: ARG001
    """The final reports of the orders that you may see, by group: means, their errors and how many orders know."""
    person = api_person(request)
    # Names that the filter does not know are among what it refuses.
    chosen = read_analysis(person, request.GET.dict())
    if chosen.problems:
        raise Refused(chosen.problems)
    return analysis_page(person=person, chosen=chosen.filter)
