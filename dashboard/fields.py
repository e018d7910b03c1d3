"""The ticket's fields of an algorithm, generated from its parameter model, and the way back.

The model speaks in fractions and ISO times; people write percent and ``15:30``. The translation is here,
both ways, so that a refusal speaks of what was written.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal, InvalidOperation
from typing import Any

from pydantic import TypeAdapter

from execution.core.durations import as_clock, parse_duration
from execution.core.plans import plain
from execution.core.problems import Problem
from execution.core.terms import ALGORITHMS

#: What a fresh ticket proposes where the model has no default.
PROPOSED = {"duration": "01:00:00"}
PLACEHOLDERS = {"start_at": "now", "end_at": "by duration", "slices": "one a minute", "duration": "by end"}
_DURATION = TypeAdapter(timedelta)  # reads ISO 8601, as parameters are kept
_TIME = re.compile(r"^\d{1,2}:\d{2}(:\d{2})?$")


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


def algorithm_fields(algorithm: str, values: Mapping[str, str] | None = None) -> list[Field]:
    """The algorithm's fields with what was written in them, else with what the model proposes."""
    return [
        _field(name, info, None if values is None else values.get(name, ""))
        for name, info in ALGORITHMS[algorithm].parameters.model_fields.items()
    ]


def _field(name: str, info: Any, value: str | None) -> Field:
    extra: dict[str, Any] = info.json_schema_extra or {}
    widget = str(extra.get("widget", "text"))
    if value is None:
        value = PROPOSED.get(name, "") if info.default is None else _shown(info.default, widget)
    return Field(
        name=name,
        label=info.title or name,
        description=info.description or "",
        widget=widget,
        unit=str(extra.get("unit", "")),
        advanced=bool(extra.get("advanced")),
        value=value,
        placeholder=PLACEHOLDERS.get(name, ""),
    )


def shown_parameter(info: Any, value: Any) -> str:
    """A parameter as the records keep it, as the form writes it."""
    widget = str((info.json_schema_extra or {}).get("widget", "text"))
    if widget == "duration":
        return as_clock(_DURATION.validate_python(parse_duration(value)))
    return _shown(value, widget)


def _shown(value: Any, widget: str) -> str:
    return _percent(value) if widget == "percent" else str(value)


def _percent(value: Any) -> str:
    return plain(Decimal(str(value)) * 100)


def parameters_raw(algorithm: str, written: Mapping[str, str], now: datetime) -> dict[str, str]:
    """What was written, as the parameter model reads it; what cannot be translated is left for it to refuse."""
    return {
        field.name: _raw(written[field.name].strip(), field.widget, now)
        for field in algorithm_fields(algorithm)
        if written.get(field.name, "").strip()
    }


def _raw(value: str, widget: str, now: datetime) -> str:
    if widget == "percent":
        try:
            return format(Decimal(value.removesuffix("%").strip()) / 100, "f")
        except (InvalidOperation, ValueError):
            return value
    if widget == "datetime" and _TIME.match(value):
        # A time alone is today's: one that has passed is refused as past, never taken for tomorrow's.
        hour, rest = value.split(":", 1)
        return f"{now:%Y-%m-%d}T{hour.rjust(2, '0')}:{rest}+00:00"
    return value


def problem_as_written(problem: Problem, algorithm: str) -> Problem:
    """The problem in the units of the form."""
    infos = ALGORITHMS[algorithm].parameters.model_fields if algorithm in ALGORITHMS else {}
    info: Any = infos.get(problem.field)
    extra = (info.json_schema_extra or {}) if info else {}
    if extra.get("widget") != "percent" or not problem.limit:
        return problem
    try:
        value, limit = _percent(problem.value), _percent(problem.limit)
    except InvalidOperation:
        return problem
    message = problem.message.replace(f"is {problem.value};", f"is {value} %;")
    message = message.removesuffix(f" {problem.limit}") + f" {limit} %"
    return Problem(problem.field, message, f"{value} %", f"{limit} %")
