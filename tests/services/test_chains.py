"""Tampering with journal and audit is found and named, on both databases."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import timedelta
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import DatabaseError, transaction

from execution.core.journal import GENESIS, Break, Entry, audit_entry, chain_breaks, entry_hash
from execution.models import AlertSignal, AuditEntry, ChainHead, JournalCheck, JournalEntry, Order
from execution.selectors import chains
from execution.selectors.chains import AUDIT_TABLE, JOURNAL_TABLE, journal_breaks
from execution.services.desk.journal_check import journal_check_step
from execution.services.orders.orders import order_pause
from execution.services.records.audit import audit_append
from tests.factories import NOW, Rows
from tests.tampering import NUMBERS, Table, change, exchange, remove

BOTH: list[Any] = [JournalEntry, AuditEntry]
TABLES = {JournalEntry: JOURNAL_TABLE, AuditEntry: AUDIT_TABLE}


@pytest.fixture
def order(rows: Rows) -> Order:
    """Return an order of six entries, and an audit of six beside it."""
    order = rows.resting().order
    order_pause(public_id=order.public_id, person=rows.trader, reason="lunch", now=NOW)
    while order.journal.count() < 6:
        rows.step(order, now=NOW)
    for number in range(6):
        audit_append(kind="drill", actor="desk", subject=f"subject {number}", at=NOW, data={"n": number})
    order.refresh_from_db()
    assert journal("verify")[1] == 0
    return order


def journal(*arguments: str) -> tuple[list[str], int]:
    """Run ``manage.py journal``. Return its lines but the last, and its exit code."""
    out = StringIO()
    try:
        call_command("journal", *arguments, stdout=out)
    except CommandError as error:
        return out.getvalue().splitlines()[:-1], error.returncode
    return out.getvalue().splitlines()[:-1], 0


def name(order: Order, table: Table, number: int, row: int | None) -> str:
    """Return the first words of a break."""
    where = f"order {order.public_id}" if table is JournalEntry else "audit"
    return f"{where}, entry {number} ({TABLES[table]}, {'no row' if row is None else f'row {row}'}): "


@pytest.mark.parametrize("table", BOTH)
def test_a_changed_entry_is_found_and_named(order: Order, table: Table) -> None:
    row = change(table, 3)
    lines, code = journal("verify")
    assert code == 3
    assert [line.startswith(name(order, table, 3, row)) for line in lines] == [True], lines


@pytest.mark.parametrize("table", BOTH)
def test_a_removed_entry_is_found_and_named(order: Order, table: Table) -> None:
    remove(table, 3)
    lines, code = journal("verify")
    assert (lines, code) == ([f"{name(order, table, 3, None)}entry 3 is missing"], 3)


@pytest.mark.parametrize("table", BOTH)
def test_the_last_entry_is_missed_by_the_head_that_is_kept_apart(order: Order, table: Table) -> None:
    last = table.objects.order_by("-pk").values_list(NUMBERS[table], flat=True)[0]
    remove(table, last)
    lines, code = journal("verify")
    assert (lines, code) == ([f"{name(order, table, last, None)}entry {last} is missing"], 3)


@pytest.mark.parametrize("table", BOTH)
def test_two_exchanged_entries_are_found_and_both_named(order: Order, table: Table) -> None:
    first, second = exchange(table, 3, 4)
    lines, code = journal("verify")
    assert code == 3
    assert any(line.startswith(name(order, table, 3, second)) for line in lines), lines
    assert any(line.startswith(name(order, table, 4, first)) for line in lines), lines


def test_a_journal_that_was_rebuilt_wholesale_is_found_by_heads_that_were_written_out(
    order: Order, tmp_path: Path
) -> None:
    file = tmp_path / "heads.jsonl"
    assert journal("heads", "--out", str(file))[1] == 0
    assert journal("heads", "--out", str(file))[1] == 1, "a file that is there stays"
    out = StringIO()
    call_command("journal", "heads", "--out", "-", stdout=out)
    assert out.getvalue() == file.read_text(encoding="utf-8")
    change(JournalEntry, 2)
    change(AuditEntry, 2)
    _rebuild(order)
    assert journal("verify")[1] == 0, "within the database nothing is wrong"
    lines, code = journal("verify", "--heads", str(file))
    assert code == 3
    last = order.version
    assert any(line.startswith(f"order {order.public_id}, entry {last} ") for line in lines), lines
    assert any(line.startswith("audit, entry 6 ") for line in lines), lines


def _rebuild(order: Order) -> None:
    """Hash every entry anew, and the heads: what somebody who may change every table can do."""
    previous = GENESIS
    for row in order.journal.order_by("version"):
        entry = Entry(row.version, row.kind, row.actor, row.reason, row.data, row.at)
        previous = entry_hash(previous, entry)
        JournalEntry.objects.filter(pk=row.pk).update(hash=previous)
    Order.objects.filter(pk=order.pk).update(journal_hash=previous)
    previous = GENESIS
    for one in AuditEntry.objects.order_by("sequence"):
        entry = audit_entry(one.sequence, one.kind, one.actor, one.subject, one.reason, one.data, one.at)
        previous = entry_hash(previous, entry)
        AuditEntry.objects.filter(pk=one.pk).update(hash=previous)
    ChainHead.objects.update(hash=previous)


def test_an_order_that_is_gone_is_missed_by_the_written_heads(order: Order, tmp_path: Path) -> None:
    file = tmp_path / "heads.jsonl"
    file.write_text(
        json.dumps({"chain": "order", "order": "gone", "version": 3, "hash": "00"}) + "\n", encoding="utf-8"
    )
    lines, code = journal("verify", "--heads", str(file))
    assert code == 3
    assert lines[0].startswith("order gone, entry 3 ")


@pytest.mark.parametrize("table", BOTH)
def test_the_database_refuses_to_change_an_entry(order: Order, table: Table) -> None:
    with pytest.raises(DatabaseError, match="append-only"), transaction.atomic():
        table.objects.filter(**{NUMBERS[table]: 2}).update(reason="forged")


def test_the_nightly_check_goes_on_where_it_stopped_and_keeps_what_it_found(
    rows: Rows, order: Order, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(chains, "ORDERS", 1)
    monkeypatch.setattr(chains, "ENTRIES", 2)
    other = rows.submit(key="another")
    row = change(JournalEntry, 4)
    AlertSignal.objects.all().delete()
    turns = iter([True, False])
    check = journal_check_step(now=NOW, has_time=lambda: next(turns))
    assert check is not None
    assert (check.ended_at, check.orders, check.broken) == (None, 1, 1)
    assert [one["row"] for one in journal_breaks()] == [row], "told before the check has ended"
    signal = AlertSignal.objects.get()
    assert (signal.kind, f"row {row}" in signal.text) == ("journal_broken", True)
    ended = journal_check_step(now=NOW + timedelta(minutes=1), has_time=lambda: True)
    assert ended is not None
    assert (ended.pk, ended.orders, ended.broken) == (check.pk, 2, 1)
    assert ended.entries == 6 + order.version + other.version
    assert journal_check_step(now=NOW + timedelta(minutes=2), has_time=lambda: True) is None
    tomorrow = journal_check_step(now=NOW + timedelta(hours=14, minutes=1), has_time=lambda: True)
    assert tomorrow is not None
    assert tomorrow.pk != check.pk


def test_a_check_that_another_process_is_at_is_left_alone(order: Order) -> None:
    JournalCheck.objects.create(started_at=NOW, held_until=NOW + timedelta(minutes=1))
    assert journal_check_step(now=NOW, has_time=lambda: True) is None


def _nothing(_links: Any, _head: Any = None) -> Iterator[Break]:
    return iter(())


def _no_head(links: Any, _head: Any = None) -> Iterator[Break]:
    return chain_breaks(links)


MUTANTS: list[tuple[Any, Any]] = [
    (_nothing, test_a_changed_entry_is_found_and_named),
    (_nothing, test_a_removed_entry_is_found_and_named),
    (_nothing, test_two_exchanged_entries_are_found_and_both_named),
    (_no_head, test_the_last_entry_is_missed_by_the_head_that_is_kept_apart),
]


@pytest.mark.parametrize("table", BOTH)
@pytest.mark.parametrize(("mutant", "test"), MUTANTS)
def test_where_the_chain_is_not_verified_its_test_fails(
    order: Order, table: Table, mutant: Any, test: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(chains, "chain_breaks", mutant)
    with pytest.raises(AssertionError):
        test(order, table)
