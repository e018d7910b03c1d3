"""The last gate: whatever passes it is inside the collar of a young quote, and a post-only child would not take."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from execution.core.market_data.freshness import MAX_QUOTE_AGE
from execution.core.orders.last_gate import off_market
from execution.core.quantities import COLLAR_ROOM, collar_price, crossing_price, floor_to
from execution.core.types import BASIS_POINT, ChildRequest, OrderType, Quote, Side, TimeInForce
from tests.factories import NOW, SYMBOL

TICK = Decimal("0.5")
QUOTE = Quote(Decimal("59999.5"), Decimal("60000.5"), None, None, NOW)


def child(price: Decimal, side: Side = Side.BUY, kind: TimeInForce = TimeInForce.IOC) -> ChildRequest:
    return ChildRequest("q1", SYMBOL, side, OrderType.LIMIT, Decimal(1), price, kind)


ticks = st.integers(119_000, 121_000).map(lambda number: number * TICK)


@given(
    ticks, ticks, st.integers(1, 20), st.sampled_from(Side), st.sampled_from(TimeInForce), st.floats(-2, 10)
)
def test_whatever_passes_is_inside_the_collar_of_a_young_quote(
    price: Decimal, bid: Decimal, spread: int, side: Side, kind: TimeInForce, age: float
) -> None:
    quote = Quote(bid, bid + spread * TICK, None, None, NOW - timedelta(seconds=age))
    why = off_market(child(price, side, kind), quote, collar_bp=Decimal(50), tick=TICK, now=NOW)
    if why:
        return
    assert timedelta(seconds=-1) < NOW - quote.at <= MAX_QUOTE_AGE
    assert (price - quote.mid) * side.sign <= quote.mid * Decimal("0.005") + TICK
    if kind is TimeInForce.POST_ONLY:
        assert (price - quote.aggressive(side)) * side.sign < 0


@given(
    ticks,
    st.integers(1, 20),
    st.integers(20, 500),
    st.floats(-1, 1),
    st.sampled_from(Side),
)
def test_a_child_that_takes_passes_while_the_market_moves_less_than_the_room(
    bid: Decimal, spread: int, collar: int, share: float, side: Side
) -> None:
    """The mid moves by up to nine tenths of the collar's last tenth between decision and sending."""
    decided = Quote(bid, bid + spread * TICK, None, None, NOW)
    price = crossing_price(decided, Decimal(collar), TICK, side)
    room = decided.mid * Decimal(collar) * COLLAR_ROOM * BASIS_POINT * Decimal("0.9")
    moved = floor_to(room * Decimal(share), TICK / 2)
    sent = replace(decided, bid=decided.bid + moved, ask=decided.ask + moved)
    if (decided.aggressive(side) - price) * side.sign > 0:
        return  # nothing could be taken inside the collar
    why = off_market(child(price, side), sent, collar_bp=Decimal(collar), tick=TICK, now=NOW)
    at_touch = price == collar_price(decided.mid, Decimal(collar), TICK, side)
    assert why == "" or at_touch or abs(moved) >= room - TICK


@pytest.mark.parametrize(
    ("request_", "quote", "why"),
    [
        (child(Decimal(60300)), QUOTE, ""),
        # R4: a cross could pay 308 bp with a collar of 50.
        (child(Decimal(61850)), QUOTE, "the market has moved: its price 61850 is beyond the collar 60300"),
        (child(Decimal(59000), Side.SELL), QUOTE, "the market has moved: its price 59000 is beyond the collar 59700"),
        (
            child(Decimal("60000.5"), kind=TimeInForce.POST_ONLY), QUOTE,
            "the market has moved: at 60000.5 it would take from 60000.5",
        ),
        (child(Decimal(60000), kind=TimeInForce.POST_ONLY), QUOTE, ""),
        (child(Decimal(60000)), None, "not sent: the market has no fresh quote"),
        (
            child(Decimal(60000)), replace(QUOTE, at=NOW - timedelta(seconds=6)),
            "not sent: the market has no fresh quote",
        ),
        (
            child(Decimal(60000)), replace(QUOTE, at=NOW + timedelta(seconds=6)),
            "not sent: the market has no fresh quote",
        ),
        (child(Decimal(60000)), replace(QUOTE, bid=Decimal("NaN")), "not sent: the market has no fresh quote"),
    ],
)  # fmt: skip
def test_a_refusal_says_the_value_and_the_limit(
    request_: ChildRequest, quote: Quote | None, why: str
) -> None:
    assert off_market(request_, quote, collar_bp=Decimal(50), tick=TICK, now=NOW) == why
