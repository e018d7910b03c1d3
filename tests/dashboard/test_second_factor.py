"""The second factor: made, asked for at the login and again for what opens a door, and lost."""

from __future__ import annotations

import re
import time
from typing import Any

import pyotp
import pytest
from django.test import Client
from django.utils import timezone
from pytest_django.fixtures import Settings

from dashboard import again
from dashboard.access import person_of_session
from execution.models import AuditEntry, Halt, Installation, RecoveryCode, SecondFactor, User
from execution.services.desk.factors import factor_make, factor_verify, new_secret
from execution.services.halts import HaltRequest, halt_set
from tests.dashboard.desk_fixture import PASSWORD, Desk

SECRET = re.compile(r'mono secret">([A-Z2-7]{32})<')
CODE = re.compile(r"<li>([a-z2-9]{5}-[a-z2-9]{5})</li>")


def code_now(secret: str, steps: int = 0) -> str:
    return pyotp.TOTP(secret).at(int(time.time()) + 30 * steps)


def factor_of(person: User) -> str:
    """Give the person a factor and return its secret. Its codes of this step and before are spent."""
    secret = new_secret()
    factor_make(person=person, secret=secret, code=code_now(secret), now=timezone.now())
    return secret


def give_password(person: User, client: Client | None = None) -> tuple[Client, Any]:
    client = client or Client()
    return client, client.post("/login/?next=/me/", {"username": person.username, "password": PASSWORD})


def test_a_factor_is_made_on_ones_page_and_its_codes_are_shown_once(office: Desk) -> None:
    client = office.client(office.trader)
    page = client.get("/me/factor/")
    assert "no-store" in page.headers["Cache-Control"]
    text = page.content.decode()
    found = SECRET.search(text)
    assert found is not None
    assert "<svg" in text
    assert "style=" not in text[text.index("<svg") : text.index("</svg>")], "the policy would refuse it"
    secret = found[1]
    for fields in ({"code": code_now(secret), "password": "wrong"}, {"code": "000000", "password": PASSWORD}):
        assert client.post("/me/factor/", fields).status_code == 422
    made = client.post("/me/factor/", {"code": code_now(secret), "password": PASSWORD})
    assert made.status_code == 201
    assert len(set(CODE.findall(made.content.decode()))) == 10
    later = client.get("/me/factor/").content.decode()
    assert not CODE.findall(later)
    assert secret not in later
    assert secret.encode() not in bytes(SecondFactor.objects.get().sealed)


def test_the_login_asks_for_a_code_which_is_taken_once(office: Desk) -> None:
    secret = factor_of(office.trader)
    client, response = give_password(office.trader)
    assert response.headers["Location"] == "/login/code/"
    assert client.get("/me/").status_code == 302, "the password alone opens nothing"
    assert client.post("/login/code/", {"code": code_now(secret)}).status_code == 422, "it was taken before"
    code = code_now(secret, 1)
    done = client.post("/login/code/", {"code": f" {code[:3]} {code[3:]} "})
    assert (done.status_code, done.headers["Location"]) == (302, "/me/")
    assert client.get("/me/").status_code == 200
    second, _ = give_password(office.trader)
    assert second.post("/login/code/", {"code": code}).status_code == 422


def test_half_a_login_ends_after_five_minutes_and_with_the_password(office: Desk) -> None:
    secret = factor_of(office.trader)
    late, _ = give_password(office.trader)
    session = late.session
    session["half_in"] = {**session["half_in"], "at": int(time.time()) - 301}
    session.save()
    changed, _ = give_password(office.trader)
    office.trader.set_password("seven green lamps dance")
    office.trader.save()
    for client in (late, changed, Client()):
        response = client.post("/login/code/", {"code": code_now(secret, 1)})
        assert response.headers["Location"] == "/login/"
        assert client.get("/me/").status_code == 302


def test_guessed_codes_count_as_failed_logins(office: Desk, settings: Settings) -> None:
    secret = factor_of(office.trader)
    settings.AXES_FAILURE_LIMIT = 3
    client, _ = give_password(office.trader)
    tried = [client.post("/login/code/", {"code": "000000"}).status_code for _ in range(4)]
    assert tried == [422, 422, 429, 429]
    assert client.post("/login/code/", {"code": code_now(secret, 1)}).status_code == 429


def test_a_recovery_code_works_once_and_an_admin_removes_a_lost_factor_with_a_second_person(
    office: Desk,
) -> None:
    person, secret = office.trader, new_secret()
    codes = factor_make(person=person, secret=secret, code=code_now(secret), now=timezone.now())
    for expected in (302, 422):
        client, _ = give_password(person)
        assert client.post("/login/code/", {"code": codes[0].upper()}).status_code == expected
    assert RecoveryCode.objects.filter(used_at=None).count() == 9
    assert AuditEntry.objects.get(kind="factor.recovered").data == {"codes_left": 9}
    admin = office.client(office.admin)
    admin.post(f"/people/{person.public_id}/factor/", {"reason": "lost the phone"})
    assert SecondFactor.objects.exists()
    assert office.confirm() == ["person.factor"]
    assert not SecondFactor.objects.exists()
    assert give_password(person)[1].headers["Location"] == "/me/"


def test_it_is_required_of_supervisors_and_admins_but_on_paper_and_stops_go_through(
    office: Desk, settings: Settings
) -> None:
    supervisor, trader = office.client(office.supervisor), office.client(office.trader)
    key = supervisor.session.session_key
    assert supervisor.get("/wall/").status_code == 200
    settings.TRANCHE_ENVIRONMENT = "testnet"
    assert supervisor.get("/wall/").headers["Location"] == "/me/factor/"
    assert office.client(office.admin).get("/admin/").headers["Location"] == "/me/factor/"
    assert person_of_session(key) is None, "sockets are closed too"
    assert trader.get("/orders/").status_code == 200
    fields = {"kind": "stop", "scope": "desk", "phrase": "HALT DESK", "reason": "now"}
    assert supervisor.post("/halts/new/", fields).status_code == 303
    assert Halt.objects.count() == 1
    factor_of(office.supervisor)
    assert supervisor.get("/wall/").status_code == 200
    removed = supervisor.post("/me/factor/remove/")
    assert removed.headers["Location"].startswith("/again/"), "it is asked again first"
    session = supervisor.session
    session[again.ANSWERED] = int(time.time())
    session.save()
    assert supervisor.post("/me/factor/remove/").status_code == 422


def _halted(office: Desk) -> str:
    request = HaltRequest("no_new_orders", "desk")
    now = timezone.now()
    halt = halt_set(person=office.supervisor, request=request, phrase="HALT DESK", reason="a drill", now=now)
    return str(halt.public_id)


def test_what_opens_a_door_asks_again_and_the_answer_lasts_ten_minutes(office: Desk) -> None:
    secret, halt = factor_of(office.supervisor), _halted(office)
    client = office.client(office.supervisor)
    lift = f"/halts/{halt}/lift/"
    headers = {"Referer": f"http://testserver/halts/{halt}/"}
    asked = client.post(lift, {"reason": "over"}, headers=headers)
    assert asked.headers["Location"] == f"/again/?next=%2Fhalts%2F{halt}%2F"
    part = client.post(lift, {"reason": "over"}, headers={**headers, "HX-Request": "true"})
    assert part.headers["HX-Redirect"] == asked.headers["Location"]
    assert Halt.objects.get().lifted_at is None
    assert client.post("/again/", {"answer": PASSWORD}).status_code == 422, "the code, not the password"
    answer = {"answer": code_now(secret, 1), "next": f"/halts/{halt}/"}
    assert client.post("/again/", answer).headers["Location"] == f"/halts/{halt}/"
    session = client.session
    session[again.ANSWERED] -= again.LASTS
    session.save()
    assert client.post(lift, {"reason": "over"}).status_code == 302
    assert Halt.objects.get().lifted_at is None
    session[again.ANSWERED] += 10
    session.save()
    client.post(lift, {"reason": "over"})
    assert Halt.objects.get().lifted_at is not None


@pytest.mark.parametrize("target", ["https://evil.example/", "//evil.example", "javascript:alert(1)"])
def test_the_answer_leads_nowhere_else(office: Desk, target: str) -> None:
    secret, client = factor_of(office.trader), office.client(office.trader)
    done = client.post("/again/", {"answer": code_now(secret, 1), "next": target})
    assert done.headers["Location"] == "/"


def test_on_a_live_installation_the_password_is_asked_again_where_there_is_no_factor(
    office: Desk, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    Installation.objects.create(mark="test", environment="paper", sealing_key="11" * 32)
    admin = office.client(office.admin)
    grant = f"/accounts/{office.account.public_id}/grant/"
    User.objects.create(username="third", role="trader")
    assert admin.get("/accounts/new/").status_code == 200, "on paper nobody is asked"
    settings.TRANCHE_ENVIRONMENT = "live"
    monkeypatch.setattr(again, "factor_missing", lambda _person: False)
    assert admin.get("/accounts/new/").headers["Location"] == "/again/?next=%2Faccounts%2Fnew%2F"
    assert admin.post(grant, {"trader": "third"}).headers["Location"].startswith("/again/")
    stop = f"/accounts/{office.account.public_id}/suspend/"
    assert admin.post(stop, {"reason": "leaked"}).status_code == 303, "a stop asks nothing"
    assert admin.post("/again/", {"answer": "wrong"}).status_code == 422
    assert admin.post("/again/", {"answer": PASSWORD}).status_code == 302
    assert admin.post(grant, {"trader": "third"}).status_code == 303
    supervisor = office.client(office.supervisor)
    confirm = supervisor.get("/access/").content.decode()
    public_id, seen = (
        re.search(r"/access/(\w+)/confirm/", confirm),
        re.search(r'name="hash" value="(\w+)"', confirm),
    )
    assert public_id is not None
    assert seen is not None
    answer = supervisor.post(f"/access/{public_id[1]}/confirm/", {"hash": seen[1]})
    assert answer.headers["Location"].startswith("/again/")


def test_a_factor_whose_key_is_gone_leaves_the_recovery_codes(office: Desk, settings: Settings) -> None:
    person, secret = office.trader, new_secret()
    codes = factor_make(person=person, secret=secret, code=code_now(secret), now=timezone.now())
    settings.SECRET_KEY = "another one, after a move"
    assert not factor_verify(person=person, code=code_now(secret, 1), now=timezone.now())
    assert factor_verify(person=person, code=codes[3], now=timezone.now())
