"""The lock that every change of an order takes first, before its children's rows and its account's.

All locks of rows are ``FOR NO KEY UPDATE``: PostgreSQL takes ``FOR KEY SHARE`` on the rows that a new one refers
to, and takes it at the commit (Django defers its foreign keys), after whatever else was locked. A plain
``FOR UPDATE`` conflicts with that: an intent and a taking of the same account would wait for each other.
"""

from __future__ import annotations

from execution.models import Account, HaltGate, Order, OrderTerms
from execution.models.prepared import Compiled

_ORDER = Compiled(lambda pk: Order.objects.select_for_update(of=("self",), no_key=True).filter(pk=pk), pk=int)
_ACCOUNT = Compiled(
    lambda pk: Account.objects.select_for_update(of=("self",), no_key=True).filter(pk=pk), pk=int
)
_TERMS = Compiled(lambda pk: OrderTerms.objects.filter(pk=pk), pk=int)
_GATE = Compiled(lambda: HaltGate.objects.select_for_update(no_key=True).filter(singleton=True))


def order_locked(order_pk: int) -> Order:
    """Lock the order's row, inside a transaction.

    Its terms are read when they are asked for: joined, they would be those of before the wait for the lock.
    """
    return _ORDER.get(pk=order_pk)


def order_locked_with_terms(order_pk: int) -> Order:
    """Lock as ``order_locked`` does, and read the terms after the lock was had."""
    order = order_locked(order_pk)
    order.terms = None if order.terms_id is None else _TERMS.get(pk=order.terms_id)
    return order


def account_row_locked(account_pk: int) -> Account:
    """Lock the account's row, inside a transaction: after any order's lock, before the gate."""
    return _ACCOUNT.get(pk=account_pk)


def gate_locked() -> HaltGate:
    """Lock the gate's row, inside a transaction, after every other lock.

    A halt is committed under it. Every writer of a child, and whoever takes one or submits an order, holds it and
    reads the halts in force: none slips through.
    """
    found = _GATE.first()
    if found is not None:
        return found
    gate, _ = HaltGate.objects.select_for_update(no_key=True).get_or_create(singleton=True)
    return gate
