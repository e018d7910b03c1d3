"""Orders over the API: the same services as the pages call."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

from django.http import HttpRequest
from django.utils import timezone
from ninja import Body, Header, Router
from ninja.responses import Status

from dashboard.api import bodies, rows
from dashboard.api.access import api_actor, api_order, api_person, api_trader
from dashboard.api.parsing import query_filter, query_parameters, read_order
from execution.payloads import orders as payloads
from execution.payloads.previews import OrderPreview
from execution.payloads.reports import Report
from execution.selectors.orders import pages
from execution.selectors.orders.blotter import PAGE_SIZE, blotter_page
from execution.selectors.orders.order_filter import OrderListFilter
from execution.selectors.orders.visibility import order_is_theirs_to_act
from execution.selectors.tca.reports import report_read
from execution.services.orders import orders as services
from execution.services.orders.confirmation import confirmation_problems

if TYPE_CHECKING:
    from execution.models import User

router = Router(tags=["orders"])
Action = Annotated[bodies.ActionBody | None, Body()]
Key = Annotated[
    str,
    Header(
        alias="Idempotency-Key",
        min_length=1,
        max_length=64,
        description="a new key of yours for each order; a repeated key with the same body returns the same order",
    ),
]


@router.post(
    "/orders",
    response={201: payloads.OrderDetail, 200: payloads.OrderDetail},
    summary="Launch an order",
    operation_id="order_launch",
)
def launch(request: HttpRequest, body: bodies.OrderBody, key: Key) -> Status[Any]:
    """Create an order.

    The answer is 201 for a new order, and 200 if this key has created it before. The same key with another body is
    refused with 409.
    """
    person, now = api_trader(request), timezone.now()
    wanted = read_order(body.dict(), person)
    confirmed = body.confirmation()
    order = services.order_submit(person=person, request=wanted, key=key, now=now, confirmed=confirmed)
    # A repeated request finds an order that an earlier moment made.
    return Status(201 if order.created_at == now else 200, pages.order_snapshot(order.pk)["order"])


@router.post(
    "/orders/preview",
    response=OrderPreview,
    summary="Show what an order would be",
    operation_id="order_preview",
)
def preview(request: HttpRequest, body: bodies.OrderBody) -> OrderPreview:
    """Preview an order without creating anything. The answer lists in problems why the desk would refuse the order."""
    person, now = api_trader(request), timezone.now()
    found = services.order_preview(person=person, request=read_order(body.dict(), person), now=now)
    return rows.preview_row(found, confirmation_problems(person, found, body.confirmation()))


@router.get(
    "/orders",
    response=payloads.Orders,
    summary="List orders",
    operation_id="order_list",
    openapi_extra=query_parameters(OrderListFilter),
)
def order_list(request: HttpRequest) -> payloads.Orders:
    """Return your own orders, or everybody's if you may see them.

    Orders that need attention come first, then live ones.
    """
    person = api_person(request)
    chosen = query_filter(request, person, OrderListFilter)
    found = blotter_page(person=person, chosen=chosen)
    last = max(1, -(-found["total"] // PAGE_SIZE))
    return {"orders": found["rows"], "page": chosen.page, "pages": last, "total": found["total"]}


def _snapshot(request: HttpRequest, public_id: str) -> payloads.Snapshot:
    return pages.order_snapshot(api_order(request, public_id))


@router.get(
    "/orders/{slug:public_id}",
    response=payloads.OrderDetail,
    summary="Read an order",
    operation_id="order_read",
)
def detail(request: HttpRequest, public_id: str) -> payloads.OrderDetail:
    return _snapshot(request, public_id)["order"]


for section, form, summary, about in (
    ("slices", payloads.Slices, "Read an order's plan", None),
    ("children", payloads.Children, "Read an order's children", None),
    ("fills", payloads.Fills, "Read an order's fills", None),
    ("journal", payloads.Journal, "Read an order's journal", "Every change with its actor, reason and time."),
):
    router.get(
        f"/orders/{{slug:public_id}}/{section}",
        response=form,
        summary=summary,
        operation_id=f"order_{section}",
        description=about,
    )(_snapshot)


@router.get(
    "/orders/{slug:public_id}/report",
    response=Report,
    summary="Read what an order cost",
    operation_id="order_report",
)
def report(request: HttpRequest, public_id: str) -> Report:
    """Return the report so far. It is final five minutes after the order has ended."""
    return report_read(api_order(request, public_id), timezone.now())


# --- acting --------------------------------------------------------------------------------------


def _actor(request: HttpRequest, public_id: str) -> User:
    words = "Only its trader or a supervisor may act on"
    return api_actor(request, public_id, order_is_theirs_to_act, words)[0]


@router.post(
    "/orders/{slug:public_id}/pause",
    response=payloads.OrderDetail,
    summary="Pause an order",
    operation_id="order_pause",
)
def pause(request: HttpRequest, public_id: str, body: Action = None) -> payloads.OrderDetail:
    """Cancel open child orders and send no new ones. Pausing a paused order changes nothing."""
    order = services.order_pause(
        public_id=public_id, person=_actor(request, public_id), reason=_reason(body), now=timezone.now()
    )
    return pages.order_snapshot(order.pk)["order"]


@router.post(
    "/orders/{slug:public_id}/resume",
    response=payloads.OrderDetail,
    summary="Resume an order",
    operation_id="order_resume",
)
def resume(request: HttpRequest, public_id: str, body: bodies.ResumeBody) -> payloads.OrderDetail:
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
    response=payloads.OrderDetail,
    summary="Cancel an order",
    operation_id="order_cancel",
)
def cancel(request: HttpRequest, public_id: str, body: Action = None) -> payloads.OrderDetail:
    """Close the order.

    The order becomes final when its child orders can fill no more and all their fills are recorded. A second cancel
    changes nothing.
    """
    order = services.order_cancel(
        public_id=public_id, person=_actor(request, public_id), reason=_reason(body), now=timezone.now()
    )
    return pages.order_snapshot(order.pk)["order"]


def _reason(body: bodies.ActionBody | None) -> str:
    return body.reason.strip() if body else ""
