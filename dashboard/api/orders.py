"""Orders over the API: the same services as the pages call."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

from django.http import HttpRequest
from django.utils import timezone
from ninja import Body, Header, Query, Router
from ninja.responses import Status

from dashboard.api import report_schemas, rows, schemas
from dashboard.api.access import api_person, api_trader
from dashboard.api.parsing import read_order
from dashboard.api.problems import Forbidden, NotFound
from dashboard.forms.filters import read_filter
from execution.core.problems import Refused
from execution.payloads.orders import Snapshot
from execution.selectors.orders import pages
from execution.selectors.orders.blotter import PAGE_SIZE, blotter_page
from execution.selectors.orders.visibility import order_find, order_is_theirs_to_act
from execution.selectors.tca.reports import report_read
from execution.services.orders import orders as services
from execution.services.orders.confirmation import price_problems

if TYPE_CHECKING:
    from execution.models import User

router = Router(tags=["orders"])
Action = Annotated[schemas.ActionBody | None, Body()]
Key = Annotated[
    str,
    Header(
        alias="Idempotency-Key",
        min_length=1,
        max_length=64,
        description="yours, new for each order: the same key with the same body is the same order",
    ),
]


@router.post(
    "/orders",
    response={201: schemas.OrderDetail, 200: schemas.OrderDetail},
    summary="Launch an order",
    operation_id="order_launch",
)
def launch(request: HttpRequest, body: schemas.OrderBody, key: Key) -> Status[Any]:
    """201 for a new order, 200 when the key has made it before. The same key with another body is a 409."""
    person, now = api_trader(request), timezone.now()
    wanted = read_order(body.dict(), person)
    confirmed = body.confirmation()
    order = services.order_submit(person=person, request=wanted, key=key, now=now, confirmed=confirmed)
    # A repeated request finds an order that an earlier moment made.
    return Status(201 if order.created_at == now else 200, pages.order_snapshot(order.pk)["order"])


@router.post(
    "/orders/preview",
    response=schemas.Preview,
    summary="Show what an order would be",
    operation_id="order_preview",
)
def preview(request: HttpRequest, body: schemas.OrderBody) -> dict[str, Any]:
    """Creates nothing. What would refuse the order stands in problems."""
    person, now = api_trader(request), timezone.now()
    found = services.order_preview(person=person, request=read_order(body.dict(), person), now=now)
    return rows.preview_row(found, body.confirmation().missing(price_problems(found)))


@router.get("/orders", response=schemas.Orders, summary="List orders", operation_id="order_list")
def order_list(request: HttpRequest, asked: Query[schemas.OrdersAsked]) -> dict[str, Any]:
    """Your own orders, or everybody's where you may see them: first what needs a person, then what lives."""
    person = api_person(request)
    # Names that the filter does not know are among what it refuses.
    chosen = read_filter(person, {**request.GET.dict(), "page": str(asked.page)})
    if chosen.problems:
        raise Refused(chosen.problems)
    found = blotter_page(person=person, chosen=chosen.filter, page=chosen.page)
    last = max(1, -(-found["total"] // PAGE_SIZE))
    return {"orders": found["rows"], "page": chosen.page, "pages": last, "total": found["total"]}


def _snapshot(request: HttpRequest, public_id: str) -> tuple[int, Snapshot]:
    order_id = order_find(person=api_person(request), public_id=public_id)
    if order_id is None:
        raise NotFound
    return order_id, pages.order_snapshot(order_id)


@router.get(
    "/orders/{slug:public_id}",
    response=schemas.OrderDetail,
    summary="Read an order",
    operation_id="order_read",
)
def detail(request: HttpRequest, public_id: str) -> Any:
    return _snapshot(request, public_id)[1]["order"]


@router.get(
    "/orders/{slug:public_id}/slices",
    response=schemas.Slices,
    summary="Read an order's plan",
    operation_id="order_slices",
)
def slices(request: HttpRequest, public_id: str) -> Any:
    return _snapshot(request, public_id)[1]


@router.get(
    "/orders/{slug:public_id}/children",
    response=schemas.Children,
    summary="Read an order's children",
    operation_id="order_children",
)
def children(request: HttpRequest, public_id: str) -> Any:
    return _snapshot(request, public_id)[1]


@router.get(
    "/orders/{slug:public_id}/fills",
    response=schemas.Fills,
    summary="Read an order's fills",
    operation_id="order_fills",
)
def fills(request: HttpRequest, public_id: str) -> Any:
    return _snapshot(request, public_id)[1]


@router.get(
    "/orders/{slug:public_id}/journal",
    response=schemas.Journal,
    summary="Read an order's journal",
    operation_id="order_journal",
)
def journal(request: HttpRequest, public_id: str) -> Any:
    """Why it did what it did: every change with its actor, reason and time."""
    return _snapshot(request, public_id)[1]


@router.get(
    "/orders/{slug:public_id}/report",
    response=report_schemas.Report,
    summary="Read what an order cost",
    operation_id="order_report",
)
def report(request: HttpRequest, public_id: str) -> Any:
    """So far while it lives; final five minutes after it has ended."""
    order_id = order_find(person=api_person(request), public_id=public_id)
    if order_id is None:
        raise NotFound
    return report_read(order_id, timezone.now())


# --- acting --------------------------------------------------------------------------------------


def _actor(request: HttpRequest, public_id: str) -> User:
    """Who acts: an order that they do not see is not there, one that they only watch is forbidden."""
    person = api_person(request)
    order_id = order_find(person=person, public_id=public_id)
    if order_id is None:
        raise NotFound
    if not order_is_theirs_to_act(person=person, order_id=order_id):
        raise Forbidden(f"Only its trader or a supervisor may act on order {public_id}.")
    return person


@router.post(
    "/orders/{slug:public_id}/pause",
    response=schemas.OrderDetail,
    summary="Pause an order",
    operation_id="order_pause",
)
def pause(request: HttpRequest, public_id: str, body: Action = None) -> Any:
    """What rests is cancelled and nothing new is sent. Pausing twice is once."""
    order = services.order_pause(
        public_id=public_id, person=_actor(request, public_id), reason=_reason(body), now=timezone.now()
    )
    return pages.order_snapshot(order.pk)["order"]


@router.post(
    "/orders/{slug:public_id}/resume",
    response=schemas.OrderDetail,
    summary="Resume an order",
    operation_id="order_resume",
)
def resume(request: HttpRequest, public_id: str, body: schemas.ResumeBody) -> Any:
    order = services.order_resume(
        public_id=public_id,
        person=_actor(request, public_id),
        reason=body.reason.strip(),
        mode=body.mode,
        now=timezone.now(),
    )
    return pages.order_snapshot(order.pk)["order"]


@router.post(
    "/orders/{slug:public_id}/cancel",
    response=schemas.OrderDetail,
    summary="Cancel an order",
    operation_id="order_cancel",
)
def cancel(request: HttpRequest, public_id: str, body: Action = None) -> Any:
    """It closes, and is final when its children are settled. Cancelling twice is once."""
    order = services.order_cancel(
        public_id=public_id, person=_actor(request, public_id), reason=_reason(body), now=timezone.now()
    )
    return pages.order_snapshot(order.pk)["order"]


def _reason(body: schemas.ActionBody | None) -> str:
    return body.reason.strip() if body else ""
