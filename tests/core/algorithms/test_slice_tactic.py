"""The work on a slice: by the others' book, the urgency, the I-would price and the participation cap."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from execution.core.algorithms.book_imbalance import imbalance, others_book
from execution.core.algorithms.decide import decide
from execution.core.algorithms.passive_pricing import behind
from execution.core.orders.parameters import AtEnd
from execution.core.orders.plans import SlicePlan
from execution.core.orders.slices import SliceTask
from execution.core.orders.view import CROSS, OrderView, PlaceChild
from execution.core.orders.volume_gaps import VolumeGaps
from execution.core.states import ChildStatus
from execution.core.types import Book, Level, Side, TimeInForce
from tests.core.builders import (
    MARKET,
    MINUTE,
    NOW,
    D,
    at_venue,
    cancels_of,
    child_of,
    even_slices,
    sides,
    twap,
    view_of,
)

LATE = 3 * MINUTE - timedelta(seconds=4)  # the order's last seconds


def levels(*pairs: tuple[str, str]) -> tuple[Level, ...]:
    return tuple((D(price), D(size)) for price, size in pairs)


def booked(view: OrderView, bids: tuple[Level, ...], asks: tuple[Level, ...], *, age: float = 0) -> OrderView:
    return at_venue(view, book=Book(bids, asks, view.now - timedelta(seconds=age)))


def seconds(number: float) -> timedelta:
    return timedelta(seconds=number)


def intends_of(view: OrderView) -> list[PlaceChild]:
    return [command for command in decide(view).commands if isinstance(command, PlaceChild)]


def at(moment: timedelta, **changes: Any) -> OrderView:
    return view_of(now=NOW + moment, **changes)


# --- the others' book -----------------------------------------------------------------------------

BIDS = levels(("59999.50", "0.1"), ("59999.00", "1"))
ASKS = levels(("60000.50", "1"), ("60001.00", "1"))


def test_what_we_rest_ourselves_is_not_the_touch() -> None:
    view = booked(at(seconds(10), children=(child_of(),)), BIDS, ASKS)
    book = others_book(view, view.accounts[0])
    assert book is not None
    assert book.bids == BIDS[1:]
    assert cancels_of(view) == [], "nobody is outbid but others"


@pytest.mark.parametrize(("side", "touch"), [(Side.BUY, "59999.50"), (Side.SELL, "60000.50")])
def test_what_the_desks_other_orders_rest_is_not_outbid(side: Side, touch: str) -> None:
    bids, asks = levels(("59999.50", "1"), ("59990.00", "1")), levels(("60000.50", "1"), ("60010.00", "1"))
    child = child_of(price=D("59990.00") if side is Side.BUY else D("60010.00"))
    view = booked(at(seconds(30), side=side, children=(child,), parameters=twap(urgency=D(0))), bids, asks)
    assert cancels_of(view) == [1], "another's touch is followed"
    assert cancels_of(at_venue(view, desk={D(touch): D("0.9")})) == [1], "a part of it is another's"
    assert cancels_of(at_venue(view, desk={D(touch): D(1)})) == [], "all of it is the desk's own"


def test_a_child_younger_than_the_book_is_not_in_it() -> None:
    view = booked(
        at(seconds(0.1), children=(child_of(intended_at=NOW + seconds(0.05)),)), BIDS, ASKS, age=0.09
    )
    book = others_book(view, view.accounts[0])
    assert book is not None
    assert book.bids == BIDS


def test_an_old_book_is_not_used_and_the_touch_is() -> None:
    far = levels(("59000.00", "1")), levels(("59001.00", "1"))
    assert intends_of(booked(view_of(), *far, age=3.1))[0].price == D("59999.60")
    assert intends_of(booked(view_of(), *far, age=2.9))[0].price == D("59000.10")


def test_without_a_book_a_touch_that_may_be_ours_alone_is_not_outbid() -> None:
    late = at(seconds(50), children=(child_of(),))
    assert cancels_of(late) == []
    away = child_of(price=D("59990.00"))
    assert cancels_of(replace(late, children=(away,))) == [1]


@given(
    st.lists(st.integers(0, 1000), min_size=1, max_size=5),
    st.lists(st.integers(0, 1000), min_size=1, max_size=5),
)
def test_the_imbalance_is_within_its_bounds_and_the_same_seen_from_the_other_side(
    bids: list[int], asks: list[int]
) -> None:
    one = Book(tuple((D(10), D(size)) for size in bids), tuple((D(11), D(size)) for size in asks), NOW)
    found = imbalance(one)
    assert -1 <= found <= 1
    assert imbalance(replace(one, bids=one.asks, asks=one.bids)) == pytest.approx(-found)


@pytest.mark.parametrize(("side", "price"), [(Side.BUY, "59990.00"), (Side.SELL, "60010.00")])
def test_it_follows_at_once_a_price_that_runs_away_and_later_one_that_comes(side: Side, price: str) -> None:
    heavy, light = levels(("59999.50", "9")), levels(("60000.50", "0.1"))
    light_bids, heavy_asks = levels(("59999.50", "0.1")), levels(("60000.50", "9"))
    up, down = (heavy, light), (light_bids, heavy_asks)
    runs, comes = (up, down) if side is Side.BUY else (down, up)

    def moved(second: float, book: tuple[tuple[Level, ...], tuple[Level, ...]]) -> bool:
        child = child_of(price=D(price))
        return cancels_of(booked(at(seconds(second), side=side, children=(child,)), *book)) == [1]

    assert not moved(0.9, runs), "never before a second"
    assert moved(1, runs)
    assert not moved(9, comes)
    assert moved(10, comes)


# --- urgency --------------------------------------------------------------------------------------


@pytest.mark.parametrize("side", list(Side))
def test_an_urgency_of_one_crosses_at_once(side: Side) -> None:
    (intend,) = intends_of(view_of(side=side, parameters=twap(urgency=D(1))))
    assert (intend.purpose, intend.quantity) == (CROSS, D("0.1"))


def test_an_urgency_of_zero_rests_at_the_touch_and_crosses_only_at_the_orders_end() -> None:
    calm = twap(urgency=D(0))
    assert intends_of(view_of(parameters=calm))[0].price == D("59999.50")
    for moment in (seconds(59), seconds(119), seconds(170)):
        assert all(intend.purpose != CROSS for intend in intends_of(at(moment, parameters=calm)))
    (last,) = intends_of(at(LATE, parameters=calm, done=D("0.1")))
    assert (last.purpose, last.quantity) == (CROSS, D("0.2"))


def test_it_waits_a_slice_behind_and_crosses_only_what_is_beyond() -> None:
    assert all(intend.purpose != CROSS for intend in intends_of(at(seconds(59))))
    behind = at(seconds(119), children=(child_of(quantity=D("0.15"), slice_number=2),))
    assert cancels_of(behind) == [1], "what rests is in the way"
    (cross,) = intends_of(replace(behind, children=()))
    assert (cross.purpose, cross.quantity) == (CROSS, D("0.1")), "0.2 are late, a slice may be"


def test_the_order_is_done_at_its_end_even_where_all_of_it_rests() -> None:
    resting = child_of(quantity=D("0.09981"), slice_number=3)
    assert cancels_of(at(LATE, done=D("0.2"), children=(resting,))) == [1]
    gone = replace(resting, status=ChildStatus.CANCELLED, is_settled=True, ended_at=NOW + LATE)
    (cross,) = intends_of(at(LATE, done=D("0.2"), children=(gone,)))
    assert (cross.purpose, cross.quantity) == (CROSS, D("0.1"))


def test_an_order_that_stops_at_its_end_does_not_cross_there() -> None:
    stopping = at(LATE, done=D("0.2"), parameters=twap(at_end=AtEnd.STOP))
    assert all(intend.purpose != CROSS for intend in intends_of(stopping))


@given(sides, st.integers(0, 100), st.integers(1, 59), st.integers(1, 40))
def test_what_rests_never_takes_and_is_never_behind_the_others(
    side: Side, urgency: int, second: int, ticks: int
) -> None:
    bid = D("60000.00")
    quote_view = at(seconds(second), side=side, parameters=twap(urgency=D(urgency) / 100))
    ask = bid + ticks * MARKET.tick
    venue = quote_view.accounts[0]
    assert venue.quote is not None
    view = at_venue(quote_view, quote=replace(venue.quote, bid=bid, ask=ask))
    for intend in intends_of(view):
        if intend.time_in_force is TimeInForce.POST_ONLY:
            assert intend.price is not None
            assert bid <= intend.price <= ask
            assert (intend.price < ask) if side is Side.BUY else (intend.price > bid)


# --- the I-would price ----------------------------------------------------------------------------


@pytest.mark.parametrize(("side", "would"), [(Side.BUY, "60000.50"), (Side.SELL, "59999.50")])
def test_at_the_i_would_price_everything_that_is_left_is_taken(side: Side, would: str) -> None:
    view = view_of(side=side, parameters=twap(i_would_price=D(would)))
    (intend,) = intends_of(view)
    assert (intend.quantity, intend.price, intend.time_in_force) == (D("0.3"), D(would), TimeInForce.IOC)
    assert cancels_of(replace(view, children=(child_of(),))) == [1], "what rests first comes off the book"


@pytest.mark.parametrize(("side", "would"), [(Side.BUY, "60000.49"), (Side.SELL, "59999.51")])
def test_a_tick_before_the_i_would_price_it_only_wakes_there(side: Side, would: str) -> None:
    decision = decide(view_of(side=side, parameters=twap(i_would_price=D(would))))
    assert all(isinstance(c, PlaceChild) and c.purpose != CROSS for c in decision.commands)
    assert (decision.wake_below if side is Side.BUY else decision.wake_above) == D(would)


def test_the_limit_binds_at_the_i_would_price() -> None:
    view = view_of(parameters=twap(i_would_price=D(60_100)), limit_price=D("60000.50"))
    assert intends_of(view)[0].price == D("60000.50")


# --- the participation cap ------------------------------------------------------------------------


@pytest.mark.parametrize("moment", [seconds(0), LATE])
def test_an_unknown_volume_lets_nothing_new_through(moment: timedelta) -> None:
    decision = decide(at(moment, parameters=twap(participation_cap=D("0.1"))))
    assert decision.commands == ()
    assert "needs the market's volume, which is not known" in decision.why


def test_a_cap_on_a_volume_that_is_too_old_holds_back_and_a_hole_in_it_is_said() -> None:
    given = {"parameters": twap(participation_cap=D("0.1")), "traded_since_start": D(100)}
    stale = decide(view_of(**given, volume_gaps=VolumeGaps(until=NOW - seconds(31))))
    assert stale.commands == ()
    assert stale.why.endswith("needs the market's volume, which is not known since 11:59:29 UTC")
    holed = decide(view_of(**given, volume_gaps=VolumeGaps(until=NOW - seconds(29), lost=seconds(60))))
    assert [type(command) for command in holed.commands] == [PlaceChild]
    assert holed.why.endswith("the market's volume is not known for 60 s since the start, which are left out")


@given(st.integers(0, 3000), st.integers(0, 100), st.integers(0, 100), st.integers(0, 179))
def test_the_participation_stays_under_its_cap(traded: int, urgency: int, done: int, second: int) -> None:
    parameters = twap(participation_cap=D("0.1"), urgency=D(urgency) / 100, i_would_price=D("60000.50"))
    view = at(
        seconds(second), parameters=parameters, traded_since_start=D(traded) / 1000, done=D(done) / 1000
    )
    for intend in intends_of(view):
        assert view.done + view.exposure + intend.quantity <= Decimal("0.1") * D(traded) / 1000


# --- what no exchange takes -----------------------------------------------------------------------


@pytest.mark.parametrize(("side", "price"), [(Side.BUY, "60000.50"), (Side.SELL, "59999.50")])
def test_a_cross_at_an_i_would_price_between_two_ticks_is_priced_on_the_tick(side: Side, price: str) -> None:
    would = D(price) + side.sign * D("0.003")
    (intend,) = intends_of(view_of(side=side, parameters=twap(i_would_price=would)))
    assert intend.price == D(price)


def test_a_slice_without_a_quantity_is_not_behind() -> None:
    work = SliceTask(SlicePlan(1, NOW, NOW + MINUTE, D(0)), is_last=False, target=D("0.1"))
    assert behind(view_of(), work) == 0


def test_a_resting_child_is_worth_the_minimum_at_its_own_price_where_the_book_is_far_from_the_quote() -> None:
    view = view_of(quantity=D("0.0006"), slices=even_slices(D("0.0006"), 3))
    assert intends_of(view), "0.0002 at 60,000 is worth 12"
    far = booked(view, levels(("12000.00", "1")), levels(("12001.00", "1")))
    assert intends_of(far) == [], "at 12,000 it is worth 2.4, and 10 is the minimum"
    assert "under the minimum" in decide(far).why
