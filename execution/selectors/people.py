"""Reads for admins: the people of the desk, and what each leaves running."""

from __future__ import annotations

from datetime import datetime
from typing import Any, TypedDict

from django.db.models import Count, Q, QuerySet

from execution.core.numbers import grouped, plain
from execution.core.states import ORDER_FINAL
from execution.models import AuditEntry, Order, Role, User

AUDIT_SHOWN = 50


class PersonRow(TypedDict):
    """A person on the list."""

    id: str
    pk: int
    name: str
    role: str
    is_active: bool
    sees_desk: bool
    confirm_above: str
    last_login: datetime | None
    live_orders: int
    counts_until: datetime | None


class LiveOrderRow(TypedDict):
    """An order that pauses if its trader is made inactive."""

    id: str
    side: str
    symbol: str
    quantity: str
    filled: str
    algorithm: str
    status: str


class PersonFacts(PersonRow):
    """A person on their page for admins."""

    orders: list[LiveOrderRow]
    accounts: list[str]
    audit: list[Any]


def people_rows() -> list[PersonRow]:
    """Return everybody: active ones first, by role and name."""
    order = {role: number for number, role in enumerate(Role.values)}
    rows = [_row(person) for person in _people()]
    return sorted(rows, key=lambda row: (not row["is_active"], -order[row["role"]], row["name"]))


def person_facts(public_id: str) -> PersonFacts | None:
    """Return one person with their live orders; None when there is none."""
    person = _people().filter(public_id=public_id).first()
    if person is None:
        return None
    about = Q(kind__startswith="person.") | Q(kind__startswith="access.")
    audit = AuditEntry.objects.filter(about, subject=person.username[:80]).order_by("-pk")
    return PersonFacts(
        **_row(person),
        orders=[_order(order) for order in person.orders.exclude(status__in=ORDER_FINAL).order_by("pk")],
        accounts=list(person.accounts.order_by("label").values_list("label", flat=True)),
        audit=list(audit.values("at", "actor", "kind", "reason", "data__what")[:AUDIT_SHOWN]),
    )


def _people() -> QuerySet[Any]:  # annotated, so of no class of ours
    alive = Count("orders", filter=~Q(orders__status__in=ORDER_FINAL), distinct=True)
    return User.objects.annotate(live=alive)


def _row(person: Any) -> PersonRow:
    limit = person.confirm_above
    return PersonRow(
        id=person.public_id,
        pk=person.pk,
        name=person.username,
        role=person.role,
        is_active=person.is_active,
        sees_desk=person.sees_desk,
        confirm_above="" if limit is None else grouped(limit),
        last_login=person.last_login,
        live_orders=person.live,
        counts_until=person.counts_until,
    )


def _order(order: Order) -> LiveOrderRow:
    return LiveOrderRow(
        id=order.public_id,
        side=order.side,
        symbol=order.symbol,
        quantity=plain(order.quantity),
        filled=plain(order.filled),
        algorithm=order.algorithm,
        status=order.status,
    )
