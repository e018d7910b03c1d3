"""Column types that Django lacks: exact decimals on every database, and short public ids."""

from __future__ import annotations

import secrets
from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING, Any, TypeVar

from django.core.exceptions import FieldError, ValidationError
from django.db import models
from django.db.backends.base.base import BaseDatabaseWrapper

from execution.core.identifiers import PUBLIC_ID_LENGTH, random_id

SetType = TypeVar("SetType", contravariant=True)
GetType = TypeVar("GetType", covariant=True)


class _ExactDecimalField(models.Field):  # type: ignore[type-arg]
    """A column for a ``Decimal`` that keeps every digit: text on SQLite, ``numeric`` on PostgreSQL.

    Django's own DecimalField is a float on SQLite. Text does not compare as numbers do, so lookups other than
    ``isnull`` raise ``FieldError``. Sums and comparisons are made in Python.
    """

    description = "Exact decimal"

    def get_internal_type(self) -> str:
        return "ExactDecimalField"

    def db_type(self, connection: BaseDatabaseWrapper) -> str:
        return "numeric" if connection.vendor == "postgresql" else "text"

    def get_lookup(self, lookup_name: str) -> Any:
        if lookup_name != "isnull":
            raise FieldError(f"{self.name}: money is compared in Python, not by the database ({lookup_name})")
        return super().get_lookup(lookup_name)

    def to_python(self, value: Any) -> Decimal | None:
        if value is None:
            return None
        if isinstance(value, float):
            raise ValidationError(f"{value!r} is a float; money is Decimal")
        try:
            number = Decimal(value)
        except (InvalidOperation, TypeError, ValueError):
            raise ValidationError(f"{value!r} is not a decimal number") from None
        if not number.is_finite():
            raise ValidationError(f"{value!r} is not a finite number")
        return number

    def from_db_value(self, value: Any, _expression: Any, _connection: Any) -> Decimal | None:
        return None if value is None else Decimal(value)

    def get_prep_value(self, value: Any) -> Any:
        return self.to_python(super().get_prep_value(value))

    def get_db_prep_value(self, value: Any, connection: BaseDatabaseWrapper, prepared: bool = False) -> Any:
        number = value if prepared else self.get_prep_value(value)
        if number is None or connection.vendor == "postgresql":
            return number
        return format(number, "f")

    def value_to_string(self, obj: models.Model) -> str:
        value = self.value_from_object(obj)
        return "" if value is None else format(value, "f")


if TYPE_CHECKING:
    # For the type checker it reads and writes as Django's own does, nullable columns included.
    class ExactDecimalField(models.DecimalField[SetType, GetType]): ...
else:
    ExactDecimalField = _ExactDecimalField
    ExactDecimalField.__name__ = ExactDecimalField.__qualname__ = "ExactDecimalField"


def draw_public_id() -> str:
    """Return a random public id. The column's constraint makes sure that it is unique."""
    return random_id(PUBLIC_ID_LENGTH, secrets.choice)


class PublicIdField(models.CharField):  # type: ignore[type-arg]
    """A short random id for URLs, the API and exports. Primary keys are never shown."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        kwargs |= {"max_length": PUBLIC_ID_LENGTH, "unique": True, "editable": False}
        kwargs.setdefault("default", draw_public_id)
        super().__init__(*args, **kwargs)
