"""How the desk refuses: every problem names the field, the value and the limit."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Problem:
    """Why an input is refused. ``field`` is "" when it is about the whole; value and limit are texts."""

    field: str
    message: str
    value: str = ""
    limit: str = ""


class Refused(Exception):
    """The input is refused, nothing was created, and ``problems`` say why."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        super().__init__("; ".join(problem.message for problem in problems))
        self.problems = tuple(problems)
