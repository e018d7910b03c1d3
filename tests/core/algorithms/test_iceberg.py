"""An iceberg shows a part at a time: never more than is visible, whatever races, and no dust at the end."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from execution.core.algorithms.decide import decide
from execution.core.algorithms.iceberg import part_quantity, plan_iceberg
from execution.core.orders.parameters import AtEnd, IcebergParameters
from execution.core.orders.plans import PlanInput
from execution.core.orders.view import CROSS, AccountView, CancelChild, Decision, OrderView, PlaceChild
from execution.core.problems import Problem, Refused
from execution.core.quantities import combined_market
from execution.core.states import ORDER_FINAL, ChildStatus, OrderStatus
from execution.core.types import Quote, Side, TimeInForce
from tests.core.builders import MARKET, NOW, QUOTE, D, child_of, even_slices, venue_of, view_of
from tests.core.simulator import Rates, Run, Simulation

SECOND = timedelta(seconds=1)
MINUTE = timedelta(minutes=1)


def iceberg(**changes: Any) -> IcebergParameters:
    return IcebergParameters(**({"duration": 3 * MINUTE, "visible_quantity": D("0.1")} | changes))


def view(**changes: Any) -> OrderView:
    """Return a working buy of 0.3 BTC that shows 0.1, bid 59,999.50, arrived at 60,000."""
    parameters = iceberg(**changes.pop("parameters", {}))
    own: dict[str, Any] = {
        "algorithm": "iceberg",
        "parameters": parameters,
        "slices": even_slices(D("0.3"), 1),
        "arrival_mid": D(60_000),
    }
    return view_of(**(own | changes))


def intended(decision: Decision) -> PlaceChild:
    (child,) = decision.commands
    assert isinstance(child, PlaceChild), decision
    return child


def quote_at(bid: str, at: timedelta = timedelta(0)) -> Quote:
    return replace(QUOTE, bid=D(bid), ask=D(bid) + 1, at=NOW + at)


# --- the plan --------------------------------------------------------------------------------------


def given_of(total: str, visible: str, **changes: Any) -> PlanInput:
    own: dict[str, Any] = {
        "now": NOW,
        "side": Side.BUY,
        "quantity": D(total),
        "parameters": iceberg(visible_quantity=D(visible), **changes.pop("parameters", {})),
        "limit_price": None,
        "start": NOW,
        "end": NOW + 3 * MINUTE,
        "market": MARKET,
        "price": D(60_000),
    }
    return PlanInput(**(own | changes))


def refused(given: PlanInput) -> Problem:
    with pytest.raises(Refused) as caught:
        plan_iceberg(given)
    (problem,) = caught.value.problems
    return problem


def test_the_plan_is_one_slice_of_everything() -> None:
    plan = plan_iceberg(given_of("0.35", "0.1", parameters={"randomise_visible": D("0.2"), "seed": 7}))
    (part,) = plan.slices
    assert (part.quantity, part.starts_at, part.ends_at) == (D("0.35"), NOW, NOW + 3 * MINUTE)
    assert plan.forecast == {"seed": 7}
    assert plan.notes[0].startswith("at least 4 parts of at most 0.1 BTC")


@pytest.mark.parametrize(
    ("total", "visible", "words", "limit"),
    [
        ("0.3", "0.4", "above the total", "0.3"),
        ("0.3", "0.000195", "finer than the lot", "0.00001"),
        ("0.3", "0.00018", "below the minimum", "0.00019"),  # 10 USDT and a tenth, at 60,000
        ("0.00030", "0.00020", "leaves one part below the minimum", "0.0003"),
    ],
)
def test_a_visible_quantity_that_cannot_be_is_refused_with_value_and_limit(
    total: str, visible: str, words: str, limit: str
) -> None:
    problem = refused(given_of(total, visible))
    assert words in problem.message
    assert (problem.field, D(problem.value), D(problem.limit)) == ("visible_quantity", D(visible), D(limit))


def test_the_visible_quantity_that_a_refusal_names_is_taken() -> None:
    problem = refused(
        given_of("0.00070", "0.00021", parameters={}, market=replace(MARKET, min_notional=D("10.9")))
    )
    plan_iceberg(given_of("0.00070", problem.limit, market=replace(MARKET, min_notional=D("10.9"))))


@pytest.mark.parametrize("rest", ["0.00030", "0.05"])
def test_the_rest_of_an_order_that_runs_keeps_its_visible_quantity(rest: str) -> None:
    for visible in ("0.00020", "0.1"):
        (part,) = plan_iceberg(given_of(rest, visible, is_rest=True)).slices
        assert part.quantity == D(rest)


sizes = st.integers(1, 60)


@given(st.integers(1, 2_000), sizes, sizes, sizes)
def test_parts_take_everything_that_goes_into_parts(total: int, one: int, two: int, three: int) -> None:
    least, wanted, most = sorted([one, two, three])
    fits = -(-total // most) * least <= total
    left = D(total)
    while left >= least:
        part = part_quantity(left, D(most), D(least), D(wanted))
        assert 0 < part <= min(left, D(most))
        assert part >= least
        left -= part
    assert left == 0 or not fits


# --- a part ----------------------------------------------------------------------------------------


def test_it_shows_the_visible_part_at_its_own_side_of_the_book() -> None:
    child = intended(decide(view()))
    assert (child.quantity, child.price, child.time_in_force) == (
        D("0.1"),
        D("59999.50"),
        TimeInForce.POST_ONLY,
    )


@pytest.mark.parametrize(
    ("side", "limit", "price"),
    [
        (Side.BUY, "59990.00", "59990.00"),
        (Side.BUY, "60000.00", "60000.00"),  # inside the spread it rests and leads
        (Side.BUY, "60010.00", "59999.50"),  # it would take: its own side instead
        (Side.SELL, "60010.00", "60010.00"),
        (Side.SELL, "60000.00", "60000.00"),
        (Side.SELL, "59990.00", "60000.50"),
    ],
)
def test_with_a_limit_price_it_rests_there_or_where_it_does_not_take(
    side: Side, limit: str, price: str
) -> None:
    assert intended(decide(view(side=side, limit_price=D(limit)))).price == D(price)


@pytest.mark.parametrize(
    ("side", "bid", "price"), [(Side.BUY, "61000", "60150.00"), (Side.SELL, "59000", "59850.00")]
)
def test_without_one_it_follows_the_book_no_further_than_asked_from_arrival(
    side: Side, bid: str, price: str
) -> None:
    assert intended(decide(view(side=side, quote=quote_at(bid)))).price == D(price)


def test_without_limit_and_arrival_price_it_waits_and_says_so() -> None:
    decision = decide(view(arrival_mid=None))
    assert decision.commands == ()
    assert "arrival price" in decision.why


@pytest.mark.parametrize(
    "status",
    [
        ChildStatus.PENDING_SUBMIT,
        ChildStatus.SUBMITTED,
        ChildStatus.OPEN,
        ChildStatus.UNKNOWN,
        ChildStatus.CANCELLING,
    ],
)
@pytest.mark.parametrize("slice_number", [1, None])
def test_a_part_that_may_live_holds_back_the_next_one(status: ChildStatus, slice_number: int | None) -> None:
    alive = child_of(status=status, done=D("0.09"), slice_number=slice_number)
    assert decide(view(children=(alive,), done=D("0.09"))).commands == ()


def test_a_filled_part_is_followed_by_the_next_after_the_pause() -> None:
    filled = child_of(status=ChildStatus.FILLED, done=D("0.1"), is_settled=True, ended_at=NOW)
    early = decide(view(children=(filled,), done=D("0.1"), parameters={"refill_pause": 2 * SECOND}))
    assert (early.commands, early.due_at) == ((), NOW + 2 * SECOND)
    later = view(
        children=(filled,), done=D("0.1"), now=NOW + 2 * SECOND, parameters={"refill_pause": 2 * SECOND}
    )
    assert intended(decide(later)).quantity == D("0.1")


def test_a_part_that_the_book_has_left_is_cancelled_after_its_time_and_placed_anew() -> None:
    resting = child_of(quantity=D("0.1"))
    for seconds, bid, moved in [(9, "60009.50", False), (10, "60009.50", True), (10, "59990.00", False)]:
        time = seconds * SECOND
        decision = decide(view(children=(resting,), now=NOW + time, quote=quote_at(bid, time)))
        assert bool(decision.commands) is moved, (seconds, bid)
    gone = replace(resting, status=ChildStatus.CANCELLED, is_settled=True, ended_at=NOW + 10 * SECOND)
    anew = view(children=(gone,), now=NOW + 10 * SECOND, quote=quote_at("60009.50", 10 * SECOND))
    assert intended(decide(anew)).price == D("60009.50")


def test_a_part_stays_when_what_is_left_is_too_little_for_another() -> None:
    almost = child_of(quantity=D("0.1"), done=D("0.0999"))
    left = view(children=(almost,), done=D("0.2999"), now=NOW + MINUTE, quote=quote_at("60100", MINUTE))
    assert decide(left).commands == ()


def test_random_parts_are_below_the_visible_quantity_and_of_the_seed() -> None:
    def part(seed: int, sequence: int = 1) -> Decimal:
        before = child_of(
            sequence=sequence, status=ChildStatus.CANCELLED, is_settled=True, ended_at=NOW - MINUTE
        )
        random = {"randomise_visible": D("0.5"), "seed": seed}
        return intended(decide(view(children=(before,), parameters=random))).quantity

    drawn = [part(seed) for seed in range(20)]
    assert drawn == [part(seed) for seed in range(20)]
    assert len(set(drawn)) > 10
    assert all(D("0.05") <= quantity <= D("0.1") for quantity in drawn)
    assert part(1, 1) != part(1, 2)


@pytest.mark.parametrize("at_end", list(AtEnd))
def test_only_an_iceberg_that_crosses_at_its_end_takes_and_never_more_than_visible(at_end: AtEnd) -> None:
    now = NOW + 3 * MINUTE - 2 * SECOND
    last = decide(view(now=now, parameters={"at_end": at_end}))
    child = intended(last)
    assert (child.purpose == CROSS) is (at_end is AtEnd.CROSS)
    assert child.quantity == D("0.1")


def test_what_rests_is_cancelled_before_it_crosses() -> None:
    now = NOW + 3 * MINUTE - 2 * SECOND
    decision = decide(view(now=now, children=(child_of(),), parameters={"at_end": AtEnd.CROSS}))
    assert [type(command) for command in decision.commands] == [CancelChild]


# --- whatever happens ------------------------------------------------------------------------------

COARSE = replace(MARKET, lot=D("0.001"), tick=D("0.5"), min_quantity=D("0.002"), taker_fee=D("0.0004"))


@st.composite
def orders(draw: st.DrawFn) -> OrderView:
    """Draw icebergs of one account or several, with every way to end."""
    pool: list[AccountView] = [
        venue_of("alpha"),
        venue_of("beta", market=COARSE, free=D(10_000_000)),
        venue_of("gamma"),
    ]
    venues = tuple(pool[: draw(st.integers(1, 3))])
    lot = combined_market([venue.market for venue in venues]).lot
    least = D("0.002") if len(venues) > 1 else D("0.00019")
    visible = least + draw(st.integers(0, 60)) * lot
    total = visible * draw(st.integers(1, 12)) + draw(st.integers(0, 20)) * least
    seconds = draw(st.sampled_from([10, 30, 60]))
    limit = draw(
        st.one_of(st.none(), st.sampled_from(["59990.00", "60000.00", "60010.00", "48000.00"]).map(D))
    )
    parameters = {
        "duration": seconds * SECOND,
        "visible_quantity": visible,
        "randomise_visible": draw(st.sampled_from([D(0), D("0.5")])),
        "seed": draw(st.integers(0, 99)),
        "refill_pause": draw(st.sampled_from([0, 1, 3])) * SECOND,
        "move_after": draw(st.sampled_from([2, 5])) * SECOND,
        "at_end": draw(st.sampled_from(AtEnd)),
    }
    end = NOW + seconds * SECOND
    base = view(
        status=OrderStatus.SCHEDULED,
        side=draw(st.sampled_from(Side)),
        quantity=total,
        end_at=end,
        limit_price=limit,
        parameters=parameters,
        accounts=venues,
    )
    slices = (replace(base.slices[0], quantity=total, ends_at=end),)
    return replace(base, slices=slices)


often = st.sampled_from([0.0, 0.3, 0.7])
rates = st.builds(
    Rates,
    rest_fills=often,
    cross_fills=often,
    rejects=st.sampled_from([0.0, 0.2]),
    loses=st.sampled_from([0.0, 0.3, 1.0]),
    late_news=often,
    slow_cancel=often,
    stale=st.sampled_from([0.0, 0.3]),
    blocks=st.sampled_from([0.0, 0.3]),
    person_pauses=st.sampled_from([0.0, 0.05]),
    person_cancels=st.sampled_from([0.0, 0.01]),
    swing=st.sampled_from([0, 20, 4_000]),
)


class WatchedSimulation(Simulation):
    """Looks at the exchange's own ledger as well: what is open there, whatever the desk has heard of it."""

    def _place(self, intend: PlaceChild) -> None:
        super()._place(intend)
        assert isinstance(self.view.parameters, IcebergParameters)
        open_there = sum(
            (c.intend.quantity - c.filled for c in self.placed if c.exists and c.end is None), D(0)
        )
        assert open_there <= self.view.parameters.visible_quantity, "I17 at the exchange"


def ran(order: OrderView, happens: Rates, seed: int) -> Run:
    return WatchedSimulation(order, happens, seed).run()


@settings(max_examples=150)
@given(orders(), rates, st.integers(0, 2**32))
def test_under_every_interleaving_no_more_than_the_visible_quantity_may_be_live(
    order: OrderView, happens: Rates, seed: int
) -> None:
    run = ran(order, happens, seed)
    assert run.view.status in ORDER_FINAL
    assert run.executed <= order.quantity
    assert (run.view.status is OrderStatus.COMPLETED) == (run.executed == order.quantity)


@settings(max_examples=40)
@given(orders(), st.integers(0, 2**32))
def test_a_market_that_fills_every_part_leaves_nothing(order: OrderView, seed: int) -> None:
    parameters = order.parameters.model_copy(update={"refill_pause": timedelta(0)})
    end = order.start_at + 10 * MINUTE
    whole = replace(
        order,
        parameters=parameters,
        end_at=end,
        slices=(replace(order.slices[0], ends_at=end),),
        limit_price=None,
    )
    fits = plan_fits(whole)
    run = ran(whole, Rates(rest_fills=1.0, shares=("1",), swing=0), seed)
    assert not fits or run.executed == order.quantity


def plan_fits(order: OrderView) -> bool:
    market = combined_market([venue.market for venue in order.accounts])
    given = given_of(str(order.quantity), "1", market=market)
    try:
        plan_iceberg(replace(given, parameters=order.parameters))
    except Refused:
        return False
    return True
