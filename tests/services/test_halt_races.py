"""A halt and an intent that race in two threads: one is first, and the other knows it.

On SQLite, where the writing transactions queue; on PostgreSQL the gate's row lock does the same.
"""

from __future__ import annotations

import random
import threading
import time
from collections import Counter
from collections.abc import Callable

import pytest
from django.db import connections
from pytest_django.fixtures import Settings

from execution import notify
from execution.core.states import ChildStatus, OrderStatus
from execution.core.types import VenueStatus
from execution.models import ChildOrder, Halt, Order
from execution.services.children import child_report
from execution.services.halts import HaltRequest, halt_lift, halt_set
from tests.factories import NOW, SYMBOL, Rows, make_rows, report_of
from tests.invariants import check_order

SEEDS = range(30)
SCOPES = {
    HaltRequest("stop", "desk"): "HALT DESK",
    HaltRequest("stop", "account", "alpha"): "HALT alpha",
    HaltRequest("stop", "symbol", SYMBOL): f"HALT {SYMBOL}",
}


@pytest.fixture
def committed_rows(
    transactional_db: None, redis_url: str, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> Rows:
    """Rows that other threads see; wake-ups go to this test's Redis, pages there are none."""
    settings.REDIS_URL = redis_url
    settings.CHANNEL_LAYERS = {"default": {"BACKEND": "channels.layers.InMemoryChannelLayer"}}
    monkeypatch.setattr(notify, "_bell", notify._Bell())
    rows = make_rows(redis_url)
    rows.quote()
    return rows


def in_a_thread(function: Callable[[], object], failures: list[BaseException]) -> threading.Thread:
    def run() -> None:
        try:
            function()
        except BaseException as error:  # noqa: BLE001  the test raises it
            failures.append(error)
        finally:
            connections.close_all()

    thread = threading.Thread(target=run)
    thread.start()
    return thread


def work(rows: Rows, order: Order) -> None:
    """Intend a child, and take it."""
    rows.step(order, now=NOW)
    child = order.children.first()
    if child is not None:
        rows.take(child)


def stop(rows: Rows, draw: random.Random) -> None:
    time.sleep(draw.uniform(0, 0.012))
    request = draw.choice(list(SCOPES))
    halt_set(person=rows.supervisor, request=request, phrase=SCOPES[request], reason="a race", now=NOW)


def outcome(order: Order) -> str:
    """How far the child came before the halt."""
    child = order.children.first()
    if child is None:
        return "not intended"
    return "dropped" if child.taken_at is None else "taken"


def test_whoever_is_first_no_child_slips_through(committed_rows: Rows) -> None:
    rows, seen = committed_rows, Counter[str]()
    for seed in SEEDS:
        order = rows.working(key=f"key-{seed}")
        failures: list[BaseException] = []
        draw = random.Random(seed)
        threads = [
            in_a_thread(lambda order=order: work(rows, order), failures),  # type: ignore[misc]
            in_a_thread(lambda draw=draw: stop(rows, draw), failures),  # type: ignore[misc]
        ]
        for thread in threads:
            thread.join(30)
        assert failures == []
        order.refresh_from_db()
        halt = Halt.objects.get(lifted_at=None)
        assert (order.status, order.needs_person) == (OrderStatus.PAUSED, True)
        for child in order.children.all():
            assert halt.children.filter(pk=child.pk).exists(), "intended after the halt"
            dropped = child.taken_at is None and child.status == ChildStatus.CANCELLED
            assert dropped or child.status == ChildStatus.CANCELLING
        check_order(order)
        seen[outcome(order)] += 1
        clear_up(rows, halt)
    assert len(seen) >= 2, f"every halt came at the same moment: {seen}"


def clear_up(rows: Rows, halt: Halt) -> None:
    for child in ChildOrder.objects.filter(is_settled=False):
        child_report(account_pk=rows.account.pk, report=report_of(child, VenueStatus.CANCELLED, "0"), now=NOW)
    halt_lift(public_id=halt.public_id, person=rows.supervisor, reason="next", now=NOW)
