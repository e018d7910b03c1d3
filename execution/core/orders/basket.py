"""A basket: orders that are checked together and sent together, all of them or none.

``BasketRow`` is one row as the person wrote it, with its parsed request or its problems. A preview checks each row
alone, then all rows together, and sums them up (``BasketSums``). When the basket is sent, one transaction checks all
rows once more, and creates every order or none. ``basket_hash`` shows whether an idempotency key was used for the
same basket.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal

from execution.core.limits.money import Conversion, add_amount
from execution.core.orders.terms import OrderRequest, request_hash
from execution.core.problem_codes import Code
from execution.core.problems import Problem, length_problem
from execution.core.texts import enumerated, first_unseen, visible
from execution.core.types import Side

#: Most rows of a basket, as many as one page of orders shows. One transaction checks and writes all of them.
MAX_ROWS = 100
MAX_NAME = 64
#: Most row numbers that a sentence names. Of further rows it gives only the count.
ROWS_NAMED = 6


@dataclass(frozen=True, slots=True)
class BasketRow:
    """One row, numbered from 1. ``written`` has its cells as given. ``request`` is None if there are ``problems``."""

    number: int
    request: OrderRequest | None
    problems: tuple[Problem, ...] = ()
    written: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class BasketSums:
    """A basket's notionals of buys and of sells in ``currency``.

    A sum is None if a row's notional or rate is unknown.
    """

    currency: str
    bought: Decimal | None
    sold: Decimal | None

    @property
    def net(self) -> Decimal | None:
        """Return the notional of the buys minus the notional of the sells."""
        return None if self.bought is None or self.sold is None else self.bought - self.sold

    @property
    def gross(self) -> Decimal | None:
        """Return the notional of buys and sells together."""
        return None if self.bought is None or self.sold is None else self.bought + self.sold


def basket_sums(
    parts: Iterable[tuple[Side, str, Decimal | None] | None], conversion: Conversion
) -> BasketSums:
    """Return the sums over ``parts``. Each part stands for a row, and is its side, quote currency and notional.

    For an unreadable row the part is None, and all sums are then unknown.
    """
    amounts: dict[Side, dict[str, Decimal | None]] = {Side.BUY: {}, Side.SELL: {}}
    is_whole = True
    for part in parts:
        if part is None:
            is_whole = False
        else:
            side, currency, notional = part
            add_amount(amounts[side], currency, notional)
    bought, sold = (conversion.total(amounts[side]) if is_whole else None for side in (Side.BUY, Side.SELL))
    return BasketSums(conversion.into, bought, sold)


def basket_hash(name: str, requests: Iterable[OrderRequest]) -> str:
    """Return a hash that is equal for baskets with the same name and the same orders in the same sequence."""
    body = [name, *(request_hash(request) for request in requests)]
    return hashlib.sha256(json.dumps(body).encode()).hexdigest()


def basket_problems(name: str, rows: Sequence[BasketRow]) -> list[Problem]:
    """Return the problems of the basket's name and number of rows. The problems of single rows are not included."""
    problems = []
    if len(name) > MAX_NAME:
        problems.append(length_problem("name", "The basket's name", name, MAX_NAME))
    if (unseen := first_unseen(name)) is not None:
        message = f"The basket's name has a character that cannot be seen: {unseen}. Remove it."
        problems.append(Problem("name", message, visible(name), code=Code.VALUE_MALFORMED))
    if not 1 <= len(rows) <= MAX_ROWS:
        problems.append(count_problem(len(rows)))
    return problems


def count_problem(count: int) -> Problem:
    """Return the problem for a basket that has no rows or too many."""
    rows = "1 row" if count == 1 else f"{count:,} rows"
    message = f"The basket has {rows}. It may have from 1 to {MAX_ROWS}."
    return Problem("orders", message, count, MAX_ROWS, code=Code.LENGTH_OUT_OF_RANGE)


def repeated_rows(rows: Iterable[BasketRow]) -> dict[int, Problem]:
    """Return a problem, by row number, for each row that repeats an earlier row exactly."""
    first: dict[str, int] = {}
    problems = {}
    for row in rows:
        if row.request is None:
            continue
        earlier = first.setdefault(request_hash(row.request), row.number)
        if earlier != row.number:
            message = (
                f"Row {row.number} is the same as row {earlier}. "
                "Remove it, or give each its own client_reference."
            )
            problems[row.number] = Problem("", message, row.number, earlier, code=Code.VALUE_REPEATED)
    return problems


def in_row(problem: Problem, number: int) -> Problem:
    """Return the problem of row ``number`` as a problem of its basket.

    In the new ``field`` the first row is number 0, as in JSON. In the new message it is row 1.
    """
    name = f"orders.{number - 1}.{problem.field}" if problem.field else f"orders.{number - 1}"
    is_said = problem.message.startswith(f"Row {number} ")
    message = problem.message if is_said else f"Row {number}: {problem.message}"
    return Problem(name, message, problem.value, problem.limit, code=problem.code)


def rows_words(numbers: Sequence[int]) -> str:
    """Return words such as ``row 3``, ``rows 1 to 4`` or ``rows 1, 3 and 7``.

    After ``ROWS_NAMED`` numbers the words end with the count of the remaining rows.
    """
    if len(numbers) == 1:
        return f"row {numbers[0]}"
    if len(numbers) > 2 and list(numbers) == [*range(numbers[0], numbers[-1] + 1)]:
        return f"rows {numbers[0]} to {numbers[-1]}"
    named = [str(number) for number in numbers[:ROWS_NAMED]]
    if len(numbers) > ROWS_NAMED:
        return f"rows {', '.join(named)} and {len(numbers) - ROWS_NAMED} more"
    return f"rows {enumerated(named)}"
