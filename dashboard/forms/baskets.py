"""The parsing of a basket from its page: the text of its table, and the confirmations of its rows."""

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
from execution.services.orders.preview import with_listing_problems

if TYPE_CHECKING:
    from execution.models import User

#: The name of a row's field in the form: the row's number, and the field's name for a single order.
_OF_ROW = re.compile(r"([0-9]{1,3})\.([a-z_]{1,60})")


def read_basket(text: str, person: User) -> list[BasketRow]:
    """Return the rows of the table in ``text``. An account is given by its public id or its label. Raises ``Refused``
    if the text is not a table.
    """
    ids = account_ids(person)
    return [_row(found, person, ids) for found in read_basket_csv(text)]


def _row(found: CsvRow, person: User, ids: Mapping[str, str]) -> BasketRow:
    """Return a row with all of its problems. If the row has the wrong number of cells, its cells are not checked."""
    problems = list(found.problems)
    if any(problem.field == "" for problem in problems):
        return BasketRow(found.number, None, tuple(problems), found.cells)
    raw = raw_order(found.cells, ids)
    wrong: list[Problem] = []
    request = attempt(wrong, lambda: parse_order_request(raw))
    said = {problem.field for problem in problems}
    problems += [problem for problem in wrong if problem.field not in said]
    if problems:
        problems = with_listing_problems(
            problems, person=person, accounts=raw["accounts"], symbol=raw["symbol"]
        )
    return BasketRow(found.number, None if problems else request, tuple(problems), found.cells)


def basket_confirmed_in(form: Mapping[str, str]) -> BasketConfirmation:
    """Return the person's confirmations for each row. A field's name begins with the number of its row."""
    by_row: dict[int, dict[str, str]] = defaultdict(dict)
    for name, value in form.items():
        if (match := _OF_ROW.fullmatch(name)) is not None:
            by_row[int(match[1])][match[2]] = value
    rows = {number: confirmed_in(fields) for number, fields in by_row.items()}
    return BasketConfirmation(rows, form.get(NOTIONAL_FIELD, ""), others=Confirmation())
