"""Books from a file: the answer's format, what no bound means, and clear words for what cannot be used."""

from __future__ import annotations

import json
from decimal import Decimal
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command

VENUE = {
    "name": "alpha",
    "fee": "0.001",
    "lot": "0.001",
    "min_notional": "10",
    "balance": None,
    "bids": [["99", "1"], ["98", "5"]],
    "asks": [["100", "1"], ["102", "5"]],
}
BETA = VENUE | {"name": "beta", "fee": "0.002", "bids": [["100.5", "1"]], "asks": [["101", "2"]]}


def routed(tmp_path: Path, venues: Any, *more: str, side: str = "buy", quantity: str = "2") -> str:
    path = tmp_path / "books.json"
    path.write_text(json.dumps(venues) if not isinstance(venues, str) else venues)
    out = StringIO()
    options = [f"--books={path}", f"--side={side}", f"--quantity={quantity}", *more]
    call_command("route", *options, stdout=out)
    return out.getvalue()


def answer(tmp_path: Path, *venues: dict[str, Any], **asked: Any) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(routed(tmp_path, {"venues": list(venues)}, "--json", **asked))
    return found


def test_the_answer_has_the_split_its_cash_and_what_each_venue_would_do_alone(tmp_path: Path) -> None:
    assert answer(tmp_path, VENUE, BETA) == {
        "allocation": {"alpha": "1", "beta": "1"},
        "filled": "2",
        "unfilled": "0",
        "net_cash": "201.302",
        "average_price": "100.651",
        "single_venue": {"alpha": "202.202", "beta": "202.404"},
    }


def test_a_sell_brings_its_cash_and_what_is_left_is_said(tmp_path: Path) -> None:
    found = answer(tmp_path, VENUE, BETA, side="sell", quantity="8")
    assert (found["filled"], found["unfilled"]) == ("7", "1")
    assert Decimal(found["net_cash"]) == Decimal("100.5") * Decimal("0.998") + Decimal(589) * Decimal("0.999")
    assert found["single_venue"] == {"alpha": None, "beta": None}


def test_no_bound_on_a_balance_goes_neither_before_nor_behind_one_that_is_known(tmp_path: Path) -> None:
    known = answer(tmp_path, VENUE, BETA | {"balance": "1000"})
    assert known["allocation"] == {"alpha": "1", "beta": "1"}
    assert answer(tmp_path, VENUE | {"balance": "50.05"}, BETA)["allocation"] == {
        "alpha": "0.5",
        "beta": "1.5",
    }


def test_nothing_that_can_be_had_is_no_cash_and_no_average(tmp_path: Path) -> None:
    found = answer(tmp_path, VENUE | {"min_notional": "1000000"})
    assert (found["filled"], found["net_cash"], found["average_price"]) == ("0", "0", None)


def test_without_json_it_is_a_table_with_the_reason(tmp_path: Path) -> None:
    text = routed(tmp_path, {"venues": [VENUE, BETA]})
    assert "alpha 1, beta 1 at 100.651" in text
    assert "better than alpha alone" in text


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"fee": "-0.001"}, "alpha: fee is -0.001. It must be at least 0."),
        ({"fee": "1"}, "alpha: fee is 1. It must be a fraction below 1."),
        ({"fee": None}, "alpha: fee is missing"),
        ({"lot": "0"}, "alpha: lot is 0. It must be above 0"),
        ({"min_notional": "-5"}, "alpha: min_notional is -5. It must be at least 0"),
        ({"balance": "NaN"}, "alpha: balance is NaN: it is not a number"),
        ({"balance": "a lot"}, "alpha: balance is a lot: it is not a number"),
        ({"bids": [["100", "1"]]}, "alpha: the bid 100 is not below the ask 100"),
        ({"asks": [["100", "-1"]]}, "alpha: asks[0] size is -1. It must be above 0"),
        ({"asks": [["inf", "1"]]}, "alpha: asks[0] price is inf: it is not a number"),
        ({"asks": [["102", "1"], ["101", "1"]]}, "alpha: asks[1] 101 is better than 102 before it"),
        ({"asks": [["100"]]}, "alpha: asks[0] must be [price, size]"),
        ({"asks": None}, "alpha: asks is missing. It must be a list of [price, size]"),
        ({"asks": [["1e20", "1"]]}, "it must be between -1000000000000000 and 1000000000000000"),
        ({"name": ""}, "venues[0].name must be a text"),
    ],
)
def test_what_cannot_be_used_is_refused_with_value_and_limit(
    tmp_path: Path, changes: dict[str, Any], words: str
) -> None:
    with pytest.raises(CommandError) as refused:
        answer(tmp_path, VENUE | changes)
    assert words in str(refused.value)


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ("{", "is not JSON"),
        ("[]", "There is no list of venues"),
        ('{"venues": []}', "There is no list of venues"),
        ('{"venues": [1]}', "venues[0] must be an object"),
        ({"venues": [VENUE, VENUE]}, "Venue 'alpha' is there more than once"),
        ({"venues": [VENUE] * 21}, "There are 21 venues. At most 20"),
        ('{"venues": [], "venues": []}', "the key 'venues' is there more than once"),
    ],
)
def test_a_file_that_is_none_is_refused(tmp_path: Path, given: Any, words: str) -> None:
    with pytest.raises(CommandError) as refused:
        routed(tmp_path, given)
    assert words in str(refused.value)


@pytest.mark.parametrize("quantity", ["0", "-1", "NaN", "much", "0,5", "1_0", "１"])
def test_a_quantity_that_is_none_is_refused(tmp_path: Path, quantity: str) -> None:
    with pytest.raises(CommandError, match="--quantity"):
        routed(tmp_path, {"venues": [VENUE]}, quantity=quantity)


def test_a_file_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(CommandError, match="cannot be read: No such file"):
        call_command("route", f"--books={tmp_path / 'none.json'}", "--side=buy", "--quantity=1")


def test_numbers_that_are_no_strings_are_read_to_the_digit(tmp_path: Path) -> None:
    plainly = VENUE | {"fee": 0.001, "lot": 0.001, "min_notional": 10, "asks": [[100, 5.1]]}
    assert answer(tmp_path, plainly, quantity="1")["net_cash"] == "100.1"
    with pytest.raises(CommandError, match="NaN is not JSON"):
        answer(tmp_path, VENUE | {"fee": float("nan")})
