"""POV keeps a share of what the market trades, and its own volume is not the market's."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from execution.core.algorithms.decide import decide
from execution.core.algorithms.pov import VOLUME_RECHECK, own_share, plan_pov
from execution.core.orders.parameters import AtEnd, PovParameters
from execution.core.orders.plans import PlanInput
from execution.core.orders.terms import parse_parameters
from execution.core.orders.view import CancelChild, Decision, OrderView, PlaceChild
from execution.core.orders.volume_gaps import VOLUME_LASTS, VolumeGaps
from execution.core.problems import Refused
from execution.core.quantities import is_multiple, minimum_quantity
from execution.core.states import ORDER_FINAL, ChildStatus, OrderStatus
from execution.core.types import Candle, Market, Side, TimeInForce
from tests.core.builders import MARKET, MINUTE, NOW, D, child_of, even_slices, markets, view_of
from tests.core.simulator import Rates, Simulation

HOUR = timedelta(hours=1)


def pov(**changes: Any) -> PovParameters:
    return PovParameters(**({"duration": HOUR, "participation_rate": D("0.1")} | changes))


def view(traded: str | None, done: str = "0", **changes: Any) -> OrderView:
    """Return a working buy of 0.3 BTC at 10 %, when the market has traded that much, own volume included."""
    own: dict[str, Any] = {
        "algorithm": "pov",
        "parameters": pov(**changes.pop("parameters", {})),
        "slices": even_slices(D("0.3"), 3),
        "traded_since_start": None if traded is None else D(traded),
        "done": D(done),
    }
    return view_of(**(own | changes))


def intended(decision: Decision) -> PlaceChild:
    (child,) = decision.commands
    assert isinstance(child, PlaceChild), decision
    return child


# --- rates -----------------------------------------------------------------------------------------


@given(st.decimals(0, 1000, places=4), st.decimals("0.001", "0.999", places=3))
def test_the_share_counts_own_volume_in_the_whole(others: Decimal, rate: Decimal) -> None:
    own = own_share(others, rate, D(10**9))
    if others > 0:
        assert own / (own + others) == pytest.approx(rate, rel=D("1e-12"))


@pytest.mark.parametrize("rate", ["0", "-0.1", "1.01", "NaN"])
def test_a_participation_of_nothing_or_above_everything_is_refused(rate: str) -> None:
    with pytest.raises(Refused) as caught:
        parse_parameters("pov", {"duration": "1h", "participation_rate": rate})
    assert [problem.field for problem in caught.value.problems] == ["participation_rate"]


@pytest.mark.parametrize("rates", [{"minimum_rate": D("0.2")}, {"maximum_rate": D("0.05")}])
def test_rates_that_are_out_of_order_are_refused(rates: dict[str, Decimal]) -> None:
    with pytest.raises(ValidationError, match=r"must be at (most|least) 0.1"):
        pov(**rates)


# --- what it does ----------------------------------------------------------------------------------


def test_between_its_rates_it_rests_what_the_rate_allows() -> None:
    # Others 0.9, own 0.06 of a target of 0.1, minimum 0.9 × 0.05 / 0.95 = 0.0474.
    child = intended(decide(view("0.96", "0.06")))
    assert (child.quantity, child.time_in_force) == (D("0.04"), TimeInForce.POST_ONLY)


def test_below_its_minimum_rate_it_cancels_what_rests_and_crosses_up_to_the_rate() -> None:
    resting = child_of(quantity=D("0.05"))
    first = decide(view("0.9", children=(resting,)))
    assert [type(command) for command in first.commands] == [CancelChild]
    child = intended(decide(view("0.9")))
    assert (child.quantity, child.time_in_force) == (D("0.1"), TimeInForce.IOC)


def test_above_its_rate_it_rests_no_more_than_a_minimum_ahead_and_never_above_the_maximum() -> None:
    ahead = intended(decide(view("1.0", "0.1")))
    assert ahead.quantity == D("0.00019")
    # 0.159 own of 0.9 others: 15 %, the maximum of a rate of 10 %.
    assert decide(view("1.0589", "0.1588")).commands == ()


def test_own_volume_is_not_the_markets() -> None:
    assert decide(view("0.1", "0.1")).commands == ()


def test_unknown_volume_intends_nothing_and_says_why() -> None:
    decision = decide(view(None))
    assert decision.commands == ()
    assert "not known" in decision.why


def gaps(seconds_ago: float, **changes: Any) -> VolumeGaps:
    """Return gaps for a volume that is known up to so many seconds before NOW."""
    return VolumeGaps(until=NOW - timedelta(seconds=seconds_ago), **changes)


def test_a_volume_that_is_known_up_to_a_moment_ago_is_a_lower_bound_to_go_on_with() -> None:
    assert intended(decide(view("0.9", volume_gaps=gaps(30)))).quantity == D("0.1")


@pytest.mark.parametrize("resting", [(), (child_of(quantity=D("0.05")),)])
def test_a_volume_that_is_known_up_to_too_long_ago_holds_back_and_says_since_when(resting: Any) -> None:
    held = view("0.9", children=resting, volume_gaps=gaps(30.001))
    decision = decide(held)
    assert decision.commands == (), "what rests counts already, and stays"
    assert decision.why == "waits: the market's volume since 11:59:29 UTC is not known"
    assert decision.due_at == NOW + VOLUME_RECHECK


def test_a_hole_counts_as_nothing_does_not_block_and_is_said() -> None:
    decision = decide(view("0.9", volume_gaps=gaps(2, lost=timedelta(seconds=42))))
    assert intended(decision).quantity == D("0.1")
    note = "; the market's volume is not known for 42 s since the start, which are left out"
    assert decision.why.endswith(note)
    assert "not known" not in decide(view("0.9", volume_gaps=gaps(2, lost=timedelta(seconds=4)))).why


def test_a_silent_venue_beside_another_one_is_said() -> None:
    decision = decide(view("0.9", volume_gaps=gaps(2, silent_since=NOW - MINUTE)))
    assert intended(decision).quantity == D("0.1")
    assert decision.why.endswith("the volume of one venue since 11:59:00 UTC is not known, and left out")


def test_a_rate_of_everything_needs_no_volume() -> None:
    child = intended(decide(view(None, parameters={"participation_rate": D(1)})))
    assert (child.quantity, child.time_in_force) == (D("0.3"), TimeInForce.IOC)


# --- the plan --------------------------------------------------------------------------------------


def given_of(**changes: Any) -> PlanInput:
    own: dict[str, Any] = {
        "now": NOW,
        "side": Side.BUY,
        "quantity": D("0.3"),
        "parameters": pov(**changes.pop("parameters", {})),
        "limit_price": None,
        "start": NOW,
        "end": NOW + HOUR,
        "market": MARKET,
        "price": D(60_000),
    }
    return PlanInput(**(own | changes))


def test_the_plan_is_of_five_minutes_and_says_what_the_market_would_trade() -> None:
    candles = tuple(
        Candle(NOW - 24 * HOUR + n * 5 * MINUTE, D(1), D(1), D(1), D(1), D("0.25")) for n in range(288)
    )
    plan = plan_pov(given_of(candles=candles))
    assert len(plan.slices) == 12
    assert D(plan.forecast["expected_volume"]) == 3
    assert "10 % of that fills all of 0.3 before the end" in plan.notes[0]
    assert "fills about 0.33333 of 3" in plan_pov(given_of(candles=candles, quantity=D(3))).notes[0]
    assert "not known" in plan_pov(given_of()).notes[0]


@given(markets(), st.integers(0, 10_000), st.sampled_from([None, 10, 300, 3600]))
def test_plans_sum_exactly_for_any_lot_tick_and_minimum(
    market: Market, lots: int, seconds: int | None
) -> None:
    least = minimum_quantity(market, D(60_000))
    length = None if seconds is None else timedelta(seconds=seconds)
    given = given_of(market=market, quantity=least + lots * market.lot, parameters={"slice_length": length})
    plan = plan_pov(given)
    assert sum(part.quantity for part in plan.slices) == given.quantity
    assert all(is_multiple(part.quantity, market.lot) and part.quantity >= least for part in plan.slices)
    assert (plan.slices[0].starts_at, plan.slices[-1].ends_at) == (NOW, NOW + HOUR)
    assert plan_pov(given) == plan


# --- whatever happens ------------------------------------------------------------------------------


class Trading(Simulation):
    """A market that trades at random, whose volume is at times unknown, late or lost, and lists our own trades."""

    others = D(0)
    lost = D(0)
    late = 0

    def _market(self) -> None:
        super()._market()
        traded = self.random.choice([D(0), D("0.01"), D("0.2")])
        self.others += traded
        self.lost += traded if self.chance(0.1) else D(0)
        self.late = self.random.choice([0, 0, 0, 5, 29, 31])
        own = sum((child.filled for child in self.placed), D(0))
        known = None if self.chance(0.1) else self.others + own - self.lost
        until = self.view.now - timedelta(seconds=self.late)
        self.view = replace(self.view, traded_since_start=known, volume_gaps=VolumeGaps(until=until))

    def _place(self, intend: PlaceChild) -> None:
        view = self._observe()
        assert view.traded_since_start is not None
        assert view.now - (view.volume_gaps.until or view.now) <= VOLUME_LASTS
        most = own_share(self.others, D("0.15"), view.quantity)
        assert view.done + view.exposure + intend.quantity <= most, "above the maximum rate"
        super()._place(intend)


often = st.sampled_from([0.0, 0.3])
rates = st.builds(
    Rates,
    rest_fills=often,
    cross_fills=st.sampled_from([0.3, 1.0]),
    rejects=often,
    loses=often,
    late_news=often,
    slow_cancel=often,
    stale=often,
    blocks=often,
    person_pauses=st.sampled_from([0.0, 0.02]),
)


@settings(max_examples=60)
@given(st.integers(19, 100_000), st.sampled_from(AtEnd), rates, st.integers(0, 2**32))
def test_whatever_happens_it_is_never_above_its_maximum_rate(
    lots: int, at_end: AtEnd, happens: Rates, seed: int
) -> None:
    quantity, end = lots * MARKET.lot, NOW + timedelta(seconds=40)
    order = view(
        "0",
        status=OrderStatus.SCHEDULED,
        quantity=quantity,
        end_at=end,
        parameters={"duration": timedelta(seconds=40), "at_end": at_end},
    )
    slices = tuple(
        replace(
            part, starts_at=NOW + n * timedelta(seconds=20), ends_at=NOW + (n + 1) * timedelta(seconds=20)
        )
        for n, part in enumerate(even_slices(quantity, 2))
    )
    run = Trading(replace(order, slices=slices), happens, seed).run()
    assert run.view.status in ORDER_FINAL
    assert run.executed <= quantity


def test_a_child_that_is_unknown_counts_as_done() -> None:
    unknown = child_of(quantity=D("0.1"), status=ChildStatus.UNKNOWN, slice_number=None)
    assert decide(view("0.9", children=(unknown,))).commands == ()


@pytest.mark.parametrize(
    ("traded", "reason"),
    [
        ("0.6", "others traded only 0.5 BTC, and the order may be at most 15 % of the volume"),
        (None, "the market's volume is not known"),
        ("100", "the last slices could not be filled in time within the collar"),
    ],
)
def test_an_end_with_quantity_left_says_whether_the_market_traded_too_little(
    traded: str | None, reason: str
) -> None:
    over = view(traded, done="0.1", parameters={"maximum_rate": D("0.15"), "at_end": AtEnd.CROSS})
    decision = decide(replace(over, end_at=over.now))
    assert decision.why == f"time ran out with 0.2 BTC left: {reason}"


def test_an_end_says_what_of_the_volume_was_not_known() -> None:
    over = view("0.6", done="0.1", parameters={"at_end": AtEnd.CROSS})
    over = replace(over, end_at=over.now)
    decision = decide(replace(over, volume_gaps=gaps(0, lost=timedelta(seconds=90))))
    assert (
        "others are known to have traded only 0.5 BTC (the market's volume is not known for 90 s since the"
        " start, which are left out), and the order may be at most 15 % of the volume"
    ) in decision.why
    stale = decide(replace(over, volume_gaps=gaps(31)))
    assert stale.why.endswith("left: the market's volume since 11:59:29 UTC is not known")
