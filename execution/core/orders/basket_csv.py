"""The CSV format of a basket: a header, and a row for each order.

A problem with the whole text raises ``Refused``. A problem with one row is stored in that row.
"""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from execution.core.numbers import NumberRefused, decimal_number, shortened, without_grouping
from execution.core.orders.basket import MAX_ROWS, count_problem
from execution.core.orders.terms import ALGORITHMS
from execution.core.problem_codes import Code
from execution.core.problems import Problem, length_problem, refuse, refuse_if
from execution.core.texts import begins_formula, first_unseen, visible

#: Most characters of a basket. As a field of a form it then fits into the largest allowed request.
MAX_CHARACTERS = 20_000
MAX_CELL = 400
#: The columns of the order itself; those of the parameters come from the algorithms.
REQUIRED = ("side", "symbol", "quantity", "unit", "algorithm", "accounts")
OPTIONAL = ("limit_price", "client_reference")
PARAMETERS = tuple(
    dict.fromkeys(name for each in ALGORITHMS.values() for name in each.parameters.model_fields)
)
COLUMNS = (*REQUIRED, *OPTIONAL, *PARAMETERS)
#: The content of each required column, for a header that lacks it.
CONTENT = {
    "side": "It says buy or sell",
    "symbol": "It names the market, such as BTC/USDT",
    "quantity": "It says how much to buy or sell",
    "unit": "It says base if the quantity is in the bought or sold currency, or quote if it is in the paying one",
    "algorithm": f"It names one of {', '.join(ALGORITHMS)}",
    "accounts": "It names accounts, such as alpha|beta",
}
#: Separates the accounts in a cell.
ACCOUNTS_SEPARATOR = "|"
#: Separators between cells: a tab (copied from a spreadsheet), or those of a CSV file.
_DELIMITERS = ("\t", ";", ",")
#: The character that a decoder writes for bytes that are not valid in its encoding.
_UNDECODED = "\ufffd"
_LINE_ENDS = "\r\n\t"


@dataclass(frozen=True, slots=True)
class CsvRow:
    """The cells of one row, by column, with the problems of the row. With problems, cells may be missing."""

    number: int
    cells: Mapping[str, str]
    problems: tuple[Problem, ...] = field(default=())


def read_basket_csv(text: str) -> list[CsvRow]:
    """Return the rows of a basket. Raise ``Refused`` for a text that is not a table of known columns.

    The text must not be too long, and must not have invisible or unreadable characters. The header must have only
    known columns, none twice, and every required one. Each row must have as many cells as the header, and no cell that
    a spreadsheet would run as a formula. Rows without any text are left out.
    """
    text = text.removeprefix("\ufeff")
    _check_text(text)
    lines = _lines(text)
    if not lines:
        refuse(
            "csv", "The basket is empty. Paste a header and a row for each order.", code=Code.VALUE_MISSING
        )
    header = [name.strip().lower() for name in lines[0]]
    refuse_if(_header_problems(header))
    rows = [line for line in lines[1:] if any(cell.strip() for cell in line)]
    if not 1 <= len(rows) <= MAX_ROWS:
        refuse_if([count_problem(len(rows))])
    return [_row(number, header, cells) for number, cells in enumerate(rows, start=1)]


def raw_order(cells: Mapping[str, str], account_ids: Mapping[str, str]) -> dict[str, Any]:
    """Return a row's cells in the form that ``parse_order_request`` takes. Empty parameters are left out.

    ``account_ids`` maps an account's label to its public id.
    """
    named = [name.strip() for name in cells.get("accounts", "").split(ACCOUNTS_SEPARATOR)]
    return {
        **{name: cells.get(name, "") for name in (*REQUIRED, *OPTIONAL)},
        **{name: without_grouping(cells.get(name, "")) for name in ("quantity", "limit_price")},
        "accounts": [account_ids.get(name, name) for name in named],
        "parameters": {name: cells[name] for name in PARAMETERS if cells.get(name)},
    }


def _check_text(text: str) -> None:
    if len(text) > MAX_CHARACTERS:
        raise_long = length_problem("csv", "The basket", text, MAX_CHARACTERS)
        refuse_if([raise_long])
    if _UNDECODED in text:
        message = "The basket has characters that could not be read. Save the file as UTF-8."
        refuse("csv", message, "U+FFFD", "UTF-8", code=Code.VALUE_MALFORMED)
    unseen = first_unseen("".join(character for character in text if character not in _LINE_ENDS))
    if unseen is not None:
        message = (
            f"The basket has a character that cannot be seen: {unseen}. Remove it, or save the file as UTF-8."
        )
        refuse("csv", message, unseen, "UTF-8", code=Code.VALUE_MALFORMED)


def _lines(text: str) -> list[list[str]]:
    """Return the cells of each line that is not empty. All lines use the delimiter of the header."""
    head = next((line for line in text.splitlines() if line.strip()), "")
    delimiter = next((each for each in _DELIMITERS if each in head), ",")
    try:
        return [
            line
            for line in csv.reader(text.splitlines(keepends=True), delimiter=delimiter, strict=True)
            if line
        ]
    except csv.Error as error:
        message = f"The basket cannot be read as CSV: {error}. Check its quotation marks."
        refuse("csv", message, str(error), code=Code.VALUE_MALFORMED)


def _header_problems(header: Sequence[str]) -> list[Problem]:
    known = ", ".join(COLUMNS)
    problems = [
        Problem(
            "csv",
            f"There is no column {shortened(visible(name))!r}. The columns are {known}.",
            name,
            known,
            code=Code.FIELD_UNKNOWN,
        )
        for name in dict.fromkeys(header)
        if name not in COLUMNS
    ]
    if len(problems) == len(set(header)):
        message = (
            f"The first line names no column. It must be a header, such as {', '.join(REQUIRED)}, duration."
        )
        return [Problem("csv", message, ", ".join(header), known, code=Code.VALUE_MISSING)]
    twice = [name for name in dict.fromkeys(header) if name in COLUMNS and header.count(name) > 1]
    problems += [
        Problem("csv", f"The column {name} is there more than once.", name, code=Code.VALUE_REPEATED)
        for name in twice
    ]
    return problems + [
        Problem("csv", f"The column {name} is missing. {CONTENT[name]}.", "", name, code=Code.VALUE_MISSING)
        for name in REQUIRED
        if name not in header
    ]


def _row(number: int, header: Sequence[str], line: Sequence[str]) -> CsvRow:
    cells = {name: cell.strip() for name, cell in zip(header, line, strict=False)}
    problems = [problem for name, cell in cells.items() if (problem := _cell_problem(name, cell)) is not None]
    beyond = [cell for cell in line[len(header) :] if cell.strip()]
    if len(line) < len(header) or beyond:
        message = f"The row has {len(line):,} cells. The header has {len(header):,}."
        problems.insert(0, Problem("", message, len(line), len(header), code=Code.LENGTH_OUT_OF_RANGE))
    return CsvRow(number, cells, tuple(problems))


def _cell_problem(name: str, cell: str) -> Problem | None:
    if len(cell) > MAX_CELL:
        return length_problem(name, _label(name), cell, MAX_CELL)
    if begins_formula(cell) and not _is_number(cell):
        message = f"{_label(name)} is {shortened(cell)!r}. It begins like a formula. Write the value itself."
        return Problem(name, message, cell, code=Code.VALUE_MALFORMED)
    return None


def _label(name: str) -> str:
    return name.replace("_", " ").capitalize()


def _is_number(cell: str) -> bool:
    try:
        decimal_number(without_grouping(cell))
    except NumberRefused:
        return False
    return True
