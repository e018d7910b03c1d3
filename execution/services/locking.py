"""The lock that every change of an order takes first, before its children's rows and its account's."""

from __future__ import annotations

from execution.models import HaltGate, Order


def order_locked(order_pk: int) -> Order:
    """The order under its row's lock; to be called inside a transaction.

    Its terms are read when they are asked for: joined, they would be those of before the wait for the lock.
    """
    return Order.objects.select_for_update(of=("self",)).select_related("trader").get(pk=order_pk)


def gate_locked() -> HaltGate:
    """The gate under its row's lock, inside a transaction, after every other lock.

    A halt is committed under it. Who writes a child, takes one, or submits an order holds it and reads the
    halts in force: none slips through.
    """
    gate, _ = HaltGate.objects.select_for_update().get_or_create(singleton=True)
    return gate
