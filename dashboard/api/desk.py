"""Where one may trade: accounts and markets."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest
from django.utils import timezone
from ninja import Query, Router

from dashboard.api import schemas
from dashboard.api.access import api_person
from dashboard.api.parsing import refuse_unknown
from execution.selectors.catalogue import account_facts, market_facts

router = Router(tags=["desk"])


@router.get("/accounts", response=schemas.Accounts, summary="List accounts", operation_id="account_list")
def accounts(request: HttpRequest) -> dict[str, Any]:
    """A trader's own; all of them for supervisors, and for admins with the state of their keys."""
    return {"accounts": account_facts(person=api_person(request))}


@router.get("/markets", response=schemas.Markets, summary="List markets", operation_id="market_list")
def markets(request: HttpRequest, asked: Query[schemas.MarketsAsked]) -> dict[str, Any]:
    """Limits, fees and the newest quote, however old: age_seconds says."""
    refuse_unknown(request, asked)
    found = market_facts(
        person=api_person(request), symbol=asked.symbol, account=asked.account, now=timezone.now()
    )
    return {"markets": found}
