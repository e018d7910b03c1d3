"""One action on many orders: a transaction each, a repetition does nothing twice, and a preview nothing at all."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.db import DatabaseError
from django.utils import timezone

from execution.core.orders.bulk import MAX_ORDERS, BulkAction, BulkRequest, ChosenOrder
from execution.core.problems import Refused
from execution.models import Halt, JournalEntry, Order
from execution.services.orders import bulk
from execution.services.orders.bulk import orders_act, orders_act_preview
from execution.services.orders.orders import order_pause
from tests.dashboard.desk_fixture import Desk

MINUTES = timedelta(minutes=30)


def three(office: Desk) -> list[Order]:
    return [office.order(key=f"number {number}", quantity="0.5") for number in range(3)]


def asked(action: str, *orders: Order | str, seen: bool = False, **values: Any) -> BulkRequest:
    chosen = tuple(
        ChosenOrder(order)
        if isinstance(order, str)
        else ChosenOrder(order.public_id, order.terms.version if seen and order.terms else None)
        for order in orders
    )
    return BulkRequest(BulkAction(action), chosen, **values)


def act(office: Desk, person: Any, request: BulkRequest) -> list[str]:
    return [str(result.outcome) for result in orders_act(person=person, request=request, now=timezone.now())]


def statuses() -> list[str]:
    return list(Order.objects.order_by("pk").values_list("status", flat=True))


def test_each_order_is_paused_resumed_and_cancelled_and_a_repetition_changes_nothing(office: Desk) -> None:
    orders = three(office)
    steps: list[tuple[str, str, dict[str, Any]]] = [
        ("pause", "paused", {}),
        ("resume", "working", {"mode": "catch_up"}),
        ("cancel", "closing", {}),
    ]
    for action, status, values in steps:
        request = asked(action, *orders, reason="news", **values)
        assert act(office, office.trader, request) == ["done"] * 3
        assert statuses() == [status] * 3
        entries = JournalEntry.objects.count()
        assert act(office, office.trader, request) == ["unchanged"] * 3
        assert JournalEntry.objects.count() == entries


def test_what_is_refused_or_hidden_keeps_no_other(office: Desk) -> None:
    mine, theirs, done = office.order(key="a"), office.order(office.other, key="b"), office.order(key="c")
    Order.objects.filter(pk=done.pk).update(status="completed")
    request = asked("pause", theirs, done, "nothere0", mine)
    found = orders_act(person=office.trader, request=request, now=timezone.now())
    assert [str(each.outcome) for each in found] == ["not_found", "refused", "not_found", "done"]
    assert [problem.code for problem in found[1].problems] == ["order_not_open"]
    office.trader.sees_desk = True
    office.trader.save()
    found = orders_act(person=office.trader, request=asked("pause", theirs), now=timezone.now())
    assert [problem.code for problem in found[0].problems] == ["not_your_order"]


def test_a_database_that_refuses_one_order_does_the_others(
    office: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second, third = three(office)

    def pause(**arguments: Any) -> Order:
        if arguments["public_id"] == second.public_id:
            raise DatabaseError("the row is locked")
        return order_pause(**arguments)

    monkeypatch.setattr(bulk, "order_pause", pause)
    request = asked("pause", first, second, third)
    assert act(office, office.trader, request) == ["done", "failed", "done"]
    monkeypatch.undo()
    assert act(office, office.trader, request) == ["unchanged", "done", "unchanged"]


def test_a_preview_says_what_would_happen_and_takes_it_back(office: Desk) -> None:
    orders = three(office)
    order_pause(public_id=orders[0].public_id, person=office.trader, reason="", now=timezone.now())
    entries = JournalEntry.objects.count()
    for action, values, expected in (
        ("pause", {}, ["unchanged", "done", "done"]),
        ("resume", {"mode": "shift"}, ["done", "refused", "refused"]),
        ("cancel", {}, ["done", "done", "done"]),
        ("extend", {"by": MINUTES}, ["done", "done", "done"]),
    ):
        request = asked(action, *orders, seen=True, **values)
        found = orders_act_preview(person=office.trader, request=request, now=timezone.now())
        assert [str(each.outcome) for each in found] == expected, action
    assert statuses() == ["paused", "scheduled", "scheduled"]
    assert JournalEntry.objects.count() == entries


def test_an_extension_is_made_once_from_the_terms_that_were_seen(office: Desk) -> None:
    orders = three(office)
    ends = [order.terms.end_at for order in orders if order.terms]
    request = asked("extend", *orders, seen=True, by=MINUTES)
    assert act(office, office.trader, request) == ["done"] * 3
    assert act(office, office.trader, request) == ["unchanged"] * 3
    found = list(Order.objects.order_by("pk").select_related("terms"))
    assert [order.terms.end_at for order in found if order.terms] == [end + MINUTES for end in ends]
    other = asked("extend", *orders, seen=True, by=2 * MINUTES)
    results = orders_act(person=office.trader, request=other, now=timezone.now())
    assert [[problem.code for problem in each.problems] for each in results] == [["terms_changed"]] * 3


def test_a_fixed_end_stays_fixed_when_it_is_extended(office: Desk) -> None:
    end = (timezone.now() + timedelta(hours=1)).replace(microsecond=0)
    order = office.order(key="fixed", parameters={"end_at": end.isoformat(), "slices": "12"})
    assert act(office, office.trader, asked("extend", order, seen=True, by=MINUTES)) == ["done"]
    order = Order.objects.select_related("terms").get(pk=order.pk)
    assert order.terms is not None
    assert (order.terms.end_is_fixed, order.terms.end_at) == (True, end + MINUTES)


def test_urgency_is_amended_where_the_algorithm_has_one(office: Desk) -> None:
    twap = office.order(key="twap")
    iceberg = office.order(
        key="iceberg", algorithm="iceberg", parameters={"duration": "01:00:00", "visible_quantity": "0.1"}
    )
    request = asked("urgency", twap, iceberg, urgency=Decimal("0.8"))
    assert act(office, office.trader, request) == ["done", "refused"]
    assert act(office, office.trader, request) == ["unchanged", "refused"]
    # Amending is trading.
    found = orders_act(person=office.supervisor, request=request, now=timezone.now())
    assert {problem.code for each in found for problem in each.problems} == {"not_your_order"}


def test_a_halt_refuses_the_orders_that_it_covers_and_no_other(office: Desk) -> None:
    orders = three(office)
    act(office, office.trader, asked("pause", *orders))
    Halt.objects.create(
        kind="stop",
        scope="order",
        order=orders[1],
        reason="a drill",
        set_by=office.supervisor,
        set_at=timezone.now(),
    )
    found = orders_act(
        person=office.supervisor, request=asked("resume", *orders, mode="catch_up"), now=timezone.now()
    )
    assert [str(each.outcome) for each in found] == ["done", "refused", "done"]
    assert [problem.code for problem in found[1].problems] == ["trading_halted"]


@pytest.mark.parametrize(
    ("action", "names", "values", "field"),
    [
        ("pause", [], {}, "orders"),
        ("pause", [f"order{number}" for number in range(MAX_ORDERS + 1)], {}, "orders"),
        ("pause", ["a", "b", "a"], {}, "orders"),
        ("resume", ["a"], {}, "mode"),
        ("extend", ["a"], {}, "by"),
        ("extend", ["a"], {"by": MINUTES}, "orders"),
        ("urgency", ["a"], {}, "urgency"),
    ],
)
def test_a_request_that_fits_no_order_is_refused_as_a_whole(
    office: Desk, action: str, names: list[str], values: dict[str, Any], field: str
) -> None:
    with pytest.raises(Refused) as refused:
        orders_act(person=office.trader, request=asked(action, *names, **values), now=timezone.now())
    assert field in {problem.field for problem in refused.value.problems}
