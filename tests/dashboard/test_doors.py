"""What is around every answer: an id that is also in the log, nothing kept by a cache, and a clean way out."""

from __future__ import annotations

import logging

import pytest
from django.test import Client
from structlog.contextvars import get_contextvars

from dashboard.views import home
from tests.dashboard.api import Program
from tests.dashboard.desk_fixture import Desk


class Broken(Exception):
    """What is wrong with our own code; its text is nobody's business outside."""


@pytest.fixture
def seen(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The request ids under which Django has logged an error."""
    found: list[str] = []

    def note(record: logging.LogRecord) -> bool:
        found.append(str(get_contextvars().get("request")))
        return True

    monkeypatch.setattr(logging.getLogger("django.request"), "filters", [note])
    return found


def test_an_error_of_our_own_has_an_id_on_its_page_and_in_the_log(
    office: Desk, monkeypatch: pytest.MonkeyPatch, seen: list[str]
) -> None:
    def fail(_person: object) -> None:
        raise Broken("the secret of the desk")

    monkeypatch.setattr(home, "person_of", fail)
    client = office.client(office.trader)
    client.raise_request_exception = False
    answer = client.get("/")
    (drawn,) = seen
    assert (answer.status_code, answer.headers["X-Request-Id"]) == (500, drawn)
    page = answer.content.decode()
    assert drawn in page
    assert "secret" not in page
    assert "Broken" not in page
    assert get_contextvars() == {}, "the next request of the thread has an id of its own"


def test_a_program_gets_the_id_too(office: Desk, monkeypatch: pytest.MonkeyPatch, seen: list[str]) -> None:
    def fail(**_: object) -> None:
        raise Broken("the secret of the desk")

    monkeypatch.setattr("dashboard.api.access.order_find", fail)
    answer = Program(office.trader).get("/orders/abcd1234")
    (drawn,) = seen
    assert (answer.status_code, answer.json()["code"]) == (500, "internal_error")
    assert answer.json()["detail"].endswith(f"request {drawn}.")
    assert "secret" not in answer.content.decode()


def test_no_cache_keeps_anything_but_files(office: Desk) -> None:
    client = office.client(office.supervisor)
    for path in (
        "/login/",
        "/orders/",
        "/wall/",
        "/me/",
        "/nowhere/",
        "/admin/",
        "/api/v1/orders",
        "/api/v1/docs",
    ):
        assert "no-store" in client.get(path).headers["Cache-Control"], path
    assert "no-store" not in client.get("/static/mark.svg").headers["Cache-Control"]


def test_logging_out_drops_what_the_browser_keeps(office: Desk) -> None:
    client = office.client(office.trader)
    answer = client.post("/logout/")
    assert answer.headers["Clear-Site-Data"] == '"cache"'
    assert "Clear-Site-Data" not in Client().get("/login/").headers
