"""Measures the blotter with ten thousand orders: ``uv run pytest -q -s tests/benchmarks/blotter.py``.

No test: its name keeps it out of the run, and nothing fails for being slow.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable

import pytest

from execution.selectors.orders.blotter import blotter_marks, blotter_page
from execution.selectors.orders.order_filter import OrderListFilter
from execution.selectors.orders.schedules import schedules_forget
from tests.dashboard.bulk_orders import crowd
from tests.dashboard.desk_fixture import make_office

COUNT = 10_000


def measured(call: Callable[[], object], times: int = 15) -> str:
    """Return the median of the wall clock and of the processor's time, milliseconds."""
    wall, used = [], []
    for _ in range(times):
        begun = time.perf_counter(), time.process_time()
        call()
        wall.append((time.perf_counter() - begun[0]) * 1000)
        used.append((time.process_time() - begun[1]) * 1000)
    return f"{statistics.median(wall):7.1f} ms, of it {statistics.median(used):6.1f} ms of processor"


@pytest.mark.django_db
def test_ten_thousand_orders() -> None:
    office = make_office()
    crowd(office.account, office.trader, COUNT, live=400, full=500)
    client = office.client(office.trader)
    client.get("/orders/")  # the templates are compiled once

    def cold() -> None:
        schedules_forget()
        client.get("/orders/")

    def export() -> None:
        response = client.get("/orders/export.csv")
        for _ in response.streaming_content:  # type: ignore[attr-defined]
            pass

    print()
    print("GET /orders/                  ", measured(lambda: client.get("/orders/")))
    print("GET /orders/, no plan kept    ", measured(cold))
    print("GET /orders/ by state and side", measured(lambda: client.get("/orders/?state=final&side=buy")))
    print("GET /orders/ by a search      ", measured(lambda: client.get("/orders/?q=desk-30")))
    who = office.trader
    rows = {row["id"]: row for row in blotter_page(person=who, chosen=OrderListFilter())["rows"]}
    print(
        "a page that has not moved     ",
        measured(lambda: blotter_page(person=who, chosen=OrderListFilter(), known=rows)),
    )
    print("the marks, once a second      ", measured(lambda: blotter_marks(person=who)))
    print("the export of all             ", measured(export, 3))
