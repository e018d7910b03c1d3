"""Names that are read as one another, and passwords that are guessed at once."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from execution.core.names import USER_NAME, guess_problem, name_skeleton


@pytest.mark.parametrize("name", ["trаder", "trader\u200b", "", ".trader", "tra der", "трейдер", "x/y"])
def test_a_name_has_letters_of_one_alphabet(name: str) -> None:
    assert not USER_NAME.fullmatch(name)


@pytest.mark.parametrize(
    ("one", "two"),
    [
        ("admin", "Admin"),
        ("admin", "adrnin"),
        ("olga", "0lga"),
        ("bill", "b1ll"),
        ("bill", "bi1l"),
        ("a.b", "ab"),
        ("c1ara", "dara"),
    ],
)
def test_names_that_look_alike_are_read_the_same(one: str, two: str) -> None:
    assert name_skeleton(one) == name_skeleton(two)


@given(st.from_regex(USER_NAME, fullmatch=True))
def test_a_skeleton_is_its_own(name: str) -> None:
    assert name_skeleton(name_skeleton(name)) == name_skeleton(name)


def test_names_of_the_desk_stay_apart() -> None:
    names = ("trader", "supervisor", "admin", "other", "second_trader", "second_admin", "third", "night")
    assert len({name_skeleton(name) for name in names}) == len(names)


@pytest.mark.parametrize(
    "password", ["123456789012", "passwordpassword", "qwertyuiop12", "maria.muster", "aaaaaaaaaaaa"]
)
def test_a_password_that_is_guessed_soon_has_a_problem(password: str) -> None:
    assert "easy to guess" in guess_problem(password, ["maria.muster", "maria", "muster"])


@pytest.mark.parametrize(
    "password", ["correct horse battery", "XkP9vLw2Qz7m", "x" * 3 + "lamp green seven dance" * 40]
)
def test_one_that_is_not_has_none(password: str) -> None:
    assert guess_problem(password, ["maria"]) == ""
