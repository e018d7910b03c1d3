"""One action on many orders over the API. The answer has the result of each order."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from django.http import HttpRequest
from django.utils import timezone
from ninja import Router

from dashboard.api import bodies
from dashboard.api.access import api_person
from dashboard.forms.bulk import read_bulk
from dashboard.present import bulk as present
from execution.core.orders.bulk import BulkAction, BulkRequest, ChosenOrder
from execution.payloads.bulk import BulkAnswer, BulkPreview
from execution.services.orders import bulk as services

if TYPE_CHECKING:
    from execution.models import User

router = Router(tags=["orders"])

ACTIONS: dict[BulkAction, tuple[type[bodies.BulkBody], str]] = {
    BulkAction.PAUSE: (bodies.BulkBody, "Pause many orders"),
    BulkAction.RESUME: (bodies.BulkResumeBody, "Resume many orders"),
    BulkAction.CANCEL: (bodies.BulkBody, "Cancel many orders"),
    BulkAction.EXTEND: (bodies.BulkExtendBody, "Extend many orders"),
    BulkAction.URGENCY: (bodies.BulkUrgencyBody, "Change the urgency of many orders"),
}
ABOUT = (
    "Each order is changed in a transaction of its own, as by its own operation. The same request again does nothing "
    "twice: what is done already is unchanged. The status is 200 whatever became of each order; read the outcomes."
)
ABOUT_PREVIEW = (
    "Changes nothing. It says of each order what would become of it now, and what they have open together."
)


def _asked(request: HttpRequest, action: BulkAction, body: bodies.BulkBody) -> tuple[User, BulkRequest]:
    given = body.dict()
    chosen = [ChosenOrder(each.id, each.terms_version) for each in body.orders]
    values = {name: given.get(name) for name in ("mode", "by", "urgency")}
    return api_person(request), read_bulk(action, chosen, reason=body.reason, **values)


def _act(action: BulkAction, form: type[bodies.BulkBody]) -> Callable[..., BulkAnswer]:
    def act(request: HttpRequest, body: Any) -> BulkAnswer:
        person, asked = _asked(request, action, body)
        return present.bulk_answer(
            action, services.orders_act(person=person, request=asked, now=timezone.now())
        )

    act.__annotations__["body"] = form
    return act


def _preview(action: BulkAction, form: type[bodies.BulkBody]) -> Callable[..., BulkPreview]:
    def preview(request: HttpRequest, body: Any) -> BulkPreview:
        person, asked = _asked(request, action, body)
        results = services.orders_act_preview(person=person, request=asked, now=timezone.now())
        return present.bulk_preview(action, results)

    preview.__annotations__["body"] = form
    return preview


for action, (form, summary) in ACTIONS.items():
    path = f"/orders/bulk/{action}"
    router.post(
        path, response=BulkAnswer, summary=summary, operation_id=f"orders_{action}", description=ABOUT
    )(_act(action, form))
    router.post(
        f"{path}/preview",
        response=BulkPreview,
        summary=f"Show what would happen: {summary[0].lower()}{summary[1:]}",
        operation_id=f"orders_{action}_preview",
        description=ABOUT_PREVIEW,
    )(_preview(action, form))
