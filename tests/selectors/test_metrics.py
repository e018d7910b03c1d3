"""The figures for a monitor: from the database, whole, and unknown where nothing is known."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client.parser import text_string_to_metric_families
from pytest_django.fixtures import Settings

from execution.core.orders.schedule import ON_SCHEDULE, seconds_late, share_due
from execution.core.types import VenueStatus
from execution.models import Account, ChildOrder, Installation, Order, Worker
from execution.selectors.metrics import desk_families
from execution.selectors.metrics.families import Family, exposition
from execution.selectors.metrics.latencies import quantile
from execution.selectors.readiness import is_ready, readiness
from execution.services.children.children import child_report
from execution.services.children.fills import fill_record
from tests.factories import NOW, Rows, report_of, trade_of

SECOND = timedelta(seconds=1)
Samples = dict[tuple[str, frozenset[tuple[str, str]]], float]


def parsed(text: str) -> Samples:
    """Read by Prometheus's own client."""
    return {
        (sample.name.removeprefix("tranche_"), frozenset(sample.labels.items())): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def figure(found: Samples, name: str, **labels: str) -> float | None:
    return found.get((name, frozenset(labels.items())))


def read(now: Any = NOW) -> Samples:
    return parsed(exposition(desk_families(now)))


def test_the_figures_are_those_of_the_rows(rows: Rows) -> None:
    child = rows.resting()
    at = child.submitted_at or NOW
    child_report(account_pk=rows.account.pk, report=report_of(child, VenueStatus.OPEN, "0"), now=at + SECOND)
    fill_record(
        account_pk=rows.account.pk, trade=trade_of(child, "t-1", "0.05", at=at + SECOND), now=at + 3 * SECOND
    )
    rows.quote(at=at)
    found = read(at + 4 * SECOND)
    assert figure(found, "orders", status="working", algorithm="twap") == 1
    assert figure(found, "child_ack_seconds", account="alpha", quantile="0.5") == 1
    assert figure(found, "fill_record_seconds", account="alpha", quantile="0.99") == 2
    assert figure(found, "quote_age_seconds", venue="alpha", symbol="BTC/USDT") == 4
    assert figure(found, "children_unknown", account="alpha") == 0
    assert figure(found, "redis_up") == 1
    assert figure(found, "queue_depth", queue="engine") == 0
    assert figure(found, "account_latency_seconds", account="alpha") is None, "unknown is no zero"
    assert figure(found, "cost_basis_points", algorithm="twap") is None


def test_what_goes_wrong_is_seen(rows: Rows, settings: Settings) -> None:
    child = rows.resting()
    ChildOrder.objects.filter(pk=child.pk).update(status="unknown")
    Order.objects.update(needs_person=True)
    Account.objects.update(failures=7, reconciled_until=NOW - 90 * SECOND)
    Worker.objects.update(lease_until=NOW - SECOND)
    settings.REDIS_URL = "unix:///nowhere/redis.sock"
    found = read(NOW + timedelta(hours=1))
    assert figure(found, "children_unknown", account="alpha") == 1
    assert figure(found, "orders_needing_person") == 1
    assert figure(found, "account_failures", account="alpha", venue="alpha") == 7
    assert figure(found, "account_reconcile_lag_seconds", account="alpha") == 3690
    assert figure(found, "account_health", account="alpha", venue="alpha", state="down") == 1
    assert (figure(found, "engines"), figure(found, "orders_without_engine")) == (0, 1)
    assert figure(found, "accounts_without_engine") == 1
    assert (figure(found, "redis_up"), figure(found, "queue_depth", queue="engine")) == (0, None)
    assert figure(found, "quotes_missing") == 1
    late = figure(found, "order_lateness_seconds", algorithm="twap")
    assert late is not None
    assert late > 3000


@given(
    st.lists(st.tuples(st.integers(1, 1000), st.integers(0, 10)), min_size=1, max_size=8),
    st.integers(0, 20_000),
    st.floats(0, 1),
)
def test_an_order_is_late_exactly_when_its_plan_wanted_more(
    steps: list[tuple[int, int]], at: int, done: float
) -> None:
    total = sum(share for _, share in steps) or 1
    time, share, line = 0, 0.0, [(0, 0.0)]
    for length, part in steps:
        time, share = time + length, share + part / total
        line.append((time, round(share, 6)))
    due = share_due(line, at, done)
    late = seconds_late(line, at, done)
    assert late >= 0
    assert (late > 0) == (due is not None and due - done >= ON_SCHEDULE)


@given(st.lists(st.floats(0, 100), min_size=1, max_size=50), st.sampled_from([0.5, 0.9, 0.99]))
def test_a_quantile_is_a_value_that_so_many_do_not_exceed(values: list[float], share: float) -> None:
    found = quantile(values, share)
    assert found in values
    assert sum(value <= found for value in values) >= share * len(values)
    assert sum(value < found for value in values) < share * len(values)


@given(st.text(max_size=30))
def test_any_label_survives_the_text(text: str) -> None:
    family = Family("figure", "A figure.")
    family.add(1.5, name=text)
    assert parsed(family.text()) == {("figure", frozenset({("name", text)})): 1.5}


@pytest.mark.parametrize(
    ("token", "headers", "remote", "status"),
    [
        ("", {}, "127.0.0.1", 200),
        ("", {}, "::1", 200),
        ("", {}, "10.0.0.9", 404),
        ("", {"X-Forwarded-For": "127.0.0.1"}, "127.0.0.1", 404),
        ("t" * 40, {}, "127.0.0.1", 404),
        ("t" * 40, {"Authorization": "Bearer " + "u" * 40}, "127.0.0.1", 404),
        ("t" * 40, {"Authorization": "Bearer " + "t" * 40}, "10.0.0.9", 200),
    ],
)
def test_figures_are_for_this_machine_or_a_token(
    rows: Rows, settings: Settings, token: str, headers: dict[str, str], remote: str, status: int
) -> None:
    settings.TRANCHE_METRICS_TOKEN = token
    answer = Client().get("/metrics", headers=headers, REMOTE_ADDR=remote)
    assert answer.status_code == status
    if status == 200:
        found = parsed(answer.content.decode())
        assert figure(found, "web_sockets") == 0
        assert figure(found, "installation", environment=Installation.objects.get().environment) == 1
    ready = Client().get("/readyz", headers=headers, REMOTE_ADDR=remote).content
    assert (ready in (b"ready\n", b"not ready\n")) == (status == 404), "strangers get one word"


def test_the_desk_is_ready_while_database_redis_an_engine_and_an_account_are(
    rows: Rows, settings: Settings
) -> None:
    assert Client().get("/livez").content == b"live\n"
    assert readiness(NOW)["engines"] == "ok"
    down = {
        "database": "ok",
        "redis": "ok",
        "engines": "ok",
        "account a": "down: not polled",
        "account b": "ok",
    }
    assert is_ready(down)
    assert not is_ready(down | {"account b": "down: no worker trades this account"})
    assert not is_ready(down | {"engines": "no engine has a lease"})
    Worker.objects.update(lease_until=NOW - SECOND)
    settings.REDIS_URL = "unix:///nowhere/redis.sock"
    found = readiness(NOW)
    assert (found["redis"], found["engines"]) == ("Redis does not answer", "no engine has a lease")
    assert found["account alpha"].startswith("down: ")
    assert Client().get("/readyz").status_code == 503
