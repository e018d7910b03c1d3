"""The check for halts that cover an order. It locks the row of ``HaltGate``, as setting a halt does."""

from __future__ import annotations

from execution.core.problems import Refused
from execution.models import Order
from execution.selectors.halts import halt_problem, order_halt
from execution.services.records.locking import gate_locked


def refuse_if_halted(order: Order, kinds: tuple[str, ...]) -> None:
    """Lock the row of ``HaltGate``, and raise ``Refused`` for an order that a halt of one of ``kinds`` covers.

    Because of the lock, no order is accepted after a halt's commit.
    """
    gate_locked()
    halt = order_halt(order, kinds)
    if halt is not None:
        raise Refused([halt_problem(halt)])
