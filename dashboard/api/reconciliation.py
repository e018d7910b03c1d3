"""The reconciliation over the API: differences from the venues, and a supervisor's actions on unknown children."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from django.http import HttpRequest
from django.utils import timezone
from ninja import Router
from ninja.responses import Status

from dashboard.api import bodies
from dashboard.api.access import api_person, api_supervisor
from dashboard.api.problems import NotFound
from execution.payloads.reconciliation import Reconciliation
from execution.selectors import reconciliation as selectors
from execution.services.children import reconciliation as services

router = Router(tags=["reconciliation"])
ADDRESS = "/reconciliation/{slug:public_id}"


@router.get(
    "/reconciliation",
    response=Reconciliation,
    summary="List unknown children and differences",
    operation_id="reconciliation_read",
)
def read(request: HttpRequest) -> Reconciliation:
    """List differences of your own orders, or of the whole desk as a supervisor. Differences closed within the
    hour are last.
    """
    return selectors.reconciliation(person=api_person(request), now=timezone.now())


def _act(request: HttpRequest, client_id: str, act: Callable[..., None]) -> Any:
    person = api_supervisor(request)
    try:
        act(client_id=client_id, person=person, now=timezone.now())
    except services.UnknownNotFound:
        raise NotFound from None
    return Status(204, None)


@router.post(
    f"{ADDRESS}/poll", response={204: None}, summary="Poll the venue now", operation_id="unknown_poll"
)
def poll(request: HttpRequest, public_id: str) -> Any:
    """Request a poll of a child, named by its client id. Its account is polled within a second or two."""
    return _act(request, public_id, services.unknown_poll)


@router.post(
    f"{ADDRESS}/cancel", response={204: None}, summary="Cancel when it appears", operation_id="unknown_cancel"
)
def cancel(request: HttpRequest, public_id: str, body: bodies.ReasonBody) -> Any:
    """Request the cancel of a child. The desk sends it as soon as the exchange shows the child."""
    return _act(request, public_id, partial(services.unknown_cancel, reason=body.reason))


@router.post(
    f"{ADDRESS}/attach",
    response={204: None},
    summary="Name its exchange order",
    operation_id="unknown_attach",
)
def attach(request: HttpRequest, public_id: str, body: bodies.AttachBody) -> Any:
    """Attach an order of the exchange to a child.

    The desk asks the exchange for the order, and uses the order id only once the exchange has shown it. You find the
    exchange's answer in the child's field attach when you read the reconciliation.
    """
    act = partial(services.unknown_attach, exchange_id=body.exchange_id, reason=body.reason)
    return _act(request, public_id, act)


@router.post(
    f"{ADDRESS}/absent", response={204: None}, summary="Mark as absent", operation_id="unknown_absent"
)
def absent(request: HttpRequest, public_id: str, body: bodies.AbsentBody) -> Any:
    """Close a child as never placed, without proof. If it is at the exchange after all, its quantity may be bought
    or sold twice.
    """
    act = partial(services.unknown_absent, phrase=body.phrase, reason=body.reason)
    return _act(request, public_id, act)


@router.post(f"{ADDRESS}/ended", response={204: None}, summary="Mark as ended", operation_id="unknown_ended")
def ended(request: HttpRequest, public_id: str, body: bodies.EndedBody) -> Any:
    """Close a child that the exchange has shown before and no longer shows, without proof of its end. Its trades give
    its filled quantity.
    """
    act = partial(services.unknown_ended, phrase=body.phrase, reason=body.reason)
    return _act(request, public_id, act)
