"""The reason that a person gives is kept whole, or the action is refused with its length and the limit."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from execution.core.problem_codes import Code
from execution.core.problems import Refused
from execution.models import AuditEntry, ChildOrder, JournalEntry, Order, OrderApproval, Role, User
from execution.services.accounts.accounts import reason_of
from execution.services.accounts.credentials import credential_replace, credential_resume, credential_suspend
from execution.services.children.reconciliation import (
    unknown_absent,
    unknown_attach,
    unknown_cancel,
    unknown_ended,
)
from execution.services.desk.people import person_disable, person_logout
from execution.services.orders.amend import order_amend
from execution.services.orders.approvals import approval_approve, approval_refuse
from execution.services.orders.orders import order_cancel, order_pause, order_resume
from execution.services.records.reasons import MAX_REASON_LENGTH, kept_reason, optional_reason
from tests.checks import REPOSITORY
from tests.factories import NOW, Rows
from tests.services.limiting import bound

LONG = "x" * (MAX_REASON_LENGTH + 1)


def refused_for_length(act: Callable[[], object], field: str = "reason") -> None:
    with pytest.raises(Refused) as refused:
        act()
    (problem,) = refused.value.problems
    assert (problem.field, problem.value, problem.limit) == (field, "501", "500")
    assert problem.code == Code.LENGTH_OUT_OF_RANGE


def books() -> list[object]:
    tables = (Order, OrderApproval, JournalEntry, AuditEntry)
    return [list(table.objects.order_by("pk").values()) for table in tables]


def test_the_longest_reason_is_kept_whole_and_one_more_is_refused() -> None:
    longest = LONG[1:]
    assert kept_reason(f"  {longest} ") == optional_reason(f"{longest}\n") == longest
    assert optional_reason("  ") == ""
    for check in (kept_reason, optional_reason, reason_of):
        refused_for_length(lambda check=check: check(LONG))  # type: ignore[misc]


def test_an_approval_with_a_long_reason_is_refused_and_with_the_longest_it_is_kept(rows: Rows) -> None:
    bound(rows, "order_notional", 10_000, "approval")
    approval = rows.submit().approvals.get()
    asked: dict[str, Any] = {"public_id": approval.public_id, "person": rows.supervisor, "now": NOW}
    before = books()
    refused_for_length(lambda: approval_approve(**asked, seen=approval.kinds, reason=LONG))
    refused_for_length(lambda: approval_refuse(**asked, reason=LONG))
    assert books() == before
    assert approval_approve(**asked, seen=approval.kinds, reason=LONG[1:]).reason == LONG[1:]


@pytest.mark.parametrize("act", [order_pause, order_cancel, order_resume, order_amend])
def test_an_order_is_not_acted_on_with_a_long_reason(rows: Rows, act: Callable[..., object]) -> None:
    order = rows.submit()
    more: dict[Any, dict[str, Any]] = {
        order_resume: {"mode": "shift"},
        order_amend: {"changes": {"quantity": "2"}, "terms_version": 1},
    }
    asked = {"public_id": order.public_id, "person": rows.trader, "now": NOW, **more.get(act, {})}
    before = books()
    refused_for_length(lambda: act(**asked, reason=LONG))
    assert books() == before


@pytest.mark.parametrize("act", [unknown_cancel, unknown_attach, unknown_absent, unknown_ended])
def test_an_unknown_child_is_not_settled_with_a_long_reason(rows: Rows, act: Callable[..., object]) -> None:
    child = rows.resting()
    ChildOrder.objects.update(status="unknown")
    more: dict[Any, dict[str, str]] = {
        unknown_attach: {"exchange_id": "77"},
        unknown_absent: {"phrase": f"ABSENT {child.client_id}"},
        unknown_ended: {"phrase": f"ENDED {child.client_id}"},
    }
    asked = {"client_id": child.client_id, "person": rows.supervisor, "now": NOW, **more.get(act, {})}
    before = books()
    refused_for_length(lambda: act(**asked, reason=LONG))
    assert books() == before


def test_keys_and_people_are_left_alone_with_a_long_reason(rows: Rows) -> None:
    admin = User.objects.create(username="admin", role=Role.ADMIN)
    key: dict[str, Any] = {"person": admin, "account_id": rows.account.public_id, "now": NOW, "reason": LONG}
    who = {"public_id": rows.trader.public_id, "changed_by": admin, "now": NOW, "reason": LONG}
    before = books()
    refused_for_length(lambda: credential_suspend(**key))
    refused_for_length(lambda: credential_resume(**key))
    refused_for_length(lambda: credential_replace(**key, secrets={"apiKey": "key-12345678", "secret": "s"}))
    refused_for_length(lambda: person_disable(**who))
    refused_for_length(lambda: person_logout(**who))
    assert books() == before


def test_no_field_of_a_page_is_cut_by_the_browser() -> None:
    """A browser cuts what is pasted into a field with ``maxlength``, and says nothing. The server refuses it."""
    templates = sorted((REPOSITORY / "templates").rglob("*.html"))
    assert len(templates) > 40
    found = [path.name for path in templates if re.search(r"\bmaxlength\b", _text(path))]
    assert found == []


def _text(path: Path) -> str:
    return path.read_text(encoding="utf-8")
