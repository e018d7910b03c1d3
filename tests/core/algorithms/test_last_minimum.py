"""An order that crosses at its end leaves no quantity that is under the exchange's minimum."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from execution.core.algorithms.decide import decide
from execution.core.orders.parameters import AtEnd, IcebergParameters, SorParameters, TwapParameters
from execution.core.orders.plans import SlicePlan
from execution.core.orders.view import CROSS, REST, OrderView, PlaceChild
from execution.core.quantities import minimum_quantity
from execution.core.routing.account_selection import crossing_quantity, held_back
from execution.core.states import ChildStatus
from execution.core.types import Book, MarketStatus, Side
from tests.core.builders import MARKET, MINUTE, NOW, QUOTE, D, child_of, even_slices, sides, venue_of, view_of

#: What an order holds back at 60,000 USDT: the minimum of 10 USDT and a tenth, at 54,000 USDT.
HELD = D("0.00021")
LEAST = D("0.00019")
ENDING = 3 * MINUTE - timedelta(seconds=2)


def placed(view: OrderView) -> PlaceChild:
    (child,) = decide(view).commands
    assert isinstance(child, PlaceChild), child
    return child


def iceberg(done: str, visible: str = "0.1", **changes: Any) -> OrderView:
    """Return an iceberg of 0.3 BTC with no part on the book."""
    parameters = IcebergParameters(
        duration=3 * MINUTE, visible_quantity=D(visible), at_end=changes.pop("at_end", AtEnd.CROSS)
    )
    given = {"slices": even_slices(D("0.3"), 1), "arrival_mid": D(60_000), "done": D(done)}
    return view_of(algorithm="iceberg", parameters=parameters, **(given | changes))


@given(sides, st.integers(19, 4_000), st.integers(0, 4_000), st.integers(0, 4_000), st.integers(0, 4_000))
def test_a_fill_of_what_the_book_offers_leaves_nothing_or_enough(
    side: Side, remaining: int, wanted: int, offered: int, filled: int
) -> None:
    view = view_of(side=side, quantity=D(remaining) * MARKET.lot)
    quantity = min(D(wanted) * MARKET.lot, view.remaining)
    asked = crossing_quantity(view, quantity, D(offered) * MARKET.lot)
    assert asked <= quantity
    if asked < quantity:
        assert asked >= LEAST
        assert view.remaining - min(asked, D(filled) * MARKET.lot) >= HELD
    elif asked == view.remaining and view.remaining >= HELD + LEAST:
        left = view.remaining - D(offered) * MARKET.lot
        assert left <= 0 or left >= HELD


@given(st.decimals(D("0.1"), D(200_000), places=2), st.decimals(D("0.9"), D(1), places=3))
def test_what_is_held_back_is_still_enough_after_a_fall_of_a_tenth(mid: Decimal, fall: Decimal) -> None:
    quote = replace(QUOTE, bid=mid - D("0.01"), ask=mid + D("0.01"))
    assert held_back(view_of(quote=quote)) >= minimum_quantity(MARKET, mid * fall)


def test_an_iceberg_holds_one_minimum_back_from_its_last_part() -> None:
    last = placed(iceberg("0.2"))
    assert (last.purpose, last.quantity) == (REST, D("0.1") - HELD)


def test_it_crosses_that_minimum_as_soon_as_its_last_part_is_filled() -> None:
    filled = child_of(status=ChildStatus.FILLED, done=D("0.1"), is_settled=True, ended_at=NOW - MINUTE)
    last = placed(iceberg(str(D("0.3") - HELD), children=(filled,)))
    assert (last.purpose, last.quantity) == (CROSS, HELD)


def last_slice(**changes: Any) -> OrderView:
    """Return a TWAP in its last slice that has filled all but what it holds back."""
    return view_of(**({"now": NOW + 2 * MINUTE, "done": D("0.3") - HELD} | changes))


def test_a_slice_crosses_that_minimum_as_soon_as_nothing_more_can_rest() -> None:
    last = placed(last_slice())
    assert (last.purpose, last.quantity) == (CROSS, HELD)
    # With the exchange's minimum more, that minimum rests first.
    assert placed(last_slice(done=D("0.3") - HELD - LEAST)).purpose == REST


def test_it_waits_while_a_child_of_it_rests() -> None:
    assert decide(last_slice(children=(child_of(quantity=HELD, slice_number=3),))).commands == ()


@pytest.mark.parametrize("side", list(Side))
def test_it_waits_for_its_limit(side: Side) -> None:
    limit = D(59_000) if side is Side.BUY else D(61_000)
    assert decide(last_slice(side=side, limit_price=limit)).commands == ()


@pytest.mark.parametrize("at_end", [AtEnd.STOP, AtEnd.EXTEND])
def test_a_slice_that_does_not_cross_rests_the_last_minimum(at_end: AtEnd) -> None:
    parameters = TwapParameters(duration=3 * MINUTE, slices=3, at_end=at_end)
    assert placed(last_slice(parameters=parameters)).purpose == REST


def test_it_crosses_a_part_filled_last_part_at_its_end() -> None:
    part = child_of(
        status=ChildStatus.CANCELLED, quantity=D("0.09979"), done=D("0.09978"), is_settled=True, ended_at=NOW
    )
    last = placed(iceberg("0.29978", now=NOW + ENDING, children=(part,)))
    assert (last.purpose, last.quantity) == (CROSS, HELD + MARKET.lot)


@pytest.mark.parametrize("side", list(Side))
def test_beyond_its_limit_the_last_minimum_rests(side: Side) -> None:
    limit = D(59_000) if side is Side.BUY else D(61_000)
    last = placed(iceberg(str(D("0.3") - HELD), side=side, limit_price=limit))
    assert (last.purpose, last.quantity, last.price) == (REST, HELD, limit)


@pytest.mark.parametrize("at_end", [AtEnd.STOP, AtEnd.EXTEND])
def test_an_iceberg_that_does_not_cross_shows_its_last_part_whole(at_end: AtEnd) -> None:
    assert placed(iceberg("0.2", at_end=at_end)).quantity == D("0.1")


def test_a_market_that_takes_no_crossing_order_gets_the_last_part_whole() -> None:
    resting_only = replace(MARKET, status=MarketStatus.POST_ONLY)
    assert placed(iceberg("0.2", market=resting_only)).quantity == D("0.1")
    last = placed(last_slice(done=D("0.2"), market=resting_only))
    assert (last.purpose, last.quantity) == (REST, D("0.1"))


def test_parts_that_are_smaller_than_what_is_held_back_are_shown_whole() -> None:
    small = str(LEAST + MARKET.lot)
    last = placed(iceberg(str(D("0.3") - 2 * D(small)), visible=small))
    assert (last.purpose, last.quantity) == (REST, D(small))


def offering(*sizes: str) -> Book:
    asks = tuple((D("60000.50") + number, D(size)) for number, size in enumerate(sizes))
    return Book(((D("59999.50"), D(2)),), asks, NOW + ENDING)


def ending(view: OrderView, *sizes: str) -> OrderView:
    """Return the view in its last seconds, with these sizes for sale inside its collar."""
    quote = replace(QUOTE, at=NOW + ENDING)
    return replace(view, now=NOW + ENDING, accounts=(venue_of(quote=quote, book=offering(*sizes)),))


@pytest.mark.parametrize(
    ("sizes", "asked"),
    [
        (("0.06", "0.0399"), D("0.1") - HELD),  # a fill of all of it would leave 0.0001
        (("0.06", "0.04"), D("0.1")),
        (("0.06", "0.03"), D("0.1")),  # would leave 0.01, enough for another child
    ],
)
def test_a_cross_leaves_a_minimum_where_the_book_is_just_too_thin(
    sizes: tuple[str, ...], asked: Decimal
) -> None:
    assert placed(ending(view_of(done=D("0.2")), *sizes)).quantity == asked
    assert placed(ending(iceberg("0.2"), *sizes)).quantity == asked


def test_a_level_whose_price_is_no_number_offers_nothing() -> None:
    order = ending(iceberg("0.2"), "0.06", "0.0399")
    (venue,) = order.accounts
    assert venue.book is not None
    odd = replace(venue.book, asks=(*venue.book.asks, (D("NaN"), D(1))))
    assert placed(replace(order, accounts=(replace(venue, book=odd),))).quantity == D("0.1") - HELD


def test_the_router_takes_less_where_the_books_would_leave_less_than_a_minimum() -> None:
    slices = (SlicePlan(1, NOW, NOW + 3 * MINUTE, D("0.1")),)
    order = view_of(algorithm="sor", parameters=SorParameters(), quantity=D("0.1"), slices=slices)
    assert placed(ending(order, "0.06", "0.0399")).quantity == D("0.1") - HELD
    assert placed(ending(order, "0.06", "0.0397")).quantity == D("0.0997")
