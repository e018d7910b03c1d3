"""The lock that every change of an order takes first, before its children's rows and its account's."""

from __future__ import annotations

from execution.models import HaltGate, Order
from execution.models.compiled import Compiled

_LOCKED = Compiled(lambda pk: Order.objects.select_for_update(of=("self",)).filter(pk=pk), pk=int)
_GATE = Compiled(lambda: HaltGate.objects.select_for_update().filter(singleton=True))


def order_locked(order_pk: int) -> Order:
    """The order under its row's lock; to be called inside a transaction.

    Its terms are read when they are asked for: joined, they would be those of before the wait for the lock.
    """
    return _LOCKED.get(pk=order_pk)


def gate_locked() -> HaltGate:
    """The gate under its row's lock, inside a transaction, after every other lock.

    A halt is committed under it. Who writes a child, takes one, or submits an order holds it and reads the
    halts in force: none slips through.
    """
    found = _GATE.first()
    return HaltGate.objects.select_for_update().get_or_create(singleton=True)[0] if found is None else found
