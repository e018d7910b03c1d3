"""Baskets over the API: the same services as on the pages."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from django.http import HttpRequest
from django.utils import timezone
from ninja import Router
from ninja.responses import Status

from dashboard.api import bodies, rows
from dashboard.api.access import api_person, api_trader
from dashboard.api.bulk import ABOUT, ABOUT_PREVIEW
from dashboard.api.orders import Action, Key
from dashboard.api.parsing import read_orders
from dashboard.api.problems import NotFound
from dashboard.forms.bulk import read_bulk
from dashboard.present import bulk as present
from dashboard.present.predictions import predicted_now
from execution.core.orders.bulk import BulkAction, BulkRequest, ChosenOrder
from execution.payloads import baskets as payloads
from execution.payloads.bulk import BulkAnswer, BulkPreview
from execution.payloads.encode import rounded_str
from execution.payloads.problems import problem_row
from execution.selectors.orders.baskets import (
    basket_detail,
    basket_find,
    basket_order_ids,
    baskets_newest,
    notional_row,
)
from execution.services.orders import bulk as services
from execution.services.orders.basket_confirmation import basket_confirmation_problems
from execution.services.orders.basket_preview import BasketPreview, JudgedRow, basket_preview
from execution.services.orders.basket_submit import basket_submit

if TYPE_CHECKING:
    from execution.core.problems import Problem
    from execution.models import Basket, User

router = Router(tags=["baskets"])


@router.post(
    "/baskets/preview",
    response=payloads.BasketPreview,
    summary="Show what a basket would be",
    operation_id="basket_preview",
)
def preview(request: HttpRequest, body: bodies.BasketBody) -> payloads.BasketPreview:
    """Check every row and the basket as a whole, without creating anything. The answer lists every reason for which
    the desk would refuse the basket.
    """
    person = api_trader(request)
    asked = read_orders([order.dict() for order in body.orders], person)
    found = basket_preview(person=person, name=body.name.strip(), rows=asked, clock=timezone.now)
    missing = basket_confirmation_problems(person, found, body.confirmation())
    return _preview_row(found, missing)


@router.post(
    "/baskets",
    response={201: payloads.BasketDetail, 200: payloads.BasketDetail},
    summary="Send a basket",
    operation_id="basket_send",
)
def send(request: HttpRequest, body: bodies.BasketBody, key: Key) -> Status[Any]:
    """Create every order or none.

    The answer is 201 for a new basket, and 200 if this key has created it before. The same key with other orders is
    refused with 409.
    """
    person, now = api_trader(request), timezone.now()
    basket = basket_submit(
        person=person,
        name=body.name,
        rows=read_orders([order.dict() for order in body.orders], person),
        key=key,
        clock=timezone.now,
        confirmed=body.confirmation(),
    )
    return Status(201 if basket.created_at >= now else 200, basket_detail(basket, timezone.now()))


@router.get("/baskets", response=payloads.Baskets, summary="List baskets", operation_id="basket_list")
def basket_list(request: HttpRequest) -> payloads.Baskets:
    """Return the newest baskets: your own, or everybody's if you may see them."""
    return {"baskets": baskets_newest(person=api_person(request), now=timezone.now())}


@router.get(
    "/baskets/{slug:public_id}",
    response=payloads.BasketDetail,
    summary="Read a basket",
    operation_id="basket_read",
)
def detail(request: HttpRequest, public_id: str) -> payloads.BasketDetail:
    return basket_detail(_basket(request, public_id), timezone.now())


def _basket(request: HttpRequest, public_id: str) -> Basket:
    """Return a basket that the person may see; raises ``NotFound`` for any other."""
    basket = basket_find(person=api_person(request), public_id=public_id)
    if basket is None:
        raise NotFound
    return basket


# --- acting on all of its orders -----------------------------------------------------------------

ACTIONS = {
    BulkAction.PAUSE: (bodies.ActionBody, "Pause a basket"),
    BulkAction.RESUME: (bodies.ResumeBody, "Resume a basket"),
    BulkAction.CANCEL: (bodies.ActionBody, "Cancel a basket"),
}


def _asked(
    request: HttpRequest, action: BulkAction, public_id: str, body: bodies.ActionBody | None
) -> tuple[User, BulkRequest | None]:
    """Return the person, and the request to act on those of the basket's orders that have not ended. The
    request is None if all have ended.
    """
    chosen = [ChosenOrder(name) for name in basket_order_ids(_basket(request, public_id))]
    given = {} if body is None else body.dict()
    reason, mode = given.get("reason", ""), given.get("mode")
    asked = read_bulk(action, chosen, reason=reason, mode=mode, by=None, urgency=None)
    return api_person(request), asked if chosen else None


def _act(action: BulkAction, form: Any) -> Callable[..., BulkAnswer]:
    def act(request: HttpRequest, public_id: str, body: Any = None) -> BulkAnswer:
        person, asked = _asked(request, action, public_id, body)
        now = timezone.now()
        results = [] if asked is None else services.orders_act(person=person, request=asked, now=now)
        return present.bulk_answer(action, results)

    act.__annotations__["body"] = form
    return act


def _act_preview(action: BulkAction, form: Any) -> Callable[..., BulkPreview]:
    def act_preview(request: HttpRequest, public_id: str, body: Any = None) -> BulkPreview:
        person, asked = _asked(request, action, public_id, body)
        now = timezone.now()
        results = [] if asked is None else services.orders_act_preview(person=person, request=asked, now=now)
        return present.bulk_preview(action, results)

    act_preview.__annotations__["body"] = form
    return act_preview


for action, (form, summary) in ACTIONS.items():
    taken = form if action is BulkAction.RESUME else Action
    path = f"/baskets/{{slug:public_id}}/{action}"
    router.post(
        path, response=BulkAnswer, summary=summary, operation_id=f"basket_{action}", description=ABOUT
    )(_act(action, taken))
    router.post(
        f"{path}/preview",
        response=BulkPreview,
        summary=f"Show what would happen: {summary[0].lower()}{summary[1:]}",
        operation_id=f"basket_{action}_preview",
        description=ABOUT_PREVIEW,
    )(_act_preview(action, taken))


# --- rows ----------------------------------------------------------------------------------------


def _preview_row(found: BasketPreview, missing: Sequence[Problem]) -> payloads.BasketPreview:
    return {
        "rows": [_judged(row, found) for row in found.rows],
        "notional": notional_row(found.sums),
        "limits": [
            payloads.BasketLimit(
                kind=each.breach.kind, level=each.level, rows=list(each.rows), message=each.breach.message
            )
            for each in found.breaches
        ],
        "problems": [problem_row(problem) for problem in (*found.every_problem, *missing)],
    }


def _judged(row: JudgedRow, found: BasketPreview) -> payloads.BasketPreviewRow:
    """Return a row of the preview. A row that cannot be read has only its problems."""
    problems = [problem_row(problem) for problem in row.problems]
    if row.preview is None:
        return {"row": row.number, "expected_cost_bp": None, **rows.unread_row(), "problems": problems}
    predicted = predicted_now(row.preview, found.now)
    cost = None if predicted is None else rounded_str(predicted.cost_bp, 2)
    shown = rows.preview_row(row.preview)
    return {"row": row.number, "expected_cost_bp": cost, **shown, "problems": problems}
