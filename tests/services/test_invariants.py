"""The checker of invariants itself: what somebody spoils behind the services' back, it finds."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.db import connection

from execution.core.types import VenueStatus
from execution.models import AuditEntry, ChildOrder, Fill, Halt, JournalEntry, Order
from execution.models.append_only import unprotect
from execution.services.children.children import child_report
from execution.services.children.fills import fill_record
from execution.services.records.audit import audit_append
from tests.factories import NOW, D, Rows, report_of, trade_of
from tests.invariants import check_final, check_order


@pytest.fixture
def order(rows: Rows) -> Order:
    """Return a working order with a part fill and its fee."""
    child = rows.resting()
    child_report(account_pk=rows.account.pk, report=report_of(child, VenueStatus.OPEN, "0.04"), now=NOW)
    trade = trade_of(child, "1", "0.04", fee=D("2.4"), fee_currency="USDT")
    fill_record(account_pk=rows.account.pk, trade=trade, now=NOW)
    check_order(child.order)
    return child.order


SPOILS: list[tuple[str, Callable[[], object]]] = [
    ("chain is broken", lambda: JournalEntry.objects.filter(version=2).update(reason="forged")),
    ("chain is broken", lambda: JournalEntry.objects.filter(version=2).delete()),
    ("journal entries and version", lambda: JournalEntry.objects.order_by("-version")[0].delete()),
    ("the journal leads to working", lambda: Order.objects.update(status="paused")),
    ("the journal leads to terms", lambda: Order.objects.update(terms=None)),
    ("its fills", lambda: Order.objects.update(filled=D("0.05"))),
    ("its fills", lambda: Order.objects.update(notional=D(1))),
    ("fees", lambda: Order.objects.update(fees={"USDT": "2.5"})),
    ("its fills", lambda: Fill.objects.update(quantity=D("0.03"))),
    ("its fills", lambda: Fill.objects.all().delete()),
    ("belong to no child", lambda: Fill.objects.update(child=None)),
    ("is not with it", lambda: Fill.objects.update(child=None, order=None)),
    ("children filled", lambda: ChildOrder.objects.update(filled=D("0.02"))),
    ("reported 0.01, filled 0.04", lambda: ChildOrder.objects.update(reported_filled=D("0.01"))),
    ("nothing reported", lambda: ChildOrder.objects.update(reported_filled=None)),
    ("is settled: True", lambda: ChildOrder.objects.update(is_settled=True)),
    ("the journal says", lambda: ChildOrder.objects.update(status="filled")),
    ("sequences", lambda: Order.objects.update(next_sequence=3)),
]


@pytest.mark.parametrize(("words", "spoil"), SPOILS)
def test_what_is_spoiled_is_found(order: Order, words: str, spoil: Callable[[], object]) -> None:
    unprotect(connection)
    spoil()
    with pytest.raises(AssertionError, match=words):
        check_order(order)


@pytest.mark.parametrize(
    ("scope", "is_found"), [({"scope": "desk"}, True), ({"scope": "symbol", "symbol": "ETH/USDT"}, False)]
)
def test_a_child_that_was_intended_under_a_halt_is_found(
    rows: Rows, order: Order, scope: dict[str, str], is_found: bool
) -> None:
    halt = Halt.objects.create(kind="stop", reason="a drill", set_by=rows.supervisor, set_at=NOW, **scope)
    audit_append(
        kind="halt_set", actor="desk", subject=halt.public_id, at=NOW, data={"last_child": "earlier"}
    )
    if not is_found:
        check_order(order)
        return
    with pytest.raises(AssertionError, match=r"I7: children \[1\] were intended under the halt"):
        check_order(order)
    last = order.children.get().client_id
    unprotect(connection)
    AuditEntry.objects.update(data={"last_child": last})
    check_order(order)


def test_an_order_that_goes_on_has_not_come_to_rest(order: Order) -> None:
    with pytest.raises(AssertionError, match="is still working"):
        check_final(order)


def test_a_trade_of_a_child_that_was_recorded_beside_it_is_found(rows: Rows, order: Order) -> None:
    fill = Fill.objects.get()
    fill.pk, fill.trade_id, fill.order, fill.child = None, "2", None, None
    fill.executed_at += timedelta(seconds=1)
    fill.save()
    with pytest.raises(AssertionError, match="trade 2 of child 1 is not with it"):
        check_order(order)
