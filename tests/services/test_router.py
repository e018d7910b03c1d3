"""A router's ticket: where it would go now, and what refuses it before a row exists."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

import pytest
import redis
from django.test import Client
from django.utils import timezone

from dashboard.present.plan_data import plan_data, route_table
from dashboard.present.predictions import predicted_now
from execution.core.orders.terms import parse_order_request
from execution.core.problems import Refused
from execution.core.types import Book
from execution.models import Estimate, Order, Role, User, Venue
from execution.selectors.quote_signatures import sign
from execution.selectors.quotes import book_key, book_to_json
from execution.selectors.tca.reports import predicted_of
from execution.services.accounts.changes import account_close
from execution.services.orders.preview import order_preview
from execution.services.orders.stages import Preview
from tests.factories import NOW, SYMBOL, D, Rows

ROUTED: dict[str, Any] = {
    "algorithm": "sor",
    "accounts": ["alpha", "beta"],
    "parameters": {},
    "quantity": "3",
}


@pytest.fixture
def both(rows: Rows) -> Iterator[Rows]:
    """Yield alpha and beta with a book each of two for 60,000.5, and two more for a dollar more."""
    beta = rows.beside()
    client = redis.Redis.from_url(rows.redis_url)
    rows.quote()
    book = Book(((D("59999.5"), D(2)),), ((D("60000.5"), D(2)), (D("60001.5"), D(2))), NOW)
    keys = [
        book_key(venue.pk, SYMBOL) for venue in Venue.objects.filter(pk__in=[rows.venue.pk, beta.venue_id])
    ]
    for key in keys:
        client.set(key, sign(key, book_to_json(book)))
    yield rows
    client.delete(*keys)
    client.close()


def preview(rows: Rows, *, at: float = 0, **changes: Any) -> Preview:
    request = parse_order_request(rows.raw(**(ROUTED | changes)))
    return order_preview(person=rows.trader, request=request, now=NOW + timedelta(seconds=at))


def checks(found: Preview) -> str:
    return " | ".join(f"{check.state}: {check.text}" for check in found.checks)


def refused(rows: Rows, **changes: Any) -> str:
    with pytest.raises(Refused) as found:
        rows.submit(**(ROUTED | changes))
    assert not Order.objects.exists()
    return found.value.problems[0].message


def test_the_preview_says_where_it_would_go_and_the_order_can_be_sent(both: Rows) -> None:
    found = preview(both)
    assert found.problems == ()
    assert found.split is not None
    assert {part.venue.label: part.quantity for part in found.split.parts} == {"alpha": D(2), "beta": D(1)}
    assert both.submit(**ROUTED).algorithm == "sor"


def test_a_router_with_one_account_closed_is_refused(both: Rows) -> None:
    admin = User.objects.create(username="admin", role=Role.ADMIN)
    beta = both.trader.accounts.get(label="beta")
    account_close(person=admin, account_id=beta.public_id, reason="moved", now=NOW)
    assert refused(both) == "You have no account 'beta'."


def test_a_router_whose_key_is_retired_at_one_account_is_refused(both: Rows) -> None:
    both.trader.accounts.get(label="beta").credentials.update(state="retired")
    assert refused(both) == "Account beta has no key in use."


def test_stale_market_data_of_one_account_is_refused(both: Rows) -> None:
    beta = both.trader.accounts.select_related("venue").get(label="beta")
    both.quote(venue=beta.venue, at=NOW - timedelta(minutes=1))
    assert "beta cannot be routed to: market data is stale since 11:59:00 UTC (at most 5 s old)" in refused(
        both
    )


def test_too_little_liquidity_is_refused_when_asked_and_says_what_can_be_had(both: Rows) -> None:
    words = refused(both, quantity="9", parameters={"shortfall": "refuse"})
    assert "8 of 9 is available, at 60," in words
    assert preview(both, quantity="9").problems == ()


# --- what it costs, and the books that are still coming ------------------------------------------


def test_the_expected_cost_is_the_routes_own_on_the_ticket_and_with_the_order(both: Rows) -> None:
    found = preview(both)
    assert found.split is not None
    assert found.quote is not None
    cost = found.split.cost_bp(found.quote.mid)
    assert cost is not None
    shown = predicted_now(found, NOW)
    assert shown is not None
    assert (shown.cost_bp, shown.error_bp, shown.hint) == (round(cost, 2), None, "its route now, after fees")
    order = both.submit(**ROUTED)
    assert order.predicted == {"by": "route", "cost_bp": str(round(cost, 2)), "at": NOW.isoformat()}
    assert predicted_of(order.predicted) == {
        "by": "route", "cost_bp": str(round(cost, 2)), "standard_error_bp": None, "seeds": None,
        "at": NOW.isoformat(),
    }  # fmt: skip
    assert not Estimate.objects.exists(), "simulated markets say nothing of these books"


def test_a_route_that_falls_short_says_for_how_much_its_cost_is(both: Rows) -> None:
    shown = predicted_now(preview(both, quantity="9"), NOW)
    assert shown is not None
    assert shown.hint == "for the 8 BTC available"


def test_the_ticket_shows_the_average_after_fees_and_the_childs_limit_as_such(both: Rows) -> None:
    found = preview(both)
    assert found.split is not None
    table, (part, _) = route_table(found), found.split.parts
    assert table is not None
    assert part.average_price is not None
    row = table["rows"][0]
    assert (row["price"], row["limit"]) == (f"{part.average_price:,.3f}", f"{part.price:,.1f}")
    assert part.average_price > part.price, "fees are in the one and not in the other"
    plan = plan_data(found)
    assert plan is not None
    assert plan["route"][0]["words"] == f"2 BTC @ {part.average_price:,.3f}"


def test_while_a_book_is_coming_there_is_no_route_and_nothing_is_short(both: Rows) -> None:
    without_book(both, "beta")
    found = preview(both, quantity="6")
    assert found.problems == ()
    assert (found.split, found.books_awaited) == (None, ("beta",))
    assert "unknown: The book of beta has not arrived" in checks(found)
    assert plan_data(found) is None
    shown = predicted_now(found, NOW)
    assert shown is not None
    assert (shown.cost_bp, shown.hint) == (None, "waiting for the order books")


def test_a_venue_that_gives_no_book_in_five_seconds_is_said_to_give_none(both: Rows) -> None:
    without_book(both, "beta")
    preview(both)
    for at in (4, 6):
        for venue in Venue.objects.all():
            both.quote(venue=venue, at=NOW + timedelta(seconds=at))
        put_book(both, "alpha", at=at)
        found = preview(both, at=at)
        assert found.books_awaited == (("beta",) if at == 4 else ())
    assert found.planned.route is not None
    assert (found.books_awaited, found.planned.route.books_missing) == ((), ("beta",))
    assert "warn: beta has no order book: only the size at its best price is counted" in checks(found)
    assert found.split is not None
    assert found.split.filled == D(3)


def test_an_account_that_is_out_is_not_waited_for(both: Rows) -> None:
    without_book(both, "beta")
    beta = both.trader.accounts.select_related("venue").get(label="beta")
    both.quote(venue=beta.venue, at=NOW - timedelta(minutes=1))
    found = preview(both)
    assert found.books_awaited == ()
    assert "beta cannot be routed to" in found.problems[0].message


def test_review_waits_for_the_books_and_asks_when_they_are_there(rows: Rows) -> None:
    client = Client()
    client.force_login(rows.trader, backend="django.contrib.auth.backends.ModelBackend")
    rows.quote(at=timezone.now())
    form = {
        "key": "k", "side": "buy", "symbol": SYMBOL, "accounts": [rows.account.public_id], "algorithm": "sor",
        "quantity": "3", "unit": "base", "mode": "split", "shortfall": "part", "collar_bp": "50",
    }  # fmt: skip
    page = client.post("/orders/new/review/", form).content.decode()
    assert "Waiting for the order books" in page
    assert '<script id="review-waits" type="application/json">"true"</script>' in page
    assert 'class="sentence"' not in page
    put_book(rows, "alpha", now=timezone.now())
    page = client.post("/orders/new/review/", form).content.decode()
    assert "BUY 3 BTC for USDT" in page
    assert '<script id="review-waits" type="application/json">"false"</script>' in page


def without_book(rows: Rows, label: str) -> None:
    client = redis.Redis.from_url(rows.redis_url)
    client.delete(book_key(Venue.objects.get(label=label).pk, SYMBOL))
    client.close()


def put_book(rows: Rows, label: str, *, at: float = 0, now: datetime = NOW) -> None:
    book = Book(((D("59999.5"), D(2)),), ((D("60000.5"), D(5)),), now + timedelta(seconds=at))
    client = redis.Redis.from_url(rows.redis_url)
    key = book_key(Venue.objects.get(label=label).pk, SYMBOL)
    client.set(key, sign(key, book_to_json(book)))
    client.close()


def test_an_order_whose_i_would_price_is_there_costs_what_its_route_costs(both: Rows) -> None:
    twap: dict[str, Any] = {"algorithm": "twap", "parameters": {"duration": "1h", "i_would_price": "60010"}}
    found = preview(both, **twap)
    assert found.split is not None
    assert found.takes_at_once
    shown = predicted_now(found, NOW)
    assert shown is not None
    assert shown.hint == "its route now, after fees"
    far = preview(both, **(twap | {"parameters": {"duration": "1h", "i_would_price": "59000"}}))
    assert (far.split, far.takes_at_once) == (None, False)
