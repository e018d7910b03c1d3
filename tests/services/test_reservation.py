"""A live order reserves what it may still spend on each of its accounts (I11)."""

from __future__ import annotations

from datetime import timedelta
from functools import partial

import pytest

from execution.core.algorithms.decide import MAX_REJECTIONS
from execution.core.numbers import grouped
from execution.core.orders.terms import parse_order_request
from execution.core.problem_codes import Code
from execution.core.problems import Problem, Refused
from execution.core.states import ChildStatus, OrderStatus
from execution.core.types import BalanceAmounts, Rejected, VenueStatus
from execution.models import Account, Balance, ChildOrder, Order, Role, User
from execution.selectors.decisions.order_view import MarketData, accounts_of, build_order_view
from execution.selectors.decisions.spending import reserve_of, spending_of
from execution.services.accounts.markets import balances_record
from execution.services.children.children import child_outcome, child_report
from execution.services.children.fills import fill_record
from execution.services.orders.amend import order_amend
from execution.services.orders.checks import ORDERS_SHOWN
from execution.services.orders.orders import order_cancel, order_pause, order_resume
from execution.services.orders.preview import order_preview
from tests.factories import NOW, D, Rows, report_of, trade_of
from tests.services.limiting import twenty_refusals

SECOND = timedelta(seconds=1)
#: BUY 0.3 BTC at 60,000, at most 50 bp above the mid, with 10 bp of fee.
NEED = D("0.3") * D(60_300) * D("1.001")


def hold(
    account: Account, free: object, *, locked: object = 0, at: object = NOW, currency: str = "USDT"
) -> None:
    """Set the free balance that an account's exchange reports."""
    amounts = {currency: BalanceAmounts(D(str(free)), D(str(locked)))}
    balances_record(account_pk=account.pk, balances=amounts, now=at)  # type: ignore[arg-type]


def refusal(rows: Rows, **changes: object) -> Problem:
    with pytest.raises(Refused) as refused:
        rows.submit(**changes)  # type: ignore[arg-type]
    (problem,) = refused.value.problems
    return problem


def reserved(order: Order, account: Account) -> object:
    order = Order.objects.select_related("terms").get(pk=order.pk)
    found = reserve_of(order, accounts_of(order), list(order.children.filter(is_settled=False)))
    return None if found is None else found.reserve[account.public_id].total.amount


# --- submits -----------------------------------------------------------------------------------------


def test_of_five_buys_of_eighteen_thousand_on_twenty_thousand_one_is_taken(rows: Rows) -> None:
    hold(rows.account, 20_000)
    first = rows.submit(key="0")
    for number in range(1, 5):
        problem = refusal(rows, key=str(number))
        assert (problem.field, problem.code) == ("quantity", Code.BALANCE_RESERVED)
        assert (D(problem.value), D(problem.limit)) == (D("18108.09"), D("1891.91"))
        assert problem.message == (
            "The order needs 18,108.09 USDT with fees. alpha has 20,000.00 USDT free, of which 1,891.91 can be used. "
            f"Order {first.public_id} reserves 18,108.09."
        )
    assert Order.objects.count() == 1


def test_a_limit_price_is_the_worst_price_and_a_sell_reserves_base(rows: Rows) -> None:
    limited = rows.submit(key="1", limit_price="59000")
    assert reserved(limited, rows.account) == D("0.3") * D(59_000) * D("1.001")
    sell = rows.submit(key="2", side="sell", limit_price="61000")
    assert reserved(sell, rows.account) == D("0.3")
    hold(rows.account, "0.5", currency="BTC")
    assert refusal(rows, key="3", side="sell", limit_price="61000").code == Code.BALANCE_RESERVED


def test_what_no_balance_is_known_of_refuses_nothing(rows: Rows) -> None:
    Balance.objects.all().delete()
    rows.submit(key="1")
    rows.submit(key="2")


def test_another_traders_order_is_counted_and_not_named(rows: Rows) -> None:
    other = User.objects.create(username="other", role=Role.TRADER)
    rows.account.traders.add(other)
    hold(rows.account, 20_000)
    theirs = rows.submit(key="1", person=other)
    problem = refusal(rows, key="2")
    assert theirs.public_id not in problem.message
    assert problem.message.endswith("Orders of other traders reserve 18,108.09.")
    rows.trader.sees_desk = True
    rows.trader.save()
    assert theirs.public_id in refusal(rows, key="2").message


def test_the_preview_shows_what_is_free_and_which_orders_reserve_it(rows: Rows) -> None:
    hold(rows.account, 40_000)
    first = rows.submit(key="1")
    request = parse_order_request(rows.raw())
    preview = order_preview(person=rows.trader, request=request, now=NOW + 31 * SECOND)
    (check,) = [check for check in preview.checks if check.orders]
    assert check.text == (
        "Account alpha has 40,000.00 USDT free, 18,108.09 reserved by 1 live order, 21,891.91 can be used"
    )
    assert check.orders == (first.public_id,)
    for number in range(2, ORDERS_SHOWN + 3):
        rows.submit(key=str(number), quantity="0.01")
    preview = order_preview(person=rows.trader, request=request, now=NOW + 31 * SECOND)
    (check,) = [check for check in preview.checks if check.orders]
    assert check.text.endswith(f"; {ORDERS_SHOWN} of {ORDERS_SHOWN + 2} orders are listed")
    assert len(check.orders) == ORDERS_SHOWN


@pytest.mark.django_db(transaction=True)
def test_twenty_submits_at_once_pass_no_more_than_one_would(rows: Rows) -> None:
    twenty_at_once(rows)


def twenty_at_once(rows: Rows) -> None:
    """Send the same order of twenty traders at the same moment, on an account that pays for two."""
    hold(rows.account, 40_000)
    refused = twenty_refusals(rows)
    assert Order.objects.count() == 2
    assert refused == [Code.BALANCE_RESERVED] * 18


# --- while an order lives ----------------------------------------------------------------------------


def test_an_order_that_ends_frees_what_it_reserved(rows: Rows) -> None:
    hold(rows.account, 20_000)
    first = rows.submit(key="1")
    refusal(rows, key="2")
    order_cancel(public_id=first.public_id, person=rows.trader, reason="", now=NOW)
    assert reserved(first, rows.account) is None
    rows.submit(key="2")


def test_a_paused_order_keeps_its_reserve_and_resumes_while_it_can_be_paid(rows: Rows) -> None:
    hold(rows.account, 20_000)
    first = rows.working(key="1")
    order_pause(public_id=first.public_id, person=rows.trader, reason="", now=NOW)
    assert refusal(rows, key="2").code == Code.BALANCE_RESERVED
    resume = partial(
        order_resume, public_id=first.public_id, person=rows.trader, reason="", mode="catch_up", now=NOW
    )
    hold(rows.account, 15_000)
    with pytest.raises(Refused, match=r"The rest of the order needs 18,108.09 USDT .* alpha has 15,000.00"):
        resume()
    hold(rows.account, 20_000)
    assert resume().status == OrderStatus.WORKING


def test_an_amendment_sees_what_other_orders_reserve(rows: Rows) -> None:
    hold(rows.account, 40_000)
    first, second = rows.submit(key="1"), rows.submit(key="2")
    amend = partial(order_amend, public_id=second.public_id, person=rows.trader, now=NOW)
    with pytest.raises(Refused) as refused:
        amend(changes={"quantity": "0.4"}, terms_version=1)
    (problem,) = refused.value.problems
    assert (problem.field, problem.code) == ("quantity", Code.BALANCE_RESERVED)
    assert first.public_id in problem.message
    assert second.public_id not in problem.message
    amend(changes={"quantity": "0.36"}, terms_version=1)
    with pytest.raises(Refused):
        amend(changes={"limit_price": "70000"}, terms_version=2)
    hold(rows.account, 10_000)
    amend(changes={"quantity": "0.3"}, terms_version=2)  # what needs less is never refused


@pytest.mark.parametrize("told_after", [False, True])
def test_what_a_child_locks_at_the_exchange_is_counted_once(rows: Rows, *, told_after: bool) -> None:
    child = rows.resting()
    child_report(account_pk=rows.account.pk, report=report_of(child, VenueStatus.OPEN, "0"), now=NOW)
    child.refresh_from_db()
    lock = child.quantity * D(str(child.price))
    left = D("0.3") - child.quantity
    assert reserved(child.order, rows.account) == left * D(60_300) * D("1.001")
    later = NOW + 20 * SECOND
    hold(rows.account, 100_000 - lock, locked=lock, at=later) if told_after else hold(rows.account, 100_000)
    (free,) = spending_of([rows.account], "USDT").free.values()
    assert free is not None
    assert free.least == 100_000 - lock * (1 if told_after else D("1.001"))


def test_a_child_that_waits_to_be_sent_is_reserved(rows: Rows) -> None:
    child = rows.resting(submitted=False)
    left = D("0.3") - child.quantity
    mine = reserved(child.order, rows.account)
    assert mine == (left * D(60_300) + child.quantity * D(str(child.price))) * D("1.001")


def test_a_filled_part_is_reserved_no_more(rows: Rows) -> None:
    child = rows.resting()
    child_report(
        account_pk=rows.account.pk, report=report_of(child, VenueStatus.FILLED, child.quantity), now=NOW
    )
    fill_record(account_pk=rows.account.pk, trade=trade_of(child, "1", child.quantity), now=NOW)
    assert reserved(child.order, rows.account) == (D("0.3") - child.quantity) * D(60_300) * D("1.001")


# --- several accounts --------------------------------------------------------------------------------


def test_an_order_of_two_accounts_counts_in_full_on_each_and_once_on_both(rows: Rows) -> None:
    beta = rows.beside()
    hold(rows.account, 20_000)
    hold(beta, 20_000)
    rows.submit(key="1", accounts=["alpha", "beta"])
    assert refusal(rows, key="2", accounts=["alpha"]).code == Code.BALANCE_RESERVED
    assert refusal(rows, key="2", accounts=["beta"]).code == Code.BALANCE_RESERVED
    rows.submit(key="2", accounts=["alpha", "beta"])
    assert refusal(rows, key="3", accounts=["alpha", "beta"]).code == Code.BALANCE_RESERVED


def test_an_order_of_two_accounts_leaves_an_account_to_the_order_that_has_no_other(rows: Rows) -> None:
    beta = rows.beside()
    hold(rows.account, 20_000)
    hold(beta, 20_000)
    rows.submit(key="1", accounts=["alpha"])
    both = rows.submit(key="2", accounts=["alpha", "beta"])
    view = build_order_view(order_pk=both.pk, data=MarketData({}), now=NOW).view
    assert [venue.free for venue in view.accounts] == [20_000 - NEED, 20_000]


# --- children ----------------------------------------------------------------------------------------


def spend_elsewhere(rows: Rows, left: object, at: object = NOW) -> None:
    """Spend on the account by another program; the next balance shows it."""
    hold(rows.account, left, at=at)


def test_a_child_that_the_balance_cannot_pay_is_dropped_and_the_order_slows_and_pauses(rows: Rows) -> None:
    order, now = rows.working(parameters={"duration": "1h", "slices": "1"}), NOW
    spend_elsewhere(rows, "1200.004")
    for number in range(1, MAX_REJECTIONS + 1):
        rows.step(order, now=now)
        child = order.children.get(sequence=number)
        assert rows.submit_child(child, now=now) is None
        child.refresh_from_db()
        assert (child.status, child.is_settled) == (ChildStatus.CANCELLED, True)
        assert child.reason == (
            "InsufficientFunds: account alpha has 1,200 USDT free and the child needs "
            f"{grouped(child.quantity * D(str(child.price)))}: another program seems to spend on it"
        )
        rows.step(order, now=now)
        order.refresh_from_db()
        if number < MAX_REJECTIONS:
            assert order.status == OrderStatus.WORKING
            assert order.why.startswith("waits: account alpha has 1,200 USDT free")
            assert order.due_at is not None
            assert order.due_at - now >= min(0.5 * 2 ** (number - 1), 29) * SECOND
            now = order.due_at
    assert (order.status, order.needs_person) == (OrderStatus.PAUSED, True)
    assert order.reason.startswith("10 children in a row were refused: account alpha has 1,200 USDT free")


def test_the_exchanges_own_refusals_count_in_the_same_run(rows: Rows) -> None:
    child = rows.resting()
    child_outcome(child_pk=child.pk, outcome=Rejected("InsufficientFunds", "no"), now=NOW, fence=1)
    spend_elsewhere(rows, 100)
    order = child.order
    rows.step(order, now=NOW + SECOND)
    second = order.children.get(sequence=2)
    assert rows.submit_child(second, now=NOW + SECOND) is None
    view = build_order_view(order_pk=order.pk, data=MarketData({}), now=NOW + SECOND).view
    assert (view.rejections.count, view.rejections.kind) == (2, "InsufficientFunds")


def test_children_of_other_orders_that_are_under_way_are_seen(rows: Rows) -> None:
    hold(rows.account, 40_000)
    first, second = rows.working(key="1"), rows.working(key="2")
    hold(rows.account, 7_000, at=NOW - SECOND)
    for order in (first, second):
        rows.step(order, now=NOW)
    one, other = (ChildOrder.objects.get(order=order) for order in (first, second))
    assert rows.submit_child(one) is not None
    assert rows.submit_child(other) is None
    other.refresh_from_db()
    cost = one.quantity * D(str(one.price))
    words = f"alpha has {grouped(7_000 - cost)} USDT free beside {grouped(cost)} that the desk has under way"
    assert words in other.reason


def test_a_child_whose_balance_is_not_known_is_sent(rows: Rows) -> None:
    child = rows.resting(submitted=False)
    Balance.objects.all().delete()
    assert rows.submit_child(child) is not None
