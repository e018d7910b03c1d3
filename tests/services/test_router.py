"""A router's ticket: where it would go now, and what refuses it before a row exists."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
import redis

from execution.core.problems import Refused
from execution.core.terms import parse_order_request
from execution.core.types import Book
from execution.models import Order, Role, User, Venue
from execution.selectors.quotes import book_key, book_to_json
from execution.services.account_changes import account_close
from execution.services.preview import Preview, order_preview
from tests.factories import NOW, SYMBOL, D, Rows

ROUTED: dict[str, Any] = {
    "algorithm": "sor",
    "accounts": ["alpha", "beta"],
    "parameters": {},
    "quantity": "3",
}


@pytest.fixture
def both(rows: Rows) -> Iterator[Rows]:
    """Alpha and beta with a book each of two for 60,000.5, and two more for a dollar more."""
    beta = rows.beside()
    client = redis.Redis.from_url(rows.redis_url)
    rows.quote()
    book = Book(((D("59999.5"), D(2)),), ((D("60000.5"), D(2)), (D("60001.5"), D(2))), NOW)
    keys = [
        book_key(venue.pk, SYMBOL) for venue in Venue.objects.filter(pk__in=[rows.venue.pk, beta.venue_id])
    ]
    for key in keys:
        client.set(key, book_to_json(book))
    yield rows
    client.delete(*keys)
    client.close()


def preview(rows: Rows, **changes: Any) -> Preview:
    request = parse_order_request(rows.raw(**(ROUTED | changes)))
    return order_preview(person=rows.trader, request=request, now=NOW)


def refused(rows: Rows, **changes: Any) -> str:
    with pytest.raises(Refused) as found:
        rows.submit(**(ROUTED | changes))
    assert not Order.objects.exists()
    return found.value.problems[0].message


def test_the_preview_says_where_it_would_go_and_the_order_can_be_sent(both: Rows) -> None:
    found = preview(both)
    assert found.problems == []
    assert found.route is not None
    assert {part.venue.label: part.quantity for part in found.route.parts} == {"alpha": D(2), "beta": D(1)}
    assert both.submit(**ROUTED).algorithm == "sor"


def test_a_router_with_one_account_closed_is_refused(both: Rows) -> None:
    admin = User.objects.create(username="admin", role=Role.ADMIN)
    beta = both.trader.accounts.get(label="beta")
    account_close(person=admin, account_id=beta.public_id, reason="moved", now=NOW)
    assert refused(both) == "you have no account 'beta'"


def test_a_router_whose_key_is_retired_at_one_account_is_refused(both: Rows) -> None:
    both.trader.accounts.get(label="beta").credentials.update(state="retired")
    assert refused(both) == "account beta has no key in use"


def test_stale_market_data_of_one_account_is_refused(both: Rows) -> None:
    beta = both.trader.accounts.select_related("venue").get(label="beta")
    both.quote(venue=beta.venue, at=NOW - timedelta(minutes=1))
    assert "beta cannot be routed to: market data is stale since 11:59:00 UTC (at most 5 s old)" in refused(
        both
    )


def test_too_little_liquidity_is_refused_when_asked_and_says_what_can_be_had(both: Rows) -> None:
    words = refused(both, quantity="9", parameters={"shortfall": "refuse"})
    assert "8 of 9 can be had, at 60," in words
    assert preview(both, quantity="9").problems == []
