"""One order's story: everything that was recorded, in the order of time."""

from __future__ import annotations

import json
from datetime import timedelta
from io import StringIO

import pytest
from django.core.management import CommandError, call_command

from execution.core.types import VenueStatus
from execution.models import ChildOrder
from execution.services.children.children import child_report
from execution.services.children.fills import fill_record
from execution.services.orders.orders import order_pause
from execution.services.records.audit import audit_append
from tests.factories import NOW, Rows, report_of, trade_of

SECOND = timedelta(seconds=1)


def told(name: str, *options: str) -> list[str]:
    out = StringIO()
    call_command("story", name, *options, stdout=out)
    return out.getvalue().splitlines()


@pytest.fixture
def lived(rows: Rows) -> ChildOrder:
    """Return a child that was acknowledged and half filled, and an order that a supervisor paused."""
    child = rows.resting()
    at = child.submitted_at or NOW
    child_report(account_pk=rows.account.pk, report=report_of(child, VenueStatus.OPEN, "0"), now=at + SECOND)
    trade = trade_of(child, "t-1", "0.05", at=at + SECOND)
    fill_record(account_pk=rows.account.pk, trade=trade, now=at + 2 * SECOND)
    order_pause(
        public_id=child.order.public_id, person=rows.supervisor, reason="a\u202e drill", now=at + 3 * SECOND
    )
    audit_append(
        kind="account.closed", actor="admin:ann", subject="alpha", reason="moved", at=at + 4 * SECOND
    )
    audit_append(kind="account.closed", actor="admin:ann", subject="elsewhere", at=at + 4 * SECOND)
    return child


def test_the_story_has_every_source_in_the_order_of_time(lived: ChildOrder) -> None:
    head, *lines = told(lived.order.public_id)
    assert f"order={lived.order_id}" in head
    assert [line.split()[0] for line in lines] == sorted(line.split()[0] for line in lines)
    wanted = (
        "submitted by a person",
        "intended to rest",
        "submitted under fence 1",
        "fill t-1",
        "recorded 1.000 s later",
    )
    text = "\n".join(lines)
    assert [
        words
        for words in (*wanted, "supervisor:supervisor", "account.closed · alpha · moved")
        if words not in text
    ] == []
    assert "elsewhere" not in text
    assert r"a\u202e drill" in text, "what a terminal would obey is escaped"
    assert sum(lived.client_id in line for line in lines) >= 4
    assert {line.split()[1] for line in lines} == {"journal", "child", "fill", "audit"}


def test_it_is_found_by_the_number_of_the_log_and_told_as_json(lived: ChildOrder) -> None:
    events = [json.loads(line) for line in told(str(lived.order_id), "--json")]
    assert {event["source"] for event in events} == {"journal", "child", "fill", "audit"}
    assert any(event["child"] == lived.client_id for event in events)
    with pytest.raises(CommandError, match="there is no order 'nothere0'"):
        told("nothere0")
