"""A ticket that is filled from an earlier order: the order's fields in the form's notation, and the values that were
left out.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from dashboard.forms.accounts import account_left_out
from dashboard.forms.fields import shown_parameter
from execution.core.durations import as_clock, parse_instant
from execution.core.numbers import grouped, plain
from execution.core.orders.terms import ALGORITHMS
from execution.core.problem_codes import Code
from execution.core.problems import Problem
from execution.core.types import ZERO, Unit
from execution.payloads.orders import TicketAccount
from execution.selectors.ticket import OrderAsked


@dataclass(frozen=True, slots=True)
class Clone:
    """The contents of a ticket that repeats an order."""

    written: dict[str, str]
    accounts: tuple[str, ...]
    #: The values that were left out, each with the reason.
    notes: tuple[Problem, ...]


def clone_of(
    order: OrderAsked, *, granted: Sequence[TicketAccount], now: datetime, only_left: bool = False
) -> Clone:
    """Return the order as the contents of a ticket.

    A start or end that has passed is left out. So is an account that is not in ``granted``.

    With ``only_left`` the quantity is the part of the order that is not filled.
    """
    notes: list[Problem] = []
    theirs = {account["id"] for account in granted}
    for public_id, label in order.accounts.items():
        if public_id not in theirs:
            notes.append(account_left_out(label))
    quantity, unit = _left(order, notes) if only_left else (plain(order.quantity), order.unit)
    written = {
        "symbol": order.symbol,
        "side": order.side,
        "quantity": quantity,
        "unit": unit,
        "algorithm": order.algorithm,
        "limit_price": "" if order.limit_price is None else plain(order.limit_price),
        **_parameters(order, now, notes),
    }
    return Clone(written, tuple(name for name in order.accounts if name in theirs), tuple(notes))


def _left(order: OrderAsked, notes: list[Problem]) -> tuple[str, str]:
    """Return the unfilled quantity and its unit. Add a note if the live order may still fill it, or if it is zero."""
    if order.left <= ZERO:
        notes.append(Problem("quantity", "The order is filled: nothing is left.", code=Code.NOTHING_CHANGES))
        return "", Unit.BASE
    if not order.is_final:
        base = order.symbol.partition("/")[0]
        message = (
            f"{grouped(order.left)} {base} is left now, but the order is still live. "
            "Cancel it first, or both orders will trade."
        )
        notes.append(Problem("quantity", message, order.left, code=Code.NOTHING_CHANGES))
    return plain(order.left), Unit.BASE


def _parameters(order: OrderAsked, now: datetime, notes: list[Problem]) -> dict[str, str]:
    if order.algorithm not in ALGORITHMS:
        message = f"There is no algorithm {order.algorithm!r} any more."
        notes.append(Problem("algorithm", message, order.algorithm, code=Code.ALGORITHM_UNKNOWN))
        return {}
    infos: Mapping[str, Any] = ALGORITHMS[order.algorithm].parameters.model_fields
    stored = ALGORITHMS[order.algorithm].parameters.completed(order.parameters)
    given = {name: value for name, value in stored.items() if value is not None}
    for name, word, code in (("start_at", "start", Code.START_IN_PAST), ("end_at", "end", Code.END_IN_PAST)):
        if name in given and parse_instant(given[name]) <= now:
            message = f"The {word} {given.pop(name)} was left out: it has passed."
            notes.append(Problem(name, message, code=code))
    if "end_at" not in given and "duration" not in given:
        given["duration"] = as_clock(order.duration)
    notes.extend(
        Problem(
            name,
            f"Parameter {name} was left out: {order.algorithm} has no such parameter any more.",
            code=Code.FIELD_UNKNOWN,
        )
        for name in sorted(given.keys() - infos.keys())
    )
    return {name: shown_parameter(infos[name], given[name]) for name in infos if name in given}
