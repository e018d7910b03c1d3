"""The price that venues share: the same for everybody at every moment, driftless, as volatile as asked."""

from __future__ import annotations

import math
from decimal import Decimal
from itertools import pairwise
from statistics import fmean, pstdev

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from execution.core.market_model.background_market import MAX_NOISE, BackgroundMarket
from execution.core.market_model.matching import OrderBook
from execution.core.market_model.price_path import FINEST, PERIOD, PricePath
from tests.core.market_model.test_background_market import BTC

MID = Decimal(64_500)
NOW = 1_780_000_000.0
moments = st.floats(0, 4e9)


def path(seed: int = 1, symbol: str = "BTC/USDT", volatility: float = 0.2) -> PricePath:
    return PricePath(seed, symbol, MID, volatility)


@given(seed=st.integers(0, 1000), asked=st.lists(moments, min_size=1, max_size=8), at=moments)
def test_a_price_does_not_depend_on_what_was_asked_before(seed: int, asked: list[float], at: float) -> None:
    used = path(seed)
    for moment in asked:
        used.price(moment)
    assert used.price(at) == path(seed).price(at)


@given(seed=st.integers(0, 1000), at=moments)
def test_the_price_stays_near_its_reference_for_ever_and_has_no_jump(seed: int, at: float) -> None:
    used = path(seed)
    assert 0.8 < used.price(at) / float(MID) < 1.25
    assert abs(used.price(at + FINEST / 100) / used.price(at) - 1) < 1e-4


def test_other_seeds_and_symbols_have_other_prices() -> None:
    assert len({path().price(NOW), path(2).price(NOW), path(symbol="ETH/USDT").price(NOW)}) == 3


@pytest.mark.parametrize("step", [1, 60, 3600])
def test_the_price_is_as_volatile_as_asked_and_driftless(step: int) -> None:
    """Over a second, a minute and an hour: moves grow with the root of time, as a random walk's do."""
    used = path(volatility=0.2)
    prices = [used.price(NOW + step * number) for number in range(2001)]
    moves = [math.log(after / before) * 1e4 / math.sqrt(step) for before, after in pairwise(prices)]
    assert pstdev(moves) == pytest.approx(0.2, rel=0.06)
    # What a period's end pulls is far below what one can see in two thousand steps.
    assert abs(fmean(moves)) < 3.5 * 0.2 / math.sqrt(2000)
    tied = sum(a * b for a, b in pairwise(moves)) / sum(move * move for move in moves)
    assert abs(tied) < 0.08


def test_a_period_ends_where_it_began() -> None:
    assert path().price(13 * PERIOD) == float(MID)
    assert path().price(13.5 * PERIOD) != float(MID)


class Venue:
    """A venue's background market in virtual time."""

    def __init__(self, name: str, seed: int, now: float) -> None:
        shared = path(seed)
        self.book = OrderBook()
        mid = Decimal(repr(shared.price(now)))
        self.market = BackgroundMarket(BTC, seed, mid=mid, path=shared, venue=name)

    def mid(self, now: float, dt: float) -> float:
        self.market.step(self.book, now, dt)
        return float(self.market.mid)


@given(
    seed=st.integers(0, 1000),
    steps=st.lists(st.floats(0.05, 1.0), min_size=2, max_size=30),
    gone=st.floats(0, 100_000),
)
@settings(max_examples=25, deadline=None)
def test_venues_agree_within_their_noise_also_after_a_restart(
    seed: int, steps: list[float], gone: float
) -> None:
    """Alpha steps when beta does not, and beta is down for a while and begins anew."""
    bound = 2 * MAX_NOISE + 0.02 / float(MID)
    alpha, beta = Venue("alpha", seed, NOW), Venue("beta", seed, NOW)
    now = NOW
    for number, step in enumerate(steps):
        if number == len(steps) // 2:
            now += gone
            beta = Venue("beta", seed, now)
        now += step
        other = beta.mid(now, step)
        assert abs(alpha.mid(now, step) / other - 1) < bound


def test_the_noise_is_the_venues_own_and_reverts_to_zero() -> None:
    shared, alpha, beta = path(), Venue("alpha", 1, NOW), Venue("beta", 1, NOW)
    noise = []
    for number in range(1, 501):
        now = NOW + number
        exact = shared.price(now)
        pair = [(venue.mid(now, 1.0) / exact - 1) * 1e4 for venue in (alpha, beta)]
        noise.append(pair)
    ours, theirs = zip(*noise, strict=True)
    assert ours != theirs
    for each in (ours, theirs):
        assert abs(fmean(each)) < 0.2
        assert 0.15 < pstdev(each) < 0.45


def test_a_jump_is_kept_above_the_shared_price() -> None:
    shared, venue = path(), Venue("alpha", 1, NOW)
    venue.market.move_to(Decimal(60_000))
    jump = 60_000 / shared.price(NOW)
    assert venue.mid(NOW + 5, 1.0) / shared.price(NOW + 5) == pytest.approx(jump, rel=2e-4)
