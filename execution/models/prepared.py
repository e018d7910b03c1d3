"""Statements whose SQL is compiled once.

If a statement runs hundreds of times a second, compiling it in Django each time costs several times the database's
work. The compiled text is always the same.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Generic, TypeVar

from django.db import connection, models
from django.db.models import QuerySet

M = TypeVar("M", bound=models.Model)

#: Base of the stand-in values. No row has them. In the compiled parameters each marks the place of a later value.
_STAND_IN = 2_147_000_000


Value = int | str | datetime


def _stand_in(kind: type[Value], number: int) -> Value:
    if kind is datetime:
        return datetime(1902, 1, 1, tzinfo=UTC) + timedelta(seconds=number)
    return _STAND_IN + number if kind is int else f"stand-in {number}"


def _adapted(value: Value | None) -> Any:
    """Return the value in the form that the database's driver needs. SQLite stores an instant as text."""
    return connection.ops.adapt_datetimefield_value(value) if isinstance(value, datetime) else value


@dataclass(frozen=True, slots=True)
class _Made:
    sql: str
    #: The constants among the parameters, and the place of each named value.
    parameters: tuple[Any, ...]
    places: tuple[tuple[int, str], ...]
    columns: tuple[str, ...]
    converters: tuple[tuple[int, Sequence[Any], Any], ...]


class Compiled(Generic[M]):
    """A query that is compiled once. It reads full rows of one table, or only some columns of it.

    ``build`` makes the query from named values, each an integer, a text or an instant. It may use a value anywhere in
    the query, but must not compute with it. The result must not include rows of a second table. To read only columns,
    use ``values_list`` in ``build``, and call ``values``.
    """

    def __init__(self, build: Callable[..., QuerySet[M, Any]], **kinds: type[Value]) -> None:
        self._build = build
        self._kinds = kinds
        self._made: dict[str, _Made] = {}

    def all(self, **values: Value | None) -> list[M]:
        """Run the query with these values, and return the rows."""
        made, found = self._run("%s", values)
        return [self._model.from_db("default", made.columns, _converted(made, row)) for row in found]

    def values(self, **values: Value | None) -> list[tuple[Any, ...]]:
        """Run the query with these values, and return the columns of each row."""
        made, found = self._run("%s", values)
        return [tuple(_converted(made, row)) for row in found]

    def count(self, **values: Value | None) -> int:
        """Return the number of rows."""
        _, [(number,)] = self._run("SELECT COUNT(*) FROM (%s) AS found", values)
        return int(number)

    def first(self, **values: Value | None) -> M | None:
        """Return the first row; None when there is none."""
        found = self.all(**values)
        return found[0] if found else None

    def get(self, **values: Value | None) -> M:
        """Return the only row. Raise the model's ``DoesNotExist`` unless there is exactly one."""
        found = self.all(**values)
        if len(found) != 1:
            raise _does_not_exist(self._model)(f"{len(found)} rows of {self._model.__name__} for {values}")
        return found[0]

    def _run(self, around: str, values: Mapping[str, Value | None]) -> tuple[_Made, list[tuple[Any, ...]]]:
        made = self._made.get(connection.vendor) or self._make()
        parameters = list(made.parameters)
        for place, name in made.places:
            parameters[place] = _adapted(values[name])
        with connection.cursor() as cursor:
            cursor.execute(around.replace("%s", made.sql), parameters)
            return made, cursor.fetchall()

    def _make(self) -> _Made:
        stand_ins = {name: _stand_in(kind, number) for number, (name, kind) in enumerate(self._kinds.items())}
        query = self._build(**stand_ins)
        self._model = query.model
        compiler = query.query.get_compiler("default")
        sql, parameters = compiler.as_sql()
        names = {_adapted(value): name for name, value in stand_ins.items()}
        places = tuple(
            (place, names[value])
            for place, value in enumerate(parameters)
            # PostgreSQL's driver gives an integer a type of its own, by the width of its column.
            if isinstance(value, Value) and value in names
        )
        if {name for _, name in places} != set(stand_ins):
            raise TypeError(
                f"the query does not use {set(stand_ins) - {name for _, name in places}} as they are"
            )
        expressions: list[Any] = [column[0] for column in compiler.select]
        made = _Made(
            sql=sql,
            parameters=tuple(parameters),
            places=places,
            columns=tuple(expression.target.attname for expression in expressions),
            converters=tuple(
                (place, *found) for place, found in compiler.get_converters(expressions).items()
            ),
        )
        self._made[connection.vendor] = made
        return made


def _converted(prepared: _Made, rows: Sequence[Any]) -> list[Any]:
    row = list(rows)
    for place, converters, expression in prepared.converters:
        for convert in converters:
            row[place] = convert(row[place], expression, connection)
    return row


def _does_not_exist(model: type[models.Model]) -> type[Exception]:
    error: type[Exception] = getattr(model, "DoesNotExist")  # noqa: B009  # the type checker knows it not of all models
    return error


_Statement = tuple[str, tuple["models.Field[Any, Any]", ...]]
_updates: dict[tuple[type[models.Model], tuple[str, ...] | None], _Statement] = {}
_inserts: dict[type[models.Model], _Statement] = {}


#: The rows to be saved at the end of ``saved_once``, separately for each thread.
_waiting = threading.local()


@contextmanager
def saved_once() -> Iterator[None]:
    """Delay the effect of all ``row_save`` calls in the block to its end, so that each row is written once.

    The block is inside a transaction. It must not read these rows from the database. After an error nothing is
    written.
    """
    rows: dict[int, models.Model] = {}
    _waiting.rows = rows
    try:
        yield
    finally:
        _waiting.rows = None
    for row in rows.values():
        row_save(row)


def row_save(row: models.Model, fields: tuple[str, ...] | None = None) -> None:
    """Write the given fields of an existing row, or all if ``fields`` is None. No signals are sent.

    Inside ``saved_once`` all fields are written, at the end of the block.
    """
    if (waiting := getattr(_waiting, "rows", None)) is not None:
        waiting[id(row)] = row
        return
    model = type(row)
    sql, columns = _updates.get((model, fields)) or _update_of(model, fields)
    values = [field.get_db_prep_save(getattr(row, field.attname), connection) for field in columns]
    with connection.cursor() as cursor:
        cursor.execute(sql, [*values, row.pk])
        if cursor.rowcount != 1:
            raise _does_not_exist(model)(f"{model.__name__} {row.pk} is not there to be saved")


def row_insert(row: models.Model) -> None:
    """Write a new row and set its primary key, as Django's ``save`` does."""
    model = type(row)
    sql, fields = _inserts.get(model) or _insert_of(model)
    values = [field.get_db_prep_save(field.pre_save(row, add=True), connection) for field in fields]
    with connection.cursor() as cursor:
        cursor.execute(sql, values)
        (row.pk,) = cursor.fetchone()
    row._state.adding, row._state.db = False, "default"


#: The number of rows in a statement, because SQLite accepts only a limited number of values.
_ROWS_AT_ONCE = 100


def rows_merge(rows: Sequence[models.Model], *, known_by: tuple[str, ...]) -> None:
    """Insert rows of one table, in the given order. If a row exists, update it with the new row's values.

    ``known_by`` are the fields of a unique constraint, by which an existing row is found. No two of ``rows`` may have
    the same values of these fields. A value of None in a new row does not change the existing value.
    """
    for first in range(0, len(rows), _ROWS_AT_ONCE):
        part = rows[first : first + _ROWS_AT_ONCE]
        meta = type(part[0])._meta
        fields = [field for field in meta.concrete_fields if not field.primary_key]
        columns = ", ".join(f'"{field.column}"' for field in fields)
        marks = ", ".join(f"({', '.join('%s' for _ in fields)})" for _ in part)
        keys = ", ".join(f'"{field.column}"' for field in fields if field.name in known_by)
        merged = ", ".join(
            f'"{field.column}" = COALESCE(EXCLUDED."{field.column}", "{meta.db_table}"."{field.column}")'
            for field in fields
            if field.name not in known_by
        )
        insert = f'INSERT INTO "{meta.db_table}" ({columns}) VALUES {marks}'  # noqa: S608  # our models
        values = [
            field.get_db_prep_save(getattr(row, field.attname), connection)
            for row in part
            for field in fields
        ]
        with connection.cursor() as cursor:
            cursor.execute(f"{insert} ON CONFLICT ({keys}) DO UPDATE SET {merged}", values)


def _insert_of(model: type[models.Model]) -> _Statement:
    fields = tuple(field for field in model._meta.concrete_fields if not field.primary_key)
    columns = ", ".join(f'"{field.column}"' for field in fields)
    marks = ", ".join("%s" for _ in fields)
    table = model._meta.db_table
    made = (f'INSERT INTO "{table}" ({columns}) VALUES ({marks}) RETURNING "id"', fields)  # noqa: S608  # our models
    _inserts[model] = made
    return made


def _update_of(model: type[models.Model], names: tuple[str, ...] | None) -> _Statement:
    fields = tuple(
        field
        for field in model._meta.concrete_fields
        if not field.primary_key and (names is None or field.name in names)
    )
    if names is not None and len(fields) != len(names):
        raise TypeError(f"{model.__name__} has not all of the columns {names}")
    columns = ", ".join(f'"{field.column}" = %s' for field in fields)
    table = model._meta.db_table
    made = (f'UPDATE "{table}" SET {columns} WHERE "id" = %s', fields)  # noqa: S608  # names of our models
    _updates[model, names] = made
    return made
