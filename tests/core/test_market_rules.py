"""The rules of markets: price bands, maximums, and children that were made for other rules."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from execution.core.market_rules import (
    band_edge,
    change_words,
    largest_quantity,
    misfit,
    rules_changed,
    too_far_to_rest,
    with_new_rules,
)
from execution.core.quantities import combined_market, in_pieces
from execution.core.types import ChildRequest, MarketStatus, OrderType, Side, TimeInForce
from tests.core.builders import MARKET, D, steps

BANDED = replace(
    MARKET,
    buy_band_low=D("0.2"),
    buy_band_high=D("1.1"),
    sell_band_low=D("0.9"),
    sell_band_high=D(5),
)


def request(**changes: object) -> ChildRequest:
    made = ChildRequest(
        "id", MARKET.symbol, Side.BUY, OrderType.LIMIT, D("0.1"), D("100.00"), TimeInForce.POST_ONLY
    )
    return replace(made, **changes)  # type: ignore[arg-type]


def test_a_band_ends_inside_the_factor_on_the_tick() -> None:
    coarse = replace(BANDED, tick=D(7))
    assert band_edge(coarse, Side.BUY, D(100)) == 105
    assert band_edge(coarse, Side.SELL, D(100)) == 91
    assert band_edge(MARKET, Side.BUY, D(100)) is None
    assert too_far_to_rest(BANDED, Side.BUY, D(20), D(100)) == ""
    assert "at least 20" in too_far_to_rest(BANDED, Side.BUY, D("19.99"), D(100))
    assert "at most 500" in too_far_to_rest(BANDED, Side.SELL, D("500.01"), D(100))
    assert too_far_to_rest(MARKET, Side.SELL, D(10**9), D(100)) == ""


def test_the_most_of_one_order_is_by_quantity_and_by_value() -> None:
    assert largest_quantity(MARKET, D(100)) is None
    assert largest_quantity(replace(MARKET, max_quantity=D(9)), D(100)) == 9
    both = replace(MARKET, max_quantity=D(9), max_notional=D(100), lot=D("0.1"))
    assert largest_quantity(both, D(30)) == D("3.3")
    assert largest_quantity(both, D(1)) == 9


@given(
    steps,
    st.integers(1, 10**6),
    st.one_of(st.none(), st.decimals(D("0.000001"), D(10**6), places=6)),
    st.integers(0, 1000),
)
def test_pieces_are_within_the_most_and_over_the_least_and_add_up(
    lot: Decimal, lots: int, most: Decimal | None, least_lots: int
) -> None:
    quantity, least = lot * lots, lot * least_lots
    pieces = in_pieces(quantity, lot, most, least)
    assert all(piece % lot == 0 for piece in pieces)
    if most is None or quantity <= most:
        assert pieces == [quantity]
        return
    assert all(piece <= most for piece in pieces)
    assert all(piece >= least for piece in pieces)
    if most // lot * lot >= 2 * max(least, lot):
        assert sum(pieces) == quantity
        assert max(pieces) - min(pieces) <= lot
    else:
        assert sum(pieces) <= quantity


def test_a_child_for_other_rules_is_a_misfit() -> None:
    assert misfit(MARKET, request()) == ""
    assert "lot of BTC/USDT is 0.03 now" in misfit(replace(MARKET, lot=D("0.03")), request())
    assert "tick of BTC/USDT is 0.3 now" in misfit(replace(MARKET, tick=D("0.3")), request())
    assert "not trading" in misfit(replace(MARKET, status=MarketStatus.HALTED), request())
    post_only = replace(MARKET, status=MarketStatus.POST_ONLY)
    assert misfit(post_only, request()) == ""
    assert "rest" in misfit(post_only, request(time_in_force=TimeInForce.IOC))
    sells = replace(MARKET, status=MarketStatus.SELL_ONLY)
    assert "only sells" in misfit(sells, request())
    assert misfit(sells, request(side=Side.SELL)) == ""


def test_changed_rules_are_named_with_before_and_after_and_fees_are_none_of_them() -> None:
    after = replace(MARKET, tick=D("0.050"), max_notional=D(900), taker_fee=D("0.5"), status_word="TRADING")
    changes = rules_changed(MARKET, after)
    assert changes == {"tick": ("0.01", "0.05"), "max_notional": (None, "900")}
    assert change_words(after, changes) == "tick 0.01 → 0.05, max notional none → 900"
    assert with_new_rules(MARKET, after).taker_fee == MARKET.taker_fee
    halted = replace(MARKET, status=MarketStatus.HALTED, status_word="BREAK")
    changes = rules_changed(MARKET, halted)
    assert change_words(halted, changes) == "BTC/USDT is not trading now (the venue says BREAK)"
    assert rules_changed(halted, replace(halted, status_word="HALT")) == {"status_word": ("BREAK", "HALT")}
    assert change_words(MARKET, rules_changed(halted, MARKET)) == "BTC/USDT trades again"
    assert rules_changed(MARKET, replace(MARKET, tick=D("0.0100"))) == {}


def test_several_markets_together_have_the_tightest_bounds() -> None:
    other = replace(
        MARKET, max_notional=D(500), buy_band_high=D("1.05"), sell_band_low=D("0.95"), buy_band_low=D("0.5")
    )
    both = combined_market([BANDED, other, replace(MARKET, status=MarketStatus.HALTED)])
    assert (both.max_notional, both.status) == (D(500), MarketStatus.OPEN)
    assert (both.buy_band_low, both.buy_band_high) == (D("0.5"), D("1.05"))
    assert (both.sell_band_low, both.sell_band_high) == (D("0.95"), D(5))


@pytest.mark.parametrize("side", Side)
def test_what_is_within_the_band_is_never_too_far(side: Side) -> None:
    edge = band_edge(BANDED, side, D(100))
    assert edge is not None
    assert too_far_to_rest(BANDED, side, edge, D(100)) == ""
