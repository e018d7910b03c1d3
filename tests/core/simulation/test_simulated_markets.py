from __future__ import annotations

import json
from dataclasses import replace
from decimal import Decimal
from io import StringIO
from itertools import islice
from statistics import fmean
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from hypothesis import given, settings
from hypothesis import strategies as st

from execution.core.orders.terms import ALGORITHMS
from execution.core.orders.view import CROSS, Decision, OrderView, PlaceChild
from execution.core.problems import Refused
from execution.core.simulation.baseline import PLAIN, plain_decide
from execution.core.simulation.exchange import LATENCY, LadderMarket, Placed, SimulatedExchange
from execution.core.simulation.kinds import KINDS, ONE_TICK, THIN, TRENDING, WIDE, MarketKind
from execution.core.simulation.ladder import LadderFill, LadderSide
from execution.core.simulation.market import SimulatedMarket
from execution.core.simulation.measures import cost_of
from execution.core.simulation.noise import Happening, events
from execution.core.simulation.prediction import MarketNow, kind_like, predict_cost
from execution.core.simulation.runner import InvariantBroken, Runner
from execution.core.simulation.setting import usual_setting
from execution.core.simulation.trials import simulate, trial
from execution.core.states import ORDER_FINAL, OrderStatus
from execution.core.types import Liquidity, Market, OrderType, Side, TimeInForce, VenueStatus
from tests.core.simulation.market_facts import simulated_facts

kinds = st.sampled_from(list(KINDS.values()))
D = Decimal


def touch(market: LadderMarket) -> tuple[int, int]:
    bid, ask = market.bids.best, market.asks.best
    assert bid is not None
    assert ask is not None
    return bid, ask


# --- the queue -------------------------------------------------------------------------------------


def test_who_came_first_at_a_price_is_filled_first() -> None:
    side = LadderSide(1)
    side.add(100, 5)
    side.add(100, 4, owner=7)
    side.add(100, 3)
    assert side.ahead(100, 7) == 5
    assert side.take(6, None) == ([(100, 6)], [LadderFill(7, 100, 1)])
    assert side.ahead(100, 7) == 0
    assert side.take(4, None) == ([(100, 4)], [LadderFill(7, 100, 3)])
    assert list(side.levels(1)) == [(100, 2)]


def test_the_best_price_goes_before_the_oldest_order() -> None:
    asks = LadderSide(-1)
    asks.add(101, 5)
    asks.add(100, 5, owner=3)
    trades, ours = asks.take(7, None)
    assert trades == [(100, 5), (101, 2)]
    assert [fill.lots for fill in ours] == [5]


def test_a_limit_stops_a_taker() -> None:
    asks = LadderSide(-1)
    asks.add(100, 5)
    asks.add(102, 5)
    assert asks.take(9, 101)[0] == [(100, 5)]
    assert asks.best == 102


def test_what_the_others_withdraw_moves_us_forward_and_is_never_ours() -> None:
    side = LadderSide(1)
    side.add(100, 1000)
    side.add(100, 10, owner=1)
    side.fade(100, 0.5)
    assert 490 <= side.ahead(100, 1) <= 500
    side.fade(100, 1.0)
    assert side.total(100) == 10


@given(
    st.lists(st.tuples(st.integers(90, 110), st.integers(1, 50), st.integers(0, 2)), max_size=30),
    st.integers(1, 400),
)
def test_lots_are_neither_made_nor_lost(orders: list[tuple[int, int, int]], wanted: int) -> None:
    side = LadderSide(1)
    for price, lots, owner in orders:
        side.add(price, lots, owner)
    before = sum(lots for _, lots in side.levels(100))
    taken = sum(lots for _, lots in side.take(wanted, None)[0])
    assert taken == min(wanted, before)
    assert sum(lots for _, lots in side.levels(100)) == before - taken


# --- the markets -----------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", KINDS.values(), ids=list(KINDS))
def test_a_seed_is_a_market(kind: MarketKind) -> None:
    def looks(seed: int) -> list[tuple[int, int]]:
        market, seen = SimulatedMarket(kind, seed), []
        for second in range(20):
            market.run_to(float(second))
            seen.append(touch(market))
        return seen

    assert looks(3) == looks(3)
    assert looks(3) != looks(4)


@settings(max_examples=15)
@given(kinds, st.integers(0, 10_000))
def test_a_book_is_never_crossed_and_never_empty(kind: MarketKind, seed: int) -> None:
    market = SimulatedMarket(kind, seed)
    for number in range(60):
        market.run_to(number / 2)
        bid, ask = touch(market)
        assert 0 < bid < ask
        assert all(lots > 0 for side in (market.bids, market.asks) for _, lots in side.levels(10))


def test_what_the_others_draw_does_not_depend_on_us() -> None:
    tapes = []
    for quantity in (0, 10_000_000):
        market = SimulatedMarket(ONE_TICK, 5)
        if quantity:
            market.take(1, quantity, None)
        seen = []
        for number in range(200):
            market.run_to(number / 10)
            seen.append((market._number, market.pressure))
        tapes.append(seen)
    assert tapes[0] == tapes[1]


def test_events_come_in_order_of_time() -> None:
    first = list(islice(events(WIDE, 1), 500))
    assert [event.at for event in first] == sorted(event.at for event in first)
    assert {event.what for event in first} == set(Happening)


def test_taking_moves_the_price_and_part_of_it_comes_back() -> None:
    moved, later = [], []
    for seed in range(20):
        quiet, taken = SimulatedMarket(WIDE, seed), SimulatedMarket(WIDE, seed)
        taken.take(1, 6 * WIDE.lots(WIDE.taker_size), None)
        moved.append(taken.value - quiet.value)
        for market in (quiet, taken):
            market.run_to(60.0)
        later.append(taken.mid - quiet.mid)
    assert fmean(moved) == pytest.approx(WIDE.impact * 6**0.5)
    assert 0.2 < fmean(later) / fmean(moved) < 0.8


def test_a_resting_order_is_filled_when_the_price_goes_against_it() -> None:
    """Adverse selection: after a buy at the touch was filled the mid is lower than before, on average."""
    moves = []
    for seed in range(40):
        exchange = SimulatedExchange(SimulatedMarket(TRENDING, seed))
        bid, _ = touch(exchange.market)
        before = exchange.market.mid
        exchange.create(Placed(1, 1, bid, 100, TimeInForce.POST_ONLY))
        while exchange.now < 60 and not exchange.fills:
            exchange.advance(60.0, None, None)
        if exchange.fills:
            exchange.advance(exchange.now + 5, None, None)
            moves.append(exchange.market.mid - before)
    assert len(moves) > 20
    assert fmean(moves) < 0


def test_the_kinds_are_what_their_names_say() -> None:
    wide, one, thin = (simulated_facts(kind, 2, 60.0)[0] for kind in (WIDE, ONE_TICK, THIN))
    assert wide.spread_ticks >= 5
    assert one.spread_ticks == pytest.approx(1)
    assert thin.touch < wide.touch / 3 < one.touch
    assert thin.spread_bp > wide.spread_bp > one.spread_bp


# --- the exchange ----------------------------------------------------------------------------------


def test_a_post_only_order_that_would_take_is_refused() -> None:
    exchange = SimulatedExchange(SimulatedMarket(ONE_TICK, 1))
    _, ask = touch(exchange.market)
    exchange.create(Placed(1, 1, ask + 5, 10, TimeInForce.POST_ONLY))
    (report,) = exchange.advance(5.0, None, None)
    assert (report.status, report.filled) == (VenueStatus.REJECTED, 0)
    assert report.reason.startswith("OrderImmediatelyFillable")
    assert exchange.now == pytest.approx(2 * LATENCY)


def test_an_ioc_order_takes_what_is_within_its_price_and_the_rest_expires() -> None:
    exchange = SimulatedExchange(SimulatedMarket(ONE_TICK, 1))
    _, ask = touch(exchange.market)
    exchange.create(Placed(1, 1, ask + 1, 10**9, TimeInForce.IOC))
    (report,) = exchange.advance(5.0, None, None)
    assert report.status is VenueStatus.EXPIRED
    assert 0 < report.filled < 10**9
    assert all(fill.liquidity is Liquidity.TAKER and fill.price <= ask + 1 for fill in exchange.fills)


def test_an_own_order_is_in_the_book_that_is_seen_but_not_in_the_reference() -> None:
    market = SimulatedMarket(WIDE, 2)
    bid, ask = touch(market)
    market.rest(1, 1, bid + 2, 10)
    assert market.bids.best == bid + 2
    assert market.mid_of_others() == (bid + ask) / 2


# --- orders ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("policy", ["twap", PLAIN])
def test_the_same_seed_gives_the_same_run(policy: str) -> None:
    setting = usual_setting(WIDE, "twap", Side.SELL, 2)
    assert simulate(setting, 11, policy) == simulate(setting, 11, policy)


@settings(max_examples=12, deadline=None)
@given(kinds, st.integers(0, 5000), st.sampled_from(Side), st.sampled_from(["twap", PLAIN]))
def test_every_order_ends_complete_or_with_a_reason(
    kind: MarketKind, seed: int, side: Side, policy: str
) -> None:
    run = simulate(usual_setting(kind, "twap", side, 2), seed, policy)
    done = sum(fill.lots for fill in run.fills)
    assert run.status in ORDER_FINAL
    assert done <= run.lots
    assert done == run.lots if run.status is OrderStatus.COMPLETED else run.reason
    assert done + sum(lots for _, lots in run.left) == run.lots
    cost = cost_of(run, kind)
    assert cost.cost_bp == pytest.approx(cost.spread_bp + cost.drift_bp + cost.fee_bp)
    paid = sum(fill.price * fill.lots for fill in run.fills) + sum(price * lots for price, lots in run.left)
    slippage = side.sign * (paid / run.lots / run.arrival_mid - 1) * 1e4
    assert cost.spread_bp + cost.drift_bp == pytest.approx(slippage, abs=1e-6)
    assert 1.9 < cost.fee_bp < 5.1


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_every_algorithm_works_in_a_simulated_market_and_plain_is_the_same_beside_each(
    algorithm: str,
) -> None:
    setting = usual_setting(WIDE, algorithm, Side.BUY)
    run = simulate(setting, 1, algorithm)
    assert run.status in ORDER_FINAL
    assert run.fills
    assert run.status is OrderStatus.COMPLETED or run.reason
    assert simulate(setting, 1, PLAIN) == simulate(usual_setting(WIDE, "twap", Side.BUY), 1, PLAIN)


def test_what_is_left_undone_is_charged_as_if_it_were_taken() -> None:
    def nothing(view: OrderView) -> Decision:
        return plain_decide(view) if view.now >= view.end_at or view.exposure else Decision((), None, "idle")

    run = Runner(usual_setting(WIDE, "twap", Side.BUY, 1), 3, nothing).run()
    assert (run.status, run.fills) == (OrderStatus.EXPIRED, ())
    cost = cost_of(run, WIDE)
    assert cost.completed == 0
    assert cost.spread_bp > 0
    assert cost.fee_bp == pytest.approx(5, rel=0.01)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"quantity": D(10**6)}, "more than"),
        ({"price": D("9999")}, "collar"),
        ({"price": D("1926.711")}, "off the tick"),
        ({"quantity": D("0.001")}, "under the minimum"),
    ],
)
def test_a_command_that_must_never_be_given_stops_the_run(changes: dict[str, Any], words: str) -> None:
    def broken(view: OrderView) -> Decision:
        child = PlaceChild(
            account="simulated",
            slice_number=1,
            purpose=CROSS,
            type=OrderType.LIMIT,
            price=D("1926.70"),
            quantity=D("0.1"),
            time_in_force=TimeInForce.IOC,
            why="",
        )
        return Decision((replace(child, **changes),), None, "")

    with pytest.raises(InvariantBroken, match=words):
        Runner(usual_setting(WIDE, "twap", Side.BUY), 1, broken).run()


@pytest.mark.parametrize("kind", KINDS.values(), ids=list(KINDS))
def test_plain_costs_something_in_every_kind_of_market(kind: MarketKind) -> None:
    assert fmean(trial(kind, "twap", seed, PLAIN).cost_bp for seed in range(3)) > 0


# --- the estimate ----------------------------------------------------------------------------------

BTC = Market(
    "BTC/USDT", "BTC", "USDT", D("0.01"), D("0.00001"), D("0.00001"), D(10), None, D("0.0002"), D("0.0005")
)


def test_an_estimate_is_the_same_for_the_same_facts_and_dearer_with_dearer_fees() -> None:
    now = MarketNow(BTC, D(60_000), D("3"), touch=10_000.0, volatility=0.8, volume_rate=5_000.0)
    first, again = (predict_cost(now, algorithm="twap", quantity=D("0.5"), minutes=2, seeds=2) for _ in "12")
    assert first == again
    assert first.cost_bp == pytest.approx(first.spread_bp + first.drift_bp + first.fee_bp)
    dear = replace(now, market=replace(BTC, maker_fee=D("0.001"), taker_fee=D("0.001")))
    costly = predict_cost(dear, algorithm="twap", quantity=D("0.5"), minutes=2, seeds=2)
    assert costly.fee_bp == pytest.approx(10, rel=0.01)
    assert costly.cost_bp > first.cost_bp


def test_a_long_order_is_estimated_by_a_window_of_the_same_participation() -> None:
    now = MarketNow(BTC, D(60_000), D("3"), volume_rate=5_000.0)
    found = predict_cost(now, algorithm="twap", quantity=D(3), minutes=60, seeds=1)
    assert found.window_minutes == 5
    assert found.participation == pytest.approx(3 * 60_000 / (5_000 * 3600), rel=0.01)


def test_an_estimates_market_is_scaled_to_the_facts() -> None:
    kind = kind_like(MarketNow(BTC, D(60_000), D("12"), touch=5_000.0, volatility=0.9, volume_rate=900.0))
    book, trades = simulated_facts(kind, 4, 120.0)
    assert 0.5 < book.spread_bp / 2 < 2
    assert 0.4 < book.touch / 5_000 < 2.5
    assert kind.volume_rate == pytest.approx(900)
    assert trades is not None


def test_facts_that_make_no_market_are_refused_with_the_value() -> None:
    with pytest.raises(Refused, match=r"spread is 0\. It must be above 0"):
        predict_cost(MarketNow(BTC, D(60_000), D(0)), algorithm="twap", quantity=D(1), minutes=5)


# --- the command -----------------------------------------------------------------------------------


def test_the_command_prints_the_figures_of_both_by_kind() -> None:
    out = StringIO()
    call_command("simulate", algorithm="twap", seeds=1, kind=["thin_jumpy"], json=True, stdout=out)
    figures = json.loads(out.getvalue())
    names = ["cost_bp", "standard_error_bp", "spread_bp", "drift_bp", "fee_bp", "maker_share", "completed"]
    assert list(figures) == ["thin_jumpy"]
    assert list(figures["thin_jumpy"]) == ["twap", PLAIN]
    assert all(list(figure) == names for figure in figures["thin_jumpy"].values())


@pytest.mark.parametrize(
    ("wishes", "words"),
    [
        ({"algorithm": "guess"}, "no algorithm 'guess'. It must be one of"),
        ({"seeds": 0}, "Seeds is 0. It must be from 1 to"),
        ({"kind": ["calm"]}, "no kind of market 'calm'. It must be one of"),
        ({"processes": 0}, "--processes 0: it must be 1 to"),
        ({"first_seed": -1}, "--first-seed -1: it must be 0 or above"),
    ],
)
def test_the_command_names_what_it_cannot_do(wishes: dict[str, Any], words: str) -> None:
    with pytest.raises(CommandError, match=words):
        call_command("simulate", **({"algorithm": "twap", "seeds": 1} | wishes))
