"""Journal and audit on PostgreSQL: no chain forks, and the application's role only adds to them."""

from __future__ import annotations

from functools import partial

import pytest
from django.db import ProgrammingError, connection, transaction
from django.db.models import QuerySet

from execution.models import AuditEntry
from execution.models.append_only import APPEND_ONLY, rights_sql
from execution.selectors.chains import audit_breaks
from execution.services.desk.old_orders import may_delete_journals, orders_drop
from execution.services.records.audit import audit_append
from tests.factories import NOW, Rows
from tests.postgresql.race import Meeting

HEAD = 'FROM "execution_chainhead"'


def append_and_append() -> None:
    append = partial(audit_append, actor="desk", subject="", at=NOW)
    append(kind="zeroth")
    Meeting(partial(append, kind="first"), partial(append, kind="second"), after=HEAD).run()
    written = AuditEntry.objects.order_by("sequence").values_list("sequence", "kind")
    assert list(written) == [(1, "zeroth"), (2, "first"), (3, "second")]
    assert audit_breaks() == []


def test_two_entries_at_once_follow_each_other(committed_rows: Rows) -> None:
    append_and_append()


def test_without_the_lock_the_second_entry_is_refused(
    committed_rows: Rows, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(QuerySet, "select_for_update", lambda rows, **_: rows.all())
    with pytest.raises(AssertionError):
        append_and_append()
    assert audit_breaks() == [], "a unique number keeps the chain whole all the same"


def test_the_applications_role_trades_and_only_adds_to_journal_and_audit(rows: Rows) -> None:
    assert may_delete_journals()
    with connection.cursor() as cursor:
        cursor.execute("CREATE ROLE tranche_app")
        for statement in rights_sql("tranche_app"):
            cursor.execute(statement)
        cursor.execute("SET LOCAL ROLE tranche_app")
        child = rows.resting()
        audit_append(kind="drill", actor="desk", subject=child.client_id, at=NOW)
        for table in APPEND_ONLY:
            for verb in (
                f"UPDATE {table} SET reason = ''",
                f"DELETE FROM {table}",
                f"TRUNCATE {table} CASCADE",
            ):
                with pytest.raises(ProgrammingError, match="permission denied"), transaction.atomic():
                    cursor.execute(verb)
    assert not may_delete_journals()
    assert orders_drop(before=NOW, now=NOW, pause=lambda: None) == 0
