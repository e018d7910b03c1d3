"""The background market, run in virtual time."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from execution.core.market_model.background_market import (
    BACKGROUND,
    BackgroundMarket,
    MarketParameters,
    OrderCommand,
    Withdraw,
    activity,
)
from execution.core.market_model.matching import NewOrder, OrderBook
from execution.core.types import Market, Side

ZERO = Decimal(0)
NOON = 1_700_000_000.0
BTC = MarketParameters(
    Market("BTC/USDT", "BTC", "USDT", Decimal("0.01"), Decimal("0.00001"), Decimal("0.00001"), Decimal(5)),
    mid=Decimal(64_500),
    spacing=Decimal(1),
)


class World:
    """A book with its background market, and the volume that was traded."""

    def __init__(self, seed: int = 7, parameters: MarketParameters = BTC) -> None:
        self.book = OrderBook()
        self.market = BackgroundMarket(parameters, seed)
        self.now = NOON
        self.volume = ZERO
        self.run(self.market.settle(self.book))

    def run(self, commands: list[OrderCommand]) -> None:
        for command in commands:
            if isinstance(command, Withdraw):
                self.book.cancel(command.order_id)
            else:
                self.volume += self.book.submit(command).filled

    def live(self, seconds: float) -> None:
        for _ in range(round(seconds * 10)):
            self.now += 0.1
            self.run(self.market.step(self.book, self.now, 0.1))

    def depth(self, side: Side, within: Decimal) -> Decimal:
        mid = self.market.mid
        levels = self.book.levels(side)
        return sum((quantity for price, quantity in levels if abs(price - mid) <= within), ZERO)


@given(seed=st.integers(0, 10_000))
@settings(max_examples=10, deadline=None)
def test_the_book_stays_deep_uncrossed_and_on_the_grid(seed: int) -> None:
    world = World(seed)
    for _ in range(10):
        world.live(2)
        bid, ask = world.book.best(Side.BUY), world.book.best(Side.SELL)
        assert bid is not None
        assert ask is not None
        assert bid < ask
        assert ask - bid < Decimal(25)
        for side in Side:
            levels = world.book.levels(side)
            assert len(levels) >= 15
            assert all(price % BTC.market.tick == 0 for price, _ in levels)
            assert all(quantity % BTC.market.lot == 0 for _, quantity in levels)


def test_the_same_seed_gives_the_same_market_and_another_seed_another() -> None:
    worlds = [World(7), World(7), World(8)]
    for world in worlds:
        world.live(20)
    first, again, other = [(each.volume, each.book.levels(Side.BUY)) for each in worlds]
    assert first == again
    assert first != other


def test_background_volume_is_what_the_parameters_promise() -> None:
    world = World()
    world.live(600)
    promised = BTC.hourly_volume / 6 * activity(NOON)
    assert 0.5 * promised < float(world.volume) < 2 * promised


def test_a_resting_order_at_the_best_price_is_usually_filled_within_seconds() -> None:
    world = World()
    waits = []
    for number in range(1, 31):
        price = world.book.best(Side.BUY)
        world.book.submit(NewOrder(number, "desk", Side.BUY, Decimal("0.2"), price))
        waited = 0.0
        while number in world.book and waited < 30:
            world.live(0.5)
            waited += 0.5
        waits.append(waited)
        world.book.cancel(number)
    assert sorted(waits)[len(waits) // 2] < 15


def test_a_large_taker_moves_the_book_and_depth_comes_back() -> None:
    world = World()
    before = world.book.best(Side.SELL)
    depth = world.depth(Side.SELL, Decimal(20))
    world.book.submit(NewOrder(1, "desk", Side.BUY, depth - Decimal(1)))
    after = world.book.best(Side.SELL)
    assert before is not None
    assert after is not None
    assert after > before + 10
    world.live(8)
    assert world.depth(Side.SELL, Decimal(20)) > depth / 3


def test_the_market_jumps_to_another_mid_and_runs_over_what_rests_between() -> None:
    world = World()
    world.book.submit(NewOrder(1, "desk", Side.SELL, Decimal("0.1"), Decimal(64_700)))
    world.market.move_to(Decimal(65_000))
    world.run(world.market.settle(world.book))
    assert 1 not in world.book
    bid = world.book.best(Side.BUY)
    assert bid is not None
    assert abs(bid - 65_000) < 10


def test_an_injected_taker_is_the_background_s_and_respects_its_limit() -> None:
    market = BackgroundMarket(BTC, 7)
    taker = market.taker(Side.SELL, Decimal("0.5"), Decimal(64_000))
    assert taker.owner == BACKGROUND
    assert taker.accepts(Decimal(64_000))
    assert not taker.accepts(Decimal(63_999))


def test_activity_is_one_on_average_over_the_day() -> None:
    samples = [activity(minute * 60) for minute in range(1440)]
    assert sum(samples) / len(samples) == pytest.approx(1, abs=1e-9)
    assert min(samples) > 0.5
    assert max(samples) < 1.6


def test_a_mid_that_is_not_positive_is_refused() -> None:
    with pytest.raises(ValueError, match="not positive"):
        BackgroundMarket(replace(BTC), 7).move_to(ZERO)
