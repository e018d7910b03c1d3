"""Sessions end by time, by their person, by an admin and with the password; so do tokens (A7)."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.contrib.sessions.models import Session
from django.test import Client
from django.utils import timezone
from pytest_django.fixtures import Settings

from dashboard.access import person_of_session
from execution.models import AuditEntry, Login, User
from execution.services.desk.logins import logins_drop
from tests.dashboard.api import Program, problem_of
from tests.dashboard.desk_fixture import PASSWORD, Desk

NEW = "seven green lamps dance"
PAGE = "/me/"


def key_of(client: Client) -> str:
    return client.session.session_key or ""


def is_in(client: Client) -> bool:
    return client.get(PAGE).status_code == 200


def change_password(client: Client, old: str = PASSWORD, new: str = NEW, again: str = "") -> int:
    fields = {"old_password": old, "new_password1": new, "new_password2": again or new}
    return client.post("/me/password/", fields).status_code


@pytest.mark.parametrize("name", ["trader", "supervisor", "admin"])
def test_everybody_changes_their_own_password_and_what_it_opened_ends(office: Desk, name: str) -> None:
    person = getattr(office, name)
    here, elsewhere, program = office.client(person), office.client(person), Program(person)
    assert program.get("/orders").status_code == 200
    assert change_password(here) == 302
    assert is_in(here)
    assert not is_in(elsewhere)
    assert person_of_session(key_of(here)) == person
    problem_of(program.get("/orders"), 401)
    assert User.objects.get(pk=person.pk).check_password(NEW)
    assert Login.objects.filter(person=person).count() == 1
    kinds = set(AuditEntry.objects.values_list("kind", flat=True))
    assert {"person.own_password", "session.ended", "tokens_revoked"} <= kinds


@pytest.mark.parametrize(
    ("new", "said"),
    [
        ("123456789012", "entirely numeric"),
        ("password1234!", "easy to guess"),
        ("qwertyuiopas", "easy to guess"),
        ("trader-trader-1", "easy to guess"),
        ("short", "too short"),
        (PASSWORD, "is the present one"),
    ],
)
def test_a_password_that_is_guessed_soon_is_refused(office: Desk, new: str, said: str) -> None:
    client = office.client(office.trader)
    fields = {"old_password": PASSWORD, "new_password1": new, "new_password2": new}
    response = client.post("/me/password/", fields)
    assert response.status_code == 422
    assert said in response.content.decode()
    assert User.objects.get(pk=office.trader.pk).check_password(PASSWORD)


def test_the_present_password_is_asked_for_and_the_new_one_twice(office: Desk) -> None:
    client = office.client(office.trader)
    assert change_password(client, old="not the one at all") == 422
    assert change_password(client, again="another one there") == 422
    assert User.objects.get(pk=office.trader.pk).check_password(PASSWORD)


def test_a_session_ends_when_nobody_was_there_and_at_its_whole_time(office: Desk, settings: Settings) -> None:
    idle, old, fresh = (office.client(office.trader) for _ in range(3))
    now = timezone.now()
    settings.SESSION_IDLE = 600
    logins = Login.objects.all()
    logins.filter(session_key=key_of(idle)).update(seen_at=now - timedelta(seconds=601))
    logins.filter(session_key=key_of(old)).update(began_at=now - timedelta(hours=12, seconds=1))
    logins.filter(session_key=key_of(fresh)).update(seen_at=now - timedelta(seconds=300))
    keys = [key_of(client) for client in (idle, old, fresh)]
    assert [person_of_session(key) for key in keys] == [None, None, office.trader]
    assert [is_in(client) for client in (idle, old, fresh)] == [False, False, True]
    assert logins.get(session_key=key_of(fresh)).seen_at >= now, "an open page keeps it"
    logins.update(seen_at=now - timedelta(hours=1))
    logins_drop(now=now)
    assert not Session.objects.filter(session_key__in=keys).exists()


def test_sessions_are_listed_and_ended_by_their_person_and_nobody_else(office: Desk) -> None:
    client = office.client(office.trader)
    other = Client(headers={"User-Agent": "Mozilla/5.0 (X11; Linux x86_64) Gecko/20100101 Firefox/140.0"})
    other.post("/login/", {"username": "trader", "password": PASSWORD})
    page = client.get(PAGE).content.decode()
    assert "Firefox on Linux" in page
    assert "127.0.0.1" in page
    path = f"/me/sessions/{Login.objects.get(session_key=key_of(other)).public_id}/end/"
    assert office.client(office.supervisor).post(path).status_code == 404
    assert is_in(other)
    assert client.post(path).status_code == 302
    assert not is_in(other)
    third = office.client(office.trader)
    client.post("/me/sessions/end/")
    assert (is_in(client), is_in(third)) == (True, False)


def test_an_admin_ends_somebodys_sessions_and_tokens(office: Desk) -> None:
    trader, program = office.client(office.trader), Program(office.trader)
    admin = office.client(office.admin)
    path = f"/people/{office.trader.public_id}/"
    assert "End all" in admin.get(path).content.decode()
    assert admin.post(f"{path}logout/").status_code == 303
    assert not is_in(trader)
    problem_of(program.get("/orders"), 401)
    assert is_in(admin)


def test_a_role_that_changes_ends_sessions_and_tokens(office: Desk) -> None:
    trader, program, admin = office.client(office.trader), Program(office.trader), office.client(office.admin)
    fields = {"username": "trader", "role": "supervisor", "confirm_above": "100000"}
    admin.post(f"/admin/execution/user/{office.trader.pk}/change/", fields)
    assert is_in(trader), "it waits"
    office.confirm()
    assert not is_in(trader)
    problem_of(program.get("/orders"), 401)


def test_a_logout_forgets_the_session(office: Desk) -> None:
    client = office.client(office.trader)
    client.post("/logout/")
    assert not Login.objects.exists()
