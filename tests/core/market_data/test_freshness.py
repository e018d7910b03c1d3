"""The age of market data and the freshest of book and quote: pure, for every order of their times."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from execution.core.market_data.feeds import Feed, FeedState, FeedStatus, feeds_words
from execution.core.market_data.freshness import MAX_QUOTE_AGE, is_fresh, received_at
from execution.core.market_data.merged_book import newest_quote, up_to_date
from execution.core.types import Book, Level, Quote, Side
from tests.factories import NOW

sizes = st.integers(1, 50).map(Decimal)


@st.composite
def books(draw: st.DrawFn) -> Book:
    """Draw a sane book around 100, with one to six levels a side."""
    mid = draw(st.integers(90, 110))

    def side(sign: int) -> tuple[Level, ...]:
        steps = sorted(draw(st.sets(st.integers(1, 12), min_size=1, max_size=6)))
        return tuple((Decimal(mid + sign * step), draw(sizes)) for step in steps)

    return Book(side(-1), side(1), NOW)


@st.composite
def quotes(draw: st.DrawFn) -> Quote:
    bid = draw(st.integers(85, 115))
    size = st.none() | sizes
    at = NOW + timedelta(milliseconds=draw(st.integers(-5, 5)))
    return Quote(Decimal(bid), Decimal(bid + draw(st.integers(1, 6))), draw(size), draw(size), at)


@given(books(), quotes())
def test_a_newer_quote_leads_the_book_and_nothing_is_better_than_it(book: Book, quote: Quote) -> None:
    merged = up_to_date(book, quote)
    assert merged is not None
    if quote.at <= book.at:
        assert merged == book
        return
    assert merged.at == quote.at
    for levels, price, size, side in (
        (merged.bids, quote.bid, quote.bid_size, Side.BUY),
        (merged.asks, quote.ask, quote.ask_size, Side.SELL),
    ):
        assert [level[0] for level in levels] == sorted({p for p, _ in levels}, reverse=side is Side.BUY)
        assert all((at - price) * side.sign <= 0 for at, _ in levels)
        if size is not None:
            assert levels[0] == (price, size)
    if merged.bids and merged.asks:
        assert merged.bids[0][0] < merged.asks[0][0]


@given(books(), quotes())
def test_the_newest_quote_is_the_touch_of_a_newer_book(book: Book, quote: Quote) -> None:
    assert newest_quote(book, quote) == (book.touch if book.at > quote.at else quote)
    assert newest_quote(None, quote) == quote
    assert newest_quote(book, None) == book.touch


def test_a_quote_that_cannot_be_changes_no_book() -> None:
    book = Book(((Decimal(99), Decimal(1)),), ((Decimal(101), Decimal(1)),), NOW)
    crossed = Quote(Decimal(102), Decimal(100), None, None, NOW + timedelta(seconds=1))
    assert up_to_date(book, crossed) == book
    assert up_to_date(None, crossed) is None


@pytest.mark.parametrize(
    ("age", "fresh"),
    [(0.0, True), (5.0, True), (5.001, False), (-0.4, True), (-0.6, False), (-3600.0, False)],
)
def test_data_from_the_future_is_not_fresh(age: float, fresh: bool) -> None:
    assert is_fresh(NOW - timedelta(seconds=age), NOW) is fresh
    assert timedelta(seconds=5) == MAX_QUOTE_AGE


@given(st.floats(-7200, 7200), st.floats(0, 60))
def test_a_clock_that_is_set_changes_no_age(step: float, age: float) -> None:
    """T20: the wall clock is set by ``step`` seconds after the quote came."""
    quote = Quote(Decimal(99), Decimal(101), None, None, NOW)
    now = NOW + timedelta(seconds=age + step)
    seen = received_at(quote, now, age)
    assert abs((now - seen.at).total_seconds() - age) <= 0.25 + 1e-5
    assert replace(seen, at=NOW) == quote


def test_a_feed_says_what_is_wrong_since_when_and_why() -> None:
    status = FeedStatus(FeedState.ONE_SIDED, NOW, "there are no asks")
    assert status.words(Feed.QUOTES) == f"quotes are one-sided since {NOW:%H:%M:%S} UTC: there are no asks"
    assert (
        replace(status, state=FeedState.SILENT, reason="").words(Feed.BOOK).startswith("book is silent since")
    )
    assert replace(status, state=FeedState.LIVE).words(Feed.TRADES) == ""


def test_feeds_with_one_fault_are_said_together_since_the_first() -> None:
    later, none = NOW + timedelta(seconds=9), "there are no asks"
    feeds = {
        Feed.TRADES: FeedStatus(FeedState.LIVE, NOW),
        Feed.QUOTES: FeedStatus(FeedState.ONE_SIDED, NOW, none),
        Feed.BOOK: FeedStatus(FeedState.ONE_SIDED, later, none),
    }
    assert feeds_words(feeds) == (f"book and quotes are one-sided since {NOW:%H:%M:%S} UTC: {none}",)
    gone = dict.fromkeys(Feed, FeedStatus(FeedState.NOT_LISTED, NOW))
    assert feeds_words(gone) == (f"book, quotes and trades are not listed since {NOW:%H:%M:%S} UTC",)
    apart = feeds | {Feed.BOOK: FeedStatus(FeedState.STALE, later)}
    assert [words.split(" since ")[0] for words in feeds_words(apart)] == [
        "book is stale",
        "quotes are one-sided",
    ]
    assert feeds_words({}) == ()
