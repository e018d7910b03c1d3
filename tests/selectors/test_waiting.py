"""A working order that cannot be filled says why: in the lists, on its page, on the wall and in the API's rows."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.utils import timezone

from dashboard.forms.filters import read_filter
from dashboard.live.consumers import LIMITS_AGAIN, OrdersConsumer, may_wait
from dashboard.present.exports import COLUMNS
from execution.models import Order
from execution.payloads.orders import OrderRow
from execution.selectors.orders.blotter import blotter_page
from execution.selectors.orders.order_filter import OrderListFilter
from execution.selectors.orders.pages import order_snapshot
from execution.selectors.tca.market_tape import tape_open, tape_read
from execution.selectors.wall.desk import Wall
from execution.services.orders.orders import order_pause
from tests.factories import Rows

BEYOND = "limit 54,000 is 10.0 % below the market"


def far(rows: Rows, limit: str = "54000") -> tuple[Order, datetime]:
    """Return a working order with a limit price, and a quote of this moment."""
    now = timezone.now()
    rows.quote(at=now)
    return rows.working(limit_price=limit), now


def row_of(rows: Rows) -> OrderRow:
    (row,) = blotter_page(person=rows.trader, chosen=OrderListFilter())["rows"]
    return row


def test_a_limit_below_the_market_is_said_at_once_wherever_an_order_is_shown(rows: Rows) -> None:
    order, now = far(rows)
    row = row_of(rows)
    assert row["waits"] == BEYOND
    assert may_wait(row)
    assert BEYOND in COLUMNS["Alerts and reason"](row, 0)
    assert order_snapshot(order.pk)["order"]["waits"] == BEYOND
    tape = tape_open(order.pk)
    assert tape is not None
    assert tape_read(tape, order.pk, now)["waits"] == BEYOND
    assert Wall().read(now)["rows"][order.public_id]["waits"] == BEYOND


def test_the_wall_and_the_page_follow_the_market_without_a_new_version(rows: Rows) -> None:
    order, now = far(rows)
    wall, tape = Wall(), tape_open(order.pk)
    assert tape is not None
    wall.read(now)
    rows.quote("53999", "54000", at=now)
    assert wall.read(now)["rows"][order.public_id]["waits"] == ""
    assert tape_read(tape, order.pk, now)["waits"] == ""
    rows.quote("59399.9", "59400.1", at=now)
    assert "9.1 % below" in wall.read(now)["rows"][order.public_id]["waits"]
    assert "9.1 % below" in tape_read(tape, order.pk, now)["waits"]


def test_a_limit_inside_the_market_an_old_quote_and_a_paused_order_say_nothing(rows: Rows) -> None:
    order, now = far(rows, "60100")
    assert row_of(rows)["waits"] == ""
    other = rows.working(limit_price="54000", key="other")
    rows.quote(at=now - timedelta(minutes=1))
    assert order_snapshot(other.pk)["order"]["waits"] == ""
    rows.quote(at=now)
    order_pause(public_id=other.public_id, person=rows.trader, reason="", now=now)
    assert order_snapshot(other.pk)["order"]["waits"] == ""
    assert order_snapshot(order.pk)["order"]["waits"] == ""


def test_one_account_inside_the_limit_is_enough(rows: Rows) -> None:
    now = timezone.now()
    beta = rows.beside()
    rows.quote(at=now)
    order = rows.working(limit_price="54000", accounts=["alpha", "beta"])
    rows.quote("53999", "54000", at=now, venue=beta.venue)
    assert order_snapshot(order.pk)["order"]["waits"] == ""
    assert Wall().read(now)["rows"][order.public_id]["waits"] == ""
    rows.quote(at=now, venue=beta.venue)
    assert order_snapshot(order.pk)["order"]["waits"] == BEYOND
    assert Wall().read(now)["rows"][order.public_id]["waits"] == BEYOND


def test_what_the_last_decision_waits_for_is_said_in_the_lists_too(rows: Rows) -> None:
    order = rows.working()
    why = "slice 1: waits: alpha: its balance is too small (0 free)"
    Order.objects.filter(pk=order.pk).update(why=why)
    assert row_of(rows)["waits"] == why
    assert Wall().read(timezone.now())["rows"][order.public_id]["waits"] == why
    Order.objects.filter(pk=order.pk).update(why="slice 1: rests at 60000")
    assert row_of(rows)["waits"] == ""
    assert not may_wait(row_of(rows))


def test_an_open_blotter_reads_the_market_again_and_tells_only_what_differs(rows: Rows) -> None:
    _, now = far(rows)
    page = OrdersConsumer()
    page.person, page.rows, page.wants_snapshot = rows.trader, {}, True
    page.chosen = read_filter(rows.trader, OrderListFilter, {})
    (whole,) = page.changes()
    assert [row["waits"] for row in whole["rows"]] == [BEYOND]
    rows.quote("59399.9", "59400.1", at=now)
    assert page.changes() == [], "it has just looked"
    page.read_at -= LIMITS_AGAIN
    (delta,) = page.changes()
    assert (delta["type"], delta["from"], delta["version"]) == ("delta", 1, 2)
    assert ["9.1 % below" in row["waits"] for row in delta["rows"]] == [True]
    page.read_at -= LIMITS_AGAIN
    assert page.changes() == [], "nothing differs"
