"""Whole orders in a virtual market, over seeds: whatever the exchange does, the invariants hold."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from execution.core.orders.parameters import AtEnd
from execution.core.orders.plans import spread_slices
from execution.core.orders.view import OrderView
from execution.core.quantities import combined_market, split_even
from execution.core.states import ORDER_FINAL, OrderStatus
from execution.core.types import Book, Side
from tests.core.builders import MARKET, NOW, QUOTE, D, twap, venue_of, view_of
from tests.core.simulator import Rates, Run, Simulation

seeds = st.integers(0, 2**32)
rates = st.builds(
    Rates,
    rest_fills=st.sampled_from([0.0, 0.05, 0.5]),
    cross_fills=st.sampled_from([0.0, 0.5, 1.0]),
    rejects=st.sampled_from([0.0, 0.2, 1.0]),
    loses=st.sampled_from([0.0, 0.2, 1.0]),
    late_news=st.sampled_from([0.0, 0.3]),
    slow_cancel=st.sampled_from([0.0, 0.5]),
    stale=st.sampled_from([0.0, 0.3, 0.98]),
    blocks=st.sampled_from([0.0, 0.3]),
    person_pauses=st.sampled_from([0.0, 0.02]),
    person_cancels=st.sampled_from([0.0, 0.01]),
    swing=st.sampled_from([0, 20, 4_000]),
)


def order(quantity: Decimal, count: int, *, seconds: int = 40, **changes: Any) -> OrderView:
    end = NOW + timedelta(seconds=seconds)
    slices = spread_slices(split_even(quantity, MARKET.lot, count), NOW, end)
    parameters = twap(duration=timedelta(seconds=seconds), slices=count, **changes.pop("parameters", {}))
    view = view_of(
        status=OrderStatus.SCHEDULED, quantity=quantity, slices=slices, end_at=end, parameters=parameters
    )
    return replace(view, **changes)


@st.composite
def orders(draw: st.DrawFn) -> OrderView:
    count = draw(st.integers(1, 8))
    least = 19 * count  # lots: 0.00019 BTC is the minimum at 60,000
    lots = draw(st.one_of(st.integers(least, least + 40), st.integers(least, 100_000)))
    limits = st.sampled_from(["59990.00", "60000.00", "60010.00", "48000.00", "72000.00"])
    book = Book(((QUOTE.bid, D(1)),), ((QUOTE.ask, D(1)),), NOW)
    return order(
        lots * MARKET.lot,
        count,
        side=draw(st.sampled_from(Side)),
        accounts=(venue_of(book=draw(st.sampled_from([None, book]))),),
        traded_since_start=draw(st.sampled_from([None, D(0)])),
        limit_price=draw(st.one_of(st.none(), limits.map(Decimal))),
        parameters={
            "urgency": draw(st.sampled_from([D(0), D("0.3"), D("0.5"), D("0.9"), D(1)])),
            "catch_up_cap": draw(st.sampled_from([D(1), D("1.5"), D(3)])),
            "collar_bp": draw(st.sampled_from([D("0.1"), D(50), D(500)])),
            "i_would_price": draw(st.sampled_from([None, None, D("59995"), D("60005")])),
            "participation_cap": draw(st.sampled_from([None, None, D("0.1"), D(1)])),
            "at_end": draw(st.sampled_from(AtEnd)),
        },
    )


def ended(run: Run) -> None:
    """Check that the run is final, its books equal the exchange's, and its outcome is true."""
    assert run.view.status in ORDER_FINAL
    assert run.executed <= run.view.quantity
    assert sum(child.facts.filled for child in run.placed) == run.executed
    assert (run.view.status is OrderStatus.COMPLETED) == (run.executed == run.view.quantity)
    assert run.view.outcome_reason


@settings(max_examples=100)
@given(orders(), rates, seeds)
def test_whatever_the_exchange_does_no_invariant_breaks_and_the_order_ends(
    view: OrderView, happens: Rates, seed: int
) -> None:
    ended(Simulation(view, happens, seed).run())


@st.composite
def routed_orders(draw: st.DrawFn) -> OrderView:
    """Draw an order over two or three accounts of different fees, lots and minimums."""
    coarse = replace(MARKET, lot=D("0.001"), tick=D("0.5"), min_quantity=D("0.002"), taker_fee=D("0.0004"))
    pool = [
        venue_of("alpha", free=draw(st.sampled_from([None, D(0), D(5_000), D(10_000_000)]))),
        venue_of("beta", market=coarse, free=D(10_000_000)),
        venue_of("gamma", market=replace(MARKET, taker_fee=None)),
    ]
    count = draw(st.integers(1, 6))
    lots = draw(st.integers(2 * count, 2 * count + 60))
    venues = tuple(draw(st.permutations(pool))[: draw(st.integers(2, 3))])
    market = combined_market([venue.market for venue in venues])
    lot = max(market.lot, D("0.001"))
    view = order(D("0.001"), 1, side=draw(st.sampled_from(Side)), accounts=venues)
    slices = spread_slices(split_even(lots * lot, lot, count), view.start_at, view.end_at)
    return replace(view, quantity=lots * lot, slices=slices)


@settings(max_examples=60)
@given(routed_orders(), rates, seeds)
def test_over_several_accounts_no_invariant_breaks_either(view: OrderView, happens: Rates, seed: int) -> None:
    run = Simulation(view, happens, seed).run()
    ended(run)
    used = {child.intend.account for child in run.placed}
    assert used <= {venue.account for venue in view.accounts}


def test_an_order_whose_other_venue_is_down_goes_on_with_the_rest() -> None:
    pair = (venue_of("alpha", quote=None), venue_of("beta"))
    run = Simulation(
        order(D(1), 4, accounts=pair), Rates(cross_fills=1.0, shares=("1",), swing=0), seed=2
    ).run()
    assert run.view.status is OrderStatus.COMPLETED
    assert {child.intend.account for child in run.placed} == {"beta"}


@settings(max_examples=25)
@given(orders(), rates, seeds)
def test_one_seed_is_one_run(view: OrderView, happens: Rates, seed: int) -> None:
    first, second = (Simulation(view, happens, seed).run() for _ in range(2))
    assert first.reasons == second.reasons
    assert [child.intend for child in first.placed] == [child.intend for child in second.placed]


@settings(max_examples=40)
@given(
    st.integers(1, 8),
    st.integers(0, 100_000),
    st.sampled_from(Side),
    st.sampled_from(["0.5", "0.8", "1"]),
    seeds,
)
def test_in_a_market_that_always_fills_an_order_completes_with_exactly_its_quantity(
    count: int, more: int, side: Side, urgency: str, seed: int
) -> None:
    quantity = (19 * count + more) * MARKET.lot
    # One that only rests has everything left for its last slice.
    cap = {"catch_up_cap": D(8)} if urgency == "0" else {}
    view = order(quantity, count, seconds=80, side=side, parameters={"urgency": D(urgency)} | cap)
    always = Rates(rest_fills=0.0, cross_fills=1.0, shares=("1",), swing=0)
    run = Simulation(view, always, seed).run()
    ended(run)
    assert run.view.status is OrderStatus.COMPLETED
    assert run.executed == view.quantity


@settings(max_examples=25)
@given(seeds)
def test_part_fills_of_what_rests_leave_no_dust_at_the_end(seed: int) -> None:
    view = order(D("0.001"), 5)
    run = Simulation(view, Rates(rest_fills=0.3, cross_fills=0.0, swing=0), seed).run()
    left = view.quantity - run.executed
    # Nothing crosses here: what the last slice rested never ate into the minimum that its cross needs.
    assert left == 0 or left >= D("0.00019")


def test_an_exchange_that_refuses_everything_gets_ten_children_and_then_a_person() -> None:
    view = order(D(1), 2, seconds=600)
    run = Simulation(view, Rates(rejects=1.0), seed=1).run()
    paused = next(i for i, why in enumerate(run.reasons) if "children in a row" in why)
    assert run.reasons[paused].startswith("10 children in a row were refused")
    assert len({child.at for child in run.placed[:10]}) == 10, "refusals back off"
    assert run.placed[9].at - run.placed[0].at > timedelta(seconds=60)


def test_after_a_person_has_resumed_the_order_tries_again() -> None:
    run = Simulation(order(D(1), 2, seconds=900), Rates(rejects=1.0), seed=1).run()
    assert len(run.placed) > 10


@pytest.mark.parametrize("side", list(Side))
def test_a_market_beyond_the_limit_expires_the_order_with_the_reason(side: Side) -> None:
    limit = D("54000.00") if side is Side.BUY else D("66000.00")
    run = Simulation(order(D(1), 4, side=side, limit_price=limit), Rates(rest_fills=0.0), seed=3).run()
    assert run.view.status is OrderStatus.EXPIRED
    assert f"beyond the limit price {limit:,.0f}" in run.view.outcome_reason


def test_a_catch_up_cap_of_one_never_makes_a_slice_larger() -> None:
    view = order(D(1), 4, parameters={"catch_up_cap": D(1), "at_end": AtEnd.STOP})
    run = Simulation(view, Rates(rest_fills=0.0, cross_fills=0.3), seed=5).run()
    for part in view.slices:
        done = sum(c.filled for c in run.placed if c.intend.slice_number == part.number)
        assert done <= part.quantity


@pytest.mark.parametrize("urgency", [D(0), D("0.5")])
def test_an_order_that_crosses_at_its_end_leaves_nothing_behind_whatever_it_may_catch_up(
    urgency: Decimal,
) -> None:
    view = order(D(1), 10, parameters={"catch_up_cap": D(1), "urgency": urgency, "at_end": AtEnd.CROSS})
    always = Rates(rest_fills=0.0, cross_fills=1.0, shares=("1",))
    run = Simulation(view, always, seed=7).run()
    assert (run.view.status, run.executed) == (OrderStatus.COMPLETED, D(1))
