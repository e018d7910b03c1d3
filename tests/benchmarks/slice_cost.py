"""Measures what a slice costs the engine, call by call: ``uv run pytest -q -s tests/benchmarks/slice_cost.py``.

No test: its name keeps it out of the run, and nothing fails for being slow.
"""

from __future__ import annotations

import statistics
import time
from collections import defaultdict
from collections.abc import Callable
from datetime import timedelta
from typing import Any, TypeVar

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from execution.core.algorithms.decide import decide
from execution.core.types import Accepted, Quote, VenueStatus
from execution.models import ChildOrder, Order
from execution.selectors.decisions.order_view import MarketData, OrderCache, build_order_view
from execution.selectors.decisions.sessions import children_to_send, symbols_with_orders, symbols_worked
from execution.services.children.children import child_outcome, child_report
from execution.services.children.fills import fill_record
from execution.services.engine.apply_decision import decision_apply
from execution.services.engine.workers import accounts_claim, orders_claim, owned
from execution.services.halts import halts_tend
from tests.factories import NOW, D, Rows, report_of, trade_of

T = TypeVar("T")
ROUNDS = 12


class Meter:
    """Processor's milliseconds and statements of each call, by its name."""

    def __init__(self) -> None:
        self.used: defaultdict[str, list[float]] = defaultdict(list)
        self.statements: dict[str, list[str]] = {}

    def __call__(self, name: str, call: Callable[[], T]) -> T:
        begun = time.thread_time()
        found = call()
        self.used[name].append((time.thread_time() - begun) * 1000)
        return found

    def counted(self, name: str, call: Callable[[], T]) -> T:
        with CaptureQueriesContext(connection) as seen:
            found = call()
        self.statements[name] = [query["sql"] for query in seen.captured_queries]
        return found

    def show(self) -> None:
        for name, used in self.used.items():
            print(f"{name:34} {statistics.median(used):7.2f} ms {len(self.statements[name]):4} statements")
        print(f"{'together':34} {sum(statistics.median(used) for used in self.used.values()):7.2f} ms")


class Slices:
    """An order of ``count`` slices whose slices are worked one after the other: rests, is reported, is filled."""

    def __init__(self, rows: Rows, count: int, meter: Meter) -> None:
        self.rows, self.meter, self.count = rows, meter, count
        self.known = OrderCache()
        parameters = {"duration": f"{count}m", "slices": str(count)}
        self.order = rows.working(quantity=str(D("0.01") * count), parameters=parameters)

    def quotes(self, now: Any) -> dict[int, Quote]:
        return {self.rows.venue.pk: Quote(D("59999.50"), D("60000.50"), D(2), D(2), now)}

    def work(self, number: int, run: Any) -> None:
        now = NOW + timedelta(minutes=number, seconds=1)
        quotes = self.quotes(now)
        look: dict[str, Any] = {
            "order_pk": self.order.pk,
            "data": MarketData(quotes),
            "now": now,
            "known": self.known,
        }
        snapshot = run("build_order_view", lambda: build_order_view(**look))
        decision = run("decide", lambda: decide(snapshot.view))
        fixed: dict[str, Any] = {
            "order_pk": self.order.pk,
            "worker_pk": self.rows.worker.pk,
            "fence": snapshot.fence,
        }
        fixed |= {"quotes": snapshot.view.quotes, "now": now}
        run(
            "apply: intend",
            lambda: decision_apply(**fixed, version=snapshot.version, decision=decision, view=snapshot.view),
        )
        account = self.rows.account.pk
        run("children_to_send", lambda: children_to_send(account))
        child = ChildOrder.objects.get(order=self.order, is_settled=False)
        taken = run("child_submit", lambda: self.rows.submit_child(child, now=now))
        assert taken is not None
        accepted = Accepted(report_of(child, VenueStatus.OPEN, "0", exchange_id=f"x{number}"))
        run("outcome: open", lambda: child_outcome(child_pk=child.pk, outcome=accepted, now=now, fence=1))
        child.refresh_from_db()
        again = accepted.report
        run("report: known", lambda: child_report(account_pk=account, report=again, now=now))
        seen = run("look: rests", lambda: build_order_view(**look))
        waits = decide(seen.view)
        run("apply: why", lambda: decision_apply(**fixed, version=seen.version, decision=waits))
        filled = report_of(child, VenueStatus.FILLED, child.quantity, exchange_id=f"x{number}")
        trade = trade_of(child, f"t{number}", child.quantity, exchange_id=f"x{number}")
        run("report: filled", lambda: child_report(account_pk=account, report=filled, now=now))
        run("fill_record", lambda: fill_record(account_pk=account, trade=trade, now=now))
        run("fill_record: known", lambda: fill_record(account_pk=account, trade=trade, now=now))
        done = run("look: filled", lambda: build_order_view(**look))
        waits = decide(done.view)
        run("apply: done", lambda: decision_apply(**fixed, version=done.version, decision=waits))


@pytest.mark.django_db
@pytest.mark.parametrize("count", [20, 500])
def test_what_a_slice_costs(rows: Rows, count: int) -> None:
    meter = Meter()
    slices = Slices(rows, count, meter)
    slices.work(0, lambda _, call: call())
    for number in range(1, ROUNDS):
        slices.work(number, meter)
    slices.work(ROUNDS, meter.counted)
    print(f"\n{count} slices")
    meter.show()


@pytest.mark.django_db
def test_what_the_rounds_cost_with_500_orders(rows: Rows) -> None:
    first = rows.working()
    links = Order.accounts.through
    alike = [replace_pk(first, number) for number in range(499)]
    Order.objects.bulk_create(alike)
    links.objects.bulk_create([links(order_id=order.pk, account_id=rows.account.pk) for order in alike])
    meter = Meter()
    worker = rows.worker.pk
    calls: dict[str, Callable[[], Any]] = {
        "owned": lambda: owned(worker_pk=worker),
        "orders_claim": lambda: orders_claim(worker_pk=worker, most=500, patience=timedelta(0), now=NOW),
        "accounts_claim": lambda: accounts_claim(worker_pk=worker, most=20),
        "symbols_worked": lambda: symbols_worked(rows.venue.pk, now=NOW),
        "symbols_with_orders": lambda: symbols_with_orders(rows.venue.pk, since=NOW),
        "halts_tend": lambda: halts_tend(now=NOW),
    }
    for name, call in calls.items():
        for _ in range(ROUNDS):
            meter(name, call)
        meter.counted(name, call)
    print()
    meter.show()


def replace_pk(order: Order, number: int) -> Order:
    """Return another order like it."""
    values = {field.attname: getattr(order, field.attname) for field in Order._meta.concrete_fields}
    del values["id"]
    return Order(**values | {"public_id": f"c{number:07}"})
