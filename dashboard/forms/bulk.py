"""The parsing of an action on many orders, from a page or from the API."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from decimal import Decimal
from typing import Any, cast

from pydantic import TypeAdapter

from execution.core.durations import parse_duration
from execution.core.numbers import shortened
from execution.core.orders.bulk import BulkAction, BulkRequest, ChosenOrder
from execution.core.orders.policies import ResumeMode
from execution.core.problem_codes import Code
from execution.core.problems import Problem, attempt, checked_number, refuse, refuse_if

MODES = ("catch_up", "shift")
_DURATION = TypeAdapter(timedelta)


def read_bulk(
    action: BulkAction, orders: Sequence[ChosenOrder], *, reason: str, mode: Any, by: Any, urgency: Any
) -> BulkRequest:
    """Return the action as a request. Raises ``Refused`` with every problem. An empty field is treated as missing."""
    problems: list[Problem] = []
    request = BulkRequest(
        action=action,
        orders=tuple(orders),
        reason=reason.strip(),
        mode=_mode(mode, problems),
        by=attempt(problems, lambda: _length(by)),
        urgency=attempt(problems, lambda: _urgency(urgency)),
    )
    refuse_if(problems)
    return request


def _mode(value: Any, problems: list[Problem]) -> ResumeMode | None:
    if not value:
        return None
    if value in MODES:
        return cast("ResumeMode", value)
    message = f"Mode is {shortened(str(value))!r}. It must be catch_up or shift."
    problems.append(Problem("mode", message, str(value), ", ".join(MODES), code=Code.VALUE_NOT_ALLOWED))
    return None


def _length(value: Any) -> timedelta | None:
    if value in (None, ""):
        return None
    try:
        return _DURATION.validate_python(parse_duration(value))
    except ValueError:
        message = f"The extension is {shortened(str(value))!r}. Write seconds, HH:MM:SS or text such as 90m."
        refuse("by", message, str(value), code=Code.VALUE_MALFORMED)


def _urgency(value: Any) -> Decimal | None:
    return None if value in (None, "") else checked_number("urgency", "Urgency", value, may_be_zero=True)
