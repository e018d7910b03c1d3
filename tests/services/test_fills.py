"""Fills: each once, from wherever and whenever it comes, and the folds follow."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from itertools import permutations

import pytest

from execution.core.types import Accepted, Liquidity, OrderReport, Trade, TradeFee, VenueStatus
from execution.models import ChildOrder, Fill, Order
from execution.selectors.fees import fees_of
from execution.services.children.children import child_outcome, child_report
from execution.services.children.fills import fill_record
from tests.factories import NOW, D, Rows, report_of, trade_of
from tests.invariants import check_order

V = VenueStatus
LATER = NOW + timedelta(minutes=10)


def record(rows: Rows, trade: Trade) -> bool:
    return fill_record(account_pk=rows.account.pk, trade=trade, now=NOW)


def hear(rows: Rows, report: OrderReport) -> None:
    child_report(account_pk=rows.account.pk, report=report, now=NOW)


def totals(child: ChildOrder) -> tuple[str, str]:
    order = Order.objects.get(pk=child.order_id)
    check_order(order)
    return str(order.filled), str(order.notional)


@pytest.mark.parametrize("order", list(permutations(range(3))))
def test_answer_stream_and_poll_in_any_order_record_a_trade_once(rows: Rows, order: tuple[int, ...]) -> None:
    child = rows.resting()
    by_stream = trade_of(child, "7", "0.04", client_id=child.client_id)
    by_poll = trade_of(child, "7", "0.04")
    in_answer = trade_of(child, "7", "0.04", exchange_id=None)
    ways: list[Callable[[], object]] = [
        lambda: child_outcome(
            child_pk=child.pk, outcome=Accepted(report_of(child, V.OPEN, "0.04"), (in_answer,)), now=NOW
        ),
        lambda: record(rows, by_stream),
        lambda: record(rows, by_poll),
    ]
    for number in (*order, *order):
        ways[number]()
        check_order(child.order)
    assert totals(child) == ("0.04", "2399.9800")
    assert Fill.objects.get().exchange_order_id == "X1"


def test_a_trade_that_comes_before_its_orders_id_is_known_waits_for_it(rows: Rows) -> None:
    child = rows.resting()
    assert record(rows, trade_of(child, "7", "0.04"))
    assert not record(rows, trade_of(child, "7", "0.04"))
    assert Fill.objects.get().child is None
    assert totals(child)[0] == "0"
    hear(rows, report_of(child, V.OPEN, "0.04"))
    assert totals(child)[0] == "0.04"
    assert Fill.objects.get().child == child


def test_a_waiting_trade_is_claimed_when_it_comes_again_with_our_id(rows: Rows) -> None:
    child = rows.resting()
    record(rows, trade_of(child, "7", "0.04"))
    record(rows, trade_of(child, "7", "0.04", client_id=child.client_id))
    assert totals(child)[0] == "0.04"


def test_the_same_trade_id_of_another_symbol_or_side_is_another_trade(rows: Rows) -> None:
    child = rows.resting()
    hear(rows, report_of(child, V.OPEN, "0"))
    assert record(rows, trade_of(child, "7", "0.04"))
    assert record(rows, trade_of(child, "7", "0.04", symbol="ETH/USDT", exchange_id="Z"))
    assert record(rows, trade_of(child, "7", "0.04", side="sell", exchange_id="Z"))
    assert totals(child)[0] == "0.04"


def test_fee_and_liquidity_go_once_from_unknown_to_a_value(rows: Rows) -> None:
    child = rows.resting()
    hear(rows, report_of(child, V.OPEN, "0"))
    record(rows, trade_of(child, "7", "0.04"))
    known = trade_of(child, "7", "0.04", fee=D("2.4"), fee_currency="USDT", liquidity=Liquidity.MAKER)
    record(rows, known)
    record(rows, known)
    record(rows, trade_of(child, "7", "0.04", fee=D(9), fee_currency="BNB", liquidity=Liquidity.TAKER))
    fill = Fill.objects.get()
    assert (fill.fee, fill.fee_currency, fill.liquidity) == (D("2.4"), "USDT", "maker")
    order = Order.objects.get()
    assert order.fees == {"USDT": "2.4"}
    check_order(order)


def test_a_fee_that_comes_later_without_any_id_of_the_order_is_folded_too(rows: Rows) -> None:
    child = rows.resting()
    hear(rows, report_of(child, V.OPEN, "0"))
    record(rows, trade_of(child, "7", "0.04"))
    record(rows, trade_of(child, "7", "0.04", exchange_id=None, fee=D("2.4"), fee_currency="USDT"))
    order = Order.objects.get()
    assert order.fees == {"USDT": "2.4"}
    assert order.journal.filter(kind="fill_detail").count() == 1
    check_order(order)


def test_fees_are_folded_by_currency_and_never_taken_from_filled(rows: Rows) -> None:
    child = rows.resting()
    hear(rows, report_of(child, V.OPEN, "0"))
    for trade_id, fee, currency in [("1", "0.00001", "BTC"), ("2", "0.5", "BNB"), ("3", "0.00002", "BTC")]:
        record(rows, trade_of(child, trade_id, "0.02", fee=D(fee), fee_currency=currency))
    order = Order.objects.get()
    assert order.fees == {"BTC": "0.00003", "BNB": "0.5"}
    assert order.filled == D("0.06")
    in_quote = list(Fill.objects.order_by("pk").values_list("fee_in_quote", "fee_rate"))
    assert in_quote[0] == (D("0.00001") * D("59999.50"), D("59999.50"))
    assert in_quote[1] == (None, None), "the rate of BNB is not in the trade"
    check_order(order)


def test_a_trade_that_is_charged_in_several_currencies_keeps_each_part(rows: Rows) -> None:
    child = rows.resting()
    hear(rows, report_of(child, V.OPEN, "0"))
    rebate, gt = TradeFee(D("-0.00001"), "BTC"), TradeFee(D("0.02"), "GT")
    first = trade_of(child, "1", "0.02", fee=D("0.25"), fee_currency="USDT", more_fees=(rebate,))
    record(rows, first)
    record(rows, trade_of(child, "2", "0.02", fee=D("0.5"), fee_currency="USDT", more_fees=(rebate, gt)))
    record(rows, trade_of(child, "3", "0.02"))
    # The third one's comes later, and counts once.
    late = trade_of(child, "3", "0.02", fee=D("0.02"), fee_currency="GT", more_fees=(TradeFee(D(1), "USDT"),))
    record(rows, late)
    record(rows, late)
    order = Order.objects.get()
    assert order.fees == {"USDT": "1.75", "BTC": "-0.00002", "GT": "0.04"}
    fills = list(Fill.objects.order_by("pk"))
    assert fees_of(fills[1]) == [("USDT", D("0.5")), ("BTC", D("-0.00001")), ("GT", D("0.02"))]
    assert [fill.fee_in_quote for fill in fills] == [D("0.25") - D("0.00001") * D("59999.50"), None, None]
    assert [fill.fee_rate for fill in fills] == [D(1), D(1), None]
    check_order(order)


def test_a_fill_of_zero_fee_is_known_and_one_without_is_not(rows: Rows) -> None:
    child = rows.resting()
    hear(rows, report_of(child, V.OPEN, "0"))
    record(rows, trade_of(child, "1", "0.01", fee=D(0), fee_currency="USDT"))
    record(rows, trade_of(child, "2", "0.01"))
    assert list(Fill.objects.order_by("pk").values_list("fee", flat=True)) == [D(0), None]
    assert Order.objects.get().fees == {"USDT": "0"}


def test_a_late_fill_attaches_to_its_settled_child_and_alerts(rows: Rows) -> None:
    child = rows.resting()
    hear(rows, report_of(child, V.CANCELLED, "0"))
    child.refresh_from_db()
    assert child.is_settled
    fill_record(account_pk=rows.account.pk, trade=trade_of(child, "9", "0.02"), now=LATER)
    order = Order.objects.get()
    assert (order.filled, order.status, order.needs_person) == (D("0.02"), "paused", True)
    assert "late fill" in order.journal.get(kind="alert").reason
    check_order(order)


def test_an_overfill_is_recorded_flagged_and_pauses_for_a_person(rows: Rows) -> None:
    child = rows.resting()
    hear(rows, report_of(child, V.OPEN, "0"))
    record(rows, trade_of(child, "1", "0.4"))
    order = Order.objects.get()
    assert (order.filled, order.status, order.needs_person) == (D("0.4"), "paused", True)
    assert order.journal.filter(kind="alert", reason__contains="overfilled: 0.4 of 0.3").exists()
    check_order(order)


def test_fills_of_many_digits_stay_exact(rows: Rows) -> None:
    child = rows.resting()
    hear(rows, report_of(child, V.OPEN, "0"))
    for number in range(10):
        record(rows, trade_of(child, str(number), "0.00000001", price=D("0.00000123")))
    assert [D(text) for text in totals(child)] == [D("0.0000001"), D("0.000000000000123")]
