"""API tokens: shown once, kept as a hash, valid for a time and for an active person only."""

from __future__ import annotations

import io
from datetime import timedelta

import pytest
from django.core.management import CommandError, call_command
from django.core.serializers import serialize

from execution.core.problems import Refused
from execution.models import ApiToken, AuditEntry, Role, User
from execution.selectors.tokens import token_rows
from execution.services.desk.tokens import TokenNotFound, person_of_token, token_create, token_revoke
from tests.factories import NOW

DAY = timedelta(days=1)


@pytest.fixture
def person(db: None) -> User:
    return User.objects.create(username="trader", role=Role.TRADER)


def make(person: User, lifetime: timedelta = DAY, name: str = "bot") -> tuple[ApiToken, str]:
    return token_create(person=person, name=name, lifetime=lifetime, now=NOW)


def test_a_token_speaks_for_its_person_until_it_expires(person: User) -> None:
    _, text = make(person)
    assert person_of_token(text=text, now=NOW + DAY - timedelta(seconds=1)) == person
    assert person_of_token(text=text, now=NOW + DAY) is None
    for wrong in ("", text[:-1], text.upper(), "\ud800"):
        assert person_of_token(text=wrong, now=NOW) is None


def test_the_database_holds_no_token_and_the_audit_names_who_made_it(person: User) -> None:
    token, text = make(person)
    rows = serialize("json", [*ApiToken.objects.all(), *AuditEntry.objects.all()])
    assert text not in rows
    assert text.removeprefix("tranche_") not in rows
    entry = AuditEntry.objects.get()
    assert (entry.kind, entry.actor, entry.subject) == ("token_made", "trader:trader", token.public_id)


def test_somebody_who_is_switched_off_has_no_valid_token_and_makes_none(person: User) -> None:
    _, text = make(person)
    person.is_active = False
    person.save()
    assert person_of_token(text=text, now=NOW) is None
    with pytest.raises(Refused):
        make(person)


def test_a_revoked_token_is_none_and_nobody_revokes_anothers(person: User) -> None:
    token, text = make(person)
    stranger = User.objects.create(username="second_trader")
    with pytest.raises(TokenNotFound):
        token_revoke(public_id=token.public_id, person=stranger, now=NOW)
    assert person_of_token(text=text, now=NOW) == person
    for _ in range(2):
        token_revoke(public_id=token.public_id, person=person, now=NOW)
    assert person_of_token(text=text, now=NOW) is None
    assert AuditEntry.objects.filter(kind="token_revoked").count() == 1
    assert [row["state"] for row in token_rows(person=person, now=NOW)] == ["revoked"]


def test_its_use_is_noted_once_a_minute(person: User) -> None:
    token, text = make(person)
    for seconds, noted in ((0, 0), (59, 0), (60, 60), (61, 60)):
        person_of_token(text=text, now=NOW + timedelta(seconds=seconds))
        token.refresh_from_db()
        assert token.last_used_at == NOW + timedelta(seconds=noted)


@pytest.mark.parametrize("lifetime", [timedelta(0), -DAY, 366 * DAY])
def test_a_lifetime_has_limits(person: User, lifetime: timedelta) -> None:
    with pytest.raises(Refused) as refused:
        make(person, lifetime)
    assert (refused.value.problems[0].field, refused.value.problems[0].limit) == ("days", "365")
    assert ApiToken.objects.count() == 0


def test_a_name_has_limits_and_so_has_their_number(person: User) -> None:
    for name in ("n" * 41, "a\x00b"):
        with pytest.raises(Refused):
            make(person, name=name)
    for _ in range(20):
        make(person)
    with pytest.raises(Refused, match="20 valid tokens"):
        make(person)


def test_the_command_prints_the_token_alone(person: User) -> None:
    out = io.StringIO()
    call_command("api_token", "trader", "--name", "cron", stdout=out)
    (line,) = out.getvalue().splitlines()
    token = ApiToken.objects.get()
    assert person_of_token(text=line, now=token.created_at) == person
    assert token.expires_at - token.created_at == 90 * DAY
    with pytest.raises(CommandError, match="there are trader"):
        call_command("api_token", "nobody")
    for days in ("0", "366", "99999999999"):
        with pytest.raises(CommandError, match="1 to 365"):
            call_command("api_token", "trader", "--days", days)
