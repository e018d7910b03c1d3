"""Limits put in force, and submits that are refused."""

from __future__ import annotations

import threading
from functools import partial
from typing import Any

import pytest

from execution.core.problem_codes import Code
from execution.core.problems import Problem, Refused
from execution.models import Order, Role, TradingLimit, User
from execution.services.desk.limits import limit_set, parse_limit_request
from tests.factories import NOW, Rows
from tests.threads import in_a_thread


def bound(rows: Rows, kind: str, value: object, level: str = "hard", **about: Any) -> TradingLimit:
    """Put a limit in force."""
    raw = {"kind": kind, "scope": "desk", "level": level, "value": str(value)} | about
    return limit_set(person=rows.supervisor, request=parse_limit_request(raw), reason="a test", now=NOW)


def refusal(rows: Rows, **changes: Any) -> Problem:
    before = Order.objects.count()
    with pytest.raises(Refused) as refused:
        rows.submit(**changes)
    assert Order.objects.count() == before
    (problem,) = refused.value.problems
    return problem


def twenty_refusals(rows: Rows) -> list[Code]:
    """Send the same order by twenty traders at the same moment; return the codes of what was refused."""
    people = [User.objects.create(username=f"trader {n}", role=Role.TRADER) for n in range(20)]
    rows.account.traders.add(*people)
    begin, refused, failures = threading.Barrier(20), [], []  # type: ignore[var-annotated]

    def send(person: User) -> None:
        begin.wait(20)
        try:
            rows.submit(key="one", person=person)
        except Refused as error:
            refused.extend(problem.code for problem in error.problems)

    threads = [in_a_thread(partial(send, person), failures) for person in people]
    for thread in threads:
        thread.join(60)
    assert failures == []
    return refused
