"""Presets: an algorithm with its parameters under a name."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from typing_extensions import TypedDict

from execution.payloads.fields import EpochMs, OptionalText, about
from execution.payloads.problems import ProblemRow


class PresetAccount(TypedDict):
    id: str
    label: str


class PresetRow(TypedDict):
    """A preset, with the reasons for which the desk would refuse its parameters now."""

    id: str
    name: str
    is_desk: Annotated[bool, about("true: a supervisor saved it for everybody; false: it is yours")]
    symbol: Annotated[OptionalText, about("null: any symbol")]
    algorithm: str
    parameters: Annotated[dict[str, Any], about("as they were saved; durations in ISO 8601")]
    accounts: Annotated[list[PresetAccount], about("empty: the ticket keeps its own")]
    limit_mode: Annotated[
        Literal["leave", "none", "beside"],
        about(
            "the limit price: leave it, have none, or take the one that the ticket proposes beside the mid"
        ),
    ]
    changed_by: str
    changed_at: EpochMs
    problems: Annotated[list[ProblemRow], about("why it cannot be used now; empty: it can")]


class Presets(TypedDict):
    presets: list[PresetRow]
