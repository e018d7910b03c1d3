"""Balances and exposure over the API."""

from __future__ import annotations

from django.http import HttpRequest
from django.utils import timezone
from ninja import Router

from dashboard.api.access import api_person
from dashboard.api.problems import Forbidden
from execution.payloads.balances import Balances
from execution.selectors import balances as selectors

router = Router(tags=["desk"])


@router.get(
    "/balances", response=Balances, summary="Read balances and today's results", operation_id="balances_read"
)
def read(request: HttpRequest) -> Balances:
    """Return balances, reserved amounts and today's results. A trader gets those of their own accounts and
    fills, a supervisor those of the whole desk. Results are profits and losses before fees, by average cost.
    """
    person = api_person(request)
    if not selectors.may_see_balances(person):
        raise Forbidden(selectors.REFUSAL)
    return selectors.balances(person=person, now=timezone.now())
