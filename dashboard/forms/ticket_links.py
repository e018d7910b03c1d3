"""A ticket that is filled from its address, such as ``/orders/new/?side=sell&symbol=BTC/USDT&quantity=2``.

An address can come from anywhere, so it only fills the form. A value that the ticket cannot show is left out, and a
note says so. It is never replaced by another one.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from django.http import QueryDict

from dashboard.forms.accounts import account_left_out
from dashboard.forms.fields import algorithm_fields
from execution.core.numbers import shortened
from execution.core.orders.terms import ALGORITHMS, MAX_REFERENCE, MAX_TEXT, algorithm_problem
from execution.core.problem_codes import Code
from execution.core.problems import Problem, first_problems, length_problem, not_allowed
from execution.core.types import Side, Unit
from execution.payloads.orders import TicketAccount

DEFAULT_ALGORITHM = "twap"
#: The fields that every order has. Those of the algorithm come on top.
FIELDS = ("symbol", "side", "quantity", "unit", "limit_price", "algorithm", "client_reference")


@dataclass(frozen=True, slots=True)
class TicketLink:
    """The contents of a ticket's address: the values of the fields that it gives, and the accounts that it names.

    ``trading`` are the trader's accounts that trade its symbol.
    """

    given: Mapping[str, str]
    accounts: tuple[str, ...]
    trading: tuple[str, ...] = ()
    notes: tuple[Problem, ...] = ()

    @property
    def parameters(self) -> dict[str, str]:
        """Return the given parameters of the algorithm. If an end is given, the duration is emptied."""
        found = {name: text for name, text in self.given.items() if name not in FIELDS}
        return {"duration": ""} | found if "end_at" in found else found


def ticket_link(query: QueryDict, granted: Sequence[TicketAccount]) -> TicketLink:
    """Return the contents that an address gives for a ticket. ``granted`` are the trader's accounts."""
    notes: list[Problem] = []
    texts = {name: str(query[name]).strip() for name in query if name not in ("accounts", "start")}
    given = {name: text for name, text in texts.items() if text}
    _leave_out(given, notes, _value_problems(given))
    known = {*FIELDS, *(field.name for field in algorithm_fields(given.get("algorithm", DEFAULT_ALGORITHM)))}
    _leave_out(given, notes, ((name, _unknown_field(name, known)) for name in given if name not in known))
    accounts = _accounts(query.getlist("accounts"), granted, notes)
    trading: tuple[str, ...] = ()
    if "symbol" in given:
        given["symbol"] = symbol = given["symbol"].upper()
        trading = _trading(symbol, granted)
        if not trading or not {*accounts} <= {*trading}:
            labels = ", ".join(row["label"] for row in granted if row["id"] in accounts)
            whose = f"Not every account of {labels}" if accounts and trading else "None of your accounts"
            message = f"{whose} trades {shortened(symbol)}."
            notes.append(Problem("symbol", message, symbol, code=Code.SYMBOL_NOT_LISTED))
            del given["symbol"]
    return TicketLink(given, accounts, trading, first_problems(notes))


def _trading(symbol: str, granted: Sequence[TicketAccount]) -> tuple[str, ...]:
    return tuple(row["id"] for row in granted if symbol in {market["symbol"] for market in row["markets"]})


def _value_problems(given: Mapping[str, str]) -> Iterable[tuple[str, Problem]]:
    for name, value in given.items():
        most = MAX_REFERENCE if name == "client_reference" else MAX_TEXT
        if len(value) > most:
            yield name, length_problem(name, shortened(name).replace("_", " ").capitalize(), value, most)
        elif name == "side" and value not in tuple(Side):
            yield name, not_allowed(name, "Side", value, Side)
        elif name == "unit" and value not in tuple(Unit):
            yield name, not_allowed(name, "Unit", value, Unit)
        elif name == "algorithm" and value not in ALGORITHMS:
            yield name, algorithm_problem(value)


def _leave_out(given: dict[str, str], notes: list[Problem], problems: Iterable[tuple[str, Problem]]) -> None:
    for name, problem in list(problems):
        del given[name]
        notes.append(problem)


def _unknown_field(name: str, known: Iterable[str]) -> Problem:
    names = ", ".join(sorted(known))
    message = f"The ticket has no field {shortened(name)!r}. It was left out."
    return Problem(name, message, name, names, code=Code.FIELD_UNKNOWN)


def _accounts(
    written: Sequence[str], granted: Sequence[TicketAccount], notes: list[Problem]
) -> tuple[str, ...]:
    """Return the public ids of accounts that are named by id or label."""
    ids = {row["label"]: row["id"] for row in granted} | {row["id"]: row["id"] for row in granted}
    found: dict[str, None] = {}
    for name in written:
        if name in ids:
            found[ids[name]] = None
        else:
            notes.append(account_left_out(name))
    return tuple(found)
