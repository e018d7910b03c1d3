"""Visibility of orders, and the right to act on them."""

from __future__ import annotations

from django.db.models import QuerySet

from execution.models import Order, Role, User


def sees_several(person: User) -> bool:
    """Return True if other people's orders are shown, too: to a supervisor, or a trader who was granted the desk."""
    return person.role == Role.SUPERVISOR or (person.role == Role.TRADER and person.sees_desk)


def orders_visible(person: User) -> QuerySet[Order]:
    """Return a trader's own orders, everybody's for who sees the desk, none for anybody else."""
    if sees_several(person):
        return Order.objects.all()
    if person.role == Role.TRADER:
        return Order.objects.filter(trader=person)
    return Order.objects.none()


def order_alone(order_pk: int) -> QuerySet[Order]:
    """Return an order that was found before, as a query."""
    return Order.objects.filter(pk=order_pk)


def may_act(person: User, order: Order) -> bool:
    """Return True for the order's trader and for supervisors: they pause, resume and cancel; others only watch."""
    owns = order.trader_id == person.pk and person.role == Role.TRADER
    return owns or person.role == Role.SUPERVISOR


def may_amend(person: User, order: Order) -> bool:
    """Return True for the order's trader alone: amending is trading."""
    return order.trader_id == person.pk and person.role == Role.TRADER


def order_find(*, person: User, public_id: str) -> int | None:
    """Return the primary key of an order that the person may see; None is also "there is no such order"."""
    return orders_visible(person).filter(public_id=public_id).values_list("pk", flat=True).first()


def order_is_theirs_to_act(*, person: User, order_id: int) -> bool:
    """Ask ``may_act`` for a page that knows the order by its key."""
    return may_act(person, Order.objects.only("trader").get(pk=order_id))


def order_is_theirs_to_amend(*, person: User, order_id: int) -> bool:
    """Ask ``may_amend`` for a page that knows the order by its key."""
    return may_amend(person, Order.objects.only("trader").get(pk=order_id))
