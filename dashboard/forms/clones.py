"""An order as a filled ticket, to be sent again: fields as a form writes them, and what could not be kept."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from dashboard.forms.fields import shown_parameter
from execution.core.durations import as_clock, parse_instant
from execution.core.numbers import plain
from execution.core.orders.terms import ALGORITHMS
from execution.core.problems import Problem
from execution.payloads.orders import TicketAccount
from execution.selectors.ticket import OrderAsked


@dataclass(frozen=True, slots=True)
class Clone:
    """What the ticket is filled with."""

    written: dict[str, str]
    accounts: tuple[str, ...]
    #: What was left out, and why.
    notes: tuple[Problem, ...]


def clone_of(asked: OrderAsked, *, granted: Sequence[TicketAccount], now: datetime) -> Clone:
    """Fields of the order; a fixed start or end that has passed is left out, and so is an account not granted."""
    notes: list[Problem] = []
    theirs = {account["id"] for account in granted}
    for public_id, label in asked.accounts.items():
        if public_id not in theirs:
            notes.append(Problem("accounts", f"account {label} was left out: it is not yours to use", label))
    written = {
        "symbol": asked.symbol,
        "side": asked.side,
        "quantity": plain(asked.quantity),
        "unit": asked.unit,
        "algorithm": asked.algorithm,
        "limit_price": "" if asked.limit_price is None else plain(asked.limit_price),
        **_parameters(asked, now, notes),
    }
    return Clone(written, tuple(name for name in asked.accounts if name in theirs), tuple(notes))


def _parameters(asked: OrderAsked, now: datetime, notes: list[Problem]) -> dict[str, str]:
    if asked.algorithm not in ALGORITHMS:
        notes.append(
            Problem("algorithm", f"there is no algorithm {asked.algorithm!r} any more", asked.algorithm)
        )
        return {}
    infos: Mapping[str, Any] = ALGORITHMS[asked.algorithm].parameters.model_fields
    given = {name: value for name, value in asked.parameters.items() if value is not None}
    for name in ("start_at", "end_at"):
        if name in given and parse_instant(given[name]) <= now:
            word = "start" if name == "start_at" else "end"
            notes.append(Problem(name, f"the {word} {given.pop(name)} was left out: it has passed"))
    if "end_at" not in given and "duration" not in given:
        given["duration"] = as_clock(asked.duration)
    notes.extend(
        Problem(name, f"parameter {name} was left out: {asked.algorithm} has none such any more")
        for name in sorted(given.keys() - infos.keys())
    )
    return {name: shown_parameter(infos[name], given[name]) for name in infos if name in given}
