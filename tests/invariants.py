"""What must hold of every order, asserted: the product's own rules, which the seeded simulation checks as well."""

from __future__ import annotations

from execution.management.faults.invariants import broken_at_the_end, broken_rules
from execution.models import Order


def check_order(order: Order) -> None:
    """Everything that holds at every moment; the failure names every rule that is broken."""
    broken = broken_rules(order)
    assert not broken, f"order {order.public_id}: " + "; ".join(broken)


def check_final(order: Order) -> None:
    """What holds besides when an order has ended and its exchange has said everything."""
    broken = [*broken_rules(order), *broken_at_the_end(order)]
    assert not broken, f"order {order.public_id}: " + "; ".join(broken)
