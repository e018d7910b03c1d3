"""A program at the API: a person's token, requests in one line, and the problems of an answer."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

from django.http import HttpResponse
from django.test import Client
from django.utils import timezone

from execution.core.problem_codes import Code
from execution.models import User
from execution.services.desk.tokens import token_create
from tests.dashboard.desk_fixture import Desk


def token_of(person: User) -> str:
    return token_create(person=person, name="test", now=timezone.now(), lifetime=timedelta(days=1))[1]


class Program:
    """Speaks for a person; None has no token."""

    def __init__(self, person: User | None, token: str = "") -> None:
        self.client = Client(raise_request_exception=False)
        text = token or (token_of(person) if person is not None else "")
        self.headers = {"Authorization": f"Bearer {text}"} if text else {}

    def get(self, path: str, **query: Any) -> Any:
        return self.client.get(f"/api/v1{path}", query, headers=self.headers)

    def post(self, path: str, body: Any = None, **headers: str) -> Any:
        named = {name.replace("_", "-"): text for name, text in headers.items()}
        written = "" if body is None else body if isinstance(body, str) else json.dumps(body)
        return self.client.post(
            f"/api/v1{path}", written, content_type="application/json", headers={**self.headers, **named}
        )

    def launch(self, body: Any, key: str = "key-1") -> Any:
        return self.post("/orders", body, Idempotency_Key=key)


def order_body(desk: Desk, **changes: Any) -> dict[str, Any]:
    """Return a valid order: BUY 2.5 BTC over an hour. There is no quote, so it has a limit price."""
    body = {
        "symbol": "BTC/USDT",
        "side": "buy",
        "quantity": "2.5",
        "confirm_quantity": "2.5",
        "unit": "base",
        "algorithm": "twap",
        "parameters": {"duration": 3600, "slices": 12},
        "accounts": [desk.account.label],
        "limit_price": "65200",
        "client_reference": "by a program",
    }
    return body | changes


def problem_of(response: HttpResponse, status: int) -> dict[str, Any]:
    """Check the form of a problem in an answer, and return it."""
    assert response.status_code == status, response.content
    assert response.headers["Content-Type"] == "application/problem+json"
    problem: dict[str, Any] = json.loads(response.content)
    assert set(problem) == {"type", "title", "status", "code", "detail", "problems"}
    assert problem["status"] == status
    assert problem["title"]
    assert problem["detail"]
    assert all(set(part) == {"field", "message", "value", "limit", "code"} for part in problem["problems"])
    assert {problem["code"], *(part["code"] for part in problem["problems"])} <= set(Code)
    return problem
