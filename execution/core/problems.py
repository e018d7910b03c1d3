"""Refusals: every problem names the field, the value, the limit and a code."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import NoReturn, TypeVar

from execution.core.durations import as_clock
from execution.core.numbers import NumberRefused, decimal_number, grouped, plain, shortened
from execution.core.problem_codes import Code

#: The most characters of each text of a problem, and the most problems of one refusal. They keep an answer short.
MAX_MESSAGE = 500
MAX_VALUE = 80
MAX_LIMIT = 400
MAX_PROBLEMS = 12

Value = str | int | Decimal | datetime | timedelta


@dataclass(frozen=True, slots=True, init=False)
class Problem:
    """A reason to refuse an input, in a sentence and by its code. ``field`` is "" if it concerns the whole input."""

    field: str
    message: str
    value: str
    limit: str
    code: Code

    def __init__(self, field: str, message: str, value: Value = "", limit: Value = "", *, code: Code) -> None:
        object.__setattr__(self, "field", shortened(field, MAX_VALUE))
        object.__setattr__(self, "message", shortened(message, MAX_MESSAGE))
        object.__setattr__(self, "value", shortened(_text(value), MAX_VALUE))
        object.__setattr__(self, "limit", shortened(_text(limit), MAX_LIMIT))
        object.__setattr__(self, "code", code)


class Refused(Exception):
    """The refusal of an input. Nothing was created, and ``problems`` give the reasons."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        self.problems = first_problems(problems)
        super().__init__(sentences(self.problems))


def refuse(field: str, message: str, value: Value = "", limit: Value = "", *, code: Code) -> NoReturn:
    """Raise ``Refused`` with one problem."""
    raise Refused([Problem(field, message, value, limit, code=code)]) from None


def refuse_if(problems: Sequence[Problem]) -> None:
    """Raise ``Refused`` if there are problems."""
    if problems:
        raise Refused(problems)


T = TypeVar("T")


def attempt(problems: list[Problem], step: Callable[[], T]) -> T | None:
    """Call ``step`` and return its result. If it refuses, add its problems to ``problems`` and return None."""
    try:
        return step()
    except Refused as refused:
        problems.extend(refused.problems)
        return None


def length_problem(field: str, label: str, text: str, most: int, least: int = 0) -> Problem:
    """Return the problem for a text that is longer than ``most`` or shorter than ``least`` characters."""
    allowed = f"from {least} to {most:,}" if least else f"at most {most:,}"
    fact = f"has {len(text):,} characters" if text else "is missing"
    message = f"{label} {fact}. It may have {allowed}{'' if text else ' characters'}."
    return Problem(field, message, len(text), most, code=Code.LENGTH_OUT_OF_RANGE)


def not_allowed(field: str, label: str, value: str, allowed: Iterable[str]) -> Problem:
    """Return the problem for a value that is not one of the ``allowed`` names."""
    names = ", ".join(allowed)
    message = f"{label} is {shortened(value)!r}. It must be one of {names}."
    return Problem(field, message, value, names, code=Code.VALUE_NOT_ALLOWED)


def checked_number(field: str, label: str, value: object, *, may_be_zero: bool = False) -> Decimal:
    """Return a decimal above zero, or zero if ``may_be_zero``. Raises ``Refused``, with the value and the limit."""
    try:
        number = decimal_number(value)
    except NumberRefused as refused:
        message = f"{label} is {shortened(value)}: {refused}."
        refuse(field, message, str(value), code=Code.VALUE_MALFORMED)
    if number < 0 or (number == 0 and not may_be_zero):
        limit = "at least 0" if may_be_zero else "above 0"
        message = f"{label} is {grouped(number)}. It must be {limit}."
        refuse(field, message, number, 0, code=Code.VALUE_OUT_OF_RANGE)
    return number


def as_sentence(reason: str) -> str:
    """Return a reason as a sentence, with a capital and a full stop."""
    return f"{reason[:1].upper()}{reason[1:]}."


def sentences(problems: Sequence[Problem]) -> str:
    """Return the messages of ``problems`` as one text."""
    return " ".join(problem.message for problem in problems)


def first_problems(problems: Sequence[Problem]) -> tuple[Problem, ...]:
    """Return the first problems, as many as one answer may show.

    If some are left out, one more problem says how many.
    """
    if len(problems) <= MAX_PROBLEMS:
        return tuple(problems)
    more = f"There are {len(problems) - MAX_PROBLEMS:,} more problems."
    return (*problems[:MAX_PROBLEMS], Problem("", more, code=Code.MORE_PROBLEMS))


def _text(value: Value) -> str:
    if isinstance(value, Decimal):
        return plain(value)
    if isinstance(value, datetime):
        return value.isoformat()
    return as_clock(value) if isinstance(value, timedelta) else str(value)
