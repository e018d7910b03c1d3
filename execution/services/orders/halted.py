"""The check for halts that cover an order, under the lock that new halts take too."""

from __future__ import annotations

from execution.core.problems import Refused
from execution.models import Order
from execution.selectors.halts import halt_problem, order_halt
from execution.services.records.locking import gate_locked


def refuse_if_halted(order: Order, kinds: tuple[str, ...]) -> None:
    """Lock the gate and refuse an order that a halt covers. So nothing passes after the halt's commit."""
    gate_locked()
    halt = order_halt(order, kinds)
    if halt is not None:
        raise Refused([halt_problem(halt)])
