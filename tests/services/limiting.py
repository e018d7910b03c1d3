"""Limits put in force, and what they refuse."""

from __future__ import annotations

from typing import Any

import pytest

from execution.core.problems import Problem, Refused
from execution.models import Order, TradingLimit
from execution.services.desk.limits import limit_set, parse_limit_request
from tests.factories import NOW, Rows


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
