"""Amending over the API: the new plan first, then the new terms, once."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.http import HttpRequest
from django.utils import timezone
from ninja import Router

from dashboard.api import amend_schemas, rows, schemas
from dashboard.api.access import api_person
from dashboard.api.parsing import refuse_kinds
from dashboard.api.problems import Forbidden, NotFound
from execution.core.problems import Problem, Refused
from execution.selectors.orders import pages
from execution.selectors.orders.visibility import order_find, order_is_theirs_to_amend
from execution.services.orders import amend as services

if TYPE_CHECKING:
    from execution.models import User

router = Router(tags=["orders"])


def _trader(request: HttpRequest, public_id: str) -> tuple[User, int]:
    """Whose order it is: one that they do not see is not there, one that they only watch is forbidden."""
    person = api_person(request)
    order_id = order_find(person=person, public_id=public_id)
    if order_id is None:
        raise NotFound
    if not order_is_theirs_to_amend(person=person, order_id=order_id):
        raise Forbidden(f"Only its trader may amend order {public_id}.")
    return person, order_id


def _changes(body: amend_schemas.ChangesBody, order_id: int) -> dict[str, Any]:
    """What was sent, flat: a field that was left out stays as it is, a null takes away."""
    given = body.dict(exclude_unset=True)
    parameters: dict[str, Any] = given.get("parameters", {})
    refuse_kinds(pages.order_snapshot(order_id)["order"]["algorithm"], parameters)
    if twice := sorted({"quantity", "limit_price"} & set(parameters)):
        raise Refused([Problem(name, f"{name} is no parameter: it stands beside them") for name in twice])
    return parameters | {name: given[name] for name in ("quantity", "limit_price") if name in given}


@router.post(
    "/orders/{slug:public_id}/amend/preview",
    response=amend_schemas.AmendPreview,
    summary="Show what an order would be with changes",
    operation_id="order_amend_preview",
)
def preview(request: HttpRequest, public_id: str, body: amend_schemas.ChangesBody) -> dict[str, Any]:
    """Creates nothing. What would refuse the changes stands in problems."""
    person, order_id = _trader(request, public_id)
    found = services.order_amend_preview(
        public_id=public_id, person=person, changes=_changes(body, order_id), now=timezone.now()
    )
    return rows.amendment_row(found, body.confirmation().missing(services.far_prices(found)))


@router.post(
    "/orders/{slug:public_id}/amend",
    response=schemas.OrderDetail,
    summary="Amend an order",
    operation_id="order_amend",
)
def amend(request: HttpRequest, public_id: str, body: amend_schemas.AmendBody) -> Any:
    """New terms and a new plan for what remains. The same changes to the same terms_version are one amendment,
    however often they are sent; terms of another version are a 409."""
    person, order_id = _trader(request, public_id)
    order = services.order_amend(
        public_id=public_id,
        person=person,
        changes=_changes(body, order_id),
        terms_version=body.terms_version,
        now=timezone.now(),
        reason=body.reason.strip(),
        confirmed=body.confirmation(),
    )
    return pages.order_snapshot(order.pk)["order"]
