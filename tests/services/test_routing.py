"""Decisions of orders over several accounts into rows: each child at its own venue's market, together one order."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest

from execution.core.types import TimeInForce, VenueStatus
from execution.models import Account, Balance
from execution.selectors.decisions.exposure import exposure_of
from execution.selectors.decisions.order_view import MarketData, build_order_view
from execution.services.children.children import child_report
from execution.services.children.fills import fill_record
from execution.services.engine.apply_decision import Applied
from tests.factories import NOW, D, Rows, report_of, trade_of
from tests.invariants import check_final, check_order
from tests.services.test_driving import QUOTE, SECOND, apply, intend


def test_over_several_accounts_each_child_goes_where_it_is_cheapest(rows: Rows) -> None:
    beta = rows.beside(taker_fee=D("0.0004"))
    order = rows.working(accounts=["alpha", "beta"])
    rows.step(order, now=NOW)
    child = order.children.get()
    assert child.account == beta
    assert "beta 60,024.5 after fees, 6.0 bp better than alpha" in child.why
    check_order(order)


def test_the_accounts_together_never_get_more_than_the_order(rows: Rows) -> None:
    beta = rows.beside()
    order = rows.working(accounts=["alpha", "beta"])
    quotes = {rows.account.public_id: QUOTE, beta.public_id: QUOTE}
    assert apply(rows, order, intend(rows, quantity=D("0.2")), quotes=quotes) is Applied.DONE
    more = intend(rows, account=beta.public_id, quantity=D("0.10001"))
    assert apply(rows, order, more, quotes=quotes) is Applied.STALE
    order.refresh_from_db()
    assert (order.status, order.needs_person) == ("paused", True)
    assert order.reason == "I1: 0.30001 could be filled of 0.3 with a child of 0.10001"
    assert exposure_of(order) == D("0.2")
    check_order(order)


def test_a_child_goes_only_to_an_account_of_the_order(rows: Rows) -> None:
    beta = rows.beside()
    order = rows.working()
    quotes = {rows.account.public_id: QUOTE, beta.public_id: QUOTE}
    assert apply(rows, order, intend(rows, account=beta.public_id), quotes=quotes) is Applied.STALE
    order.refresh_from_db()
    assert "is not the order's" in order.reason
    assert not order.children.exists()


def test_a_child_is_judged_by_the_quote_of_its_own_venue(rows: Rows) -> None:
    beta = rows.beside()
    far, old = replace(QUOTE, bid=D(50_000), ask=D(50_001)), replace(QUOTE, at=NOW - 6 * SECOND)
    child = intend(rows, account=beta.public_id)
    order = rows.working(accounts=["alpha", "beta"])
    stale = {rows.account.public_id: QUOTE, beta.public_id: old}
    assert apply(rows, order, child, quotes=stale) is Applied.STALE
    order.refresh_from_db()
    assert order.status == "working", "another look decides anew"
    fine = {rows.account.public_id: old, beta.public_id: QUOTE}
    assert apply(rows, order, child, quotes=fine) is Applied.DONE, "what is old elsewhere is no matter"
    beyond = {rows.account.public_id: QUOTE, beta.public_id: far}
    assert apply(rows, order, child, quotes=beyond) is Applied.STALE
    order.refresh_from_db()
    assert "beyond the collar 50250.5" in order.reason


@pytest.mark.parametrize(("side", "start"), [("buy", D(1_000_000)), ("sell", D(10))])
def test_a_balance_counts_what_the_orders_own_children_have_taken_and_given_back_since(
    rows: Rows, side: str, start: Decimal
) -> None:
    rows.beside()
    order = rows.working(accounts=["alpha", "beta"], side=side)
    price = D("60000.50") if side == "sell" else D("59999.50")
    unit = D(1) if side == "sell" else price

    def free(at: timedelta) -> Decimal | None:
        snapshot = build_order_view(order_pk=order.pk, data=MarketData({}), now=NOW + at)
        return next(venue.free for venue in snapshot.view.accounts if venue.label == "alpha")

    assert free(SECOND) == start
    quotes = {rows.account.public_id: QUOTE}
    assert apply(rows, order, intend(rows, price=price), quotes=quotes, now=NOW + SECOND) is Applied.DONE
    assert free(2 * SECOND) == start - D("0.1") * unit, "it may be locked"
    child = order.children.get()
    rows.submit_child(child)
    report = report_of(child, VenueStatus.CANCELLED, "0")
    child_report(account_pk=rows.account.pk, report=report, now=NOW + 3 * SECOND)
    assert free(4 * SECOND) == start, "and is given back"
    Balance.objects.update(at=NOW + 2 * SECOND)
    assert free(4 * SECOND) == start + D("0.1") * unit, "the balance was asked for while it was locked"
    Balance.objects.update(at=NOW + 4 * SECOND)
    assert free(5 * SECOND) == start


def test_an_order_over_several_accounts_ends_with_its_books_in_order(rows: Rows) -> None:
    """Beta is cheaper, and down in the second slice."""
    beta = rows.beside(taker_fee=D("0.0004"))
    order = rows.working(
        accounts=["alpha", "beta"], parameters={"duration": "3m", "slices": "3", "urgency": "1"}
    )
    used = []
    for second in range(0, 190, 6):
        at = NOW + second * SECOND
        if second == 60:
            Account.objects.filter(pk=beta.pk).update(reconciled_until=None)
        if second == 120:
            Account.objects.filter(pk=beta.pk).update(reconciled_until=at)
        while rows.step(order, now=at) is Applied.STALE:
            pass
        for child in order.children.filter(is_settled=False):
            used.append(child.account.label)
            status, filled = VenueStatus.CANCELLED, D(0)
            if child.time_in_force == TimeInForce.IOC:
                status, filled = VenueStatus.FILLED, child.quantity
                trade = trade_of(child, f"T{child.sequence}", child.quantity, at=at)
                fill_record(account_pk=child.account_id, trade=trade, now=at)
            child_report(account_pk=child.account_id, report=report_of(child, status, filled), now=at)
    order.refresh_from_db()
    assert (order.status, order.filled) == ("completed", D("0.3")), order.reason
    assert set(used) == {"alpha", "beta"}
    fillers = [child.account.label for child in order.children.order_by("sequence") if child.filled]
    assert fillers == ["beta", "alpha", "beta"]
    check_final(order)
