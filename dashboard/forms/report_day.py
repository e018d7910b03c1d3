"""The day of a report, as a person or program wrote it in the address."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

from pydantic import ValidationError

from execution.core.problem_codes import Code
from execution.core.problems import Problem
from execution.selectors.orders.order_filter import ReportDay, filter_problems


@dataclass(frozen=True, slots=True)
class DayForm:
    """``written`` is the text in the address. ``day`` is the day read from it, or today if it is empty or has
    problems.
    """

    day: date
    written: str
    problems: tuple[Problem, ...] = ()


def read_day(raw: Mapping[str, str], today: date, *, may_be_empty: bool = True) -> DayForm:
    """Read the day in ``raw``. A day after ``today`` is a problem, and so is any parameter other than ``day``.

    With ``may_be_empty`` an empty day stands for ``today``, as in a form whose field is empty.
    """
    written = {name: str(text).strip() for name, text in raw.items()}
    shown = written.get("day", "")
    try:
        read = ReportDay.model_validate(
            {name: text for name, text in written.items() if text or name != "day" or not may_be_empty}
        )
    except ValidationError as error:
        return DayForm(today, shown, tuple(filter_problems(ReportDay, error)))
    day = read.day or today
    if day > today:
        message = f"Day is {day}. It must not be after today, {today} UTC."
        problem = Problem("day", message, str(day), str(today), code=Code.VALUE_OUT_OF_RANGE)
        return DayForm(today, shown, (problem,))
    return DayForm(day, shown or str(today))
