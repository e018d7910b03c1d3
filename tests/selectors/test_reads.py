"""The reads, and that no unknown value becomes a number."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st
from pytest_django.fixtures import Settings

from execution.core.states import ChildStatus
from execution.core.types import Market as MarketLimits
from execution.core.types import Quote, Side, VenueStatus
from execution.models import Account, Balance, Market, Order, Venue, Worker
from execution.selectors.decisions.order_view import (
    MarketData,
    OrderMarkets,
    build_order_view,
    order_markets,
    plan_rows,
)
from execution.selectors.decisions.resting import DeskResting, desk_resting
from execution.selectors.decisions.sessions import (
    account_details,
    clients_of_address,
    reconciliation_start,
    symbols_with_orders,
    unsettled_children,
)
from execution.selectors.markets import (
    balances_free,
    balances_sum,
    market_from_json,
    market_to_json,
    markets_of,
)
from execution.selectors.orders.pages import order_snapshot
from execution.selectors.quotes import quote_from_json, quote_latest, quote_to_json
from execution.services.children.children import child_report
from execution.services.orders.orders import order_pause, order_resume
from tests.core.builders import markets
from tests.factories import LIMITS, NOW, SYMBOL, D, Rows, make_account, make_worker, report_of

MINUTE = timedelta(minutes=1)
amounts = st.decimals(D("1e-10"), D("1e10"), places=10)
sizes = st.one_of(st.none(), amounts)


@given(st.builds(Quote, amounts, amounts, sizes, sizes, st.just(NOW)))
def test_a_quote_survives_redis(quote: Quote) -> None:
    assert quote_from_json(quote_to_json(quote)) == quote


@given(markets(), sizes)
def test_a_market_survives_being_kept_with_its_order(market: MarketLimits, most: Decimal | None) -> None:
    kept = replace(market, max_quantity=most)
    assert market_from_json(market_to_json(kept)) == kept


def test_the_latest_quote_is_read_with_its_age(rows: Rows) -> None:
    quote = rows.quote("1.5", "1.6", at=NOW - MINUTE)
    assert quote_latest(rows.venue.pk, SYMBOL) == quote
    assert quote_latest(rows.venue.pk, "ETH/USDT") is None


def test_without_redis_there_is_no_quote_and_no_error(rows: Rows, settings: Settings) -> None:
    settings.REDIS_URL = "unix:///nowhere/redis.sock"
    assert quote_latest(rows.venue.pk, SYMBOL) is None


def test_a_market_that_is_not_listed_is_none(rows: Rows) -> None:
    assert markets_of([rows.account], SYMBOL) == {rows.account.pk: LIMITS}
    assert markets_of([rows.account], "ETH/USDT") == {}
    Account.objects.update(symbols=["ETH/USDT"])
    rows.account.refresh_from_db()
    assert markets_of([rows.account], SYMBOL) == {}, "the venue lists it, the account does not trade it"


def test_a_balance_nobody_knows_is_none_and_a_currency_not_held_is_zero(rows: Rows) -> None:
    assert balances_free([rows.account], "BTC") == {rows.account.pk: D(10)}
    assert balances_free([rows.account], "DOGE") == {rows.account.pk: D(0)}
    Balance.objects.all().delete()
    assert balances_free([rows.account], "BTC") == {rows.account.pk: None}


def test_a_sum_of_balances_is_not_known_while_one_of_them_is_not(rows: Rows) -> None:
    other = make_account(rows.venue, "beta")
    accounts = [rows.account, other]
    assert balances_sum(balances_free(accounts, "BTC").values()) == 20
    Balance.objects.filter(account=other).delete()
    assert balances_sum(balances_free(accounts, "BTC").values()) is None
    assert balances_sum([]) is None


def test_an_order_keeps_the_limits_that_it_was_planned_with(rows: Rows) -> None:
    order = rows.working()
    Market.objects.update(lot=D("0.1"))
    assert build_order_view(order_pk=order.pk, data=MarketData({}), now=NOW).view.accounts[0].market == LIMITS


def test_a_child_of_an_earlier_plan_belongs_to_no_current_slice(rows: Rows) -> None:
    child = rows.resting()
    person = {"public_id": child.order.public_id, "person": rows.trader, "reason": ""}
    order_pause(**person, now=NOW)
    order_resume(**person, mode="shift", now=NOW + MINUTE)
    view = build_order_view(order_pk=child.order_id, data=MarketData({}), now=NOW + MINUTE).view
    assert [(seen.sequence, seen.slice_number) for seen in view.children] == [(1, None)]
    assert view.exposure == child.quantity, "and still counts"


def test_an_order_knows_its_market_and_plan(rows: Rows) -> None:
    order = rows.submit()
    assert order_markets(order.pk) == OrderMarkets(SYMBOL, Side.BUY, (rows.venue.pk,))
    assert order_markets(-1) is None
    assert sum(part.quantity for part in plan_rows(order)) == order.quantity


def test_what_the_desk_rests_is_counted_by_price_and_an_order_sees_the_others(rows: Rows) -> None:
    first, second = rows.resting(key="one"), rows.resting(key="two")

    def rests(side: Side) -> DeskResting:
        return desk_resting(venue_pk=rows.venue.pk, symbol=SYMBOL, side=side)

    assert rests(Side.BUY).total == {}, "an order that may not have arrived is on no book"
    for child in (first, second):
        report = report_of(child, VenueStatus.OPEN, "0.04", exchange_id=child.client_id)
        child_report(account_pk=rows.account.pk, report=report, now=NOW)
    left = first.quantity - D("0.04")
    resting = rests(Side.BUY)
    assert resting.total == {first.price: 2 * left}
    assert resting.of_others(first.order_id) == {first.price: left}
    assert resting.of_others(-1) == {first.price: 2 * left}
    assert rests(Side.SELL).total == {}
    data = MarketData({}, desk={rows.venue.pk: resting})
    snapshot = build_order_view(order_pk=second.order_id, data=data, now=NOW)
    assert snapshot.view.accounts[0].desk == {first.price: left}


def test_a_session_sees_what_is_not_settled_on_its_account(rows: Rows) -> None:
    child = rows.resting()
    (seen,) = unsettled_children(rows.account.pk)
    assert (seen.pk, seen.status, seen.ref.exchange_id) == (child.pk, ChildStatus.SUBMITTED, None)
    child_report(account_pk=rows.account.pk, report=report_of(child, VenueStatus.CANCELLED, "0"), now=NOW)
    assert unsettled_children(rows.account.pk) == []
    assert unsettled_children(make_account(rows.venue, "beta").pk) == []


def test_reconciliation_asks_for_symbols_of_orders_that_live_or_just_ended(rows: Rows) -> None:
    order = rows.submit()
    later = NOW + 10 * MINUTE
    assert reconciliation_start(rows.account.pk, now=later) == (NOW, set()), "nothing was sent yet"
    order = rows.working(key="2")
    assert reconciliation_start(rows.account.pk, now=later) == (NOW, {SYMBOL})
    Account.objects.update(reconciled_until=later)
    Order.objects.filter(pk=order.pk).update(status="completed", ended_at=later - MINUTE)
    assert reconciliation_start(rows.account.pk, now=later)[1] == {SYMBOL}
    Order.objects.filter(pk=order.pk).update(ended_at=later - 3 * MINUTE)
    rest = Order.objects.exclude(pk=order.pk)
    rest.update(status="completed", ended_at=later - 3 * MINUTE)
    assert reconciliation_start(rows.account.pk, now=later)[1] == set()


def test_a_market_is_sampled_while_an_order_lives_and_a_while_after(rows: Rows) -> None:
    assert symbols_with_orders(rows.venue.pk, since=NOW) == set()
    rows.submit()
    assert symbols_with_orders(rows.venue.pk, since=NOW) == {SYMBOL}
    Order.objects.update(ended_at=NOW)
    assert symbols_with_orders(rows.venue.pk, since=NOW) == {SYMBOL}
    assert symbols_with_orders(rows.venue.pk, since=NOW + MINUTE) == set()


def test_an_account_gives_its_key_in_use_else_its_newest_for_cancels_and_polls(rows: Rows) -> None:
    details = account_details(rows.account.pk)
    assert details is not None
    assert (details.sealed, details.marks) == (b"sealed", frozenset({"test"}))
    assert details.key_is_in_use
    rows.credential.state = "suspended"
    rows.credential.save()
    details = account_details(rows.account.pk)
    assert details is not None
    assert (details.credential_pk, details.key_is_in_use) == (rows.credential.pk, False)
    rows.credential.delete()
    assert account_details(rows.account.pk) is None


def test_accounts_of_one_exchange_on_one_host_share_its_address(rows: Rows) -> None:
    assert clients_of_address(rows.account.pk) == 1
    rows.beside("beta")
    assert clients_of_address(rows.account.pk) == 2
    elsewhere = make_worker("elsewhere")
    Worker.objects.filter(pk=elsewhere.pk).update(host="another host")
    third = rows.beside("gamma")
    Account.objects.filter(pk=third.pk).update(owner=elsewhere)
    fourth = rows.beside("delta")
    Venue.objects.filter(pk=fourth.venue_id).update(exchange="okx")
    fifth = rows.beside("epsilon")
    Venue.objects.filter(pk=fifth.venue_id).update(
        options={"urls": {"api": {"public": "http://127.0.0.1:1"}}}
    )
    assert clients_of_address(rows.account.pk) == 2
    assert clients_of_address(third.pk) == 1
    Worker.objects.filter(pk=rows.worker.pk).update(stopped_at=NOW)
    assert clients_of_address(third.pk) == 1


def test_a_refused_post_only_child_says_so_in_words(rows: Rows) -> None:
    child = rows.resting()
    child.reason = "OrderImmediatelyFillable: binance Order would immediately match and take."
    child.save()
    (row,) = order_snapshot(child.order_id)["children"]
    assert row["reason"] == "refused: a post-only order would have traded at once"
