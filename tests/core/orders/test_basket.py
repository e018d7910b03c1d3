"""Baskets as they are written, read and summed up."""

from __future__ import annotations

import csv
import io
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from execution.core.limits.money import Conversion
from execution.core.orders.basket import (
    MAX_NAME,
    MAX_ROWS,
    BasketRow,
    basket_hash,
    basket_problems,
    basket_sums,
    in_row,
    repeated_rows,
    rows_words,
)
from execution.core.orders.basket_csv import (
    COLUMNS,
    MAX_CELL,
    MAX_CHARACTERS,
    PARAMETERS,
    REQUIRED,
    raw_order,
    read_basket_csv,
)
from execution.core.orders.terms import parse_order_request
from execution.core.problem_codes import Code
from execution.core.problems import Problem, Refused, attempt
from execution.core.types import Side

HEADER = "side,symbol,quantity,unit,algorithm,accounts,duration"
ROW = "buy,BTC/USDT,0.5,base,twap,alpha,30m"


def refused(text: str) -> Problem:
    with pytest.raises(Refused) as error:
        read_basket_csv(text)
    return error.value.problems[0]


def row(number: int, **changes: Any) -> BasketRow:
    raw = raw_order(dict(zip(HEADER.split(","), ROW.split(","), strict=True)), {})
    return BasketRow(number, parse_order_request(raw | changes))


# --- reading ---------------------------------------------------------------------------------------


def test_a_row_becomes_an_order_with_its_parameters_and_accounts() -> None:
    (found,) = read_basket_csv(
        f'{HEADER},limit_price,participation_cap\nsell,eth/usdt,"1,234.5",quote,VWAP,alpha|beta,1h,2000,0.1\n'
    )
    request = parse_order_request(raw_order(found.cells, {"beta": "id of beta"}))
    assert (request.side, request.symbol, request.unit) == ("sell", "ETH/USDT", "quote")
    assert (request.quantity, request.limit_price) == (Decimal("1234.5"), Decimal(2000))
    assert request.accounts == ("alpha", "id of beta")
    assert request.parameters == {"duration": "1h", "participation_cap": "0.1"}
    assert found.problems == ()


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
@pytest.mark.parametrize("line_end", ["\n", "\r\n", "\r"])
def test_what_a_spreadsheet_copies_or_saves_is_read(delimiter: str, line_end: str) -> None:
    lines = ["", HEADER.upper(), ROW, ",,,,,,", ROW.replace("buy", "sell"), ""]
    text = "\ufeff" + line_end.join(lines).replace(",", delimiter)
    assert [found.cells["side"] for found in read_basket_csv(text)] == ["buy", "sell"]
    assert [found.number for found in read_basket_csv(text)] == [1, 2]


@pytest.mark.parametrize(
    ("text", "code", "words"),
    [
        ("", Code.VALUE_MISSING, "is empty"),
        (" \n\n", Code.VALUE_MISSING, "names no column"),
        (HEADER, Code.LENGTH_OUT_OF_RANGE, "has 0 rows. It may have from 1 to 100"),
        (f"{HEADER}\n" + f"{ROW}\n" * (MAX_ROWS + 1), Code.LENGTH_OUT_OF_RANGE, "has 101 rows"),
        (f"{HEADER}\n{'x' * MAX_CHARACTERS}", Code.LENGTH_OUT_OF_RANGE, "may have at most 20,000"),
        (f"{ROW}\n{ROW}", Code.VALUE_MISSING, "It must be a header"),
        (f"{HEADER},urgencyy\n{ROW},1", Code.FIELD_UNKNOWN, "There is no column 'urgencyy'"),
        (f"{HEADER},side\n{ROW},buy", Code.VALUE_REPEATED, "side is there more than once"),
        (f"{HEADER.replace('unit,', '')}\n{ROW}", Code.VALUE_MISSING, "The column unit is missing"),
        (f'{HEADER}\n"{ROW}', Code.VALUE_MALFORMED, "quotation marks"),
        (f"{HEADER}\n{ROW}\ufffd", Code.VALUE_MALFORMED, "Save the file as UTF-8"),
        (f"{HEADER}\n{ROW}\x00", Code.VALUE_MALFORMED, "cannot be seen: U+0000"),
        (f"{HEADER}\n{ROW}\u202e", Code.VALUE_MALFORMED, "RIGHT-TO-LEFT"),
    ],
)
def test_a_text_that_is_no_basket_is_refused_as_a_whole(text: str, code: Code, words: str) -> None:
    problem = refused(text)
    assert problem.code is code
    assert words in problem.message


@pytest.mark.parametrize(
    ("cell", "is_taken"),
    [("=1+1", False), ("@sum", False), ("＋1", False), ("-5", True), ("+5", True), ("'=1", True)],
)
def test_a_cell_that_a_spreadsheet_would_run_is_its_rows_problem(cell: str, is_taken: bool) -> None:
    text = f"{HEADER}\n{ROW}\n" + ROW.replace("0.5", cell)
    first, second = read_basket_csv(text)
    assert first.problems == ()
    assert (second.problems == ()) is is_taken
    if not is_taken:
        (problem,) = second.problems
        assert (problem.field, problem.value) == ("quantity", cell)


def test_a_row_of_another_length_and_a_long_cell_are_problems_of_that_row() -> None:
    short, whole, long, deep = read_basket_csv(
        "\n".join([HEADER, "buy,BTC/USDT", f"{ROW},", f"{ROW},x", ROW.replace("alpha", "a" * (MAX_CELL + 1))])
    )
    assert [problem.limit for problem in short.problems] == ["7"]
    assert whole.problems == ()
    assert [problem.value for problem in long.problems] == ["8"]
    assert [(problem.field, problem.limit) for problem in deep.problems] == [("accounts", "400")]


def test_the_columns_are_the_orders_and_every_parameter() -> None:
    assert set(REQUIRED) <= set(COLUMNS)
    assert {"duration", "end_at", "urgency", "participation_rate", "visible_quantity", "mode"} <= set(
        PARAMETERS
    )


@given(st.text(max_size=300))
def test_any_text_is_read_or_refused_with_a_code(text: str) -> None:
    problems: list[Problem] = []
    found = attempt(problems, lambda: read_basket_csv(text))
    assert (found is None) is bool(problems)
    assert found is None or 1 <= len(found) <= MAX_ROWS


cells = st.text(st.characters(codec="utf-8", exclude_categories=("C", "Zl", "Zp")), max_size=30).map(
    str.strip
)


@given(st.lists(st.lists(cells, min_size=7, max_size=7).filter(any), min_size=1, max_size=20))
def test_what_was_written_is_what_is_read(table: list[list[str]]) -> None:
    target = io.StringIO()
    csv.writer(target).writerows([HEADER.split(","), *table])
    if "\ufffd" in target.getvalue():
        return
    found = read_basket_csv(target.getvalue())
    assert [list(each.cells.values()) for each in found] == table


# --- together --------------------------------------------------------------------------------------


def test_a_row_that_is_there_twice_is_named_unless_its_reference_differs() -> None:
    rows = [row(1), row(2, quantity="0.6"), row(3), row(4, client_reference="second")]
    (problem,) = repeated_rows(rows).values()
    assert problem.message.startswith("Row 3 is the same as row 1.")
    assert in_row(problem, 3).message == problem.message


def test_a_row_s_problem_has_its_place_in_the_basket() -> None:
    problem = in_row(Problem("quantity", "Too much.", 5, 3, code=Code.LIMIT_EXCEEDED), 3)
    assert (problem.field, problem.message) == ("orders.2.quantity", "Row 3: Too much.")
    assert (problem.value, problem.limit) == ("5", "3")


def test_a_basket_has_a_bounded_name_and_number_of_rows() -> None:
    assert basket_problems("", [row(1)]) == []
    assert [each.field for each in basket_problems("x" * (MAX_NAME + 1), [])] == ["name", "orders"]
    assert [each.field for each in basket_problems("a\u202eb", [row(1)])] == ["name"]
    assert [each.limit for each in basket_problems("", [row(1)] * (MAX_ROWS + 1))] == [str(MAX_ROWS)]


def test_the_hash_is_of_rows_in_their_sequence_and_of_the_name() -> None:
    one, two = (row(number, quantity=str(number)).request for number in (1, 2))
    assert one is not None
    assert two is not None
    hashes = {
        basket_hash(*each) for each in (("", [one, two]), ("", [two, one]), ("a", [one, two]), ("", [one]))
    }
    assert len(hashes) == 4
    assert basket_hash("", [one, two]) in hashes


@pytest.mark.parametrize(
    ("numbers", "words"),
    [
        ([3], "row 3"),
        ([1, 2], "rows 1 and 2"),
        ([2, 3, 4], "rows 2 to 4"),
        ([1, 3, 7], "rows 1, 3 and 7"),
        ([*range(1, 20, 2)], "rows 1, 3, 5, 7, 9, 11 and 4 more"),
    ],
)
def test_rows_are_named_in_few_words(numbers: list[int], words: str) -> None:
    assert rows_words(numbers) == words


# --- sums ------------------------------------------------------------------------------------------

amounts = st.decimals(min_value="0.01", max_value="1e12", places=2)
parts = st.lists(
    st.tuples(st.sampled_from(Side), st.sampled_from(["USDT", "EUR", "BTC"]), amounts), max_size=30
)
RATES = Conversion("USDT", {"EUR": Decimal("1.1"), "BTC": Decimal(60_000)})


@given(parts)
def test_net_and_gross_are_those_of_the_rows_and_no_sequence_changes_them(given_parts: list[Any]) -> None:
    sums = basket_sums(given_parts, RATES)
    worth = [(side.sign, amount * (RATES.rate(currency) or 0)) for side, currency, amount in given_parts]
    assert sums.net == sum((sign * amount for sign, amount in worth), Decimal(0))
    assert sums.gross == sum((amount for _, amount in worth), Decimal(0))
    assert basket_sums(given_parts[::-1], RATES) == sums


@given(
    parts,
    st.sampled_from([None, (Side.BUY, "USDT", None), (Side.BUY, "XYZ", Decimal(5))]),
    st.integers(0, 30),
)
def test_what_is_not_known_is_never_zero(given_parts: list[Any], unknown: Any, place: int) -> None:
    sums = basket_sums([*given_parts[:place], unknown, *given_parts[place:]], RATES)
    assert (sums.bought, sums.net, sums.gross) == (None, None, None)
    assert (sums.sold is None) is (unknown is None), "a sale is known beside a buy that is not"


def test_an_empty_side_is_zero() -> None:
    sums = basket_sums([(Side.BUY, "USDT", Decimal(5))], RATES)
    assert [sums.bought, sums.sold, sums.net] == [5, 0, 5]
