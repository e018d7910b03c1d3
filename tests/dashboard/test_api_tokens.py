"""The bearer token at the door, and the page on which a person makes and revokes theirs."""

from __future__ import annotations

import re

import pytest
from django.test import Client
from django.utils import timezone

from execution.models import ApiToken, User
from execution.services.desk.tokens import token_create
from tests.dashboard.api import Program, problem_of, token_of
from tests.dashboard.desk_fixture import Desk

FORM_TOKEN = re.compile(rb'name="csrfmiddlewaretoken" value="[^"]+"')
TOKEN = re.compile(r"tranche_[\w-]{43}")


def without_form_tokens(page: bytes) -> bytes:
    """Return a page without the parts that are drawn anew for each."""
    return FORM_TOKEN.sub(b"", page)


def test_without_a_valid_token_the_api_is_closed_and_says_how_to_open_it(office: Desk) -> None:
    text = token_of(office.trader)
    for headers in ({}, {"Authorization": "Bearer"}, {"Authorization": f"Basic {text}"}, {"X-Token": text}):
        program = Program(None)
        program.headers = headers
        response = program.get("/orders")
        assert "Authorization: Bearer" in problem_of(response, 401)["detail"]
        assert response.headers["WWW-Authenticate"] == "Bearer"
    problem_of(
        Program(None).get("/orders", token=text, access_token=text), 401
    )  # nor in an address, which is logged
    assert Program(None, token=text).get("/orders").status_code == 200


def test_a_session_opens_nothing_so_that_no_foreign_page_can(office: Desk) -> None:
    client = office.client(office.trader)
    assert client.get("/orders/").status_code == 200
    assert client.get("/api/v1/orders").status_code == 401
    assert client.post("/api/v1/orders", "{}", content_type="application/json").status_code == 401


def test_a_token_of_somebody_who_is_switched_off_is_none(office: Desk) -> None:
    program = Program(office.trader)
    assert program.get("/orders").status_code == 200
    User.objects.filter(pk=office.trader.pk).update(is_active=False)
    problem_of(program.get("/orders"), 401)


def test_a_role_that_changed_is_the_role_of_its_tokens(office: Desk) -> None:
    program = Program(office.trader)
    order = office.order(office.other)
    assert program.get(f"/orders/{order.public_id}").status_code == 404
    User.objects.filter(pk=office.trader.pk).update(role="supervisor")
    assert program.get(f"/orders/{order.public_id}").status_code == 200


def test_no_answer_may_be_kept_by_a_cache(office: Desk) -> None:
    assert Program(office.trader).get("/orders").headers["Cache-Control"] == "no-store"


def test_a_person_makes_a_token_sees_it_once_and_revokes_it(office: Desk) -> None:
    client = office.client(office.supervisor)
    page = client.get("/me/").content.decode()
    assert "No tokens yet." in page
    assert re.findall(r'name="scopes" value="(\w+)" checked', page) == ["read"], "more only if it is meant"
    made = client.post("/me/", {"name": "nightly", "days": "30", "scopes": ["read"]})
    assert made.status_code == 201
    assert "no-store" in made.headers["Cache-Control"]
    (text,) = set(TOKEN.findall(made.content.decode()))
    assert Program(None, token=text).get("/orders").status_code == 200
    page = client.get("/me/").content.decode()
    assert TOKEN.search(page) is None
    assert "nightly" in page
    token = ApiToken.objects.get()
    assert client.post(f"/me/tokens/{token.public_id}/revoke/").status_code == 302
    assert "revoked" in client.get("/me/").content.decode()
    problem_of(Program(None, token=text).get("/orders"), 401)


def test_a_bad_lifetime_is_said_and_what_was_written_stays(office: Desk) -> None:
    client = office.client(office.trader)
    for days in ("0", "366", "soon", ""):
        refused = client.post("/me/", {"name": "nightly", "days": days, "scopes": ["read"]})
        assert refused.status_code == 422
        page = refused.content.decode()
        assert "1 to 365" in page
        assert 'value="nightly"' in page
    assert ApiToken.objects.count() == 0


def test_another_persons_token_looks_as_if_it_did_not_exist(office: Desk) -> None:
    token_of(office.trader)
    token = ApiToken.objects.get()
    stranger = office.client(office.other)
    theirs = stranger.post(f"/me/tokens/{token.public_id}/revoke/")
    missing = stranger.post("/me/tokens/nothere0/revoke/")
    assert (theirs.status_code, missing.status_code) == (404, 404)
    assert without_form_tokens(theirs.content) == without_form_tokens(missing.content)
    assert token.last_four not in stranger.get("/me/").content.decode()
    token.refresh_from_db()
    assert token.revoked_at is None


def test_the_document_is_for_tools_with_a_token_and_its_page_needs_nothing_from_elsewhere(
    office: Desk,
) -> None:
    assert Client().get("/api/v1/openapi.json").status_code == 401
    assert "/login/" in Client().get("/api/v1/docs").headers["Location"]
    document = Program(office.trader).get("/openapi.json").json()
    assert document["openapi"].startswith("3.1")
    assert "no CSRF token" in document["info"]["description"]
    page = office.client(office.trader).get("/api/v1/docs").content.decode()
    assert 'data-document="/api/v1/openapi.json"' in page
    parameters = document["components"]["schemas"]["TwapParameters"]["properties"]
    assert {"duration", "slices", "collar_bp"} <= set(parameters)
    for path, operations in document["paths"].items():
        for operation in operations.values():
            assert operation["security"] == [{"Bearer": []}], path
            assert {"401", "403", "405", "422", "429", "500"} <= set(operation["responses"])


PATHS = {
    ("GET", "/orders"): {"read"},
    ("POST", "/orders"): {"trade"},
    ("POST", "/orders/preview"): {"read", "trade"},
    ("POST", "/orders/{order}/amend"): {"trade"},
    ("POST", "/orders/{order}/amend/preview"): {"read", "trade"},
    ("POST", "/orders/{order}/resume"): {"trade"},
    ("POST", "/orders/{order}/pause"): {"trade", "halt"},
    ("POST", "/orders/{order}/cancel"): {"trade", "halt"},
    ("POST", "/halts"): {"trade", "halt"},
    ("POST", "/halts/preview"): {"trade", "halt"},
    ("POST", "/halts/nothere0/lift"): {"halt"},
    ("POST", "/reconciliation/nothere0/absent"): {"halt"},
    ("POST", "/limits"): {"halt"},
    ("POST", "/approvals/nothere0/approve"): {"halt"},
    ("POST", "/approvals/nothere0/withdraw"): {"trade", "halt"},
}


@pytest.mark.parametrize("scope", ["read", "trade", "halt"])
def test_a_token_does_what_its_scopes_allow_and_no_more(office: Desk, scope: str) -> None:
    order = office.order()
    now = timezone.now()
    _, text = token_create(person=office.trader, name="narrow", now=now, scopes=[scope])
    program = Program(None, token=text)
    for (method, path), allowed in PATHS.items():
        address = path.format(order=order.public_id)
        response = program.get(address) if method == "GET" else program.post(address, {})
        code = "" if response.status_code < 400 else response.json()["code"]
        assert (code == "scope_missing") is (scope not in allowed), f"{method} {path}: {response.content!r}"


def test_a_token_is_bound_to_its_addresses(office: Desk) -> None:
    networks = ["10.1.0.0/16", "2001:db8::1"]
    _, text = token_create(person=office.trader, name="here", now=timezone.now(), addresses=networks)
    program = Program(None, token=text)
    for address, status in (("10.1.2.3", 200), ("2001:db8::1", 200), ("10.2.0.1", 403), ("", 403)):
        response = program.client.get("/api/v1/orders", headers=program.headers, REMOTE_ADDR=address)
        assert response.status_code == status, address
    assert response.json()["code"] == "address_not_allowed"


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"scopes": []}, "needs at least one scope"),
        ({"scopes": ["everything"]}, "There is no scope"),
        ({"addresses": "10.0.0.0/24, here"}, "is not an address or a network"),
        ({"addresses": "10.0.0.1/8"}, "is not an address or a network"),
        ({"addresses": " ".join(f"10.0.0.{number}" for number in range(21))}, "At most 20"),
    ],
)
def test_bad_scopes_and_addresses_make_no_token(office: Desk, changes: dict[str, object], said: str) -> None:
    fields = {"name": "n", "days": "1", "scopes": ["read"]} | changes
    response = office.client(office.trader).post("/me/", fields)
    assert response.status_code == 422
    assert said in response.content.decode()
    assert not ApiToken.objects.exists()
