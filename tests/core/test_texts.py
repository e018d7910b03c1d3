"""Characters that nobody sees: refused where a person names an order, and escaped in every file and log."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from config.logs import show_unseen
from execution.core.orders.terms import parse_order_request
from execution.core.problems import Refused
from execution.core.texts import UNSEEN, first_unseen, visible

any_text = st.text(st.characters(exclude_categories=[]), max_size=40)
HIDDEN = [
    "\x1b[31m",
    "a\u202eb",
    "\ufeff=1",
    "a\u200bb",
    "a\x00b",
    "line\nend",
    "line\u2028end",
    "soft\xadhyphen",
]


@given(any_text)
def test_what_is_made_visible_has_no_unseen_character_and_visible_text_stays(text: str) -> None:
    shown = visible(text)
    assert not [character for character in shown if unicodedata.category(character) in UNSEEN]
    assert first_unseen(shown) is None
    assert (shown == text) == (first_unseen(text) is None)


def test_letters_of_every_language_are_seen() -> None:
    text = "Überhang 50 % – 買い注文 صفقة \u00a0 🚀"
    assert visible(text) == text


@pytest.mark.parametrize("text", HIDDEN)
def test_a_reference_with_an_unseen_character_is_refused_and_the_refusal_shows_it(text: str) -> None:
    raw = {"symbol": "BTC/USDT", "side": "buy", "quantity": "1", "unit": "base", "algorithm": "sor"}
    with pytest.raises(Refused) as refused:
        parse_order_request(raw | {"accounts": ["alpha"], "client_reference": text})
    (problem,) = refused.value.problems
    assert (problem.field, problem.code) == ("client_reference", "value_malformed")
    assert "U+" in problem.message
    assert first_unseen(problem.message + problem.value) is None


@pytest.mark.parametrize("text", HIDDEN)
def test_a_line_of_the_log_shows_it_too(text: str) -> None:
    event = show_unseen(None, "", {"event": text, "path": text, "number": 7})
    assert event["number"] == 7
    assert first_unseen(event["path"].replace("\n", "")) is None
