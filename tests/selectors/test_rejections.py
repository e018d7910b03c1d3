"""Refusals in a row: those that an exchange says, and post-only children that it accepts and ends at once."""

from __future__ import annotations

from datetime import timedelta

import pytest

from execution.core.orders.view import WOULD_TAKE, Rejections
from execution.core.states import ChildStatus
from execution.core.types import VenueStatus
from execution.models import ChildOrder
from execution.selectors.decisions.rejections import rejections_of
from execution.services.children.children import child_cancel_request, child_report
from tests.factories import NOW, D, Rows, report_of

SECOND = timedelta(seconds=1)


def ended(rows: Rows, child: ChildOrder, seconds: float, filled: str = "0") -> Rejections:
    report = report_of(child, VenueStatus.CANCELLED, filled)
    child_report(account_pk=rows.account.pk, report=report, now=NOW + seconds * SECOND)
    child.refresh_from_db()
    assert child.status == ChildStatus.CANCELLED
    return rejections_of(child.order)


@pytest.mark.parametrize("seconds", [0.1, 2])
def test_a_post_only_child_that_is_accepted_and_cancelled_at_once_was_refused(
    rows: Rows, seconds: float
) -> None:
    """R5: okx, bybit and bitget do so; 25 creates left in two seconds because nothing counted as refused."""
    child = rows.resting()
    assert child.time_in_force == "post_only"
    at = NOW + seconds * SECOND
    assert ended(rows, child, seconds) == Rejections(1, at, WOULD_TAKE)


@pytest.mark.parametrize(
    ("seconds", "filled", "kind", "cancelled"),
    [(2.1, "0", "post_only", False), (1, "0", "ioc", False), (1, "0", "post_only", True)],
    ids=["it rested for a while", "it never rests", "we cancelled it"],
)
def test_another_cancelled_child_was_not_refused(
    rows: Rows, seconds: float, filled: str, kind: str, cancelled: bool
) -> None:
    child = rows.resting()
    ChildOrder.objects.filter(pk=child.pk).update(time_in_force=kind)
    child.refresh_from_db()
    if cancelled:
        child_cancel_request(child=child, order=child.order, reason="not wanted", now=NOW)
    assert ended(rows, child, seconds, filled) == Rejections()


def test_a_part_that_was_filled_makes_it_no_refusal(rows: Rows) -> None:
    child = rows.resting()
    part = report_of(child, VenueStatus.CANCELLED, child.quantity / D(2))
    child_report(account_pk=rows.account.pk, report=part, now=NOW + SECOND)
    assert rejections_of(child.order) == Rejections()
