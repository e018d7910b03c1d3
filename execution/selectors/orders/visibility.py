"""The rules about who sees an order and who may act on it."""

from __future__ import annotations

from django.db.models import QuerySet

from execution.models import Order, Role, User


def sees_several(person: User) -> bool:
    """Return True if the person sees other people's orders.

    Supervisors do, and traders to whom the whole desk was granted.
    """
    return person.role == Role.SUPERVISOR or (person.role == Role.TRADER and person.sees_desk)


def orders_visible(person: User) -> QuerySet[Order]:
    """Return the orders that the person may see.

    A trader sees their own, a person who sees the whole desk sees everybody's, and anybody else sees none.
    """
    if sees_several(person):
        return Order.objects.all()
    if person.role == Role.TRADER:
        return Order.objects.filter(trader=person)
    return Order.objects.none()


def order_alone(order_pk: int) -> QuerySet[Order]:
    """Return a query for exactly this order, which does not ask who may see it.

    The caller has already checked that.
    """
    return Order.objects.filter(pk=order_pk)


def may_act(person: User, order: Order) -> bool:
    """Return True if the person may pause, resume and cancel the order.

    The order's trader and all supervisors may. Others may only watch.
    """
    owns = order.trader_id == person.pk and person.role == Role.TRADER
    return owns or person.role == Role.SUPERVISOR


def may_amend(person: User, order: Order) -> bool:
    """Return True only for the order's trader, because amending is trading."""
    return order.trader_id == person.pk and person.role == Role.TRADER


def order_find(*, person: User, public_id: str) -> int | None:
    """Return the primary key of an order that the person may see; None if there is none, or they may not see it."""
    return orders_visible(person).filter(public_id=public_id).values_list("pk", flat=True).first()


def order_is_theirs_to_act(*, person: User, order_id: int) -> bool:
    """Return ``may_act`` for the order with this primary key."""
    return may_act(person, Order.objects.only("trader").get(pk=order_id))


def order_is_theirs_to_amend(*, person: User, order_id: int) -> bool:
    """Return ``may_amend`` for the order with this primary key."""
    return may_amend(person, Order.objects.only("trader").get(pk=order_id))
