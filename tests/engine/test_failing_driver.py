"""A driver that fails: our own code pauses its order for a person, an outage is waited for."""

from __future__ import annotations

import logging
import sqlite3
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.db import IntegrityError, InterfaceError, OperationalError, connection
from redis.exceptions import ConnectionError as RedisGone

from execution.core.states import ORDER_FINAL, OrderStatus
from execution.core.types import CancelConfirmed, VenueStatus
from execution.engine import failures
from execution.engine.failures import is_outage
from execution.engine.order_driver import OrderDriver
from execution.models import ChildOrder, Order
from execution.selectors.decisions.order_view import MarketData, OrderMarkets
from execution.selectors.wall.needs import alert_rows
from execution.services.children.children import child_cancelled
from execution.services.orders.orders import order_cancel, order_resume
from tests.engine.desk import Desk, StillClock, at_once
from tests.factories import NOW, Rows, report_of
from tests.services.test_driving import QUOTE


class LooplessClock(StillClock):
    """Sleeps without a loop, which ``at_once`` has none of."""

    async def sleep(self, seconds: float) -> None:
        self.pass_by(seconds)


class Driver(OrderDriver):
    """Without a loop, which gathering the market's data takes. ``outage``: what the database raises."""

    outage: Exception | None = None

    async def _market_data(self, markets: OrderMarkets) -> MarketData:
        if self.outage is not None:
            raise self.outage
        quote = QUOTE.__class__(
            QUOTE.bid, QUOTE.ask, QUOTE.bid_size, QUOTE.ask_size, self._context.clock.now()
        )
        return MarketData(dict.fromkeys(markets.venue_pks, quote))


@dataclass
class Failing:
    """An order with a child that rests, and its driver."""

    driver: Driver
    child: ChildOrder
    desk: Desk

    @property
    def order(self) -> Order:
        return Order.objects.get(pk=self.child.order_id)

    def steps(self, count: int) -> float | None:
        wait: float | None = None
        for _ in range(count):
            wait = at_once(self.driver._guarded_step())
        return wait

    def break_the_view(self) -> None:
        """Remove the order's market limits from its row. Every look raises KeyError from now on."""
        Order.objects.filter(pk=self.child.order_id).update(market={})
        self.driver.poke()


@pytest.fixture
def failing(rows: Rows) -> Failing:
    child = rows.resting()
    desk = Desk(rows, clock=LooplessClock())
    return Failing(Driver(desk.parts, child.order_id, child.order.fence), child, desk)


def test_a_driver_that_raises_pauses_its_order_for_a_person_within_three_steps(
    failing: Failing, caplog: pytest.LogCaptureFixture
) -> None:
    failing.break_the_view()
    with caplog.at_level(logging.ERROR):
        failing.steps(2)
        assert failing.order.status == OrderStatus.WORKING
        failing.steps(1)
    order = failing.order
    assert order.status == OrderStatus.PAUSED
    assert order.needs_person
    assert "KeyError (incident " in order.reason
    assert failing.desk.clock.time - NOW <= timedelta(seconds=4)
    incident = order.reason.partition("incident ")[2][:8]
    assert f"'incident': '{incident}'" in caplog.text or f"incident={incident}" in caplog.text
    assert "Traceback" in caplog.text
    (alert,) = alert_rows(failing.desk.clock.time)
    assert alert["text"] == order.reason
    child = ChildOrder.objects.get(pk=failing.child.pk)
    assert child.cancel_requested_at is not None


def test_a_resumed_order_whose_driver_fails_again_is_paused_again(failing: Failing, rows: Rows) -> None:
    failing.break_the_view()
    failing.steps(3)
    now = failing.desk.clock.now()
    for _ in range(2):
        order_resume(
            public_id=failing.order.public_id, person=rows.trader, reason="", mode="catch_up", now=now
        )
        failing.driver.poke()
        failing.steps(2)
        assert failing.order.status == OrderStatus.WORKING
        failing.steps(1)
        assert failing.order.status == OrderStatus.PAUSED
        assert failing.order.needs_person


def test_a_paused_order_is_not_told_the_same_failure_again_and_again(failing: Failing) -> None:
    failing.break_the_view()
    failing.steps(3)
    version = failing.order.version
    failing.steps(9)
    assert failing.order.version == version


def test_an_order_whose_driver_fails_can_be_cancelled_and_ends_with_the_persons_reason(
    failing: Failing, rows: Rows
) -> None:
    failing.break_the_view()
    failing.steps(3)
    now = failing.desk.clock.now()
    order_cancel(public_id=failing.order.public_id, person=rows.trader, reason="enough of it", now=now)
    failing.steps(3)
    assert failing.order.status == OrderStatus.CLOSING  # its child is still to be settled
    report = report_of(failing.child, VenueStatus.CANCELLED, "0")
    child_cancelled(child_pk=failing.child.pk, outcome=CancelConfirmed(report), now=now)
    failing.steps(3)
    order = failing.order
    assert order.status == OrderStatus.CANCELLED
    assert order.reason == "enough of it"


def test_an_order_goes_on_when_the_database_is_back_and_says_meanwhile_why_it_waits(failing: Failing) -> None:
    failing.driver.outage = OperationalError("the database is away")
    for _ in range(80):
        failing.steps(1)
        failing.desk.clock.pass_by(0.5)
    order = failing.order
    assert order.status == OrderStatus.WORKING
    assert order.why.startswith("the engine has had no database or Redis since 12:00:00 UTC")
    failing.driver.outage = None
    failing.steps(1)
    assert failing.order.status == OrderStatus.WORKING
    assert "no database or Redis" not in failing.order.why


def test_an_order_that_ran_out_of_time_while_its_driver_failed_says_so(failing: Failing) -> None:
    failing.break_the_view()
    failing.steps(2)
    market = failing.child.order.market
    Order.objects.filter(pk=failing.child.order_id).update(market=market)
    ChildOrder.objects.filter(pk=failing.child.pk).update(is_settled=True, status="cancelled")
    failing.desk.clock.pass_by(600)
    failing.steps(1)
    order = failing.order
    assert order.status in ORDER_FINAL
    assert "its driver has been failing since 12:00:00 UTC: KeyError (incident " in order.reason


def test_an_order_that_nobody_drove_at_its_end_says_so(failing: Failing) -> None:
    ChildOrder.objects.filter(pk=failing.child.pk).update(is_settled=True, status="cancelled")
    failing.desk.clock.pass_by(600)
    failing.steps(1)
    assert failing.order.status == OrderStatus.EXPIRED
    assert "no engine was driving it at its end" in failing.order.reason


def test_a_driver_that_lost_its_order_pauses_nothing(failing: Failing) -> None:
    failing.break_the_view()
    Order.objects.filter(pk=failing.child.order_id).update(fence=99)
    failing.steps(4)
    assert failing.order.status == OrderStatus.WORKING


def test_sqlite_statements_that_cannot_work_are_failures_of_our_own(rows: Rows) -> None:
    with pytest.raises(OperationalError) as raised, connection.cursor() as cursor:
        cursor.execute("SELECT no_such_column FROM execution_order")
    assert not is_outage(raised.value)


def test_a_full_sqlite_disk_is_an_outage(tmp_path: Path) -> None:
    database = sqlite3.connect(tmp_path / "full.sqlite3")
    database.execute("CREATE TABLE t (x)")
    database.execute("PRAGMA max_page_count=2")
    with pytest.raises(sqlite3.OperationalError) as raised:
        database.execute("INSERT INTO t VALUES (zeroblob(100000))")
    error = OperationalError("database or disk is full")
    error.__cause__ = raised.value
    assert is_outage(error)
    database.close()


@pytest.mark.parametrize(
    ("error", "is_one"),
    [
        (OperationalError("the connection is lost"), True),
        (InterfaceError("the connection is closed"), True),
        (RedisGone("refused"), True),
        (OSError(28, "No space left on device"), True),
        (TimeoutError(), True),
        (ExceptionGroup("tasks", [OperationalError("away")]), True),
        (IntegrityError("not unique"), False),
        (KeyError("alpha"), False),
        (ZeroDivisionError(), False),
        (ExceptionGroup("tasks", [KeyError("alpha")]), False),
    ],
)
def test_outages_are_told_from_failures_of_our_own(error: Exception, is_one: bool) -> None:
    assert is_outage(error) is is_one


def test_one_row_of_failures_has_one_incident_while_the_class_is_the_same() -> None:
    row = failures.FailureRow(NOW)
    seen: list[Any] = []
    for error in (KeyError("a"), KeyError("b"), ValueError("c")):
        row.add(error, "a part failed")
        seen.append(row.incident)
    assert seen[0] == seen[1] != seen[2]
