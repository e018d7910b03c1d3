"""The row locks. Every transaction locks orders first, then accounts, then the gate.

All row locks are ``FOR NO KEY UPDATE``. PostgreSQL takes ``FOR KEY SHARE`` on the rows that a new row refers to.
Because Django defers its foreign keys, that happens at the commit, after all other locks. A plain ``FOR UPDATE`` would
conflict with ``FOR KEY SHARE``. Then placing a child and submitting another one of the same account could deadlock.
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
    """Lock the order's row inside a transaction, and return the order.

    The order's terms are read later, on their first use. If one query read both, it might wait for the lock and then
    return terms from before the wait.
    """
    return _ORDER.get(pk=order_pk)


def order_locked_with_terms(order_pk: int) -> Order:
    """Lock the order's row as ``order_locked`` does. Return the order with terms read under the lock."""
    order = order_locked(order_pk)
    order.terms = None if order.terms_id is None else _TERMS.get(pk=order.terms_id)
    return order


def account_row_locked(account_pk: int) -> Account:
    """Lock the account's row inside a transaction, and return the account.

    Take this lock after any order's lock and before the gate's.
    """
    return _ACCOUNT.get(pk=account_pk)


def gate_locked() -> HaltGate:
    """Lock the gate's row inside a transaction, after every other lock, and return the row.

    The gate is the one row that guards halts. A transaction that sets a halt holds this lock. A transaction
    that places or submits a child, or submits an order, takes the same lock and then reads the halts in
    force. So it cannot miss a halt.
    """
    found = _GATE.first()
    if found is not None:
        return found
    gate, _ = HaltGate.objects.select_for_update(no_key=True).get_or_create(singleton=True)
    return gate
