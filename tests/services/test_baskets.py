"""A basket: judged as a whole, sent whole or not at all, once for each key."""

from __future__ import annotations

import threading
from datetime import timedelta
from decimal import Decimal
from functools import partial
from typing import Any

import pytest

from execution.core.orders.basket import BasketRow
from execution.core.problem_codes import Code
from execution.core.problems import Problem, Refused
from execution.core.types import BalanceAmounts
from execution.models import (
    AuditEntry,
    Balance,
    Basket,
    Halt,
    JournalEntry,
    Order,
    OrderApproval,
    Role,
    Slice,
    Submission,
    User,
)
from execution.selectors.orders.baskets import basket_detail
from execution.services.accounts.markets import balances_record
from execution.services.desk.old_orders import orders_drop
from execution.services.orders import basket_submit as module
from execution.services.orders.basket_confirmation import BasketConfirmation
from execution.services.orders.confirmation import Confirmation
from execution.services.orders.limits import verdicts_together
from execution.services.orders.submit import KeyReused
from tests.factories import NOW, D, Rows
from tests.services.basketing import basket_rows, parts, previewed, sent, without_market
from tests.services.limiting import bound
from tests.threads import in_a_thread

BOUGHT = {"quantity": "0.2"}
SOLD = {"quantity": "0.1", "side": "sell"}


def refusal(rows: Rows, basket: list[BasketRow], **more: Any) -> tuple[Problem, ...]:
    """Send a basket that is refused, and check that nothing of it was written."""
    tables = (Basket, Order, Slice, JournalEntry, AuditEntry, OrderApproval)
    before = [table.objects.count() for table in tables]
    with pytest.raises(Refused) as refused:
        sent(rows, basket, **more)
    assert [table.objects.count() for table in tables] == before
    return tuple(refused.value.problems)


# --- sending -------------------------------------------------------------------------------------


def test_every_row_becomes_an_order_of_the_basket_and_the_audit_has_the_whole(rows: Rows) -> None:
    rows.quote()
    basket = sent(rows, basket_rows(rows, BOUGHT, SOLD), name="month end")
    orders = list(basket.orders.order_by("pk"))
    assert [(order.side, order.quantity, order.status) for order in orders] == [
        ("buy", D("0.2"), "scheduled"),
        ("sell", D("0.1"), "scheduled"),
    ]
    assert all(order.slices.count() == 3 and order.basket_id == basket.public_id for order in orders)
    entries = JournalEntry.objects.filter(kind="submitted").values_list("data", flat=True)
    assert {entry["basket"] for entry in entries} == {basket.public_id}
    audit = AuditEntry.objects.get(kind="basket.sent")
    assert (audit.subject, audit.reason) == (basket.public_id, "month end")
    assert audit.data == {"orders": 2, "currency": "USDT", "bought": "12000", "sold": "6000", "net": "6000"}
    found = basket_detail(basket, NOW)
    assert (found["state"], found["counts"], found["filled_share"]) == ("live", {"scheduled": 2}, "0")
    assert [row["id"] for row in found["orders"]] == [order.public_id for order in orders]
    assert not Submission.objects.exists()


def test_the_same_key_is_one_basket_and_other_rows_under_it_are_refused(rows: Rows) -> None:
    basket = sent(rows, parts(rows, 3))
    assert sent(rows, parts(rows, 3)) == basket
    assert (Basket.objects.count(), Order.objects.count()) == (1, 3)
    with pytest.raises(KeyReused):
        sent(rows, parts(rows, 2))
    with pytest.raises(KeyReused):
        sent(rows, parts(rows, 3), name="another")
    other = User.objects.create(username="other", role=Role.TRADER)
    rows.account.traders.add(other)
    assert sent(rows, parts(rows, 3), person=other) != basket


def test_one_row_that_is_wrong_keeps_all_of_them(rows: Rows) -> None:
    (problem,) = refusal(rows, basket_rows(rows, BOUGHT, {"symbol": "XYZ/USDT"}, SOLD))
    assert (problem.code, problem.field) == (Code.SYMBOL_NOT_LISTED, "orders.1.symbol")
    assert problem.message.startswith("Row 2: ")
    broken = BasketRow(1, None, (Problem("quantity", "Quantity is missing.", code=Code.VALUE_MISSING),))
    (problem,) = refusal(rows, [broken])
    assert (problem.field, problem.message) == ("orders.0.quantity", "Row 1: Quantity is missing.")


def test_a_row_that_is_there_twice_and_an_empty_basket_are_refused(rows: Rows) -> None:
    (problem,) = refusal(rows, basket_rows(rows, BOUGHT, BOUGHT))
    assert (problem.code, problem.message[:26]) == (Code.VALUE_REPEATED, "Row 2 is the same as row 1")
    (problem,) = refusal(rows, [])
    assert problem.code is Code.LENGTH_OUT_OF_RANGE


def test_a_halt_that_comes_after_the_preview_refuses_the_whole(
    rows: Rows, monkeypatch: pytest.MonkeyPatch
) -> None:
    Halt.objects.create(
        kind="no_new_orders",
        scope="trader",
        trader=rows.trader,
        reason="x",
        set_by=rows.supervisor,
        set_at=NOW,
    )
    monkeypatch.setattr("execution.services.orders.preview.halt_covering", lambda **_: None)
    problems = refusal(rows, parts(rows, 2))
    assert problems[0].code is Code.TRADING_HALTED
    assert problems[0].message.startswith("Row 1: ")


def test_a_basket_goes_with_the_last_of_its_old_orders(rows: Rows) -> None:
    basket = sent(rows, parts(rows, 2))
    first, second = basket.orders.order_by("pk")
    for order, left in ((first, 1), (second, 0)):
        Order.objects.filter(pk=order.pk).update(status="cancelled", ended_at=NOW)
        assert orders_drop(before=NOW + timedelta(days=1), now=NOW, pause=lambda: None) == 1
        assert Basket.objects.count() == left


# --- limits --------------------------------------------------------------------------------------


def test_twenty_rows_cannot_pass_what_one_order_could_not(rows: Rows) -> None:
    rows.quote()
    bound(rows, "order_notional", 100_000)
    (problem,) = refusal(rows, parts(rows, 20, quantity="0.1"))
    assert problem.code is Code.LIMIT_EXCEEDED
    assert (problem.value, problem.limit) == ("120000", "100000")
    assert problem.message.startswith("Rows 1 to 20 together: Their notional, 120,000.00 USDT, is above")
    # Ten buys and ten sells are two orders of 60,000.
    both = [
        {"quantity": "0.1", "side": side, "client_reference": str(n)}
        for n in range(10)
        for side in ("buy", "sell")
    ]
    assert sent(rows, basket_rows(rows, *both)).size == 20


def test_the_quantity_of_one_symbol_and_side_is_that_of_one_order(rows: Rows) -> None:
    bound(rows, "order_quantity", 1, scope="symbol", subject="BTC/USDT")
    rows.quote()
    assert refusal(rows, parts(rows, 3, quantity="0.4"))[0].value == "1.2"
    assert sent(rows, parts(rows, 2, quantity="0.4")).size == 2


def test_open_notional_counts_the_other_rows_and_the_orders_before(rows: Rows) -> None:
    rows.quote()
    rows.submit(key="before", quantity="0.5")
    bound(rows, "open_notional", 59_999)
    (problem,) = refusal(rows, basket_rows(rows, BOUGHT, SOLD, {"quantity": "0.2", "side": "sell"}))
    assert (problem.value, problem.limit) == ("60000", "59999")
    assert "Rows 1 to 3 together" in problem.message
    assert sent(rows, basket_rows(rows, BOUGHT, SOLD)).size == 2


def test_one_row_above_a_limit_says_so_itself(rows: Rows) -> None:
    rows.quote()
    bound(rows, "order_notional", 10_000)
    found = previewed(rows, basket_rows(rows, BOUGHT, SOLD))
    assert found.problems == ()
    assert [[each.code for each in row.problems] for row in found.rows] == [[Code.LIMIT_EXCEEDED], []]
    assert refusal(rows, basket_rows(rows, BOUGHT, SOLD))[0].field == "orders.0.quantity"


def test_each_soft_limit_is_acknowledged_once_with_a_reason_in_the_first_of_its_rows(rows: Rows) -> None:
    rows.quote()
    bound(rows, "open_notional", 15_000, level="soft")
    bound(rows, "order_notional", 10_000, level="soft")
    basket = basket_rows(rows, SOLD, BOUGHT)
    missing = refusal(rows, basket)
    assert [(each.field, each.code) for each in missing] == [
        ("orders.0.limit_reason_open_notional", Code.LIMIT_REASON_MISSING),
        ("orders.1.limit_reason_order_notional", Code.LIMIT_REASON_MISSING),
    ]
    assert missing[0].message.startswith("Rows 1 and 2 together: The open notional")
    assert missing[1].message.startswith("Row 2: The order's notional, 12,000.00 USDT")
    one = {1: Confirmation(on_ticket=False, is_retyped=False, limit_reasons={"open_notional": "month end"})}
    assert len(refusal(rows, basket, confirmed=BasketConfirmation(one))) == 1
    two = {2: Confirmation(on_ticket=False, is_retyped=False, limit_reasons={"order_notional": "a block"})}
    sent(rows, basket, confirmed=BasketConfirmation(one | two))
    entries = JournalEntry.objects.filter(kind="submitted").order_by("pk").values_list("data", flat=True)
    assert [[each["reason"] for each in data["limits_exceeded"]] for data in entries] == [
        ["month end"],
        ["month end", "a block"],
    ]


def test_rows_that_need_an_approval_wait_and_the_others_go(rows: Rows) -> None:
    rows.quote()
    bound(rows, "order_notional", 10_000, level="approval")
    basket = sent(rows, basket_rows(rows, BOUGHT, SOLD))
    orders = list(basket.orders.order_by("pk"))
    assert [order.status for order in orders] == ["pending_approval", "scheduled"]
    assert OrderApproval.objects.get().order == orders[0]


def test_a_limit_that_comes_between_preview_and_send_asks_again(
    rows: Rows, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows.quote()
    monkeypatch.setattr(module, "verdicts_together", partial(_with_limit, rows))
    problems = refusal(rows, basket_rows(rows, BOUGHT, SOLD))
    assert [each.code for each in problems] == [Code.LIMIT_REASON_MISSING]


def _with_limit(rows: Rows, *arguments: Any, **named: Any) -> Any:
    """Judge as a transaction does that sees a limit which was set after the preview."""
    bound(rows, "order_notional", 10_000, level="soft")
    return verdicts_together(*arguments, **named)


def test_a_notional_that_is_not_known_exceeds_and_is_never_zero(rows: Rows) -> None:
    without_market(rows)
    bound(rows, "open_notional", 1_000_000_000)
    found = previewed(rows, basket_rows(rows, {"limit_price": "60000"}, SOLD))
    assert (found.sums.bought, found.sums.sold, found.sums.net) == (D(18_000), None, None)
    assert [each.code for each in found.problems] == [Code.LIMIT_EXCEEDED]
    assert "is not known" in found.problems[0].message


# --- balances ------------------------------------------------------------------------------------


def test_the_accounts_pay_for_the_whole_basket_or_for_none_of_it(rows: Rows) -> None:
    rows.quote()
    Balance.objects.filter(currency="USDT").update(free=20_000)
    basket = basket_rows(rows, BOUGHT, {"quantity": "0.15"}, SOLD)
    found = previewed(rows, basket)
    assert [row.problems for row in found.rows] == [(), (), ()], "each alone can be paid for"
    (problem,) = found.problems
    assert problem.code is Code.INSUFFICIENT_BALANCE
    assert problem.message.startswith("The total of rows 1 and 2 needs 21,")
    assert refusal(rows, basket)[0].code is Code.INSUFFICIENT_BALANCE
    assert sent(rows, basket_rows(rows, BOUGHT, SOLD)).size == 2


def test_rows_of_other_accounts_take_from_the_shared_ones(rows: Rows) -> None:
    rows.quote()
    beta = rows.beside()
    Balance.objects.filter(currency="USDT").update(free=20_000)
    both = {"quantity": "0.5", "accounts": [rows.account.public_id, beta.public_id]}
    problems = previewed(rows, basket_rows(rows, both, BOUGHT)).problems
    assert {each.code for each in problems} == {Code.BALANCE_RESERVED}
    assert "another row of the basket reserves" in problems[0].message.lower()
    assert refusal(rows, basket_rows(rows, both, BOUGHT))


# --- confirmations -------------------------------------------------------------------------------


def on_page(*numbers: int, **given: Any) -> dict[int, Confirmation]:
    return {number: Confirmation(**given) for number in numbers}


def test_the_notional_is_typed_again_above_the_persons_threshold(rows: Rows) -> None:
    rows.quote()
    rows.trader.confirm_above = D(10_000)
    basket = basket_rows(rows, BOUGHT, SOLD)
    (problem,) = refusal(rows, basket, confirmed=BasketConfirmation(on_page(1, 2)))
    assert (problem.field, problem.code, problem.limit) == (
        "confirm_notional",
        Code.NOTIONAL_NOT_CONFIRMED,
        "18000",
    )
    for typed in ("1800", "180,000.00", "eighteen"):
        assert refusal(rows, basket, confirmed=BasketConfirmation(on_page(1, 2), typed)), typed
    assert sent(rows, basket, confirmed=BasketConfirmation(on_page(1, 2), "18,100.00")).size == 2


def test_rows_whose_worth_is_unknown_are_typed_again_one_by_one(rows: Rows) -> None:
    without_market(rows)
    rows.trader.confirm_above = D(1_000_000)
    basket = basket_rows(rows, BOUGHT, SOLD)
    problems = refusal(rows, basket, confirmed=BasketConfirmation(on_page(1, 2)))
    assert [each.field for each in problems] == ["orders.0.confirm_quantity", "orders.1.confirm_quantity"]
    typed = on_page(1, quantity="0.2") | on_page(2, quantity="0.1")
    assert sent(rows, basket, confirmed=BasketConfirmation(typed)).size == 2


def test_a_row_like_an_order_of_a_moment_ago_is_confirmed_on_a_page(rows: Rows) -> None:
    rows.quote()
    rows.submit(quantity="0.2")
    basket = basket_rows(rows, BOUGHT, SOLD)
    (problem,) = refusal(rows, basket, confirmed=BasketConfirmation(on_page(1, 2)))
    assert (problem.field, problem.code) == ("orders.0.confirm_lookalike", Code.LOOKALIKE_NOT_CONFIRMED)
    confirmed = BasketConfirmation(on_page(1, lookalike=True) | on_page(2))
    assert sent(rows, basket, confirmed=confirmed).size == 2


# --- races ---------------------------------------------------------------------------------------


@pytest.mark.django_db(transaction=True)
def test_of_two_baskets_at_once_one_passes_the_limit(rows: Rows) -> None:
    two_at_a_limit(rows)


@pytest.mark.django_db(transaction=True)
def test_judged_by_the_preview_alone_both_pass_it(rows: Rows, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_judge", lambda *_: None)
    with pytest.raises(AssertionError):
        two_at_a_limit(rows)


def two_at_a_limit(rows: Rows) -> None:
    """Send five rows of two traders at the same moment, under a limit that takes five."""
    rows.quote()
    bound(rows, "open_notional", 30_000)
    balances_record(account_pk=rows.account.pk, balances={"USDT": BalanceAmounts(D(10**7), D(0))}, now=NOW)
    people = [User.objects.create(username=f"trader {n}", role=Role.TRADER) for n in range(2)]
    rows.account.traders.add(*people)
    begin, refused, failures = threading.Barrier(2), list[Code](), list[BaseException]()

    def preview_then_wait(original: Any) -> Any:
        def send(*arguments: Any) -> Any:
            begin.wait(30)  # both have been previewed, and each alone keeps the limit
            return original(*arguments)

        return send

    def send(person: User) -> None:
        try:
            sent(rows, parts(rows, 5, quantity="0.1"), person=person)
        except Refused as error:
            refused.extend(problem.code for problem in error.problems)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "_send_once", preview_then_wait(module._send_once))
        for thread in [in_a_thread(partial(send, person), failures) for person in people]:
            thread.join(60)
    assert failures == []
    assert (Basket.objects.count(), Order.objects.count()) == (1, 5)
    assert refused == [Code.LIMIT_EXCEEDED]


@pytest.mark.django_db(transaction=True)
def test_the_same_basket_from_two_tabs_is_one(rows: Rows) -> None:
    begin, failures, found = threading.Barrier(2), list[BaseException](), list[Basket]()

    def send() -> None:
        begin.wait(30)
        found.append(sent(rows, parts(rows, 4)))

    for thread in [in_a_thread(send, failures) for _ in range(2)]:
        thread.join(60)
    assert failures == []
    assert len({basket.pk for basket in found}) == 1
    assert Order.objects.count() == 4
    assert Decimal(AuditEntry.objects.filter(kind="basket.sent").count()) == 1
