"""Presets: an algorithm with its parameters under a name, to fill a ticket with.

A preset stores its parameters in the form of an order's terms. The desk checks them again whenever it shows the
preset, because bounds and parameters may change after the preset was saved.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import partial
from typing import Any

from execution.core.orders.parameters import AlgorithmParameters
from execution.core.orders.terms import ALGORITHMS, algorithm_problem, parse_parameters
from execution.core.problem_codes import Code
from execution.core.problems import Problem, Refused, attempt, length_problem, not_allowed, refuse, refuse_if
from execution.core.texts import first_unseen, visible

#: The most presets of one person, and of the desk.
MAX_PRESETS = 200
MAX_PRESET_NAME = 40
#: Parameters that belong to one order: its times, and a price of that day. A preset has none of them.
OF_ONE_ORDER = ("start_at", "end_at", "i_would_price")
#: Parameters in units of the base currency. They mean nothing for another symbol.
OF_ONE_SYMBOL = ("visible_quantity",)


class LimitMode(StrEnum):
    """The treatment of the ticket's limit price when a preset is applied."""

    LEAVE = "leave"  #: it stays as it is
    NONE = "none"  #: no limit price
    BESIDE = "beside"  #: the price that the ticket proposes beside the mid


@dataclass(frozen=True, slots=True)
class PresetRequest:
    """A preset to be saved. An empty symbol stands for any symbol. Without accounts, the preset leaves a ticket's
    accounts unchanged.
    """

    name: str
    symbol: str
    algorithm: str
    parameters: Mapping[str, Any]
    accounts: tuple[str, ...] = ()
    limit_mode: LimitMode = LimitMode.LEAVE


def parse_preset(raw: Mapping[str, Any]) -> PresetRequest:
    """Parse ``raw``: name, symbol, algorithm, parameters, accounts and limit mode. Raise ``Refused``."""
    problems: list[Problem] = []
    name = attempt(problems, partial(parse_preset_name, raw.get("name")))
    mode = attempt(problems, partial(_limit_mode, raw.get("limit_mode")))
    algorithm = str(raw.get("algorithm") or "").strip().lower()
    kept: Mapping[str, Any] | None = None
    if algorithm in ALGORITHMS:
        given = {
            key: value for key, value in (raw.get("parameters") or {}).items() if value not in (None, "")
        }
        kept = attempt(problems, lambda: kept_parameters(parse_parameters(algorithm, given)))
    else:
        problems.append(algorithm_problem(algorithm))
    refuse_if(problems)
    return PresetRequest(
        name=name or "",
        symbol=str(raw.get("symbol") or "").strip().upper(),
        algorithm=algorithm,
        parameters=kept or {},
        accounts=tuple(dict.fromkeys(raw.get("accounts") or ())),
        limit_mode=mode or LimitMode.LEAVE,
    )


def parse_preset_name(value: Any) -> str:
    name = " ".join(str(value or "").split(" ")).strip()
    if not 1 <= len(name) <= MAX_PRESET_NAME:
        raise Refused([length_problem("name", "The name", name, MAX_PRESET_NAME, 1)])
    if (unseen := first_unseen(name)) is not None:
        message = f"The name has a character that cannot be seen: {unseen}. Remove it."
        refuse("name", message, visible(name), code=Code.VALUE_MALFORMED)
    return name


def _limit_mode(value: Any) -> LimitMode:
    text = str(value or LimitMode.LEAVE)
    try:
        return LimitMode(text)
    except ValueError:
        raise Refused([not_allowed("limit_mode", "Limit price", text, LimitMode)]) from None


def kept_parameters(parameters: AlgorithmParameters) -> dict[str, Any]:
    """Return the parameters as a preset stores them: all that have a value, including default values.

    Because defaults are stored, a later change of a default does not change the preset. Raise ``Refused`` for a start,
    an end or an I-would price, which belong to one order.
    """
    kept = {name: value for name, value in parameters.model_dump(mode="json").items() if value is not None}
    infos: Mapping[str, Any] = type(parameters).model_fields
    refuse_if(
        [
            Problem(
                name,
                f"{infos[name].title} is {kept[name]}. It belongs to one order: a preset cannot keep it. "
                f"Clear the field{', and give a duration instead' if name == 'end_at' else ''}.",
                str(kept[name]),
                code=Code.PRESET_OF_ONE_ORDER,
            )
            for name in OF_ONE_ORDER
            if name in kept
        ]
    )
    return kept


def preset_problems(algorithm: str, parameters: Mapping[str, Any]) -> tuple[Problem, ...]:
    """Return why the desk would refuse these stored parameters now; empty if it would accept them."""
    if algorithm not in ALGORITHMS:
        return (algorithm_problem(algorithm),)
    try:
        parse_parameters(algorithm, parameters)
    except Refused as refused:
        return tuple(refused.problems)
    return ()


def repeatable(parameters: Mapping[str, Any], *, same_symbol: bool) -> dict[str, Any]:
    """Return the parameters of an earlier order that a new order may begin with.

    The seed is left out, because two orders with the same seed would make the same random choices.
    """
    left_out = {*OF_ONE_ORDER, "seed", *(() if same_symbol else OF_ONE_SYMBOL)}
    return {name: value for name, value in parameters.items() if value is not None and name not in left_out}
