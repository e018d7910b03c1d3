"""How the desk refuses: every problem names the field, the value and the limit."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from execution.core.numbers import shortened

#: Characters of each text of a problem, and problems of one refusal: an answer stays short whatever was sent.
MAX_MESSAGE = 500
MAX_VALUE = 80
MAX_LIMIT = 400
MAX_PROBLEMS = 12


@dataclass(frozen=True, slots=True)
class Problem:
    """Why an input is refused. ``field`` is "" when it is about the whole; value and limit are texts."""

    field: str
    message: str
    value: str = ""
    limit: str = ""

    def __post_init__(self) -> None:
        for name, most in (
            ("field", MAX_VALUE),
            ("message", MAX_MESSAGE),
            ("value", MAX_VALUE),
            ("limit", MAX_LIMIT),
        ):
            object.__setattr__(self, name, shortened(getattr(self, name), most))


class Refused(Exception):
    """The input is refused, nothing was created, and ``problems`` say why."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        self.problems = first_problems(problems)
        super().__init__("; ".join(problem.message for problem in self.problems))


def first_problems(problems: Sequence[Problem]) -> tuple[Problem, ...]:
    """As many as an answer shows, and how many more there are."""
    if len(problems) <= MAX_PROBLEMS:
        return tuple(problems)
    return (*problems[:MAX_PROBLEMS], Problem("", f"and {len(problems) - MAX_PROBLEMS:,} more problems"))
