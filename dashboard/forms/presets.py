"""Presets on the ticket: the choices for its algorithm and symbol, and the fields that each one fills."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from dashboard.forms.accounts import account_left_out
from dashboard.forms.fields import algorithm_fields, shown_parameter
from execution.core.durations import as_clock
from execution.core.orders.presets import OF_ONE_ORDER, preset_problems, repeatable
from execution.core.orders.terms import ALGORITHMS, algorithm_label
from execution.core.problems import sentences
from execution.payloads.encode import moment_of
from execution.payloads.orders import TicketAccount
from execution.payloads.presets import PresetRow
from execution.selectors.presets import LastUsed, presets_fitting

#: The choices that are no preset.
DEFAULTS, LAST = "defaults", "last"
LIMIT_WORDS = {
    "leave": "leave it as it is",
    "none": "no limit price",
    "beside": "beside the mid, as the ticket proposes it",
}


@dataclass(frozen=True, slots=True)
class Choice:
    """A choice of the ticket's presets. One with ``trouble`` cannot be chosen, and the text says why."""

    key: str
    words: str
    trouble: str = ""


@dataclass(frozen=True, slots=True)
class TicketPresets:
    """The choices of a ticket among presets.

    ``groups`` has them in their groups. ``fillings`` has, by the key of a choice, the values that it fills in.
    ``others`` names the other algorithms that have presets for this symbol.
    """

    groups: tuple[tuple[str, tuple[Choice, ...]], ...]
    fillings: Mapping[str, Mapping[str, Any]]
    others: tuple[str, ...] = ()

    @property
    def troubles(self) -> list[Choice]:
        return [choice for _, choices in self.groups for choice in choices if choice.trouble]


def stored_fields(algorithm: str, parameters: Mapping[str, Any]) -> dict[str, str]:
    """Return the form's values for stored parameters, one for every field of the algorithm.

    Start, end and I-would price are left out, so the ticket keeps its own values. If a duration is stored, the
    ticket's end is emptied, because an order has either a duration or an end.
    """
    infos: Mapping[str, Any] = ALGORITHMS[algorithm].parameters.model_fields
    given = ALGORITHMS[algorithm].parameters.completed(parameters)
    shown = {name: shown_parameter(infos[name], given[name]) for name in infos if given.get(name) is not None}
    return _form_values(algorithm, shown)


def _form_values(algorithm: str, shown: Mapping[str, str] | None = None) -> dict[str, str]:
    found = {
        field.name: field.value
        for field in algorithm_fields(algorithm, shown)
        if field.name not in OF_ONE_ORDER
    }
    return found | ({"end_at": ""} if found.get("duration") else {})


def ticket_presets(
    rows: Sequence[PresetRow],
    *,
    algorithm: str,
    symbol: str,
    granted: Sequence[TicketAccount],
    last: LastUsed | None,
) -> TicketPresets:
    """Return the choices for an algorithm and symbol: the defaults, the last order, own presets and the desk's."""
    fitting = presets_fitting(rows, algorithm=algorithm, symbol=symbol)
    fillings: dict[str, Mapping[str, Any]] = {DEFAULTS: _filling("The defaults", default_values(algorithm))}
    begin = [Choice(DEFAULTS, "The defaults")]
    if last is not None:
        used = last_filling(last, symbol, granted)
        begin.append(Choice(LAST, used["name"], used.get("trouble", "")))
        fillings[LAST] = used
    for row in fitting:
        if not row["problems"]:
            fillings[row["id"]] = _preset_filling(row, granted)
    own = [row for row in fitting if not row["is_desk"]]
    groups = [
        ("Begin with", begin),
        (f"Yours for {symbol}", [_choice(row) for row in own if row["symbol"]]),
        ("Yours for any symbol", [_choice(row) for row in own if not row["symbol"]]),
        ("The desk's", [_choice(row) for row in fitting if row["is_desk"]]),
    ]
    others = {
        algorithm_label(row["algorithm"])
        for row in rows
        if row["algorithm"] != algorithm and row["symbol"] in {"", symbol}
    }
    return TicketPresets(
        tuple((words, tuple(found)) for words, found in groups if found), fillings, tuple(sorted(others))
    )


def _choice(row: PresetRow) -> Choice:
    trouble = " ".join(problem["message"] for problem in row["problems"])
    words = row["name"] if row["symbol"] or not row["is_desk"] else f"{row['name']} (any symbol)"
    return Choice(row["id"], words, trouble)


def _filling(name: str, values: Mapping[str, str], **more: Any) -> dict[str, Any]:
    return {"name": name, "fields": values, "accounts": None, "limit": "leave", "notes": [], **more}


def _preset_filling(row: PresetRow, granted: Sequence[TicketAccount]) -> dict[str, Any]:
    theirs, notes = _usable({account["id"]: account["label"] for account in row["accounts"]}, granted)
    return _filling(
        row["name"],
        stored_fields(row["algorithm"], row["parameters"]),
        accounts=theirs or None,
        limit=row["limit_mode"],
        notes=notes,
    )


def last_filling(last: LastUsed, symbol: str, granted: Sequence[TicketAccount]) -> dict[str, Any]:
    """Return what an earlier order fills into a ticket. If the desk would refuse its parameters now, the result fills
    in nothing and gives the reason as ``trouble``.
    """
    order, is_same = last.order, last.order.symbol == symbol
    name = f"Last used in {order.symbol}, {last.at:%-d %B %H:%M} UTC"
    length = {} if order.parameters.get("end_at") is None else {"duration": as_clock(order.duration)}
    if problems := preset_problems(order.algorithm, repeatable(order.parameters, same_symbol=True) | length):
        return _filling(name, {}, trouble=sentences(problems))
    given = repeatable(order.parameters, same_symbol=is_same) | length
    theirs, notes = _usable(order.accounts, granted) if is_same else ([], [])
    return _filling(name, stored_fields(order.algorithm, given), accounts=theirs or None, notes=notes)


def _usable(labels: Mapping[str, str], granted: Sequence[TicketAccount]) -> tuple[list[str], list[str]]:
    """Return the public ids of those accounts that the person may use, and a note for each other account.

    ``labels`` has the accounts' labels by public id.
    """
    theirs = {account["id"] for account in granted}
    notes = [account_left_out(label).message for name, label in labels.items() if name not in theirs]
    return [name for name in labels if name in theirs], notes


def default_values(algorithm: str) -> dict[str, str]:
    """Return the default values of the form.

    Start, end and I-would price are left out, so the ticket keeps its own values.
    """
    return _form_values(algorithm)


# --- the page of presets ---------------------------------------------------------------------------


def preset_table(rows: Sequence[PresetRow], *, is_supervisor: bool) -> list[dict[str, Any]]:
    """Return the rows of the page of presets: parameters in words, and whether the person may change them."""
    return [
        {
            **row,
            "label": algorithm_label(row["algorithm"]),
            "words": preset_words(row),
            "limit_words": LIMIT_WORDS[row["limit_mode"]],
            "changed_at": moment_of(row["changed_at"]),
            "trouble": " ".join(problem["message"] for problem in row["problems"]),
            "may_change": row["is_desk"] == is_supervisor,
        }
        for row in rows
    ]


def preset_words(row: PresetRow) -> str:
    """Return the parameters in which a preset differs from the defaults: ``duration 02:00:00, urgency 0.3``."""
    if row["algorithm"] not in ALGORITHMS:
        return ", ".join(f"{name} {value}" for name, value in row["parameters"].items())
    infos: Mapping[str, Any] = ALGORITHMS[row["algorithm"]].parameters.model_fields
    defaults = default_values(row["algorithm"])
    found = []
    for field in algorithm_fields(row["algorithm"]):
        value = row["parameters"].get(field.name)
        shown = None if value is None else _shown(infos[field.name], value)
        if shown is None or shown == defaults.get(field.name):
            continue
        words = dict(field.choices).get(shown, shown)
        found.append(f"{field.label.lower()} {words}{f' {field.unit}' if field.unit else ''}")
    return ", ".join(found) or "all defaults"


def _shown(info: Any, value: Any) -> str:
    """Return a stored parameter in the form's notation; as it is stored if it cannot be read any more."""
    try:
        return shown_parameter(info, value)
    except (ArithmeticError, ValueError):
        return str(value)


def beginning(last: LastUsed, symbol: str, granted: Sequence[TicketAccount]) -> tuple[dict[str, Any], str]:
    """Return what the person's last order fills into a new ticket, and a sentence that says which order it was."""
    filling = last_filling(last, symbol, granted)
    label = algorithm_label(last.order.algorithm)
    when = _day(last.at)
    if "trouble" in filling:
        return filling, (
            f"What you last used, {label} in {last.order.symbol} {when}, cannot be used now. {filling['trouble']} "
            "These are the defaults."
        )
    if last.order.symbol == symbol:
        return (
            filling,
            f"Begun with {label}, the parameters and the accounts of your last order in {symbol}, {when}.",
        )
    return filling, (
        f"You have no order in {symbol} yet. Algorithm and parameters are those of your last order, "
        f"in {last.order.symbol} {when}."
    )


def _day(moment: datetime) -> str:
    return f"on {moment:%-d %B at %H:%M} UTC"
