"""A wider limit waits for a second person; a tighter one holds at once, and is not undone by what was asked before."""

from __future__ import annotations

import threading
from typing import Any

import pytest

from execution.core.problem_codes import Code
from execution.core.problems import Refused
from execution.models import AccessRequest, AuditEntry, Role, TradingLimit, User
from execution.services.desk import limit_doors
from execution.services.desk.four_eyes import access_confirm, access_refuse
from execution.services.desk.limit_doors import LimitAsked, limit_end_ask, limit_set_ask
from execution.services.desk.limits import limit_set, parse_limit_request
from tests.factories import NOW, D, Rows
from tests.services.limiting import bound
from tests.threads import in_a_thread


@pytest.fixture
def admin(rows: Rows) -> User:
    return User.objects.create(username="admin", role=Role.ADMIN)


def ask(rows: Rows, value: object, person: User | None = None, **about: Any) -> LimitAsked:
    raw = {"kind": "order_notional", "scope": "desk", "level": "hard", "value": str(value)} | about
    request = parse_limit_request(raw)
    return limit_set_ask(person=person or rows.supervisor, request=request, reason="a test", now=NOW)


def confirm(request: AccessRequest | None, person: User) -> AccessRequest:
    assert request is not None
    seen = request.content_hash
    return access_confirm(public_id=request.public_id, person=person, seen_hash=seen, now=NOW)


def in_force() -> list[Any]:
    return sorted(TradingLimit.objects.filter(ended_at=None).values_list("value", flat=True))


def test_a_larger_value_waits_and_the_audit_names_both_people(rows: Rows, admin: User) -> None:
    bound(rows, "order_notional", 10_000)
    asked = ask(rows, 20_000)
    assert (asked.limit, in_force()) == (None, [D(10_000)])
    assert asked.waiting is not None
    assert asked.waiting.subject == "Order notional for the desk"
    assert asked.waiting.changes == [
        {
            "name": "Order notional for the desk, hard",
            "before": "10,000 USDT",
            "after": "20,000 USDT",
        }
    ]
    with pytest.raises(Refused, match="You asked for this yourself"):
        confirm(asked.waiting, rows.supervisor)
    with pytest.raises(Refused, match="Only an active admin or supervisor decides"):
        confirm(asked.waiting, rows.trader)
    assert ask(rows, 20_000).waiting == asked.waiting, "asking twice is once"
    confirm(asked.waiting, admin)
    assert in_force() == [D(20_000)]
    assert TradingLimit.objects.get(ended_at=None).set_by == rows.supervisor
    kinds = list(AuditEntry.objects.order_by("pk").values_list("kind", "actor"))
    assert kinds[1:] == [
        ("access.asked", "supervisor:supervisor"),
        ("limit_set", "supervisor:supervisor"),
        ("access.confirmed", "admin:admin"),
    ]


def test_tighter_new_and_equal_limits_hold_at_once(rows: Rows, admin: User) -> None:
    for value in (10_000, 9_000, 9_000):
        asked = ask(rows, value)
        assert asked.limit is not None
        assert asked.waiting is None
    assert ask(rows, 5_000, level="approval").limit is not None
    assert ask(rows, 50_000, scope="trader", subject="trader").limit is not None
    assert in_force() == [D(5_000), D(9_000), D(50_000)]
    assert not AccessRequest.objects.exists()


def test_the_end_of_a_limit_waits_too(rows: Rows, admin: User) -> None:
    limit = bound(rows, "order_notional", 10_000)
    who = {"person": rows.supervisor, "public_id": limit.public_id, "reason": "a test", "now": NOW}
    waiting = limit_end_ask(**who)
    assert in_force() == [D(10_000)]
    with pytest.raises(Refused) as refused:
        ask(rows, 20_000)
    assert refused.value.problems[0].code == Code.ACCESS_WAITING
    confirm(waiting, admin)
    assert in_force() == []
    with pytest.raises(Refused) as refused:
        limit_end_ask(**who)
    assert refused.value.problems[0].code == Code.LIMIT_NOT_IN_FORCE


def test_alone_it_is_done_at_once_and_the_audit_says_so(rows: Rows) -> None:
    bound(rows, "order_notional", 10_000)
    asked = ask(rows, 20_000)
    assert asked.limit is not None
    assert (asked.limit.value, asked.waiting) == (D(20_000), None)
    entry = AuditEntry.objects.latest("pk")
    assert (entry.kind, entry.actor, entry.reason) == ("access.alone", "supervisor:supervisor", "a test")
    assert entry.data["changes"][0]["after"] == "20,000 USDT"
    limit = asked.limit.public_id
    assert limit_end_ask(person=rows.supervisor, public_id=limit, reason="a test", now=NOW) is None
    assert in_force() == []
    assert AuditEntry.objects.filter(kind="access.alone").count() == 2


def test_a_limit_that_was_tightened_since_is_not_widened_by_an_older_request(rows: Rows, admin: User) -> None:
    bound(rows, "order_notional", 10_000)
    asked = ask(rows, 20_000)
    assert ask(rows, 5_000).limit is not None, "a tighter limit waits for no request"
    with pytest.raises(Refused) as refused:
        confirm(asked.waiting, admin)
    (problem,) = refused.value.problems
    assert (problem.code, problem.value, problem.limit) == (
        Code.ACCESS_OUTDATED,
        "5,000 USDT",
        "10,000 USDT",
    )
    assert in_force() == [D(5_000)]


def test_what_would_be_refused_asks_for_nothing(rows: Rows, admin: User) -> None:
    bound(rows, "order_notional", 10_000, "approval")
    bound(rows, "order_notional", 20_000)
    for value, level, person, code in (
        (30_000, "approval", rows.supervisor, Code.LIMITS_OUT_OF_ORDER),
        (30_000, "hard", rows.trader, Code.ROLE_NOT_ALLOWED),
        (30_000, "hard", admin, Code.ROLE_NOT_ALLOWED),
    ):
        with pytest.raises(Refused) as refused:
            ask(rows, value, person, level=level)
        assert refused.value.problems[0].code == code
    assert not AccessRequest.objects.exists()


def test_a_refused_request_leaves_the_limit_and_can_be_asked_again(rows: Rows, admin: User) -> None:
    bound(rows, "order_notional", 10_000)
    first = ask(rows, 20_000).waiting
    assert first is not None
    access_refuse(public_id=first.public_id, person=admin, reason="too much", now=NOW)
    assert in_force() == [D(10_000)]
    second = ask(rows, 20_000).waiting
    assert second is not None
    assert second.pk != first.pk


def widen_while_it_is_tightened(rows: Rows, monkeypatch: pytest.MonkeyPatch) -> None:
    """Widen from 10,000, while somebody tightens to 8,000 between the read and the write."""
    User.objects.create(username="admin", role=Role.ADMIN)
    bound(rows, "order_notional", 10_000)
    other = User.objects.create(username="second", role=Role.SUPERVISOR)
    tightened, failures = threading.Event(), []  # type: ignore[var-annotated]

    def tighten() -> None:
        ask(rows, 1_000, other)
        tightened.set()

    def late(**given: Any) -> TradingLimit:
        if given["person"] == rows.supervisor and not tightened.is_set():
            in_a_thread(tighten, failures).join(60)
        return limit_set(**given)

    monkeypatch.setattr(limit_doors, "limit_set", late)
    asked = ask(rows, 8_000)
    assert failures == []
    assert in_force() == [D(1_000)]
    assert asked.waiting is not None


def test_who_asks_for_less_than_it_was_and_more_than_it_is_asks_a_second_person(
    committed_rows: Rows, monkeypatch: pytest.MonkeyPatch
) -> None:
    widen_while_it_is_tightened(committed_rows, monkeypatch)


def test_without_the_judgement_under_the_gate_that_widening_would_pass(
    committed_rows: Rows, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limit_doors, "_refuse_to_widen", lambda *_: None)
    with pytest.raises(AssertionError):
        widen_while_it_is_tightened(committed_rows, monkeypatch)
