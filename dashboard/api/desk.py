"""Accounts and markets over the API."""

from __future__ import annotations

from django.http import HttpRequest
from django.utils import timezone
from ninja import Query, Router

from dashboard.api import bodies
from dashboard.api.access import api_person
from dashboard.api.parsing import refuse_unknown
from execution.payloads.catalogue import Accounts, Markets
from execution.selectors.catalogue import account_facts, market_facts

router = Router(tags=["desk"])


@router.get("/accounts", response=Accounts, summary="List accounts", operation_id="account_list")
def accounts(request: HttpRequest) -> Accounts:
    """Return a trader's own accounts. Supervisors get all accounts. Admins get all, with the state of their keys."""
    return {"accounts": account_facts(person=api_person(request))}


@router.get("/markets", response=Markets, summary="List markets", operation_id="market_list")
def markets(request: HttpRequest, query: Query[bodies.MarketsAsked]) -> Markets:
    """Return the markets of the accounts that you may see: the exchange's limits, the fees and the newest
    quote. A quote may be old. Its age is in age_seconds.
    """
    refuse_unknown(request, query)
    found = market_facts(
        person=api_person(request), symbol=query.symbol, account=query.account, now=timezone.now()
    )
    return {"markets": found}
