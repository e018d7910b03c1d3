"""The installation's row and its first people."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from execution.core.identifiers import ALPHABET
from execution.core.problems import Refused
from execution.models import Installation, Role, User
from execution.services.desk.installation import FIRST_PEOPLE, installation_ensure, people_ensure

pytestmark = pytest.mark.django_db
NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
PASSWORDS = {name: f"{name}-of-the-desk" for name in FIRST_PEOPLE}


def test_the_mark_is_drawn_once() -> None:
    first = installation_ensure(environment="paper", sealing_key="aa", now=NOW)
    again = installation_ensure(environment="paper", sealing_key="aa", now=NOW)
    assert Installation.objects.count() == 1
    assert first.mark == again.mark
    assert len(first.mark) == 4
    assert set(first.mark) <= set(ALPHABET)
    assert Installation.objects.get().created_at == NOW


def test_the_row_takes_the_rotated_key() -> None:
    installation_ensure(environment="paper", sealing_key="aa", now=NOW)
    installation_ensure(environment="paper", sealing_key="bb", now=NOW)
    assert Installation.objects.get().sealing_key == "bb"


def test_another_environment_is_refused_and_changes_nothing() -> None:
    installation_ensure(environment="paper", sealing_key="aa", now=NOW)
    with pytest.raises(
        Refused, match="belongs to a paper installation and cannot be started as live"
    ) as refused:
        installation_ensure(environment="live", sealing_key="bb", now=NOW)
    assert (refused.value.problems[0].value, refused.value.problems[0].limit) == ("live", "paper")
    assert Installation.objects.get().sealing_key == "aa"


def test_an_unknown_environment_is_refused() -> None:
    with pytest.raises(Refused, match=r"is 'moon'\. It must be one of paper, testnet, live"):
        installation_ensure(environment="moon", sealing_key="aa", now=NOW)
    assert not Installation.objects.exists()


def test_the_first_people_have_their_roles_and_passwords() -> None:
    assert people_ensure(passwords=PASSWORDS) == ("trader", "supervisor", "admin")
    people = {user.username: user for user in User.objects.all()}
    assert {name: user.role for name, user in people.items()} == FIRST_PEOPLE
    assert all(user.check_password(PASSWORDS[name]) for name, user in people.items())
    assert [user.username for user in people.values() if user.is_staff or user.is_superuser] == ["admin"]
    assert people["trader"].may_trade
    assert not people["admin"].may_trade


def test_nobody_is_created_a_second_time_not_even_who_was_removed() -> None:
    people_ensure(passwords=PASSWORDS)
    User.objects.filter(username="trader").delete()
    assert people_ensure(passwords=PASSWORDS) == ()
    assert not User.objects.filter(role=Role.TRADER).exists()


@pytest.mark.parametrize("bad", [{}, {"trader": ""}, {"trader": "short"}])
def test_a_missing_or_short_password_creates_nobody(bad: dict[str, str]) -> None:
    passwords = {name: word for name, word in PASSWORDS.items() if name != "trader"} | bad
    with pytest.raises(Refused, match=r"The password of trader has \d characters. It needs at least 12"):
        people_ensure(passwords=passwords)
    assert not User.objects.exists()
