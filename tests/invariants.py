"""The rules that hold for every order, asserted: the product's own rules, which the seeded simulation checks too."""

from __future__ import annotations

from collections.abc import Callable

from execution.models import Order
from execution.verification.invariants import broken_at_the_end, broken_rules


def check_order(order: Order) -> None:
    """Check every rule that holds at every moment. The failure names every rule that is broken."""
    _check(order, broken_rules)


def check_final(order: Order) -> None:
    """Check the further rules for an order that has ended and whose exchange has reported everything."""
    _check(order, lambda read: [*broken_rules(read), *broken_at_the_end(read)])


def _check(order: Order, rules: Callable[[Order], list[str]]) -> None:
    """Check the rules. An engine may write between the reads; then the order has another version, and all is read
    again.
    """
    while broken := rules(order):
        version = order.version
        order.refresh_from_db()
        assert order.version != version, f"order {order.public_id}: " + "; ".join(broken)
