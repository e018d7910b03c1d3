"""The ticket's fields for an algorithm's parameters, made from its parameter model, and the parsing of their input.

The model uses fractions and ISO times. People write percent and ``15:30``. This module translates both ways, so that a
refusal repeats what the person wrote.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from pydantic import TypeAdapter

from execution.core.durations import as_clock, parse_duration
from execution.core.numbers import NumberRefused, decimal_number, plain, without_grouping
from execution.core.orders.parameters import form_input
from execution.core.orders.policies import RiskLevel
from execution.core.orders.terms import ALGORITHMS
from execution.core.problems import Problem

#: Values that a new ticket proposes for fields without a default in the model.
PROPOSED = {"duration": "01:00:00"}
PLACEHOLDERS = {
    "start_at": "now",
    "end_at": "by duration",
    "slices": "one a minute",
    "slice_length": "five minutes",
    "duration": "by end",
    "visible_quantity": "0.000",
    "participation_rate": "10",
    "participation_cap": "none",
    "minimum_rate": "half of the rate",
    "maximum_rate": "1½ of the rate",
    "i_would_price": "none",
    "seed": "drawn",
    "move_after": "00:00:10",
    "risk_aversion": "0.000001",
    "volatility": "by candles",
    "impact_bp": "by spread",
}
#: The words for the values of a choice.
CHOICE_WORDS = {
    "at_end": {"cross": "sweep the remainder", "stop": "stop", "extend": "extend"},
    "outside_limit": {"wait": "wait and catch up", "shift": "shift the schedule"},
    "mode": {"split": "split over the accounts", "single": "single best account"},
    "risk": {"low": "low", "medium": "medium", "high": "high", "numbers": "by number"},
    "shortfall": {"part": "fill what is available", "refuse": "refuse the order"},
}
#: Fields that belong to one value of another field.
ONLY_WITH = {"risk_aversion": ("risk", RiskLevel.NUMBERS.value)}
#: Widgets that offer a few values. They are never empty.
CHOICES = ("choice", "switch")
#: The step of a slider. A value between two steps, from a cloned order, stays as it is.
SLIDER_STEP = Decimal("0.05")
#: The order of the fields that are not under "More". These come first, then the algorithm's own fields, then ``LAST``.
FIRST = ("duration", "end_at", "start_at")
LAST = ("urgency",)
#: Widgets that hold a number.
NUMBERS = ("percent", "bp", "decimal", "integer", "share")
_DURATION = TypeAdapter(timedelta)  # reads ISO 8601, as parameters are kept
_TIME = re.compile(r"[0-9]{1,2}:[0-9]{2}(:[0-9]{2})?")


@dataclass(frozen=True, slots=True)
class Field:
    """An input of the ticket."""

    name: str
    label: str
    description: str
    widget: str
    unit: str
    advanced: bool
    value: str
    placeholder: str
    #: The algorithms that have this field.
    algorithms: tuple[str, ...] = ()
    #: The allowed values, each with its words. Empty: any value.
    choices: tuple[tuple[str, str], ...] = ()
    step: str = ""
    #: Whether the chosen algorithm has this field, and the field on which it depends has the value ``only_with[1]``.
    shown: bool = True
    only_with: tuple[str, str] | None = None


def ticket_fields(algorithm: str, values: Mapping[str, str] | None = None) -> list[Field]:
    """Return the fields of all algorithms, each field once.

    Because the page has all fields, it keeps their input when a person switches the algorithm.
    """
    others = {name: algorithm_fields(name) for name in ALGORITHMS if name != algorithm}
    by_name = {algorithm: algorithm_fields(algorithm, values)} | others
    users: dict[str, list[str]] = {}
    found: dict[str, Field] = {}
    for user, fields in by_name.items():
        for field in fields:
            users.setdefault(field.name, []).append(user)
            found.setdefault(field.name, field)
    said = {name: field.value for name, field in found.items()}
    return sorted(
        (
            replace(
                field, algorithms=tuple(users[name]), shown=algorithm in users[name] and _wanted(field, said)
            )
            for name, field in found.items()
        ),
        key=_place,
    )


def _wanted(field: Field, said: Mapping[str, str]) -> bool:
    return field.only_with is None or said.get(field.only_with[0]) == field.only_with[1]


def _place(field: Field) -> int:
    if field.name in FIRST:
        return FIRST.index(field.name)
    return len(FIRST) + (field.name in LAST)


def field_defaults() -> dict[str, dict[str, dict[str, str]]]:
    """Return the values and placeholders of a new ticket, by algorithm and field."""
    return {
        name: {
            field.name: {"value": field.value, "placeholder": field.placeholder}
            for field in algorithm_fields(name)
        }
        for name in ALGORITHMS
    }


def algorithm_fields(algorithm: str, values: Mapping[str, str] | None = None) -> list[Field]:
    """Return the algorithm's fields with ``values``, which a person wrote. Without ``values``, use the model's
    defaults.
    """
    model = ALGORITHMS[algorithm].parameters
    fields = [
        _field(name, info, None if values is None else values.get(name, ""))
        for name, info in model.model_fields.items()
    ]
    least = model.default_duration
    if least is None:
        return fields
    return [_with_default_duration(field, least, values is None) for field in fields]


def _with_default_duration(field: Field, duration: timedelta, is_fresh: bool) -> Field:
    if field.name != "duration":
        return field
    return replace(field, value="" if is_fresh else field.value, placeholder=as_clock(duration))


def _field(name: str, info: Any, value: str | None) -> Field:
    taken = form_input(info)
    widget = taken.widget
    default = None if info.is_required() else info.default
    if value is None or (widget in {*CHOICES, "share"} and not value):
        # A choice and a slider are never empty.
        value = PROPOSED.get(name, "") if default is None else _shown(default, widget)
    return Field(
        name=name,
        label=info.title or name,
        description=info.description or "",
        widget=widget,
        unit=taken.unit,
        advanced=bool(info.json_schema_extra["advanced"]),
        value=value,
        placeholder=PLACEHOLDERS.get(name, ""),
        choices=_choices(name, info.annotation) if widget in CHOICES else (),
        step=_step(value) if widget == "share" else "",
        only_with=ONLY_WITH.get(name),
    )


def _choices(name: str, enum: Any) -> tuple[tuple[str, str], ...]:
    words = CHOICE_WORDS.get(name, {})
    return tuple((member.value, words.get(member.value, member.value)) for member in enum)


def _step(value: str) -> str:
    try:
        return str(SLIDER_STEP) if decimal_number(value) % SLIDER_STEP == 0 else "any"
    except NumberRefused:
        return str(SLIDER_STEP)


def shown_parameter(info: Any, value: Any) -> str:
    """Return a stored parameter in the notation of the form, such as percent."""
    widget = form_input(info).widget
    if widget == "duration":
        return as_clock(_DURATION.validate_python(parse_duration(value)))
    return _shown(value, widget)


def _shown(value: Any, widget: str) -> str:
    if isinstance(value, timedelta):
        return as_clock(value)
    return _percent(value) if widget == "percent" else str(value)


def parameter_labels(algorithm: str) -> list[dict[str, Any]]:
    """Return a label for each parameter that an order's page lists. Start, end and duration are shown elsewhere."""
    if algorithm not in ALGORITHMS:
        return []
    return [
        {
            "name": field.name,
            "label": field.label,
            "unit": field.unit,
            "widget": field.widget,
            "choices": dict(field.choices),
        }
        for field in algorithm_fields(algorithm)
        if field.name not in FIRST
    ]


def _percent(value: Any) -> str:
    return plain(Decimal(str(value)) * 100)


def parameters_raw(algorithm: str, form: Mapping[str, str], now: datetime) -> dict[str, str]:
    """Translate a form's input into the notation of the parameter model.

    Text that cannot be translated is passed on, and the model refuses it.
    """
    return {
        field.name: _raw(form[field.name].strip(), field.widget, now)
        for field in algorithm_fields(algorithm)
        if form.get(field.name, "").strip()
    }


def _raw(value: str, widget: str, now: datetime) -> str:
    if widget in NUMBERS:
        value = without_grouping(value.removesuffix("%") if widget == "percent" else value)
    if widget == "percent":
        try:
            return plain(decimal_number(value) / 100)
        except NumberRefused:
            return value
    if widget == "datetime" and _TIME.fullmatch(value):
        # A time alone is today's: one that has passed is refused as past, never taken for tomorrow's.
        hour, rest = value.split(":", 1)
        return f"{now:%Y-%m-%d}T{hour.rjust(2, '0')}:{rest}+00:00"
    return value


def problems_as_written(problems: Iterable[Problem], algorithm: str) -> tuple[Problem, ...]:
    return tuple(problem_as_written(problem, algorithm) for problem in problems)


def problem_as_written(problem: Problem, algorithm: str) -> Problem:
    """Return the problem in the units of the form."""
    infos = ALGORITHMS[algorithm].parameters.model_fields if algorithm in ALGORITHMS else {}
    info = infos.get(problem.field)
    if info is None or form_input(info).widget != "percent" or not problem.limit:
        return problem
    try:
        value, limit = (plain(decimal_number(text) * 100) for text in (problem.value, problem.limit))
    except NumberRefused:
        return problem
    message = problem.message.replace(f"is {problem.value}.", f"is {value} %.")
    message = message.removesuffix(f" {problem.limit}.") + f" {limit} %."
    return Problem(problem.field, message, f"{value} %", f"{limit} %", code=problem.code)
