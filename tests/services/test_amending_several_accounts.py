"""An order over several accounts, and a router's, amended while they run."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from execution.core.problems import Refused
from execution.core.types import ZERO, VenueStatus
from execution.models import Account, Order
from execution.selectors.decisions.exposure import exposure_of
from execution.services.children.children import child_report
from execution.services.children.fills import fill_record
from execution.services.orders.amend import order_amend
from tests.factories import NOW, D, Rows, report_of, trade_of
from tests.invariants import check_order

SOON = NOW + timedelta(seconds=10)
BOTH = ["alpha", "beta"]
ROUTED: dict[str, Any] = {"algorithm": "sor", "accounts": BOTH, "parameters": {}}


def amend(rows: Rows, order: Order, **changes: Any) -> Order:
    return order_amend(
        public_id=order.public_id, changes=changes, terms_version=1, now=SOON, person=rows.trader
    )


def part_filled(rows: Rows, quantity: str, **ticket: Any) -> tuple[Order, Account]:
    """Return an order whose first child, at any account, was filled in part and then ended."""
    beta = rows.beside(lot=D("0.001"))
    order = rows.working(**({"accounts": BOTH} | ticket))
    rows.step(order, now=NOW + timedelta(seconds=3))
    child = order.children.get()
    fill_record(account_pk=child.account_id, trade=trade_of(child, "t1", quantity), now=NOW)
    report = report_of(child, VenueStatus.CANCELLED, quantity)
    child_report(account_pk=child.account_id, report=report, now=NOW)
    order.refresh_from_db()
    return order, beta


@pytest.mark.parametrize("ticket", [{}, ROUTED])
def test_the_new_plan_sums_to_what_remains_although_one_account_filled_finer_than_the_others_lot(
    rows: Rows, ticket: dict[str, Any]
) -> None:
    order, _ = part_filled(rows, "0.04003", **ticket)
    order = amend(rows, order, quantity="0.4")
    parts = order.slices.filter(plan_version=order.plan_version)
    assert sum((part.quantity for part in parts), ZERO) == D("0.4") - D("0.04003")
    rows.step(order, now=SOON)
    assert order.children.count() == 2
    assert exposure_of(order) <= D("0.4")
    check_order(order)


@pytest.mark.parametrize("ticket", [{}, ROUTED])
def test_it_is_not_made_smaller_than_what_its_children_may_still_fill_at_all_accounts(
    rows: Rows, ticket: dict[str, Any]
) -> None:
    rows.beside()
    order = rows.working(**({"accounts": BOTH} | ticket))
    rows.step(order, now=NOW + timedelta(seconds=3))
    out = exposure_of(order)
    assert out > ZERO
    with pytest.raises(Refused, match="are filled or may still be filled"):
        amend(rows, order, quantity=str(out - D("0.01")))
    check_order(order)


def test_a_router_that_is_given_a_lower_limit_takes_nothing_above_it(rows: Rows) -> None:
    order, _ = part_filled(rows, "0.04", **ROUTED)
    order = amend(rows, order, limit_price="59990")
    rows.step(order, now=SOON)
    assert order.children.count() == 1, "both ask 60,000.5"
    check_order(order)
