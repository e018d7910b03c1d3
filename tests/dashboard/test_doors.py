"""The frame of every answer: an id that is also in the log, no caching, and a proper logout."""

from __future__ import annotations

import json
import logging
from collections import deque
from io import StringIO

import pytest
from django.test import Client
from structlog.contextvars import get_contextvars

from dashboard.handler import busy_response
from dashboard.views import home, operations
from tests.dashboard.api import Program
from tests.dashboard.desk_fixture import Desk


class Broken(Exception):
    """A fault of the desk's own code. Its text must stay inside."""


@pytest.fixture
def seen(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Return the request ids under which Django has logged an error."""
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


def test_what_is_refused_is_in_the_log_with_the_id_too(office: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """Django writes these lines when the request is over."""
    written = StringIO()
    (console,) = [one for one in logging.getLogger().handlers if one.name == "console"]
    monkeypatch.setattr(console, "stream", written)
    client, program = office.client(office.trader), Program(office.trader)
    forged = {"tranche.request_id": "forged", "HTTP_TRANCHE.REQUEST_ID": "forged"}
    answers = [
        client.get("/orders/nothere0/", headers={"tranche.request_id": "forged"}),
        client.get("/people/", **forged),  # type: ignore[arg-type]
        client.get("/orders/new/x/y/"),
        program.get("/orders/nothere0"),
        program.post("/orders", {"symbol": "BTC/USDT"}, Idempotency_Key="1"),
    ]
    assert [answer.status_code for answer in answers] == [404, 403, 404, 404, 422]
    lines = [
        line for line in written.getvalue().splitlines() if "level=warning" in line and "counted" not in line
    ]
    said = [line.rpartition("request=")[2].split(" ")[0] for line in lines]
    assert said == [answer.headers["X-Request-Id"] for answer in answers], lines


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


def test_every_answer_has_the_headers_that_keep_a_browser_safe(office: Desk) -> None:
    client = office.client(office.trader)
    paths = (
        "/login/",
        "/orders/",
        "/nowhere/",
        "/static/mark.svg",
        "/api/v1/orders",
        "/api/v1/docs",
        "/livez",
        "/admin/",
    )
    answers = [(path, client.get(path).headers) for path in paths]
    answers.append(("busy", busy_response("/orders/").headers))
    for path, headers in answers:
        assert headers["X-Content-Type-Options"] == "nosniff", path
        assert headers["X-Frame-Options"] == "DENY", path
        assert headers["Referrer-Policy"] == "same-origin", path
        policy = headers["Content-Security-Policy"]
        assert "default-src 'self'" in policy or "default-src 'none'" in policy, path
        assert "unsafe" not in policy, path
        assert "frame-ancestors 'none'" in policy, path


def test_a_browser_reports_a_broken_policy_and_nobody_floods_the_log_with_it(
    db: None, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(operations, "_told_at", deque(maxlen=operations.REPORTS))
    report = {
        "csp-report": {
            "document-uri": "http://desk/orders/",
            "blocked-uri": "x" * 500,
            "violated-directive": "img-src",
        }
    }
    client = Client(enforce_csrf_checks=True)
    for _ in range(operations.REPORTS + 5):
        assert client.post("/csp-report", json.dumps(report), "application/csp-report").status_code == 204
    lines = [record for record in caplog.records if "refused a part" in str(record.msg)]
    assert len(lines) == operations.REPORTS
    assert {record.levelname for record in lines} == {"WARNING"}
    assert len(str(lines[0].msg)) < 700
    for body in ("", "[1]", "{}", '{"csp-report": 1}'):
        assert client.post("/csp-report", body, "application/csp-report").status_code == 400
