"""Balances: live orders leave what the ticket says, the unknown is not zero, and each sees their own results."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from django.db import connection
from django.test.utils import CaptureQueriesContext

from execution.core.types import BalanceAmounts, Side, VenueStatus
from execution.models import Account, ChildOrder, Fill, Order, Role, User
from execution.payloads.balances import AccountBalances, Balances, Holding
from execution.selectors.balances import balances
from execution.selectors.decisions.free import _sent_to
from execution.selectors.limits import limits_on_sums
from execution.selectors.ticket import ticket_place
from execution.selectors.traded import trades_today
from execution.services.accounts.markets import balances_record
from execution.services.children.children import child_report
from execution.services.children.fills import fill_record
from tests.factories import NOW, SYMBOL, D, Rows, report_of, trade_of
from tests.services.limiting import bound

HOUR = timedelta(hours=1)


def hold(account: Account, at: datetime = NOW, **amounts: tuple[object, object] | None) -> None:
    """Set the exchange's free and locked amounts by currency; None: listed, but not told."""
    told = {
        name: BalanceAmounts(None, None) if each is None else BalanceAmounts(D(str(each[0])), D(str(each[1])))
        for name, each in amounts.items()
    }
    balances_record(account_pk=account.pk, balances=told, now=at)


def account_of(found: Balances, label: str) -> AccountBalances:
    return next(row for row in found["accounts"] if row["label"] == label)


def holding_of(rows: Sequence[Holding], currency: str) -> Holding:
    return next(row for row in rows if row["currency"] == currency)


def ticket_says(rows: Rows, side: Side, *labels: str) -> Decimal | None:
    place = ticket_place(person=rows.trader, accounts=labels, symbol=SYMBOL, now=NOW)
    assert place is not None
    return place.available(side)


def test_what_live_orders_leave_is_what_the_ticket_says(rows: Rows) -> None:
    beta = rows.beside()
    hold(rows.account, USDT=(100_000, 500), BTC=(2, 0))
    hold(beta, USDT=(50_000, 0), BTC=(1, "0.5"), EUR=(0, 0))
    rows.resting(accounts=["alpha"])
    rows.submit(key="2", accounts=["alpha", "beta"])
    rows.submit(key="3", accounts=["beta"], side="sell", quantity="0.4")
    found = balances(person=rows.trader, now=NOW)
    for label in ("alpha", "beta"):
        for side, currency in ((Side.BUY, "USDT"), (Side.SELL, "BTC")):
            row = holding_of(account_of(found, label)["holdings"], currency)
            assert row["available"] is not None
            assert D(row["available"]) == ticket_says(rows, side, label)
            assert D(row["available"]) == D(row["free"] or "") - D(row["reserved"] or "")
    together = holding_of(found["together"], "USDT")
    assert D(together["available"] or "") == ticket_says(rows, Side.BUY, "alpha", "beta")
    of_two = D("0.3") * D(60_300) * D("1.001")
    alpha, beta_row = (holding_of(account_of(found, name)["holdings"], "USDT") for name in ("alpha", "beta"))
    on_each = D(alpha["reserved"] or "") + D(beta_row["reserved"] or "")
    assert D(together["reserved"] or "") == on_each - of_two, "an order of two accounts counts once on both"
    assert (account_of(found, "alpha")["live_orders"], account_of(found, "beta")["live_orders"]) == (2, 2)
    assert [row["currency"] for row in account_of(found, "beta")["holdings"]] == ["BTC", "USDT"]


def test_free_and_locked_are_together_what_the_exchange_said(rows: Rows) -> None:
    hold(rows.account, USDT=(100_000, 500))
    child = rows.resting(accounts=["alpha"])
    sent = holding_of(account_of(balances(person=rows.trader, now=NOW), "alpha")["holdings"], "USDT")
    taken = D(100_000) - D(sent["free"] or "")
    assert taken >= child.quantity * D(59_000), "the balance may not show the child yet"
    assert D(sent["locked"] or "") == D(500) + taken
    assert sent["value"] == "100500"
    assert D(sent["available"] or "") == D(sent["free"] or "") - D(sent["reserved"] or "")
    later = NOW + timedelta(seconds=30)
    ChildOrder.objects.filter(pk=child.pk).update(exchange_id="1")
    hold(rows.account, at=later, USDT=(D(100_000) - taken, D(500) + taken))
    shown = holding_of(account_of(balances(person=rows.trader, now=later), "alpha")["holdings"], "USDT")
    assert (shown["free"], shown["locked"], shown["value"]) == (sent["free"], sent["locked"], "100500")
    ChildOrder.objects.filter(pk=child.pk).update(
        cancel_requested_at=later + timedelta(seconds=1),
        ended_at=later + timedelta(seconds=1),
        is_settled=True,
    )
    freed = holding_of(account_of(balances(person=rows.trader, now=later), "alpha")["holdings"], "USDT")
    assert (D(freed["free"] or ""), D(freed["locked"] or "")) == (D(100_000), D(500))


def test_after_live_orders_is_what_is_held_when_all_of_them_are_filled(rows: Rows) -> None:
    beta = rows.beside()
    hold(rows.account, USDT=(100_000, 0))
    hold(beta, USDT=(50_000, 0), BTC=(1, "0.5"))
    rows.submit(key="1", accounts=["alpha"], quantity="0.5")
    rows.submit(key="2", accounts=["beta"], side="sell", quantity="0.4")
    found = balances(person=rows.trader, now=NOW)
    alpha, beta_row = (account_of(found, name)["holdings"] for name in ("alpha", "beta"))
    assert holding_of(alpha, "USDT")["after"] == "70000"
    assert (holding_of(alpha, "BTC")["after"], holding_of(alpha, "BTC")["free"]) == ("0.5", "0"), (
        "it is brought"
    )
    assert (holding_of(beta_row, "BTC")["after"], holding_of(beta_row, "USDT")["after"]) == ("1.1", "74000")
    usdt, btc = (holding_of(found["together"], name) for name in ("USDT", "BTC"))
    assert (usdt["after"], usdt["after_value"], btc["after"], btc["after_value"]) == (
        "144000",
        "144000",
        "1.6",
        "96000",
    )
    rows.submit(key="3", accounts=["alpha", "beta"], quantity="0.1")
    found = balances(person=rows.trader, now=NOW)
    assert holding_of(account_of(found, "alpha")["holdings"], "USDT")["after"] is None, "or on beta"
    assert holding_of(found["together"], "USDT")["after"] == "138000"
    later = balances(person=rows.trader, now=NOW + timedelta(minutes=6))
    assert holding_of(later["together"], "USDT")["after"] is None, "there is no rate"
    assert holding_of(later["together"], "BTC")["after"] == "1.7"


def test_values_are_of_what_the_exchange_said_and_the_unknown_is_not_zero(rows: Rows) -> None:
    hold(rows.account, USDT=(100_000, 500), BTC=(2, 1), XRP=(5, 0), EUR=None)
    found = balances(person=rows.trader, now=NOW + timedelta(seconds=30))
    alpha = account_of(found, "alpha")
    values = {row["currency"]: row["value"] for row in alpha["holdings"]}
    assert values == {"USDT": "100500", "BTC": "180000", "XRP": None, "EUR": None}
    assert (alpha["value"], alpha["value_known"]) == (None, "280500")
    assert sorted(alpha["unpriced"]) == ["EUR", "XRP"]
    euro = holding_of(alpha["holdings"], "EUR")
    assert (euro["free"], euro["locked"], euro["available"]) == (None, None, None)
    assert (found["value"], found["value_known"], found["currency"]) == (None, "280500", "USDT")
    assert alpha["is_stale"] is False
    later = balances(person=rows.trader, now=NOW + timedelta(minutes=6))
    assert account_of(later, "alpha")["is_stale"] is True
    assert holding_of(later["together"], "BTC")["value"] is None, "the quote is too old for a rate"


def test_an_account_that_was_never_told_spoils_no_total(rows: Rows) -> None:
    beta = rows.beside()
    hold(rows.account, USDT=(100, 0))
    beta.balances.all().delete()
    found = balances(person=rows.trader, now=NOW)
    row = account_of(found, "beta")
    assert (row["at"], row["is_stale"], row["value"], row["holdings"]) == (None, True, None, [])
    assert holding_of(found["together"], "USDT")["available"] == "100"


def bought(
    rows: Rows, person: User, key: str, quantity: str = "0.1", price: str = "59000", **fee: Any
) -> Order:
    child = rows.resting(key=key, person=person)
    child_report(
        account_pk=rows.account.pk, report=report_of(child, VenueStatus.OPEN, "0", exchange_id=key), now=NOW
    )
    trade = trade_of(child, key, quantity, price=D(price), exchange_id=key, **fee)
    fill_record(account_pk=rows.account.pk, trade=trade, now=NOW)
    return Order.objects.get(pk=child.order_id)


def test_results_are_of_ones_own_orders_and_of_the_desk_for_supervisors(rows: Rows) -> None:
    other = User.objects.create(username="other", role=Role.TRADER)
    rows.account.traders.add(other)
    bought(rows, rows.trader, "1")
    bought(rows, other, "2", price="61000")
    (own,) = balances(person=rows.trader, now=NOW)["symbols"]
    assert (own["symbol"], own["bought"], own["net"], own["average"]) == (SYMBOL, "0.1", "0.1", "59000")
    assert (own["mid"], own["realised"], own["open"]) == ("60000", "0", "100")
    desk = balances(person=rows.supervisor, now=NOW)
    (both,) = desk["symbols"]
    assert (both["bought"], both["average"], both["open"]) == ("0.2", "60000", "0")
    assert (desk["whose"], desk["today"]["notional"], desk["today"]["result"]) == ("desk", "12000", "0")
    (late,) = balances(person=rows.trader, now=NOW + HOUR)["symbols"]
    assert (late["mid"], late["open"]) == (None, None)


def test_of_an_order_of_yesterday_only_the_fills_of_today_count(rows: Rows) -> None:
    order = bought(rows, rows.trader, "1")
    Order.objects.filter(pk=order.pk).update(created_at=NOW - 24 * HOUR)
    fill: dict[str, Any] = {"order": order, "account": rows.account, "symbol": SYMBOL, "side": "buy"}
    for trade, at in (("night", NOW - 13 * HOUR), ("morning", NOW - 11 * HOUR)):
        Fill.objects.create(
            **fill, trade_id=trade, price=D(50_000), quantity=D(1), executed_at=at, recorded_at=at
        )
    (day,) = balances(person=rows.trader, now=NOW)["symbols"]
    assert day["bought"] == "1.1"


def test_fees_are_in_the_quote_currency_and_lower_the_result(rows: Rows) -> None:
    bought(rows, rows.trader, "1", fee=D("5.9"), fee_currency="USDT")
    bought(rows, rows.trader, "2", fee=D("0.0001"), fee_currency="BTC")
    found = balances(person=rows.trader, now=NOW)
    (day,) = found["symbols"]
    assert (day["open"], day["fees"], day["after_fees"]) == ("200", "11.9", "188.1"), "0.0001 BTC at 60,000"
    assert (found["today"]["fees"], found["today"]["after_fees"]) == ("11.9", "188.1")
    bought(rows, rows.trader, "3", fee=D("-1.9"), fee_currency="USDT")
    assert balances(person=rows.trader, now=NOW)["today"]["fees"] == "10", "a rebate is below zero"


def test_a_fee_that_is_not_known_is_not_zero(rows: Rows) -> None:
    bought(rows, rows.trader, "1", fee=D("5.9"), fee_currency="USDT")
    order = bought(rows, rows.trader, "2")
    found = balances(person=rows.trader, now=NOW)
    (day,) = found["symbols"]
    assert (day["fees"], day["after_fees"]) == (None, None)
    assert (found["today"]["fees"], found["today"]["after_fees"], found["today"]["result"]) == (
        None,
        None,
        "200",
    )
    Order.objects.filter(pk=order.pk).update(created_at=NOW - 24 * HOUR)
    assert balances(person=rows.trader, now=NOW)["today"]["fees"] is None
    Fill.objects.filter(order=order).update(executed_at=NOW - 13 * HOUR)
    assert balances(person=rows.trader, now=NOW)["today"]["fees"] == "5.9", "the other was of yesterday"


def test_a_fee_in_a_currency_without_a_rate_is_not_known(rows: Rows) -> None:
    bought(rows, rows.trader, "1", fee=D("0.01"), fee_currency="BNB")
    today = balances(person=rows.trader, now=NOW)["today"]
    assert (today["realised"], today["fees"], today["after_fees"]) == ("0", None, None)


def test_fees_of_an_order_of_yesterday_are_those_of_the_fills_of_today(rows: Rows) -> None:
    order = bought(rows, rows.trader, "1", fee=D(7), fee_currency="USDT")
    Order.objects.filter(pk=order.pk).update(created_at=NOW - 24 * HOUR)
    Fill.objects.create(
        order=order,
        account=rows.account,
        symbol=SYMBOL,
        side="buy",
        trade_id="night",
        price=D(50_000),
        quantity=D(1),
        fee=D(50),
        fee_currency="USDT",
        executed_at=NOW - 13 * HOUR,
        recorded_at=NOW - 13 * HOUR,
    )
    assert balances(person=rows.trader, now=NOW)["today"]["fees"] == "7"


def test_everybody_reads_the_limits_on_sums_that_bound_what_they_see(rows: Rows) -> None:
    other = User.objects.create(username="other", role=Role.TRADER)
    rows.beside()
    rows.account.traders.set([rows.trader])
    Account.objects.get(label="beta").traders.set([other])
    for about in (
        {"kind": "open_notional", "scope": "desk"},
        {"kind": "daily_notional", "scope": "symbol", "subject": SYMBOL},
        {"kind": "open_notional", "scope": "account", "subject": "beta"},
        {"kind": "open_notional", "scope": "trader", "subject": "other"},
        {"kind": "order_notional", "scope": "desk"},
    ):
        bound(rows, value=100_000, **about)
    rows.submit(key="1", accounts=["alpha"], quantity="0.5")

    def seen(person: User) -> list[tuple[str, str, str | None]]:
        return [(row["scope"], row["subject"], row["used"]) for row in limits_on_sums(person, NOW)]

    shared = [("desk", "", "30000"), ("symbol", SYMBOL, "30000")]
    assert sorted(seen(rows.trader)) == shared
    theirs = [("account", "beta", "0"), *shared, ("trader", "other", "0")]
    assert sorted(seen(other)) == sorted(seen(rows.supervisor)) == sorted(theirs)


def test_fills_without_a_fee_are_found_by_their_index(rows: Rows) -> None:
    with CaptureQueriesContext(connection) as seen:
        trades_today(person=rows.supervisor, midnight=NOW - 12 * HOUR)
    (statement,) = [query["sql"] for query in seen]
    with connection.cursor() as cursor:
        cursor.execute(f"EXPLAIN QUERY PLAN {statement}")
        plan = " ".join(row[3] for row in cursor.fetchall())
    assert "fill_without_fee" in plan


def test_statements_do_not_grow_with_accounts_and_orders(rows: Rows) -> None:
    bought(rows, rows.trader, "1")

    def statements() -> int:
        with CaptureQueriesContext(connection) as seen:
            balances(person=rows.supervisor, now=NOW)
        return len(seen)

    rows.beside()
    few = statements()
    for number in range(4):
        account = rows.beside(f"more-{number}")
        hold(account, USDT=(900_000, 0), BTC=(3, 0), XRP=(4, 0))
        rows.submit(key=f"more-{number}", accounts=["alpha", account.label])
        rows.submit(key=f"sell-{number}", accounts=[account.label], side="sell")
    assert statements() == few <= 11


def test_the_children_of_several_accounts_are_found_by_indexes(rows: Rows) -> None:
    beta = rows.beside()
    with CaptureQueriesContext(connection) as seen:
        _sent_to({rows.account.pk: NOW, beta.pk: NOW - HOUR})
    (statement,) = [query["sql"] for query in seen]
    with connection.cursor() as cursor:
        cursor.execute(f"EXPLAIN QUERY PLAN {statement}")
        plan = [row[3] for row in cursor.fetchall()]
    assert not [step for step in plan if step.startswith("SCAN")], plan
