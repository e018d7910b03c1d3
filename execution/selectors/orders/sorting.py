"""The sorting of a list of orders by one of its columns, in the database.

Amounts are compared as floats, which is exact enough to sort rows on the screen. Unknown values come last in both
directions. Among equal values the newest order is first.
"""

from __future__ import annotations

from typing import Any

from django.db.models import Case, F, FloatField, IntegerField, OuterRef, Q, QuerySet, Subquery, Value, When
from django.db.models.functions import Cast, Coalesce, NullIf

from execution.core.states import ORDER_LIVE
from execution.models import Fill, Order

LIVE = Q(status__in=sorted(ORDER_LIVE))
NEEDS = Q(needs_person=True) & LIVE


def _number(name: str) -> Any:
    return Cast(F(name), FloatField())


def _arrival() -> Any:
    return (_number("arrival_bid") + _number("arrival_ask")) / 2.0


def _average() -> Any:
    return _number("notional") / NullIf(_number("filled"), 0.0)


def _cost() -> Any:
    sign = Case(When(side="buy", then=Value(1.0)), default=Value(-1.0), output_field=FloatField())
    return sign * (_average() / _arrival() - 1.0)


def _notional() -> Any:
    """Return the value of the filled and the remaining quantity.

    The remaining quantity is valued at the arrival mid, else at the limit price.
    """
    price = Coalesce(_arrival(), _number("terms__limit_price"), output_field=FloatField())
    return _number("notional") + (_number("quantity") - _number("filled")) * price


def _last_fill() -> Any:
    fills = Fill.objects.filter(order=OuterRef("pk")).order_by("-executed_at")
    return Subquery(fills.values("executed_at")[:1])


def _key(name: str) -> Any:
    columns = {
        "state": "status",
        "id": "public_id",
        "trader": "trader__username",
        "symbol": "symbol",
        "side": "side",
        "algorithm": "algorithm",
        "created": "created_at",
    }
    if name in columns:
        return F(columns[name])
    amounts = {"quantity": "quantity", "filled": "filled", "limit": "terms__limit_price"}
    if name in amounts:
        return _number(amounts[name])
    expressions = {
        "done": lambda: _number("filled") / _number("quantity"),
        "notional": _notional,
        "average": _average,
        "arrival": _arrival,
        "cost": _cost,
        "end": lambda: Coalesce(F("ended_at"), F("terms__end_at")),
        "last_fill": _last_fill,
    }
    return expressions[name]()


def orders_sorted(orders: QuerySet[Order], sort: str) -> QuerySet[Order]:
    """Return the orders sorted by a column of ``SORTS``.

    By default those that need attention come first, then live ones, then the others, each by time.
    """
    if not sort:
        rank = Case(
            When(NEEDS, then=Value(0)),
            When(LIVE, then=Value(1)),
            default=Value(2),
            output_field=IntegerField(),
        )
        return orders.order_by(rank, "-created_at", "-pk")
    keyed = orders.annotate(sort_key=_key(sort.removeprefix("-")))
    key = F("sort_key")
    by = key.desc(nulls_last=True) if sort.startswith("-") else key.asc(nulls_last=True)
    return keyed.order_by(by, "-created_at", "-pk")
