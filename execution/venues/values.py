"""Single values of an exchange's answer: exact numbers, times and texts. ``None`` stays ``None``."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from typing import Any


class AnswerError(ValueError):
    """An answer whose contents are not those that were requested."""


class OneSided(AnswerError):
    """A book or a quote without bids or without asks."""


def listed(answer: Any) -> list[Any]:
    if not isinstance(answer, list):
        raise AnswerError(f"a list was expected, not {type(answer).__name__}")
    return answer


def decimal_or_none(value: Any) -> Decimal | None:
    """Return the exact number. Raise ``AnswerError`` for a value that is not a finite number."""
    if value is None or value == "":
        return None
    if isinstance(value, bool) or not isinstance(value, str | int | float | Decimal):
        raise AnswerError(f"{value!r} is no number")
    try:
        number = Decimal(str(value))  # the shortest digits of a float, which are those on the wire
    except InvalidOperation:
        raise AnswerError(f"{value!r} is no number") from None
    if not number.is_finite():
        raise AnswerError(f"{value!r} is not finite")
    return number


def time_or_none(milliseconds: Any) -> datetime | None:
    number = decimal_or_none(milliseconds)
    if number is None:
        return None
    try:
        return datetime.fromtimestamp(float(number / 1000), UTC)
    except (OverflowError, ValueError, OSError):
        raise AnswerError(f"{milliseconds!r} is no time") from None


def milliseconds_of(moment: datetime) -> int:
    """Return whole milliseconds since the epoch, rounded down."""
    return int(moment.timestamp() * 1000)


def text_or_none(value: Any) -> str | None:
    return None if value is None or value == "" else str(value)


def confirm(answer: Any, way: tuple[str | int, ...]) -> None:
    """Raise ``AnswerError`` if the path ``way`` leads to no value in ``answer``, which then confirms nothing."""
    found = answer
    try:
        for step in way:
            found = found[step]
    except (KeyError, IndexError, TypeError):
        found = None
    if found in (None, "", 0, "0"):
        raise AnswerError(f"the answer has no {'.'.join(map(str, way))}")
