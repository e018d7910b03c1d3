"""A halt that is lifted may give its orders their time back; and which of them wait to be resumed."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from django.utils import timezone

from execution.core.orders.bulk import BulkAction, BulkRequest, ChosenOrder
from execution.models import AuditEntry, Halt, Order, OrderTerms
from execution.selectors.halts import halt_row
from execution.services.halts import HaltRequest, halt_lift, halt_set, halts_lifted_tell
from execution.services.orders.bulk import orders_act
from execution.services.orders.orders import order_resume
from tests.dashboard.desk_fixture import Desk

SECOND = timedelta(seconds=1)


def halted(office: Desk, at: datetime, scope: str = "symbol", subject: str = "BTC/USDT") -> Halt:
    phrase = f"HALT {subject}"
    request = HaltRequest("stop", scope, subject)
    return halt_set(person=office.supervisor, request=request, phrase=phrase, reason="a drill", now=at)


def lifted(office: Desk, halt: Halt, at: datetime, *, keeps_time: bool) -> None:
    halt_lift(
        public_id=halt.public_id, person=office.supervisor, reason="over", now=at, keeps_time=keeps_time
    )


def working(office: Desk, key: str, **changes: Any) -> Order:
    order = office.order(key=key, quantity="0.5", **changes)
    Order.objects.filter(pk=order.pk).update(status="working", started_at=order.created_at)
    return order


def terms_of(order: Order) -> OrderTerms:
    return OrderTerms.objects.filter(order=order).latest("version")


def test_the_plans_move_by_the_time_of_the_halt_and_a_fixed_end_stays(office: Desk) -> None:
    flexible = working(office, "flexible")
    end = (timezone.now() + timedelta(hours=1)).replace(microsecond=0)
    fixed = working(office, "fixed", parameters={"end_at": end.isoformat(), "slices": "12"})
    before = terms_of(flexible).end_at
    start = timezone.now()
    halt = halted(office, start)
    lifted(office, halt, start + 600 * SECOND, keeps_time=True)
    assert terms_of(flexible).end_at == before + 600 * SECOND
    assert terms_of(fixed).end_at == end
    flexible.refresh_from_db()
    fixed.refresh_from_db()
    assert flexible.status == fixed.status == "paused", "nothing resumes by itself"
    assert flexible.reason.endswith("Its plan has moved by the time of the halt")
    assert "Its time is not kept: The end" in fixed.reason
    assert AuditEntry.objects.get(kind="halt_lifted").data["keeps_time"] == "yes"
    halts_lifted_tell(since=start, now=start + 700 * SECOND)
    assert terms_of(flexible).version == 2, "told once"
    # A shift at the resume counts from the lift: the halt's time is not given back twice.
    order_resume(
        public_id=flexible.public_id, person=office.trader, reason="", mode="shift", now=start + 660 * SECOND
    )
    assert terms_of(flexible).end_at == before + 660 * SECOND


def test_without_it_the_plans_stay(office: Desk) -> None:
    order = working(office, "one")
    before = terms_of(order)
    start = timezone.now()
    lifted(office, halted(office, start), start + 600 * SECOND, keeps_time=False)
    assert terms_of(order) == before
    order.refresh_from_db()
    assert order.reason == "the halt was lifted by supervisor: resume or cancel the order"


def test_an_order_under_another_stop_keeps_no_time_yet(office: Desk) -> None:
    order = working(office, "one")
    start = timezone.now()
    first = halted(office, start)
    second = halted(office, start + SECOND, "trader", "trader")
    lifted(office, first, start + 60 * SECOND, keeps_time=True)
    assert terms_of(order).version == 1
    lifted(office, second, start + 100 * SECOND, keeps_time=True)
    assert terms_of(order).end_at == order.terms.end_at + 100 * SECOND if order.terms else None


def test_a_halt_lists_what_waits_until_it_is_resumed(office: Desk) -> None:
    orders = [working(office, "a"), working(office, "b")]
    theirs = office.order(office.other, key="c", quantity="0.5")
    halt = halted(office, timezone.now())
    lifted(office, halt, timezone.now(), keeps_time=False)
    found = halt_row(halt.public_id)
    assert found is not None
    assert [(row["id"], row["trader"]) for row in found["waiting"]] == [
        (theirs.public_id, "other"),
        *((order.public_id, "trader") for order in orders),
    ]
    chosen = tuple(ChosenOrder(row["id"]) for row in found["waiting"])
    request = BulkRequest(BulkAction.RESUME, chosen, mode="catch_up")
    results = orders_act(person=office.supervisor, request=request, now=timezone.now())
    assert [str(each.outcome) for each in results] == ["done"] * 3
    found = halt_row(halt.public_id)
    assert found is not None
    assert found["waiting"] == []
