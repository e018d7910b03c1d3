"""Amendments over the API: a preview of the new plan, and the new terms."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.http import HttpRequest
from django.utils import timezone
from ninja import Router

from dashboard.api import bodies, rows
from dashboard.api.access import api_actor
from dashboard.api.parsing import refuse_kinds
from execution.core.problem_codes import Code
from execution.core.problems import Problem, refuse_if
from execution.payloads.orders import OrderDetail
from execution.payloads.previews import AmendPreview
from execution.selectors.orders import pages
from execution.selectors.orders.visibility import order_is_theirs_to_amend
from execution.services.orders import amend as services

if TYPE_CHECKING:
    from execution.models import User

router = Router(tags=["orders"])


def _trader(request: HttpRequest, public_id: str) -> tuple[User, int]:
    return api_actor(request, public_id, order_is_theirs_to_amend, "Only its trader may amend")


def _changes(body: bodies.ChangesBody, order_id: int) -> dict[str, Any]:
    given = body.dict(exclude_unset=True)
    parameters: dict[str, Any] = given.get("parameters", {})
    refuse_kinds(pages.order_snapshot(order_id)["order"]["algorithm"], parameters)
    refuse_if(
        [
            Problem(name, f"{name} is not a parameter. Send it beside them.", code=Code.FIELD_UNKNOWN)
            for name in sorted({"quantity", "limit_price"} & set(parameters))
        ]
    )
    return parameters | {name: given[name] for name in ("quantity", "limit_price") if name in given}


@router.post(
    "/orders/{slug:public_id}/amend/preview",
    response=AmendPreview,
    summary="Show what an order would be with changes",
    operation_id="order_amend_preview",
)
def preview(request: HttpRequest, public_id: str, body: bodies.ChangesBody) -> AmendPreview:
    """Preview an amendment without creating anything. The answer lists in problems why the desk would refuse the
    changes.
    """
    person, order_id = _trader(request, public_id)
    found = services.order_amend_preview(
        public_id=public_id, person=person, changes=_changes(body, order_id), now=timezone.now()
    )
    return rows.amendment_row(found, services.missing_of(person, found, body.confirmation()))


@router.post(
    "/orders/{slug:public_id}/amend",
    response=OrderDetail,
    summary="Amend an order",
    operation_id="order_amend",
)
def amend(request: HttpRequest, public_id: str, body: bodies.AmendBody) -> OrderDetail:
    """Amend the terms, with a new plan for the remaining quantity.

    Above a limit that needs an approval, the answer is the unchanged order with the request in waiting_approval. If
    you send the same changes to the same terms_version again, nothing more happens. If the order's terms have another
    version by now, the answer is a 409.
    """
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
