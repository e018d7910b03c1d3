"""Ids: computed, never drawn twice, and ours to recognise."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from execution.core.identifiers import (
    ALPHABET,
    CLIENT_ID_LENGTH,
    MAX_SEQUENCE,
    base36,
    client_id,
    has_our_mark,
    random_id,
)

marks = st.text(ALPHABET, min_size=4, max_size=4)
parents = st.text(ALPHABET, min_size=8, max_size=8)
sequences = st.integers(0, MAX_SEQUENCE)


@given(sequences)
def test_base_36_reads_back_as_itself_and_sorts_like_the_number(number: int) -> None:
    text = base36(number, 4)
    assert int(text, 36) == number
    assert len(text) == 4
    assert number == 0 or base36(number - 1, 4) < text


@pytest.mark.parametrize(("number", "words"), [(-1, "is negative"), (36**4, "at most 1679615")])
def test_what_does_not_fit_is_refused(number: int, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        base36(number, 4)


@given(marks, parents, sequences, marks, parents, sequences)
def test_client_ids_are_17_characters_and_differ_when_anything_does(
    mark: str, parent: str, sequence: int, mark2: str, parent2: str, sequence2: int
) -> None:
    one, other = client_id(mark, parent, sequence), client_id(mark2, parent2, sequence2)
    assert len(one) == CLIENT_ID_LENGTH == 17
    assert set(one) <= set(ALPHABET)
    assert (one == other) == ((mark, parent, sequence) == (mark2, parent2, sequence2))


@given(marks, marks, parents, sequences)
def test_an_id_is_ours_by_any_mark_that_we_ever_had(
    mark: str, other: str, parent: str, sequence: int
) -> None:
    identifier = client_id(mark, parent, sequence)
    assert has_our_mark(identifier, frozenset({mark, "zzzz"}))
    assert has_our_mark(identifier, frozenset({other})) == (mark == other)


@pytest.mark.parametrize("identifier", [None, "", "qabcd", "xabcd123456780001", "qabcd1234567800011"])
def test_other_ids_are_not_ours(identifier: str | None) -> None:
    assert not has_our_mark(identifier, frozenset({"abcd"}))


@pytest.mark.parametrize(
    ("mark", "parent"), [("abc", "12345678"), ("abcd", "1234567"), ("abcde", "12345678")]
)
def test_a_mark_or_parent_of_another_length_is_refused(mark: str, parent: str) -> None:
    with pytest.raises(ValueError, match="must have 4 and 8 characters"):
        client_id(mark, parent, 1)


def test_a_random_id_is_drawn_with_what_it_is_given() -> None:
    assert random_id(8, random.Random(1).choice) == random_id(8, random.Random(1).choice)
    assert len(random_id(8, random.Random(2).choice)) == 8
