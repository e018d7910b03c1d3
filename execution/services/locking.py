"""The lock that every change of an order takes first, before its children's rows and its account's.

All locks of rows are ``FOR NO KEY UPDATE``: PostgreSQL takes ``FOR KEY SHARE`` on the rows that a new one refers
to, and takes it at the commit (Django defers its foreign keys), after whatever else was locked. A plain
``FOR UPDATE`` conflicts with that: an intent and a taking of the same account would wait for each other.
"""

from __future__ import annotations

from execution.models import Account, HaltGate, Order


def order_locked(order_pk: int) -> Order:
    """The order under its row's lock; to be called inside a transaction.

    Its terms are read when they are asked for: joined, they would be those of before the wait for the lock.
    """
    return (
        Order.objects.select_for_update(of=("self",), no_key=True).select_related("trader").get(pk=order_pk)
    )


def account_row_locked(account_pk: int) -> Account:
    """The account under its row's lock, inside a transaction: after any order's lock, before the gate."""
    return Account.objects.select_for_update(of=("self",), no_key=True).get(pk=account_pk)


def gate_locked() -> HaltGate:
    """The gate under its row's lock, inside a transaction, after every other lock.

    A halt is committed under it. Who writes a child, takes one, or submits an order holds it and reads the
    halts in force: none slips through.
    """
    gate, _ = HaltGate.objects.select_for_update(no_key=True).get_or_create(singleton=True)
    return gate
