"""A limit price that the market is beyond: how far, and only where nothing of the order can be filled."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from execution.core.orders.limit_words import limit_beyond
from execution.core.types import Quote, Side
from tests.core.builders import NOW

D = Decimal


def quote(bid: str | Decimal, ask: str | Decimal) -> Quote:
    return Quote(D(bid), D(ask), D(1), D(1), NOW)


@pytest.mark.parametrize(
    ("side", "limit", "words"),
    [
        (Side.BUY, "60000", "limit 60,000 is 8.6 % below the market"),
        (Side.SELL, "71000.5", "limit 71,000.5 is 8.1 % above the market"),
        (Side.BUY, "65666.9", "limit 65,666.9 is less than 0.01 % below the market"),
        (Side.BUY, "65600", "limit 65,600 is 0.10 % below the market"),
        (Side.BUY, "65667", ""),  # at the best bid: it may be filled
        (Side.BUY, "65668", ""),
        (Side.SELL, "65669", ""),
        (Side.BUY, "71000", ""),
        (Side.BUY, None, ""),
    ],
)
def test_a_limit_beyond_the_market_is_said_with_its_distance(
    side: Side, limit: str | None, words: str
) -> None:
    assert limit_beyond(side, None if limit is None else D(limit), [quote("65667", "65669")]) == words


def test_one_venue_inside_the_limit_is_enough_to_be_filled() -> None:
    quotes = [quote("100", "101"), quote("89", "90")]
    assert limit_beyond(Side.BUY, D(89), quotes) == ""
    assert limit_beyond(Side.BUY, D(80), quotes) == "limit 80 is 10.6 % below the market"


def test_where_nobody_knows_the_market_nothing_is_said() -> None:
    assert limit_beyond(Side.BUY, D(80), []) == ""
    assert limit_beyond(Side.BUY, D(80), [quote("101", "100")]) == ""


@given(st.sampled_from(Side), st.decimals("0.01", 10**7, places=2), st.decimals("0.01", 10**7, places=2))
def test_words_come_exactly_when_the_own_side_of_the_book_is_beyond(
    side: Side, limit: Decimal, bid: Decimal
) -> None:
    market = quote(bid, bid + D("0.01"))
    is_beyond = limit < market.bid if side is Side.BUY else limit > market.ask
    words = limit_beyond(side, limit, [market])
    assert bool(words) == is_beyond
    assert "E" not in words
    assert " 0.00 %" not in words
