"""Reads for the blotter: the orders that a person sees, filtered and sorted.

A page first reads the keys of its orders, then only those orders. So the cost of a page does not grow with the number
of orders. Only the counts depend on that number, and they come from an index. Money is compared for sorting, but not
summed here.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from datetime import timedelta
from functools import partial

from django.db.models import (
    Count,
    Exists,
    OuterRef,
    Q,
    QuerySet,
    Sum,
    TextField,
)
from django.db.models.functions import Cast

from execution.core.days import start_of
from execution.core.states import ORDER_FINAL
from execution.models import Account, Market, Order, Role, User, Venue
from execution.payloads.orders import OrderPage, OrderRow
from execution.selectors.orders.baskets import basket_find
from execution.selectors.orders.order_filter import FilterChoices, OrderFilter, OrderListFilter
from execution.selectors.orders.rows import order_rows_of, orders_for_rows
from execution.selectors.orders.sorting import LIVE, NEEDS, orders_sorted
from execution.selectors.orders.visibility import orders_visible, sees_several

PAGE_SIZE = 100
#: The number of orders that an export holds in memory at a time.
CHUNK = 200

#: The condition for each group of states in the filter; a single status is a state, too.
STATES: dict[str, Q] = {
    "all": Q(),
    "needs": NEEDS,
    "live": LIVE,
    "final": Q(status__in=sorted(ORDER_FINAL)),
}


def filter_choices(person: User) -> FilterChoices:
    """Return the values that a person may filter by. The values come from present and past orders."""
    several = sees_several(person)
    accounts = Account.objects.all() if several else Account.objects.filter(traders=person)
    traders = User.objects.none()
    if several:
        has_orders = Exists(Order.objects.filter(trader=OuterRef("pk")))
        traders = User.objects.filter(Q(role=Role.TRADER) | Q(has_orders))
    return FilterChoices(
        symbols=sorted(set(Market.objects.values_list("symbol", flat=True))),
        accounts=sorted(accounts.values_list("label", flat=True)),
        venues=sorted(Venue.objects.values_list("label", flat=True)),
        traders=sorted(traders.values_list("username", flat=True)),
        alone="" if several else person.get_username(),
        has_former=partial(_has_former, person),
        has_basket=lambda public_id: basket_find(person=person, public_id=public_id) is not None,
    )


def _has_former(person: User, name: str, value: str) -> bool:
    former = {"symbol": Q(symbol=value), "account": Q(accounts__label=value)}
    return name in former and orders_visible(person).filter(former[name]).exists()


def blotter_page(
    *,
    person: User,
    chosen: OrderListFilter,
    known: Mapping[str, OrderRow] | None = None,
) -> OrderPage:
    """Return a page of the blotter, sorted by the chosen column.

    By default orders that need attention come first, then live ones. Rows in ``known`` (by id) are reused if their
    order has not changed since.
    """
    filtered = _list_filtered(person, chosen)
    state = _state(chosen.state)
    counts = filtered.aggregate(
        all=Count("pk"),
        chosen=Count("pk", filter=state) if state else Count("pk"),
        **{name: Count("pk", filter=q) for name, q in STATES.items() if q},
    )
    total = counts.pop("chosen")
    first = (chosen.page - 1) * PAGE_SIZE
    heads = list(
        orders_sorted(filtered.filter(state), chosen.sort).values_list("pk", "public_id", "version")[
            first : first + PAGE_SIZE
        ]
    )
    held = known or {}
    moved = [pk for pk, key, version in heads if key not in held or held[key]["version"] != version]
    rows = {row["id"]: row for row in order_rows_of(orders_for_rows(moved))}
    # An order can only vanish from between the two reads by its database's own hand.
    shown = [rows[key] if key in rows else held[key] for _, key, _ in heads if key in rows or key in held]
    return OrderPage(rows=shown, counts=counts, total=total)


def blotter_rows(*, person: User, chosen: OrderListFilter) -> Iterator[list[OrderRow]]:
    """Yield all rows of a filter in the blotter's order, in parts. An export holds only one part in memory.

    The list of orders is fixed when the first part is read. Each row is read together with its part.
    """
    keys = list(
        orders_sorted(_list_filtered(person, chosen).filter(_state(chosen.state)), chosen.sort).values_list(
            "pk", flat=True
        )
    )
    for first in range(0, len(keys), CHUNK):
        yield order_rows_of(orders_for_rows(keys[first : first + CHUNK]))


def blotter_marks(*, person: User) -> tuple[int, int]:
    """Return the number of orders that the person sees, and the sum of their versions.

    If one of these orders changes, at least one of the two numbers changes. The websocket of a page compares the
    numbers once a second, and reads the page's rows only when they have changed. Both numbers come from an index.
    """
    marks = orders_visible(person).aggregate(count=Count("pk"), versions=Sum("version"))
    return marks["count"], marks["versions"] or 0


def _state(state: str) -> Q:
    return STATES.get(state, Q(status=state))


def _list_filtered(person: User, chosen: OrderListFilter) -> QuerySet[Order]:
    found = orders_filtered(person, chosen)
    if chosen.account:
        found = found.filter(accounts__label=chosen.account)
    if chosen.basket:
        found = found.filter(basket__public_id=chosen.basket)
    return orders_searched(found, chosen.q) if chosen.q else found


def orders_filtered(person: User, chosen: OrderFilter) -> QuerySet[Order]:
    """Return the visible orders that match the filters."""
    found = orders_visible(person)
    for name in ("side", "symbol", "algorithm"):
        if value := getattr(chosen, name):
            found = found.filter(**{name: value})
    if chosen.trader:
        found = found.filter(trader__username=chosen.trader)
    if chosen.since:
        found = found.filter(created_at__gte=start_of(chosen.since))
    if chosen.until:
        found = found.filter(created_at__lt=start_of(chosen.until) + timedelta(days=1))
    return found


def orders_searched(orders: QuerySet[Order], text: str, *, with_symbol: bool = False) -> QuerySet[Order]:
    """Return the orders whose id begins with the text, or whose reference, a tag or the symbol contains it."""
    in_tags = Q(tag_text__icontains=text)
    # SQLite keeps JSON with its letters beyond ASCII escaped, PostgreSQL as they are.
    if (escaped := json.dumps(text)[1:-1]) != text:
        in_tags |= Q(tag_text__icontains=escaped)
    matches = Q(public_id__istartswith=text) | Q(client_reference__icontains=text) | in_tags
    if with_symbol:
        matches |= Q(symbol__icontains=text)
    return orders.annotate(tag_text=Cast("tags", TextField())).filter(matches)
