"""The lock that every change of an order takes first, before its children's rows and its account's."""

from __future__ import annotations

from execution.models import Order


def order_locked(order_pk: int) -> Order:
    """The order under its row's lock; to be called inside a transaction.

    Its terms are read when they are asked for: joined, they would be those of before the wait for the lock.
    """
    return Order.objects.select_for_update(of=("self",)).select_related("trader").get(pk=order_pk)
