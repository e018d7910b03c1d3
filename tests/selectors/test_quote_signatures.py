"""Market data in Redis counts only as an engine of this installation has signed it."""

from __future__ import annotations

import pytest
import redis
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from execution.core.market_data.feeds import Feed, FeedState, FeedStatus
from execution.core.orders.terms import parse_order_request
from execution.core.problems import Refused
from execution.core.types import Quote
from execution.models import Installation, Order
from execution.selectors.quote_signatures import opened, sign, signing_key
from execution.selectors.quotes import (
    book_key,
    book_latest,
    feeds_key,
    feeds_latest,
    quote_key,
    quote_latest,
    quote_standing,
    quote_to_json,
)
from execution.services.desk.after_restore import installation_after_restore
from execution.services.orders.orders import order_submit
from tests.factories import NOW, SYMBOL, D, Rows


def poison(rows: Rows, key: str, text: str) -> None:
    with redis.Redis.from_url(rows.redis_url) as client:
        client.set(key, text)


def submit(rows: Rows) -> Order:
    request = parse_order_request(rows.raw(quantity="18000", unit="quote"))
    return order_submit(person=rows.trader, request=request, key="key-1", now=NOW)


def forged(rows: Rows) -> dict[str, str]:
    """Return a forged quote with a tenth of the price: 18,000 USDT would become ten times as much."""
    text = quote_to_json(Quote(D("5999.95"), D("6000.05"), D(2), D(2), NOW))
    other = quote_key(rows.venue.pk, "ETH/USDT")
    return {"plain": text, "of another market": sign(other, text), "with a wrong signature": "0" * 32 + text}


@pytest.mark.parametrize("kind", ["plain", "of another market", "with a wrong signature"])
def test_a_poisoned_quote_sizes_no_order(rows: Rows, kind: str) -> None:
    poison(rows, quote_key(rows.venue.pk, SYMBOL), forged(rows)[kind])
    with pytest.raises(Refused, match="No price of BTC/USDT is known"):
        submit(rows)
    assert not Order.objects.exists()


def test_the_signed_quote_sizes_it(rows: Rows) -> None:
    assert submit(rows).quantity == D("0.3")


def test_a_poisoned_book_or_state_of_a_feed_is_unknown(rows: Rows) -> None:
    poison(
        rows,
        book_key(rows.venue.pk, SYMBOL),
        '[[["1", "1"]], [["2", "1"]], "2026-03-01T12:00:00+00:00", null, ""]',
    )
    poison(rows, feeds_key(rows.venue.pk, SYMBOL), "\x80 not even text")
    assert book_latest(rows.venue.pk, SYMBOL) is None
    assert feeds_latest([(rows.venue.pk, SYMBOL)]) == {}


@pytest.mark.parametrize("state", [FeedState.ONE_SIDED, FeedState.NOT_LISTED])
def test_a_quote_that_is_no_more_decides_no_price_and_still_tells_what_the_market_was_worth(
    rows: Rows, state: FeedState
) -> None:
    pk = rows.venue.pk
    assert quote_standing(pk, SYMBOL) == quote_latest(pk, SYMBOL) is not None
    live = {Feed.QUOTES: FeedStatus(FeedState.LIVE, NOW), Feed.BOOK: FeedStatus(state, NOW)}
    rows.feeds(live)
    assert quote_standing(pk, SYMBOL) is not None
    gone = {Feed.QUOTES: FeedStatus(state, NOW, "there are no asks")}
    rows.feeds(gone)
    assert quote_standing(pk, SYMBOL) is None
    assert quote_latest(pk, SYMBOL) is not None


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.text(max_size=80), st.data())
def test_one_changed_character_is_noticed(rows: Rows, text: str, data: st.DataObject) -> None:
    signed = sign("a key", text)
    assert opened("a key", signed.encode("utf-8", "surrogatepass")) == text
    place = data.draw(st.integers(0, len(signed) - 1))
    other = data.draw(st.characters(codec="utf-8").filter(lambda character: character != signed[place]))
    assert opened("a key", signed[:place] + other + signed[place + 1 :]) is None


def test_after_a_restore_the_former_key_signs_nothing(rows: Rows) -> None:
    former = sign("a key", "text")
    rows.worker.delete()
    installation_after_restore(reason="a drill", now=NOW)
    signing_key.cache_clear()
    assert opened("a key", former) is None
    assert signing_key().hex() == Installation.objects.get().quote_key
