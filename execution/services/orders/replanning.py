"""New versions of an order's terms and plan, requested by a person or by the order's own rules."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any

from execution.core.numbers import plain
from execution.core.orders.plans import SlicePlan
from execution.models import Order, OrderTerms, Slice, User
from execution.services.records.journal import journal_append

UNCHANGED: Any = object()


def order_replan(
    *,
    order: Order,
    slices: tuple[SlicePlan, ...],
    end_at: datetime,
    actor: str,
    reason: str,
    now: datetime,
    person: User | None = None,
    parameters: Mapping[str, Any] | None = None,
    limit_price: Any = UNCHANGED,
    quantity: Decimal | None = None,
    forecast: Mapping[str, Any] | None = None,
    data: Mapping[str, Any] | None = None,
) -> None:
    """Write the next version of a locked order's terms and plan, and a journal entry.

    If ``parameters``, ``limit_price``, ``quantity`` or ``forecast`` is not given, it stays as it was. The end is fixed
    if the parameters have an ``end_at``.
    """
    terms = order.terms
    if terms is None:
        raise RuntimeError(f"order {order.public_id} has no terms")
    if parameters is None:
        parameters = terms.parameters
    order.terms = OrderTerms.objects.create(
        order=order,
        version=terms.version + 1,
        parameters=dict(parameters),
        limit_price=terms.limit_price if limit_price is UNCHANGED else limit_price,
        start_at=terms.start_at,
        end_at=end_at,
        end_is_fixed=parameters.get("end_at") is not None,
        actor=person,
        reason=reason,
        created_at=now,
    )
    order.plan_version += 1
    order.quantity = order.quantity if quantity is None else quantity
    order.forecast = order.forecast if forecast is None else dict(forecast)
    slices_create(order, slices)
    journal_append(
        order=order,
        kind="replanned",
        actor=actor,
        reason=reason,
        at=now,
        data={
            "terms_version": order.terms.version,
            "plan_version": order.plan_version,
            "slices": len(slices),
            "end_at": end_at.isoformat(),
            "quantity": plain(order.quantity),
            **(data or {}),
        },
    )


def slices_create(order: Order, slices: tuple[SlicePlan, ...]) -> None:
    """Write a plan under the order's current plan version."""
    Slice.objects.bulk_create(
        Slice(
            order=order,
            plan_version=order.plan_version,
            number=part.number,
            starts_at=part.starts_at,
            ends_at=part.ends_at,
            quantity=part.quantity,
        )
        for part in slices
    )
