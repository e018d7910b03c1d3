"""The parsing of a basket from a page: the text of its table, and the confirmations of its rows."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Mapping
from typing import TYPE_CHECKING

from dashboard.forms.confirmations import confirmed_in
from execution.core.orders.basket import BasketRow
from execution.core.orders.basket_csv import CsvRow, raw_order, read_basket_csv
from execution.core.orders.terms import parse_order_request
from execution.core.problems import Problem, attempt
from execution.selectors.ticket import account_ids
from execution.services.orders.basket_confirmation import NOTIONAL_FIELD, BasketConfirmation
from execution.services.orders.confirmation import Confirmation

if TYPE_CHECKING:
    from execution.models import User

#: A field of a row: its number, and the name that an order alone has for it.
_OF_ROW = re.compile(r"([0-9]{1,3})\.([a-z_]{1,60})")


def read_basket(text: str, person: User) -> list[BasketRow]:
    """Return the rows of a table. Raises ``Refused`` for a text that is not a table. Accounts are public ids or
    labels.
    """
    ids = account_ids(person)
    return [_row(found, ids) for found in read_basket_csv(text)]


def _row(found: CsvRow, ids: Mapping[str, str]) -> BasketRow:
    """Read a row with everything that is wrong with it; a row of another length has no cells to judge."""
    problems = list(found.problems)
    if any(problem.field == "" for problem in problems):
        return BasketRow(found.number, None, tuple(problems), found.cells)
    raw = raw_order(found.cells, ids)
    wrong: list[Problem] = []
    request = attempt(wrong, lambda: parse_order_request(raw))
    said = {problem.field for problem in problems}
    problems += [problem for problem in wrong if problem.field not in said]
    return BasketRow(found.number, None if problems else request, tuple(problems), found.cells)


def basket_confirmed_in(form: Mapping[str, str]) -> BasketConfirmation:
    """Return the person's confirmations. The fields of a row begin with its number."""
    by_row: dict[int, dict[str, str]] = defaultdict(dict)
    for name, value in form.items():
        if (match := _OF_ROW.fullmatch(name)) is not None:
            by_row[int(match[1])][match[2]] = value
    rows = {number: confirmed_in(fields) for number, fields in by_row.items()}
    return BasketConfirmation(rows, form.get(NOTIONAL_FIELD, ""), others=Confirmation())
