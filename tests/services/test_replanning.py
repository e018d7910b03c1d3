"""An order's own rules in rows: exact with what is reported and not listed, remembered, and counted."""

from __future__ import annotations

from datetime import datetime, timedelta

from execution.core.types import Quote, VenueStatus
from execution.models import Order
from execution.selectors.decisions.order_view import MarketData, build_order_view
from execution.services.children.children import child_report
from execution.services.engine.apply_decision import Applied
from execution.services.orders.amend import order_amend
from tests.factories import NOW, D, Rows, report_of
from tests.invariants import check_order

SECOND, MINUTE = timedelta(seconds=1), timedelta(minutes=1)
END = NOW + 3 * MINUTE
PARAMETERS = {"duration": "3m", "slices": "3"}


def at(rows: Rows, order: Order, now: datetime, bid: str, ask: str) -> Order:
    quote = Quote(D(bid), D(ask), D(2), D(2), now)
    assert rows.step(order, now=now, quote=quote) is Applied.DONE
    order.refresh_from_db()
    return order


def test_an_extension_plans_what_remains_by_what_is_reported(rows: Rows) -> None:
    child = rows.resting(parameters=PARAMETERS | {"at_end": "extend"})
    report = report_of(child, VenueStatus.OPEN, "0.04")
    child_report(account_pk=rows.account.pk, report=report, now=NOW)
    order = child.order
    assert rows.step(order, now=END) is Applied.DONE
    order.refresh_from_db()
    assert order.terms is not None
    assert (order.filled, order.status, order.needs_person) == (D(0), "working", False)
    (part,) = order.slices.filter(plan_version=2)
    assert (part.quantity, part.ends_at, order.terms.end_at) == (D("0.26"), END + MINUTE, END + MINUTE)
    assert order.journal.latest("version").actor == "desk"
    check_order(order)


def test_how_far_it_was_extended_is_counted_until_a_person_sets_the_end(rows: Rows) -> None:
    order = rows.working(parameters=PARAMETERS | {"at_end": "extend"})
    for minute in range(2):
        assert rows.step(order, now=END + minute * MINUTE) is Applied.DONE
    now = END + MINUTE
    assert build_order_view(order_pk=order.pk, data=MarketData({}), now=now).view.extended == 2 * MINUTE
    for version, (changes, extended) in enumerate(
        [({"urgency": "0.9"}, 2 * MINUTE), ({"duration": "10m"}, timedelta(0))], start=3
    ):
        order_amend(
            public_id=order.public_id,
            person=rows.trader,
            changes=changes,
            terms_version=version,
            now=now,
        )
        assert build_order_view(order_pk=order.pk, data=MarketData({}), now=now).view.extended == extended


def test_the_time_beyond_the_limit_is_remembered_and_the_schedule_shifts_by_it(rows: Rows) -> None:
    order = rows.working(limit_price="60000", parameters=PARAMETERS | {"outside_limit": "shift"})
    order = at(rows, order, NOW + 20 * SECOND, "60009.50", "60010.50")
    assert order.memo == {"outside_since": (NOW + 20 * SECOND).isoformat()}
    order = at(rows, order, NOW + 30 * SECOND, "60009.50", "60010.50")
    order = at(rows, order, NOW + 50 * SECOND, "59989.50", "59990.50")
    assert order.memo == {}
    assert order.terms is not None
    assert (order.terms.end_at, order.plan_version) == (END + 30 * SECOND, 2)
    assert sum(part.quantity for part in order.slices.filter(plan_version=2)) == D("0.3")
    check_order(order)


def test_an_order_that_stops_expires_with_its_reason(rows: Rows) -> None:
    order = rows.working(parameters=PARAMETERS | {"at_end": "stop"})
    assert rows.step(order, now=END) is Applied.DONE
    order.refresh_from_db()
    assert (order.status, order.reason) == (
        "expired",
        "time ran out with 0.3 BTC left: the order was set to stop at its end",
    )
