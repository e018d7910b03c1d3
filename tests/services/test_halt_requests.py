"""Asking for a halt: who may, for what, with which words; and what it would do."""

from __future__ import annotations

from typing import Any

import pytest

from execution.core.problems import Refused
from execution.models import AuditEntry, ChildOrder, Halt, User
from execution.services.halts import (
    HaltRequest,
    halt_preview,
    parse_halt_request,
)
from tests.factories import NOW, D, Rows
from tests.services.halting import (
    DESK,
    NO_NEW,
    halt,
    lift,
    open_child,
)


@pytest.mark.parametrize(
    ("raw", "field"),
    [
        ({}, "kind"),
        ({"kind": "pause", "scope": "desk"}, "kind"),
        ({"kind": "stop", "scope": "venue", "subject": "alpha"}, "scope"),
        ({"kind": "stop", "scope": "account"}, "subject"),
        ({"kind": "stop", "scope": "desk", "subject": "alpha"}, "subject"),
    ],
)
def test_a_request_that_makes_no_sense_is_refused_by_its_field(raw: dict[str, str], field: str) -> None:
    with pytest.raises(Refused) as refused:
        parse_halt_request(raw)
    assert refused.value.problems[0].field == field


def test_a_request_is_read_as_it_is_sent() -> None:
    raw = {"kind": "stop", "scope": "symbol", "subject": " BTC/USDT ", "phrase": "HALT BTC/USDT"}
    assert parse_halt_request(raw) == HaltRequest("stop", "symbol", "BTC/USDT")


@pytest.mark.parametrize(
    "request_", [HaltRequest("stop", scope, "nobody") for scope in ("account", "trader", "symbol")]
)
def test_a_subject_that_the_desk_has_not_is_refused(rows: Rows, request_: HaltRequest) -> None:
    with pytest.raises(Refused, match="The desk has no"):
        halt_preview(person=rows.supervisor, request=request_, now=NOW)
    with pytest.raises(Refused, match="The desk has no"):
        halt(rows, request_)
    assert not Halt.objects.exists()


def test_a_supervisor_who_never_traded_is_no_trader_to_halt(rows: Rows) -> None:
    with pytest.raises(Refused, match="no trader 'supervisor'"):
        halt(rows, HaltRequest("stop", "trader", "supervisor"))


@pytest.mark.parametrize("role", ["trader", "admin"])
def test_only_a_supervisor_previews_sets_and_lifts(rows: Rows, role: str) -> None:
    stopped = halt(rows)
    person = User.objects.create(username="another", role=role)
    with pytest.raises(Refused, match="Only a supervisor"):
        halt_preview(person=person, request=DESK, now=NOW)
    with pytest.raises(Refused, match="Only a supervisor"):
        halt(rows, HaltRequest("stop", "trader", "trader"), person=person)
    with pytest.raises(Refused, match="Only a supervisor"):
        lift(rows, stopped, person=person)
    assert Halt.objects.get().lifted_at is None


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"phrase": "halt desk"}, "phrase"),
        ({"phrase": ""}, "phrase"),
        ({"reason": "  "}, "reason"),
        ({"reason": "x" * 501}, "reason"),
    ],
)
def test_without_its_phrase_and_a_reason_nothing_is_halted(
    rows: Rows, changes: dict[str, Any], field: str
) -> None:
    order = rows.working()
    with pytest.raises(Refused) as refused:
        halt(rows, **changes)
    assert refused.value.problems[0].field == field
    order.refresh_from_db()
    assert (Halt.objects.count(), AuditEntry.objects.count(), order.status) == (0, 0, "working")


def test_a_preview_counts_what_would_be_cancelled_and_changes_nothing(rows: Rows) -> None:
    child = open_child(rows)
    preview = halt_preview(person=rows.supervisor, request=DESK, now=NOW)
    assert (preview["phrase"], preview["subject"]) == ("HALT DESK", "the desk")
    assert (preview["orders"], preview["children"]) == (1, 1)
    (on_alpha,) = preview["accounts"]
    assert child.price is not None
    assert (on_alpha["account"], on_alpha["orders"], on_alpha["children"]) == ("alpha", 1, 1)
    assert D(on_alpha["notional"]["USDT"] or "0") == child.price * child.quantity
    nothing = halt_preview(person=rows.supervisor, request=NO_NEW, now=NOW)
    assert (nothing["orders"], nothing["children"], nothing["accounts"]) == (0, 0, [])
    assert not Halt.objects.exists()


def test_a_notional_with_an_unknown_price_is_unknown(rows: Rows) -> None:
    child = open_child(rows)
    ChildOrder.objects.filter(pk=child.pk).update(price=None)
    preview = halt_preview(person=rows.supervisor, request=DESK, now=NOW)
    assert preview["accounts"][0]["notional"] == {"USDT": None}
