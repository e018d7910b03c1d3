"""The steps that every order repeats need few database statements, for an order of any length."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from execution.core.algorithms.decide import decide
from execution.core.types import Accepted, VenueStatus
from execution.models import Account, ChildOrder, Environment, JournalEntry, Order, Slice
from execution.models.prepared import Compiled, row_insert, row_save
from execution.selectors.decisions.order_view import MarketData, OrderCache, build_order_view, with_new_market
from execution.selectors.decisions.sessions import children_to_send, unsettled_children
from execution.services.accounts.sessions import account_doubted
from execution.services.children.children import child_outcome, child_report, child_submit
from execution.services.children.fills import fill_record
from execution.services.engine.apply_decision import decision_apply
from tests.factories import BUDGET, NOW, D, Rows, report_of, trade_of
from tests.services.test_driving import QUOTE

SECOND = timedelta(seconds=1)


@pytest.mark.parametrize("slices", [3, 300])
def test_a_check_asks_for_little_however_many_slices_there_are(
    rows: Rows, slices: int, django_assert_max_num_queries: Any
) -> None:
    parameters = {"duration": f"{slices}m", "slices": str(slices)}
    order = rows.working(quantity=str(D("0.01") * slices), parameters=parameters)
    known, data = OrderCache(), MarketData({rows.venue.pk: QUOTE})
    first = build_order_view(order_pk=order.pk, data=data, now=NOW, known=known)
    with django_assert_max_num_queries(6):
        again = build_order_view(order_pk=order.pk, data=data, now=NOW, known=known)
    assert again == first
    assert again.view == build_order_view(order_pk=order.pk, data=data, now=NOW).view


def test_a_slice_asks_for_no_more_than_it_did(rows: Rows, django_assert_max_num_queries: Any) -> None:
    order = rows.working()
    snapshot = build_order_view(order_pk=order.pk, data=MarketData({rows.venue.pk: QUOTE}), now=NOW)
    fixed: dict[str, Any] = {"order_pk": order.pk, "worker_pk": rows.worker.pk, "fence": order.fence}
    decision = decide(snapshot.view)
    with django_assert_max_num_queries(16):
        decision_apply(
            **fixed, version=snapshot.version, decision=decision, quotes=snapshot.view.quotes, now=NOW
        )
    child = order.children.get()
    # One each for what rests on the other side and for what the account can pay,
    # and for the limits in force.
    with django_assert_max_num_queries(17):
        child_submit(
            child_pk=child.pk, worker_pk=rows.worker.pk, account_fence=1, budget=BUDGET, quote=QUOTE, now=NOW
        )
    opened = report_of(child, VenueStatus.OPEN, "0")
    with django_assert_max_num_queries(12):
        child_outcome(child_pk=child.pk, outcome=Accepted(opened), now=NOW, fence=1)
    with django_assert_max_num_queries(2):
        assert child_report(account_pk=rows.account.pk, report=opened, now=NOW) is None
    trade = trade_of(child, "1", child.quantity, fee=D("0.1"), fee_currency="USDT", liquidity="maker")
    with django_assert_max_num_queries(14):
        assert fill_record(account_pk=rows.account.pk, trade=trade, now=NOW)
    with django_assert_max_num_queries(1):
        assert not fill_record(account_pk=rows.account.pk, trade=trade, now=NOW)


def test_only_what_waits_to_leave_is_read_for_sending(rows: Rows) -> None:
    child = rows.resting(submitted=False)
    account = rows.account.pk
    assert [found.pk for found in children_to_send(account)] == [child.pk]
    rows.submit_child(child)
    assert children_to_send(account) == []
    assert [found.pk for found in unsettled_children(account)] == [child.pk]


def test_a_create_of_a_symbol_in_doubt_is_not_read_for_sending_and_a_cancel_is(rows: Rows) -> None:
    child = rows.resting(submitted=False)
    account_doubted(account_pk=rows.account.pk, fence=1, now=NOW + SECOND)
    assert children_to_send(rows.account.pk) == []
    ChildOrder.objects.update(status="cancelling")
    assert [found.pk for found in children_to_send(rows.account.pk)] == [child.pk]


def test_a_market_that_moves_is_checked_with_the_rows_of_before(rows: Rows) -> None:
    order = rows.working()
    snapshot = build_order_view(order_pk=order.pk, data=MarketData({rows.venue.pk: QUOTE}), now=NOW)
    again = with_new_market(snapshot, MarketData({}), NOW + SECOND)
    assert again is not None
    assert again.view.accounts[0].quote is None
    assert again.view.now == NOW + SECOND
    fresh = build_order_view(order_pk=order.pk, data=MarketData({}), now=NOW + SECOND)
    assert again == fresh


@pytest.mark.parametrize("after", [timedelta(seconds=61), -SECOND])
def test_rows_are_read_again_at_a_slices_turn_and_after_a_while(rows: Rows, after: timedelta) -> None:
    order = rows.working()
    snapshot = build_order_view(order_pk=order.pk, data=MarketData({rows.venue.pk: QUOTE}), now=NOW)
    assert with_new_market(snapshot, MarketData({rows.venue.pk: QUOTE}), NOW + after) is None


def test_an_order_whose_account_is_blocked_reads_its_rows_at_every_check(rows: Rows) -> None:
    order = rows.working()
    rows.account.reconciled_until = None
    rows.account.save()
    snapshot = build_order_view(order_pk=order.pk, data=MarketData({rows.venue.pk: QUOTE}), now=NOW)
    assert with_new_market(snapshot, MarketData({rows.venue.pk: QUOTE}), NOW + SECOND) is None


# --- compiled statements -------------------------------------------------------------------------


def test_a_compiled_statement_gives_the_rows_that_the_orm_gives(rows: Rows) -> None:
    child = rows.resting()
    unsettled = Compiled(
        lambda order, symbol: ChildOrder.objects.filter(order_id=order, symbol=symbol, is_settled=False),
        order=int,
        symbol=str,
    )
    (found,) = unsettled.all(order=child.order_id, symbol=child.symbol)
    for field in ChildOrder._meta.concrete_fields:
        assert getattr(found, field.attname) == getattr(child, field.attname), field.name
    assert unsettled.all(order=child.order_id, symbol="ETH/USDT") == []
    assert unsettled.first(order=0, symbol=child.symbol) is None
    with pytest.raises(ChildOrder.DoesNotExist):
        unsettled.get(order=0, symbol=child.symbol)


def test_a_compiled_statement_that_does_not_use_its_value_is_refused(rows: Rows) -> None:
    order = rows.submit()
    with pytest.raises(TypeError, match="does not use"):
        Compiled(lambda pk: Order.objects.all(), pk=int).all(pk=order.pk)


def test_a_row_is_saved_whole_and_one_that_is_not_there_is_an_error(rows: Rows) -> None:
    order = rows.submit()
    order.why, order.filled, order.memo = "because", D("0.100"), {"name": "1"}
    row_save(order)
    saved = Order.objects.get(pk=order.pk)
    assert (saved.why, saved.filled, saved.memo) == ("because", D("0.100"), {"name": "1"})
    assert saved.market == order.market
    order.pk = 10**6
    with pytest.raises(Order.DoesNotExist):
        row_save(order)


def test_only_the_named_columns_of_a_row_are_saved(rows: Rows) -> None:
    order = rows.submit()
    order.why, order.reason = "because", "not written"
    row_save(order, ("why",))
    saved = Order.objects.get(pk=order.pk)
    assert (saved.why, saved.reason) == ("because", "")
    with pytest.raises(TypeError, match="has not all of the columns"):
        row_save(order, ("why", "nowhere"))


def test_a_row_that_is_inserted_has_its_key(rows: Rows) -> None:
    order = rows.submit()
    part = Slice(
        order=order, plan_version=9, number=1, starts_at=NOW, ends_at=NOW + SECOND, quantity=D("0.10")
    )
    row_insert(part)
    assert Slice.objects.get(pk=part.pk, plan_version=9).quantity == D("0.10")
    assert JournalEntry.objects.filter(order=order).count() == order.version


def test_a_check_of_a_live_account_asks_for_no_more(rows: Rows, django_assert_max_num_queries: Any) -> None:
    """The assumed lines of its exchange are judged by its venue, which stays the same."""
    order = rows.working()
    Account.objects.update(environment=Environment.LIVE)
    known, data = OrderCache(), MarketData({rows.venue.pk: QUOTE})
    first = build_order_view(order_pk=order.pk, data=data, now=NOW, known=known)
    assert "an admin has to accept" in first.view.accounts[0].blocked
    with django_assert_max_num_queries(6):
        assert build_order_view(order_pk=order.pk, data=data, now=NOW, known=known).view == first.view
