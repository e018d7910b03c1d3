"""The home page: own orders with their fills as a line, honest sums, and a watchlist of what the desk knows."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.db import connection
from django.test.utils import CaptureQueriesContext

from execution.core.market_data.market_day import DAY
from execution.core.types import Candle, CandleHistory
from execution.models import Basket, ChildOrder, Fill, Order, Role, User, Watchlist
from execution.payloads.home import HomePicture
from execution.selectors.home.desk import PLACES_AGAIN, Home
from execution.services.accounts.markets import candles_record
from execution.services.children.fills import fill_record
from tests.factories import NOW, SYMBOL, D, Rows, trade_of

SECOND = timedelta(seconds=1)
FIVE = timedelta(minutes=5)
#: However many orders live and symbols are watched.
MAX_QUERIES = 22


def read(home: Home, person: User, *, at: timedelta = timedelta(0), whole: bool = False) -> HomePicture:
    home.read_rows(person, NOW + at, whole=whole)
    home.read_market()
    return home.picture(NOW + at)


def history(rows: Rows, *, first: str = "50000", bars: int = DAY // FIVE + 1) -> None:
    """Store candles up to now; the first one opens at another price than the rest."""
    start = NOW - bars * FIVE
    prices = [D(first), *(D(60000) for _ in range(bars - 1))]
    candles = tuple(
        Candle(start + n * FIVE, price, price, price, price, D(1)) for n, price in enumerate(prices)
    )
    candles_record(venue_pk=rows.venue.pk, symbol=SYMBOL, history=CandleHistory(candles))


# --- orders ----------------------------------------------------------------------------------------


def test_a_trader_sees_their_own_orders_and_a_supervisor_everybodys(rows: Rows) -> None:
    second = User.objects.create(username="second_trader", role=Role.TRADER)
    rows.account.traders.add(second)
    ours, theirs = rows.submit(key="a"), rows.submit(key="b", person=second)
    over = rows.submit(key="c")
    Order.objects.filter(pk=over.pk).update(status="completed", ended_at=NOW)
    assert read(Home(), rows.trader)["order"] == [ours.public_id]
    assert read(Home(), second)["order"] == [theirs.public_id]
    picture = read(Home(), rows.supervisor)
    assert set(picture["order"]) == {ours.public_id, theirs.public_id}
    assert {name: group["orders"] for name, group in picture["groups"]["trader"].items()} == {
        "trader": 1,
        "second_trader": 1,
    }
    assert "trader" not in read(Home(), rows.trader)["groups"]
    watcher = User.objects.create(username="watcher", role=Role.TRADER, sees_desk=True)
    assert len(read(Home(), watcher)["order"]) == 2


def fill(rows: Rows, child: ChildOrder, number: int, quantity: str, **changes: Any) -> None:
    trade = trade_of(child, f"t{number}", quantity, client_id=child.client_id, **changes)
    fill_record(account_pk=rows.account.pk, trade=trade, now=NOW)


def test_the_line_of_fills_grows_with_them_and_ends_at_what_is_filled(rows: Rows) -> None:
    child = rows.resting()
    home = Home()
    assert read(home, rows.trader)["rows"][child.order.public_id]["done"] == []
    for number in range(3):
        fill(rows, child, number, "0.01")
        row = read(home, rows.trader)["rows"][child.order.public_id]
        share = float(D(row["filled"]) / D(row["quantity"]))
        assert row["done"][-1][1] == round(share, 6)
    assert read(Home(), rows.trader)["rows"][child.order.public_id]["done"] == row["done"]


def test_a_fill_that_the_mark_has_passed_is_read_as_well(rows: Rows) -> None:
    child = rows.resting()
    fill(rows, child, 1, "0.01")
    home = Home()
    read(home, rows.trader)
    home.lines.mark = Fill.objects.latest("pk").pk + 5  # another order's, committed first
    fill(rows, child, 2, "0.02")
    row = read(home, rows.trader)["rows"][child.order.public_id]
    assert row["done"][-1][1] == round(float(D(row["filled"]) / D(row["quantity"])), 6)


def test_groups_sum_the_sides_and_price_what_is_open(rows: Rows) -> None:
    rows.submit(key="a")
    rows.submit(key="b", side="sell", quantity="0.2")
    group = read(Home(), rows.trader)["groups"]["symbol"][SYMBOL]
    assert group["sides"] == {
        "buy": {"filled": "0", "quantity": "0.3"},
        "sell": {"filled": "0", "quantity": "0.2"},
    }
    assert (group["orders"], group["open"], group["cost_bp"]) == (2, {"USDT": "30000"}, None)
    Order.objects.filter(side="sell").update(status="pending_approval", version=98)
    group = read(Home(), rows.trader)["groups"]["symbol"][SYMBOL]
    assert (group["orders"], list(group["sides"]), group["open"]) == (2, ["buy"], {"USDT": "18000"})
    Order.objects.update(arrival_bid=None, arrival_ask=None, version=99)
    home = Home()
    home.read_rows(rows.trader, NOW)
    assert home.picture(NOW)["groups"]["all"][""]["open"] == {"USDT": None}, "no quote and no arrival"


def test_orders_are_grouped_by_basket_and_those_sent_alone_are_a_group(rows: Rows) -> None:
    orders = [rows.submit(key=key) for key in "abc"]
    basket = Basket.objects.create(trader=rows.trader, key="k", size=2, created_at=NOW)
    Order.objects.filter(pk__in=[order.pk for order in orders[:2]]).update(basket=basket)
    groups = read(Home(), rows.trader)["groups"]["basket"]
    assert {name: group["orders"] for name, group in groups.items()} == {basket.public_id: 2, "": 1}
    assert groups[basket.public_id]["sides"]["buy"]["quantity"] == "0.6"


def test_the_cost_of_a_group_is_weighted_by_value(rows: Rows) -> None:
    child = rows.resting()
    order = child.order
    Order.objects.filter(pk=order.pk).update(arrival_bid=D(50000), arrival_ask=D(50000))
    fill(rows, child, 1, "0.01", price=D(50500))
    group = read(Home(), rows.trader)["groups"]["all"][""]
    assert group["cost_bp"] == "100"


def test_time_alone_makes_an_order_late(rows: Rows) -> None:
    order = rows.working()
    home = Home()
    assert not read(home, rows.trader)["rows"][order.public_id]["behind"]
    assert home.picture(NOW + 100 * SECOND)["rows"][order.public_id]["behind"]


def test_a_pov_follows_the_market_and_no_time_makes_it_late(rows: Rows) -> None:
    order = rows.working(algorithm="pov", parameters={"duration": "3m", "participation_rate": "0.1"})
    home = Home()
    row = read(home, rows.trader)["rows"][order.public_id]
    assert (row["schedule"], row["behind"]) == ([], False)
    assert not home.picture(NOW + 100 * SECOND)["rows"][order.public_id]["behind"]


# --- the watchlist ---------------------------------------------------------------------------------


def test_the_default_is_what_lives_and_then_the_accounts(rows: Rows) -> None:
    rows.account.symbols = ["AAA/USDT", SYMBOL, "ZZZ/USDT"]
    rows.account.save()
    assert read(Home(), rows.trader)["symbols"] == ["AAA/USDT", SYMBOL, "ZZZ/USDT"]
    rows.submit()
    assert read(Home(), rows.trader)["symbols"] == [SYMBOL, "AAA/USDT", "ZZZ/USDT"]
    stranger = User.objects.create(username="stranger", role=Role.TRADER)
    assert read(Home(), stranger)["symbols"] == []
    Watchlist.objects.create(person=rows.trader, symbols=["ZZZ/USDT", "GONE/USDT"])
    assert read(Home(), rows.trader)["symbols"] == ["ZZZ/USDT"]


def test_the_default_does_not_move_under_the_pointer(rows: Rows) -> None:
    rows.account.symbols = ["AAA/USDT", SYMBOL]
    rows.account.save()
    home = Home()
    before = read(home, rows.trader)["symbols"]
    rows.submit()
    assert read(home, rows.trader, at=PLACES_AGAIN)["symbols"] == before


def test_what_is_not_known_is_not_told(rows: Rows) -> None:
    rows.account.symbols = [SYMBOL, "NEW/USDT"]
    rows.account.save()
    rows.quote()
    picture = read(Home(), rows.trader)
    row, new = picture["watch"][SYMBOL], picture["watch"]["NEW/USDT"]
    assert (row["last"], row["spread_bp"], row["stale_since"]) == ("60000", "0.17", None)
    assert (row["change"], row["volume"], row["line"]) == (None, None, [])
    assert (new["last"], new["spread_bp"], new["tick"], new["net"]) == (None, None, None, "0")


def test_the_day_needs_all_of_its_candles_and_every_venue(rows: Rows) -> None:
    rows.quote()
    history(rows)
    row = read(Home(), rows.trader)["watch"][SYMBOL]
    assert (row["change"], row["volume"]) == ("0", str(60000 * (DAY // FIVE)))
    assert (row["line"][0], row["line"][-1], len(row["line"])) == ("60000", "60000", 32)
    rows.beside()
    row = read(Home(), rows.trader)["watch"][SYMBOL]
    assert (row["change"], row["volume"]) == ("0", None), "the other venue tells nothing"


def test_a_history_that_is_too_short_or_too_old_is_no_day(rows: Rows) -> None:
    rows.quote()
    history(rows, bars=DAY // FIVE - 1)
    home = Home()
    assert read(home, rows.trader)["watch"][SYMBOL]["change"] is None
    history(rows)
    assert read(home, rows.trader, at=timedelta(minutes=2))["watch"][SYMBOL]["change"] == "0"
    assert read(home, rows.trader, at=timedelta(minutes=21))["watch"][SYMBOL]["change"] is None


def test_an_old_quote_stays_with_its_age(rows: Rows) -> None:
    rows.quote()
    home = Home()
    read(home, rows.trader)
    row = home.picture(NOW + 6 * SECOND)["watch"][SYMBOL]
    assert (row["last"], row["stale_since"]) == ("60000", round(NOW.timestamp() * 1000))


def test_the_net_of_today_is_that_of_the_orders_that_are_seen(rows: Rows) -> None:
    child = rows.resting()
    fill(rows, child, 1, "0.01")
    assert read(Home(), rows.trader)["watch"][SYMBOL]["net"] == "0.01"
    second = User.objects.create(username="second_trader", role=Role.TRADER)
    rows.account.traders.add(second)
    assert read(Home(), second)["watch"][SYMBOL]["net"] == "0"


# --- statements ------------------------------------------------------------------------------------


def test_the_statements_do_not_depend_on_how_much_there_is(rows: Rows) -> None:
    counts = []
    for number in range(3):
        rows.working(key=f"key-{number}")
        rows.account.symbols = [SYMBOL, *(f"C{n}/USDT" for n in range(10 * number))]
        rows.account.save()
        with CaptureQueriesContext(connection) as first:
            home = Home()
            home.read_rows(rows.trader, NOW, whole=True)
        with CaptureQueriesContext(connection) as again:
            home.read_rows(rows.trader, NOW)
        counts.append((len(first), len(again)))
    assert counts[1] == counts[2]
    assert counts[2][0] <= MAX_QUERIES
    assert counts[2][1] <= 4, "nothing has moved"
