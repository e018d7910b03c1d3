"""The wall: rows of every live order in few queries, honest sums, and health in words."""

from __future__ import annotations

from datetime import timedelta

from django.db import connection
from django.db.models import F
from django.test.utils import CaptureQueriesContext

from execution.core.market_data.feeds import Feed, FeedState, FeedStatus
from execution.core.types import Trade, Unknown
from execution.models import Account, ChildOrder, Market, Order, Role, User
from execution.payloads.wall import WallAccount
from execution.selectors.wall.desk import Wall, halt_subjects
from execution.services.accounts.sessions import account_failed, account_seen
from execution.services.children.children import child_outcome
from execution.services.children.fills import fill_record
from execution.services.halts import halt_lift, halt_set, parse_halt_request
from tests.factories import NOW, SYMBOL, D, Rows, trade_of

SECOND = timedelta(seconds=1)
#: However many orders live.
MAX_QUERIES = 22


# --- rows ------------------------------------------------------------------------------------------


def test_every_live_order_of_everybody_is_on_the_wall_and_no_other(rows: Rows) -> None:
    second = User.objects.create(username="second_trader", role=Role.TRADER)
    rows.account.traders.add(second)
    ours = rows.submit(key="a")
    theirs = rows.submit(key="b", person=second)
    over = rows.submit(key="c")
    Order.objects.filter(pk=over.pk).update(status="completed", ended_at=NOW)
    picture = Wall().read(NOW)
    assert set(picture["order"]) == {ours.public_id, theirs.public_id}
    people = {person["name"]: person for person in picture["panels"]["people"]}
    assert {name: person["live"] for name, person in people.items()} == {"trader": 1, "second_trader": 1}
    assert people["second_trader"]["working"] == {"USDT": "18000"}
    assert picture["panels"]["totals"]["money"][0]["working"] == "36000"
    Order.objects.filter(pk=ours.pk).update(status="pending_approval", version=F("version") + 1)
    panels = Wall().read(NOW)["panels"]
    (money,) = panels["totals"]["money"]
    assert (money["working"], money["waiting"]) == ("18000", "18000"), "an order that waits does not work"
    assert {person["name"]: person["working"] for person in panels["people"]}["trader"] == {}


def test_what_needs_attention_stands_first(rows: Rows) -> None:
    calm, paused, needs = (rows.submit(key=key) for key in "abc")
    Order.objects.filter(pk=paused.pk).update(status="paused")
    Order.objects.filter(pk=needs.pk).update(status="paused", needs_person=True)
    late = rows.working(key="d", now=NOW - 2 * 60 * SECOND)
    picture = Wall().read(NOW)
    assert picture["order"] == [order.public_id for order in (needs, late, paused, calm)]
    assert [picture["rows"][order.public_id]["behind"] for order in (late, calm)] == [True, False]
    totals = picture["panels"]["totals"]
    assert (totals["live"], totals["behind"], totals["paused"]) == (4, 1, 2)
    assert [alert["order"] for alert in picture["panels"]["alerts"]] == [needs.public_id]


def test_time_alone_makes_an_order_late_without_a_new_version(rows: Rows) -> None:
    order = rows.working()
    wall = Wall()
    assert not wall.read(NOW)["rows"][order.public_id]["behind"]
    assert wall.read(NOW + 100 * SECOND)["rows"][order.public_id]["behind"]


def test_a_reader_that_remembers_sees_what_a_fresh_one_sees(rows: Rows) -> None:
    wall = Wall()
    wall.read(NOW)
    child = rows.resting()
    wall.read(NOW + SECOND)
    for number, quantity in enumerate(("0.01", "0.02")):
        fill_record(account_pk=rows.account.pk, trade=_trade(child, str(number), quantity), now=NOW)
        moment = NOW + (2 + number) * SECOND
        assert wall.read(moment) == Wall().read(moment)
    later = NOW + 60 * SECOND  # the marks of folded fills have moved on
    assert wall.read(later) == wall.read(later) == Wall().read(later)


def _trade(child: ChildOrder, number: str, quantity: str) -> Trade:
    return trade_of(child, number, quantity, client_id=child.client_id)


def test_two_thousand_live_orders_take_as_many_queries_as_two(rows: Rows) -> None:
    first = rows.submit(key="first")
    rows.submit(key="second")
    few = _queries()
    _copy(first, 2000)
    many = _queries()
    assert many == few <= MAX_QUERIES
    assert len(Wall().read(NOW)["order"]) == 2002


def test_a_second_read_of_a_calm_desk_reads_no_order(rows: Rows) -> None:
    rows.submit(key="first")
    wall = Wall()
    wall.read(NOW)
    with CaptureQueriesContext(connection) as queries:
        wall.read(NOW + SECOND)
    assert not any("orderterms" in query["sql"] for query in queries)


def _queries() -> int:
    with CaptureQueriesContext(connection) as queries:
        Wall().read(NOW)
    return len(queries)


def _copy(order: Order, count: int) -> None:
    accounts = list(order.accounts.all())
    copies = []
    for number in range(count):
        copy = Order.objects.get(pk=order.pk)
        copy.pk, copy.public_id, copy.terms = None, f"copy{number:04d}", order.terms
        copies.append(copy)
    made = Order.objects.bulk_create(copies)
    through = Order.accounts.through
    through.objects.bulk_create(
        through(order_id=copy.pk, account_id=account.pk) for copy in made for account in accounts
    )


# --- sums ------------------------------------------------------------------------------------------


def test_todays_fills_are_counted_once_with_their_cost_against_arrival(rows: Rows) -> None:
    child = rows.resting()
    wall = Wall()
    for number in range(3):
        trade = trade_of(child, str(number), "0.01", price=D(60_060), client_id=child.client_id)
        fill_record(account_pk=rows.account.pk, trade=trade, now=NOW)
        wall.read(NOW + number * 20 * SECOND)
    money = wall.read(NOW + 80 * SECOND)["panels"]["totals"]["money"][0]
    assert money["done"] == "1801.8"
    assert money["cost_bp"] == "10"
    tomorrow = wall.read(NOW + timedelta(days=1))["panels"]["totals"]["money"][0]
    assert (tomorrow["done"], tomorrow["cost_bp"]) == ("0", None)


def test_a_fill_whose_arrival_is_unknown_costs_nothing_known(rows: Rows) -> None:
    child = rows.resting()
    Order.objects.update(arrival_bid=None)
    fill_record(account_pk=rows.account.pk, trade=_trade(child, "1", "0.01"), now=NOW)
    totals = Wall().read(NOW)["panels"]["totals"]
    assert totals["money"][0]["cost_bp"] is None
    assert totals["without_arrival"] == 1


def test_without_a_price_the_working_notional_is_unknown_not_zero(rows: Rows) -> None:
    rows.submit()
    rows.quote("0", "0")
    Order.objects.update(arrival_bid=None)
    totals = Wall().read(NOW)["panels"]["totals"]
    assert totals["money"][0]["working"] is None


# --- unknown children ------------------------------------------------------------------------------


def test_an_unknown_child_shows_its_evidence_and_the_earliest_proof(rows: Rows) -> None:
    child = rows.resting()
    child_outcome(child_pk=child.pk, outcome=Unknown("timed out"), now=NOW)
    child.refresh_from_db()
    polls = [(NOW + (8 + 2 * number) * SECOND).isoformat() for number in range(2)]
    child.evidence = {"open_orders": polls, "closed_orders": polls, "trades": polls[:1]}
    child.save(update_fields=["evidence"])
    picture = Wall().read(NOW + 41 * SECOND)
    (shown,) = picture["panels"]["unknown"]
    assert shown["polls"] == {"open_orders": 2, "closed_orders": 2, "trades": 1}
    assert shown["needed"] == 3
    assert shown["since"] == _ms(0)
    # The slowest kind has one poll, at 8 s: two more, two seconds apart each.
    assert shown["earliest"] == _ms(12)
    assert picture["panels"]["totals"]["unknown_since"] == _ms(0)
    assert picture["rows"][child.order.public_id]["unknown_since"] == _ms(0)


def _ms(seconds: int) -> int:
    return round((NOW + seconds * SECOND).timestamp() * 1000)


# --- health ----------------------------------------------------------------------------------------


def _account(rows: Rows, at: int = 0) -> WallAccount:
    (account,) = Wall().read(NOW + at * SECOND)["panels"]["accounts"]
    return account


def _seen(rows: Rows, at: int = 0) -> None:
    Account.objects.update(error_at=None)
    moment = NOW + at * SECOND
    account_seen(account_pk=rows.account.pk, polled_at=moment, stream_at=moment, latency_ms=12.0)


def test_a_well_account_says_ok(rows: Rows) -> None:
    _seen(rows)
    account = _account(rows, 1)
    assert (account["health"], account["words"], account["since"]) == ("ok", "ok", None)
    assert account["quotes"] == [{"symbol": SYMBOL, "at": _ms(0), "wanted": False}]


def test_an_exchange_that_fails_is_down_since_the_last_good_poll(rows: Rows) -> None:
    _seen(rows)
    for number in range(3):
        account_failed(account_pk=rows.account.pk, error="no connection", now=NOW + (2 + number) * SECOND)
    account = _account(rows, 5)
    assert (account["health"], account["words"]) == ("down", "down")
    assert (account["error"], account["failures"], account["since"]) == ("no connection", 3, _ms(0))
    _seen(rows, 6)
    account = _account(rows, 7)
    assert (account["health"], account["error"], account["failures"]) == ("ok", "", 0)


def test_a_lost_stream_is_said_while_polls_go_on(rows: Rows) -> None:
    _seen(rows)
    account_seen(account_pk=rows.account.pk, polled_at=NOW + 20 * SECOND)
    account = _account(rows, 21)
    assert (account["health"], account["words"], account["since"]) == ("warn", "stream down", _ms(0))


def test_an_old_quote_matters_only_where_an_order_lives(rows: Rows) -> None:
    _seen(rows, 30)
    assert _account(rows, 31)["health"] == "ok"
    rows.submit()
    account = _account(rows, 31)
    assert (account["health"], account["words"], account["since"]) == (
        "warn",
        f"no fresh quote of {SYMBOL}",
        _ms(0),
    )


def test_what_is_wrong_with_a_market_is_said_where_an_order_lives_in_it(rows: Rows) -> None:
    _seen(rows)
    rows.feeds(
        {feed: FeedStatus(FeedState.ONE_SIDED, NOW, "there are no asks") for feed in (Feed.QUOTES, Feed.BOOK)}
    )
    assert _account(rows, 1)["feeds"] == []
    rows.submit()
    one_sided = f"{SYMBOL} book and quotes are one-sided since 12:00:00 UTC: there are no asks"
    assert _account(rows, 1)["feeds"] == [one_sided]
    Market.objects.update(status="halted", status_word="BREAK")
    account = _account(rows, 1)
    assert account["feeds"] == [f"{SYMBOL} is not trading now (the venue says BREAK)", one_sided]
    assert account["health"] == "ok", "the account is well"


def test_an_account_that_nobody_holds_or_polls_is_down(rows: Rows) -> None:
    _seen(rows)
    assert _account(rows, 60)["words"] == "not polled"
    Account.objects.update(owner=None)
    assert _account(rows)["words"] == "no worker trades this account"
    rows.account.credentials.all().delete()
    assert _account(rows)["words"] == "no checked key"
    Account.objects.update(is_active=False)
    assert _account(rows)["words"] == "closed"


# --- halts -----------------------------------------------------------------------------------------


def _halt(rows: Rows, scope: str, subject: str, phrase: str, kind: str = "stop") -> str:
    request = parse_halt_request({"kind": kind, "scope": scope, "subject": subject})
    halt = halt_set(person=rows.supervisor, request=request, phrase=phrase, reason="news", now=NOW)
    return str(halt.public_id)


def test_the_desks_state_and_what_is_halted_stand_on_the_wall(rows: Rows) -> None:
    assert Wall().read(NOW)["panels"]["totals"]["state"] == "active"
    _halt(rows, "account", "alpha", "HALT alpha")
    _halt(rows, "trader", "trader", "HALT trader", kind="no_new_orders")
    panels = Wall().read(NOW)["panels"]
    assert (panels["totals"]["state"], panels["totals"]["narrow_halts"]) == ("active", 2)
    assert panels["accounts"][0]["halt"] == "stop"
    assert panels["people"][0]["halt"] == "no_new_orders"
    _halt(rows, "desk", "", "HALT DESK", kind="no_new_orders")
    assert Wall().read(NOW)["panels"]["totals"]["state"] == "no_new_orders"
    desk = _halt(rows, "desk", "", "HALT DESK")
    assert Wall().read(NOW)["panels"]["totals"]["state"] == "halted"
    halt_lift(public_id=desk, person=rows.supervisor, reason="over", now=NOW)
    assert Wall().read(NOW)["panels"]["totals"]["state"] == "no_new_orders"


def test_a_halt_can_name_what_trades_and_who(rows: Rows) -> None:
    subjects = halt_subjects()
    assert subjects["account"] == [(rows.account.public_id, "alpha")]
    assert subjects["trader"] == [(rows.trader.public_id, "trader")]
    assert subjects["symbol"] == [(SYMBOL, SYMBOL)]
