"""A halt and an intent that race in two threads: one is first, and the other knows it.

On SQLite, where the writing transactions queue; on PostgreSQL the gate's row lock does the same.
"""

from __future__ import annotations

import random
import threading
import time
from collections import Counter
from dataclasses import dataclass, field
from functools import partial

import pytest

from execution.core.states import ChildStatus, OrderStatus
from execution.core.types import VenueStatus
from execution.models import ChildOrder, Halt, Order
from execution.services import halts
from execution.services.children.children import child_report
from execution.services.halts import HaltRequest, halt_lift, halt_set, halt_sweep
from execution.services.orders.orders import order_cancel
from tests.factories import NOW, SYMBOL, Rows, report_of
from tests.invariants import check_order
from tests.patience import PATIENCE
from tests.threads import in_a_thread

#: Races at least, and at most: a busy machine may let one of the two be first many times in a row.
AT_LEAST, AT_MOST = 12, 100
SCOPES = {
    HaltRequest("stop", "desk"): "HALT DESK",
    HaltRequest("stop", "account", "alpha"): "HALT alpha",
    HaltRequest("stop", "symbol", SYMBOL): f"HALT {SYMBOL}",
}


@dataclass
class Race:
    """An intent and its taking in one thread, a halt in another, whose sweep waits until both are through."""

    rows: Rows
    order: Order
    draw: random.Random
    #: Seconds within which the halt comes.
    within: float
    #: Seconds that the work took.
    took: float = 0
    committed: threading.Event = field(default_factory=threading.Event)
    late: list[str] = field(default_factory=list)

    def work(self) -> None:
        """Intend a child, and take it; what succeeds though it was begun after the halt is late."""
        begun = time.monotonic()
        self._work()
        self.took = time.monotonic() - begun

    def _work(self) -> None:
        was_halted = self.committed.is_set()
        self.rows.step(self.order, now=NOW)
        child = self.order.children.first()
        if child is None:
            return
        self.late += ["intended"] if was_halted else []
        time.sleep(self.draw.choice([0, 0.01, 0.03]))
        was_halted = self.committed.is_set()
        if self.rows.submit_child(child) is not None and was_halted:
            self.late.append("taken")

    def stop(self, after: float, request: HaltRequest) -> None:
        time.sleep(after)
        halt_set(
            person=self.rows.supervisor, request=request, phrase=SCOPES[request], reason="a race", now=NOW
        )

    def run(self) -> None:
        failures: list[BaseException] = []
        after, request = self.draw.uniform(0, self.within), self.draw.choice(list(SCOPES))
        threads = [
            in_a_thread(self.work, failures),
            in_a_thread(partial(self.stop, after, request), failures),
        ]
        for thread in threads:
            thread.join(30 * PATIENCE)
        assert failures == []


def outcome(order: Order) -> str:
    """Return how far the child came before the halt."""
    child = order.children.first()
    if child is None:
        return "not intended"
    return "dropped" if child.submitted_at is None else "taken"


def test_whoever_is_first_no_child_slips_through(
    committed_rows: Rows, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows, seen, longest = committed_rows, Counter[str](), 0.05
    for seed in range(AT_MOST):
        if seed >= AT_LEAST and len(seen) > 1:
            break
        race = Race(rows, rows.working(key=f"key-{seed}"), random.Random(seed), within=longest)
        with monkeypatch.context() as patched:
            patched.setattr(halts, "halt_sweep", lambda committed=race.committed, **_: committed.set())
            race.run()
        longest = max(longest, race.took)
        order, halt = race.order, Halt.objects.get(lifted_at=None)
        assert race.late == []
        halt_sweep(halt_pk=halt.pk, now=NOW)
        order.refresh_from_db()
        assert (order.status, order.needs_person) == (OrderStatus.PAUSED, True)
        for child in order.children.all():
            assert halt.children.filter(pk=child.pk).exists(), "intended after the halt"
            dropped = child.submitted_at is None and child.status == ChildStatus.CANCELLED
            assert dropped or child.status == ChildStatus.CANCELLING
        check_order(order)
        seen[outcome(order)] += 1
        clear_up(rows, order, halt)
    assert len(seen) >= 2, f"every halt came at the same moment: {seen}"


def clear_up(rows: Rows, order: Order, halt: Halt) -> None:
    """Lift the halt and end the order, so that it reserves none of the money that the next one needs."""
    for child in ChildOrder.objects.filter(is_settled=False):
        child_report(account_pk=rows.account.pk, report=report_of(child, VenueStatus.CANCELLED, "0"), now=NOW)
    halt_lift(public_id=halt.public_id, person=rows.supervisor, reason="next", now=NOW)
    order_cancel(public_id=order.public_id, person=rows.supervisor, reason="next", now=NOW)
