"""docs/reference/metrics.md has every metric of /metrics with its labels and unit, and no other."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import NamedTuple

import pytest
from django.test import Client

from execution.core.types import VenueStatus
from execution.models import Account, Difference, Order, OrderReport
from execution.selectors.metrics import desk_families
from execution.services.children.children import child_report
from execution.services.children.fills import fill_record
from tests.checks import REPOSITORY
from tests.factories import NOW, Rows, report_of, trade_of

PAGE = REPOSITORY / "docs" / "reference" / "metrics.md"
_ROW = re.compile(r"^\| `([a-z_]+)` \| ([^|]+) \| ([^|]+) \| [^|]+ \|$", re.MULTILINE)
_SAMPLE = re.compile(r"^tranche_([a-z_]+)(?:\{(.*)\})? \S+$", re.MULTILINE)
#: The unit that the end of a name says.
UNITS = {"seconds": "seconds", "bytes": "bytes", "basis_points": "basis points"}
#: Those that the web process adds (dashboard/views/operations.py).
OF_THE_PROCESS = {"web_sockets", "scrape_seconds"}


class Row(NamedTuple):
    labels: tuple[str, ...]
    unit: str


def rows_of_the_page() -> dict[str, Row]:
    found = _ROW.findall(PAGE.read_text(encoding="utf-8"))
    assert len({name for name, _, _ in found}) == len(found), "a metric stands twice on the page"
    return {
        name: Row(tuple(re.findall(r"`([a-z_]+)`", labels)), unit.strip()) for name, labels, unit in found
    }


def whole_desk(rows: Rows) -> None:
    """Write one row of everything that a metric with labels is about, as of four seconds after ``NOW``."""
    child = rows.resting()
    at = child.submitted_at or NOW
    child_report(account_pk=rows.account.pk, report=report_of(child, VenueStatus.OPEN, "0"), now=at)
    fill_record(account_pk=rows.account.pk, trade=trade_of(child, "t-1", "0.05", at=at), now=at)
    rows.quote(at=at)
    Account.objects.update(latency_ms=12, stream_at=at, polled_at=at, reconciled_until=at)
    Difference.objects.create(
        account=rows.account, kind="foreign", symbol="BTC/USDT", key="x", opened_at=at, last_seen_at=at
    )
    order = Order.objects.get()
    Order.objects.filter(pk=order.pk).update(ended_at=at, notional=3000)
    OrderReport.objects.create(order=order, version=1, report={"cost_bp": "1.5"}, made_at=at)


@pytest.fixture
def labels(rows: Rows) -> dict[str, tuple[str, ...]]:
    """Return the labels of every metric, from a desk on which each has a sample."""
    whole_desk(rows)
    found = {
        family.name: tuple(family.samples[0][0]) if family.samples else None
        for family in desk_families(NOW + timedelta(seconds=4))
    }
    assert [name for name, names in found.items() if names is None] == [], "a metric without a sample"
    return {name: names or () for name, names in found.items()} | dict.fromkeys(OF_THE_PROCESS, ())


def test_the_page_has_every_metric_with_its_labels_and_no_other(labels: dict[str, tuple[str, ...]]) -> None:
    assert {name: row.labels for name, row in rows_of_the_page().items()} == labels


def test_the_page_has_every_metric_of_an_answer(rows: Rows) -> None:
    answer = Client().get("/metrics").content.decode()
    named = set(re.findall(r"^# TYPE tranche_([a-z_]+) gauge$", answer, re.MULTILINE))
    assert named == set(rows_of_the_page())
    assert {name for name, _ in _SAMPLE.findall(answer)} <= named


def test_a_unit_in_a_name_is_the_unit_on_the_page() -> None:
    for name, row in rows_of_the_page().items():
        for end, unit in UNITS.items():
            assert (row.unit == unit) == name.endswith(f"_{end}"), name
