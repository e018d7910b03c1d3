"""The blotter's filter in the URL, read for the page, its websocket and its export alike.

What cannot be read is said with the value and what there is; nothing is shown by a filter that was not meant.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from execution.core.numbers import NumberRefused, shortened, whole_number
from execution.core.orders.terms import ALGORITHMS
from execution.core.problems import Problem
from execution.core.states import OrderStatus
from execution.core.types import Side
from execution.selectors.orders.blotter import (
    STATES,
    BlotterChoices,
    BlotterFilter,
    blotter_choices,
    blotter_has,
)
from execution.selectors.orders.visibility import sees_several

if TYPE_CHECKING:
    from execution.models import User

LONGEST_SEARCH = 64
FIRST_YEAR, LAST_YEAR = 2000, 2999
LAST_PAGE = 1_000_000
#: Names in the URL, in the order of the form.
NAMES = ("state", "side", "symbol", "algorithm", "account", "trader", "q", "from", "to")


@dataclass(frozen=True, slots=True)
class Chosen:
    """A filter as it was written, as it was read, and what could not be read."""

    filter: BlotterFilter
    choices: BlotterChoices
    page: int
    written: Mapping[str, str]
    problems: tuple[Problem, ...] = field(default=())

    def query(self, **changes: str) -> str:
        """The filter as a query string, with changes; what filters nothing is left out."""
        values = {name: self.written.get(name, "") for name in NAMES} | changes
        shown = {name: value for name, value in values.items() if value and (name, value) != ("state", "all")}
        return urlencode(shown)


def read_filter(person: User, given: Mapping[str, str]) -> Chosen:
    """The filter of a query string; every value that is not understood is a problem."""
    written = {name: str(given[name]).strip() for name in given}
    choices = blotter_choices(person)
    problems = [
        _problem(name, "filter", name, (*NAMES, "page")) for name in written if name not in (*NAMES, "page")
    ]
    values: dict[str, Any] = {}
    for name, (attribute, read) in _READERS.items():
        if not written.get(name):
            continue
        try:
            values[attribute] = read(person, choices, written[name])
        except _Unreadable as unreadable:
            problems.append(unreadable.problem)
    since, until = values.get("since"), values.get("until")
    if since and until and since > until:
        problems.append(Problem("from", f"from {since} is after to {until}", str(since), str(until)))
    page = values.pop("page", 1)
    return Chosen(BlotterFilter(**values), choices, page, written, tuple(problems))


class _Unreadable(Exception):
    def __init__(self, problem: Problem) -> None:
        super().__init__(problem.message)
        self.problem = problem


def _problem(name: str, label: str, value: str, allowed: Any) -> Problem:
    limit = ", ".join(allowed)
    return Problem(name, f"there is no {label} {value[:40]!r}; there are {limit or 'none'}", value, limit)


def _one_of(name: str, allowed: Callable[[BlotterChoices], Any]) -> Callable[..., str]:
    def read(person: User, choices: BlotterChoices, value: str) -> str:
        known = allowed(choices)
        former = name in {"symbol", "account"} and blotter_has(person=person, **{name: value})
        if value not in known and not former:
            raise _Unreadable(_problem(name, name, value, known))
        return value

    return read


def _trader(person: User, choices: BlotterChoices, value: str) -> str:
    if not sees_several(person):
        message = f"trader is {value[:40]!r}; you see your own orders only"
        raise _Unreadable(Problem("trader", message, value, person.get_username()))
    return _one_of("trader", lambda choices: choices.traders)(person, choices, value)


def _text(_person: User, _choices: BlotterChoices, value: str) -> str:
    if len(value) > LONGEST_SEARCH or "\x00" in value:
        message = (
            f"the search has {len(value)} characters; it may have {LONGEST_SEARCH}, all of them printable"
        )
        raise _Unreadable(Problem("q", message, str(len(value)), str(LONGEST_SEARCH)))
    return value


def _day(name: str) -> Callable[..., date]:
    def read(_person: User, _choices: BlotterChoices, value: str) -> date:
        try:
            day = date.fromisoformat(value)
        except ValueError:
            day = date.min
        if not FIRST_YEAR <= day.year <= LAST_YEAR:
            message = f"{name} is {value[:40]!r}; it must be a day such as 2026-03-01"
            raise _Unreadable(Problem(name, message, value, "YYYY-MM-DD")) from None
        return day

    return read


def _page(_person: User, _choices: BlotterChoices, value: str) -> int:
    try:
        page = whole_number(value)
    except NumberRefused as refused:
        raise _Unreadable(Problem("page", f"page is {shortened(value)!r}: {refused}", value, "1")) from None
    if not 0 < page <= LAST_PAGE:
        message = f"page is {page}; it must be 1 to {LAST_PAGE:,}"
        raise _Unreadable(Problem("page", message, str(page), str(LAST_PAGE)))
    return page


_READERS: dict[str, tuple[str, Callable[..., Any]]] = {
    "state": ("state", _one_of("state", lambda _: [*STATES, *map(str, OrderStatus)])),
    "side": ("side", _one_of("side", lambda _: list(map(str, Side)))),
    "symbol": ("symbol", _one_of("symbol", lambda choices: choices.symbols)),
    "algorithm": ("algorithm", _one_of("algorithm", lambda _: list(ALGORITHMS))),
    "account": ("account", _one_of("account", lambda choices: choices.accounts)),
    "trader": ("trader", _trader),
    "q": ("text", _text),
    "from": ("since", _day("from")),
    "to": ("until", _day("to")),
    "page": ("page", _page),
}
