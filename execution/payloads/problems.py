"""The payload of a refusal for pages and the API."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated, cast

from typing_extensions import TypedDict

from execution.core.problems import Problem
from execution.payloads.fields import about


class ProblemRow(TypedDict):
    """One problem of a refused request."""

    field: Annotated[str, about("a field of the body or a parameter; empty: the whole request")]
    message: str
    value: str
    limit: str
    code: Annotated[str, about("why, for programs: one of docs/reference/error-codes.md")]


class Problems(TypedDict):
    """An error in the form of RFC 9457."""

    type: str
    title: str
    status: int
    code: Annotated[
        str, about("code of the first problem, else of the answer: docs/reference/error-codes.md")
    ]
    detail: str
    problems: list[ProblemRow]


def problem_row(problem: Problem) -> ProblemRow:
    """Return the problem as a payload. If the field is a parameter's, the prefix ``parameters.`` is left out."""
    return cast("ProblemRow", {**asdict(problem), "field": problem.field.removeprefix("parameters.")})
