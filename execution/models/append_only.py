"""Triggers by which the database refuses to change an entry of a journal or of the audit, on SQLite and PostgreSQL.

They refuse UPDATE only. Deleting must be possible, because retention deletes old orders' journals, and tests empty
their database. On PostgreSQL the application's role has no right to update or delete entries (``rights_sql``).
"""

from __future__ import annotations

from collections.abc import Iterator

from django.db.backends.base.base import BaseDatabaseWrapper

#: Tables whose rows are never changed.
APPEND_ONLY = ("execution_journalentry", "execution_auditentry")

_POSTGRESQL_FUNCTION = """
CREATE OR REPLACE FUNCTION execution_append_only() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '% is append-only: its rows cannot be changed', TG_TABLE_NAME;
END $$
"""


def protect(connection: BaseDatabaseWrapper) -> None:
    """Create the missing triggers. On SQLite, a migration that rebuilds a table drops the table's triggers."""
    with connection.cursor() as cursor:
        there = set(connection.introspection.table_names(cursor))
        for statement in _statements(connection.vendor, [name for name in APPEND_ONLY if name in there]):
            cursor.execute(statement)


def unprotect(connection: BaseDatabaseWrapper) -> None:
    """Drop the triggers, for a test that changes protected entries."""
    with connection.cursor() as cursor:
        for table in APPEND_ONLY:
            on = f" ON {table}" if connection.vendor == "postgresql" else ""
            cursor.execute(f"DROP TRIGGER IF EXISTS {table}_append_only{on}")


def _statements(vendor: str, tables: list[str]) -> Iterator[str]:
    if vendor == "postgresql" and tables:
        yield _POSTGRESQL_FUNCTION
    for table in tables:
        if vendor == "postgresql":
            yield (
                f"CREATE OR REPLACE TRIGGER {table}_append_only BEFORE UPDATE ON {table} "
                "FOR EACH ROW EXECUTE FUNCTION execution_append_only()"
            )
        else:
            yield (
                f"CREATE TRIGGER IF NOT EXISTS {table}_append_only BEFORE UPDATE ON {table} "
                f"BEGIN SELECT RAISE(ABORT, '{table} is append-only: its rows cannot be changed'); END"
            )


def rights_sql(role: str) -> Iterator[str]:
    """Yield the statements that give a PostgreSQL role the rights to run the desk.

    The role may only add to journal and audit. The owner of the tables runs the statements after each migration.
    ``role`` is quoted here.
    """
    name = '"' + role.replace('"', '""') + '"'
    yield f"GRANT USAGE ON SCHEMA public TO {name};"
    yield f"GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO {name};"
    yield f"GRANT USAGE, SELECT ON ALL SEQUENCES IN SCHEMA public TO {name};"
    yield f"REVOKE UPDATE, DELETE, TRUNCATE ON {', '.join(APPEND_ONLY)} FROM {name};"
