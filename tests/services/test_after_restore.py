"""After a backup was restored: a fresh mark, everything waits, and nothing counts as unsent."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.core.management import CommandError, call_command

from execution.core.problems import Refused
from execution.core.states import ChildStatus, OrderStatus
from execution.models import AuditEntry, Installation, Worker
from execution.selectors.decisions.sessions import account_details, reconciliation_start
from execution.services.desk.after_restore import installation_after_restore
from execution.services.orders.orders import order_cancel
from tests.factories import NOW, SYMBOL, Rows
from tests.invariants import check_order

LATER = NOW + timedelta(hours=1)


def restored(rows: Rows) -> None:
    Worker.objects.update(stopped_at=NOW)
    installation_after_restore(reason="the disk died", now=LATER)
    rows.account.refresh_from_db()
    rows.installation.refresh_from_db()


def test_no_client_id_is_used_again_and_the_former_marks_stay_known(rows: Rows) -> None:
    child = rows.resting(submitted=False)
    restored(rows)
    restored(rows)
    marks = {rows.installation.mark, *rows.installation.former_marks}
    assert rows.installation.mark != "test"
    assert len(marks) == 3
    details = account_details(rows.account.pk)
    assert details is not None
    assert details.marks == marks
    assert child.client_id[1:5] == "test"


def test_every_order_that_has_not_ended_waits_for_a_person(rows: Rows) -> None:
    working, scheduled = rows.working(key="1"), rows.submit(key="2")
    ended = rows.submit(key="3")
    order_cancel(public_id=ended.public_id, person=rows.trader, reason="", now=NOW)
    restored(rows)
    for order in (working, scheduled):
        order.refresh_from_db()
        assert (order.status, order.needs_person) == (OrderStatus.PAUSED, True)
        assert order.reason == "restored from a backup: the disk died"
        check_order(order)


def test_a_child_that_waited_to_be_sent_is_unknown(rows: Rows) -> None:
    child = rows.resting(submitted=False)
    restored(rows)
    child.refresh_from_db()
    assert child.status == ChildStatus.UNKNOWN
    assert child.last_possible_send_at == LATER
    check_order(child.order)


def test_nothing_new_goes_out_before_the_account_is_reconciled_from_the_backups_end(rows: Rows) -> None:
    mark, fence = rows.account.reconciled_until, rows.account.fence
    restored(rows)
    restored(rows)  # twice: where looking begins stays
    assert rows.account.reconciled_until is None
    assert rows.account.owner_id is None
    assert rows.account.fence > fence
    assert reconciliation_start(rows.account.pk, now=LATER) == (mark, {SYMBOL})


def test_a_running_worker_refuses_it(rows: Rows) -> None:
    with pytest.raises(Refused, match="A worker is running"):
        installation_after_restore(reason="the disk died", now=LATER)
    assert Installation.objects.get().mark == "test"


def test_the_command_says_what_it_did_and_the_audit_keeps_it(
    rows: Rows, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(CommandError, match="say which backup"):
        call_command("after_restore", reason=" ")
    rows.working()
    Worker.objects.update(stopped_at=NOW)
    call_command("after_restore", reason="the disk died")
    said = capsys.readouterr().out
    mark = Installation.objects.get().mark
    assert f"mark {mark} (former: test" in said
    assert "1 orders wait for a person; 0 children are unknown" in said
    entry = AuditEntry.objects.get(kind="restored")
    assert (entry.subject, entry.reason, entry.data["orders"]) == (mark, "the disk died", 1)
