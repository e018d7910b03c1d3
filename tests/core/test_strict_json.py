"""JSON that could be read in two ways, or that no database keeps, is refused."""

from __future__ import annotations

import json
import re
import time
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from execution.core.strict_json import read_json

values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(10**30), 10**30)
    | st.text(st.characters(exclude_characters="\0\\", exclude_categories=["Cs"]), max_size=5),
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.text("abc", max_size=2), inner, max_size=4)
    ),
    max_leaves=20,
)


@given(values)
def test_what_json_writes_is_read_as_it_was(value: Any) -> None:
    assert read_json(json.dumps(value)) == value
    assert read_json(json.dumps(value, ensure_ascii=False).encode()) == value


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ('{"quantity": "0.05", "quantity": "50"}', "the key 'quantity' is there more than once"),
        ('{"a": [{"b": 1, "b": 1}]}', "the key 'b' is there more than once"),
        ('{"' + "k" * 900 + '": 1, "' + "k" * 900 + '": 2}', "is there more than once"),
        ("NaN", "NaN is not JSON"),
        ("-Infinity", "-Infinity is not JSON"),
        ("1e400", "the number 1e400 is out of range"),
        ("1" * 4000, "has 4,000 characters; at most 40"),
        ("0." + "1" * 4000, "has 4,002 characters; at most 40"),
        ('"\\ud800"', "it is not UTF-8"),
        ('"a\\u0000b"', "it has a NUL character"),
        ("[" * 100_000, "it is nested too deeply"),
        (b'"\xff"', "it is not UTF-8"),
        ('"a"'.encode("utf-16"), "it is not UTF-8"),
        ("{", "Expecting"),
        ("", "Expecting value"),
    ],
    ids=lambda value: str(value)[:20],
)
def test_it_is_refused_with_a_short_reason(text: str | bytes, words: str) -> None:
    with pytest.raises(ValueError, match=re.escape(words)) as refused:
        read_json(text)
    assert len(str(refused.value)) < 200


def test_levels_are_counted_outside_of_texts() -> None:
    deepest = "[" * 64 + "]" * 64
    assert read_json(deepest) is not None
    assert read_json('"' + "[" * 100 + '"') == "[" * 100
    assert read_json(r'["\"[[", ' + "[[]]," * 99 + "[]]")[0] == '"[['
    with pytest.raises(ValueError, match="more than 64 levels"):
        read_json(f"[{deepest}]")


@pytest.mark.parametrize(
    "text", ['"' + '\\"' * 200_000, '"' * 200_001, '"' + "\\" * 200_001, "[" * 64 + '"[']
)
def test_a_text_that_is_never_closed_is_refused_quickly(text: str) -> None:
    began = time.process_time()
    with pytest.raises(ValueError, match=r"."):
        read_json(text)
    assert time.process_time() - began < 1


def test_exact_numbers_keep_their_digits() -> None:
    assert read_json("[0.1, 12345678901234567890]", exact=True) == [
        Decimal("0.1"),
        Decimal("12345678901234567890"),
    ]
    with pytest.raises(ValueError, match="out of range"):
        read_json("1e99999999999999999999999", exact=True)
