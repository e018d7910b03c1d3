"""Find the halts that cover an order, under the lock that new halts take too."""

from __future__ import annotations

from execution.core.problems import Refused
from execution.models import Order
from execution.selectors.halts import halt_problem, order_halt
from execution.services.records.locking import gate_locked


def refuse_if_halted(order: Order, kinds: tuple[str, ...]) -> None:
    """Refuse what a halt covers, under the gate: from a halt's commit on nothing of it gets through."""
    gate_locked()
    halt = order_halt(order, kinds)
    if halt is not None:
        raise Refused([halt_problem(halt)])
