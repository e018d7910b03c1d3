"""Changes that nobody may make: in a copy of the database, behind the services and the triggers."""

from __future__ import annotations

from django.db import connection
from django.db.models import F

from execution.models import AuditEntry, JournalEntry
from execution.models.append_only import unprotect

Table = type[JournalEntry] | type[AuditEntry]

#: The columns that number the entries.
NUMBERS = {JournalEntry: "version", AuditEntry: "sequence"}
_ASIDE = 10**9


def change(table: Table, number: int) -> int:
    """Change an entry's reason; return its row."""
    unprotect(connection)
    rows = table.objects.filter(**{NUMBERS[table]: number})
    row = rows.get().pk
    rows.update(reason="forged")
    return row


def remove(table: Table, number: int) -> None:
    unprotect(connection)
    assert table.objects.filter(**{NUMBERS[table]: number}).delete()[0] == 1


def exchange(table: Table, one: int, other: int) -> tuple[int, int]:
    """Give two entries each other's numbers; return their rows."""
    unprotect(connection)
    name = NUMBERS[table]
    first, second = (table.objects.get(**{name: number}).pk for number in (one, other))
    table.objects.filter(pk=first).update(**{name: F(name) + _ASIDE})
    table.objects.filter(pk=second).update(**{name: one})
    table.objects.filter(pk=first).update(**{name: other})
    return first, second
