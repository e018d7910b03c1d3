"""A market that takes nothing new, or only what rests; one that closes in between; and its maximum of one order."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from execution.core.algorithms.decide import MAX_REJECTIONS, decide
from execution.core.market_rules import market_block
from execution.core.orders.parameters import IcebergParameters, SorParameters
from execution.core.orders.plans import SlicePlan
from execution.core.orders.view import (
    CROSS,
    REST,
    AccountView,
    ChangeStatus,
    OrderView,
    PlaceChild,
    Rejections,
)
from execution.core.routing.sor import MAX_PIECES
from execution.core.states import ChildStatus
from execution.core.types import Book, MarketStatus, Quote, Side
from tests.core.builders import (
    MARKET,
    MINUTE,
    NOW,
    QUOTE,
    D,
    cancels_of,
    child_of,
    even_slices,
    moves_of,
    twap,
    venue_of,
    view_of,
)

SECOND = timedelta(seconds=1)
HALTED = replace(MARKET, status=MarketStatus.HALTED, status_word="BREAK")
POST_ONLY = replace(MARKET, status=MarketStatus.POST_ONLY, status_word="post_only")


def closed(**changes: Any) -> OrderView:
    """Return an order whose only market is closed, as the rows' readers show it."""
    return view_of(market=HALTED, blocked=market_block(HALTED, Side.BUY), **changes)


def placed(view: OrderView) -> list[PlaceChild]:
    return [command for command in decide(view).commands if isinstance(command, PlaceChild)]


def deep(label: str = "alpha", size: str = "50", **market: Any) -> AccountView:
    """Return a venue whose best levels carry ``size``."""
    book = Book(((QUOTE.bid, D(size)),), ((QUOTE.ask, D(size)),), NOW)
    quote = Quote(QUOTE.bid, QUOTE.ask, D(size), D(size), NOW)
    return venue_of(label, market=replace(MARKET, **market), book=book, quote=quote, free=D(10) ** 9)


def at(view: OrderView, moment: timedelta) -> OrderView:
    """Return the same view later, with market data as fresh as before."""
    accounts = tuple(
        replace(
            venue,
            quote=None if venue.quote is None else replace(venue.quote, at=NOW + moment),
            book=None if venue.book is None else replace(venue.book, at=NOW + moment),
        )
        for venue in view.accounts
    )
    return replace(view, now=NOW + moment, accounts=accounts)


# --- closed ------------------------------------------------------------------------------------------


def test_in_a_closed_market_nothing_new_is_placed_and_the_order_says_why() -> None:
    decision = decide(closed())
    assert decision.commands == ()
    assert decision.why == "waits: BTC/USDT is not trading now (the venue says BREAK)"
    assert decision.due_at is not None
    assert decision.due_at <= NOW + 5 * SECOND


def test_what_rests_in_a_closed_market_stays_until_its_slice_is_over_and_can_then_be_cancelled() -> None:
    assert cancels_of(closed(children=(child_of(),))) == []
    later = closed(now=NOW + 61 * SECOND, children=(child_of(),))
    assert cancels_of(later) == [1]


def test_it_goes_on_as_soon_as_the_market_is_open() -> None:
    assert placed(closed()) == []
    assert placed(view_of())


def test_an_order_whose_time_runs_out_in_a_closed_market_says_so() -> None:
    (move, *_) = moves_of(closed(now=NOW + 3 * MINUTE))
    assert move.reason.endswith("BTC/USDT is not trading now (the venue says BREAK)")


@pytest.mark.parametrize(("kind", "pauses"), [("MarketClosed", False), ("InvalidOrder", True)])
def test_refusals_for_a_closed_market_ask_for_patience_and_for_no_person(kind: str, pauses: bool) -> None:
    refused = Rejections(MAX_REJECTIONS, NOW, kind)
    decision = decide(view_of(rejections=refused))
    assert any(isinstance(command, ChangeStatus) for command in decision.commands) == pauses
    if not pauses:
        assert decision.why == "waits after a refusal: MarketClosed"
        assert placed(at(view_of(rejections=refused), 31 * SECOND))


# --- only what rests ---------------------------------------------------------------------------------


def test_where_only_orders_that_rest_are_taken_a_slice_rests_and_does_not_cross() -> None:
    (child,) = placed(view_of(market=POST_ONLY))
    assert child.purpose == REST
    last = even_slices(D("0.3"), 1)
    for moment in (timedelta(0), MINUTE, 3 * MINUTE - SECOND):
        view = at(view_of(market=POST_ONLY, slices=last), moment)
        assert all(child.purpose == REST for child in placed(view))
        crossing = at(view_of(slices=last), moment)
        assert moment < 3 * MINUTE - SECOND or any(child.purpose == CROSS for child in placed(crossing))


def test_it_crosses_at_the_other_account_where_it_may() -> None:
    view = view_of(
        accounts=(replace(deep(), market=POST_ONLY), deep("beta")), slices=even_slices(D("0.3"), 1)
    )
    children = placed(at(view, 3 * MINUTE - SECOND))
    assert [(child.account, child.purpose) for child in children] == [("beta", CROSS)]


def test_a_router_waits_where_only_orders_that_rest_are_taken() -> None:
    view = view_of(
        algorithm="sor",
        parameters=SorParameters(),
        slices=(SlicePlan(1, NOW, NOW + MINUTE, D("0.3")),),
        market=POST_ONLY,
    )
    decision = decide(view)
    assert decision.commands == ()
    assert decision.why == "waits: BTC/USDT takes only orders that rest now (the venue says post_only)"
    assert decision.due_at is not None
    assert decision.due_at > NOW


def test_an_iceberg_shows_its_part_to_the_end_where_it_cannot_cross() -> None:
    view = view_of(
        algorithm="iceberg",
        parameters=IcebergParameters(duration=3 * MINUTE, visible_quantity=D("0.1")),
        slices=even_slices(D("0.3"), 1),
        arrival_mid=D(60_000),
        market=POST_ONLY,
    )
    (child,) = placed(at(view, 3 * MINUTE - SECOND))
    assert child.purpose == REST


def test_what_could_not_be_crossed_says_why_at_the_end() -> None:
    (move, *_) = moves_of(view_of(market=POST_ONLY, now=NOW + 3 * MINUTE))
    assert "takes only orders that rest" in move.reason


# --- the band ----------------------------------------------------------------------------------------


def test_a_cross_stays_within_the_venues_band() -> None:
    narrow = replace(MARKET, buy_band_high=D("1.0001"))
    (child,) = placed(at(view_of(market=narrow, slices=even_slices(D("0.3"), 1)), 3 * MINUTE - SECOND))
    assert child.price == D("60006.00")


def test_nothing_rests_where_the_venue_would_refuse_it() -> None:
    decision = decide(view_of(market=replace(MARKET, buy_band_low=D("0.9")), limit_price=D(50_000)))
    assert decision.commands == ()
    assert "outside the venue's price band, which asks for at least 54,000 now" in decision.why


def test_an_iceberg_rests_at_its_limit_price_within_the_venues_band() -> None:
    view = view_of(
        algorithm="iceberg",
        side=Side.SELL,
        parameters=IcebergParameters(duration=3 * MINUTE, visible_quantity=D("0.1")),
        slices=even_slices(D("0.3"), 1),
        arrival_mid=D(60_000),
        limit_price=D(59_500),
        quote=Quote(D(59_000), D(61_000), D(2), D(2), NOW),
        market=replace(MARKET, sell_band_low=D("0.999")),
    )
    (child,) = placed(view)
    assert (child.purpose, child.price) == (REST, D(59_940))


# --- the most of one order -----------------------------------------------------------------------------


@pytest.mark.parametrize("bound", [{"max_quantity": D(2)}, {"max_notional": D(130_000)}])
def test_a_cross_above_the_most_of_one_order_goes_in_several_at_once(bound: dict[str, Any]) -> None:
    view = view_of(accounts=(deep(**bound),), quantity=D(9), slices=even_slices(D(9), 1))
    children = placed(at(view, 3 * MINUTE - SECOND))
    assert len(children) == 5
    assert sum(child.quantity for child in children) == 9
    assert max(child.quantity for child in children) <= 2
    assert "in 5 orders, the exchange takes no larger one" in children[0].why


def test_a_router_splits_it_and_what_is_too_many_orders_follows() -> None:
    slices = (SlicePlan(1, NOW, NOW + MINUTE, D(40)),)
    view = view_of(
        algorithm="sor",
        parameters=SorParameters(),
        quantity=D(40),
        slices=slices,
        accounts=(deep(max_quantity=D(2)),),
    )
    children = placed(view)
    assert len(children) == MAX_PIECES
    assert all(child.quantity == 2 for child in children)
    filled = tuple(
        child_of(
            sequence=number,
            purpose=CROSS,
            status=ChildStatus.FILLED,
            quantity=D(2),
            done=D(2),
            is_settled=True,
            ended_at=NOW,
        )
        for number in range(1, 11)
    )
    following = at(replace(view, children=filled, done=D(20)), SECOND)
    assert sum(child.quantity for child in placed(following)) == 20


def test_what_rests_above_the_most_of_one_order_rests_in_several_one_after_the_other() -> None:
    view = view_of(accounts=(deep(max_quantity=D("0.04")),))
    (first,) = placed(view)
    assert first.quantity == D("0.04")
    resting = child_of(quantity=first.quantity, price=first.price)
    (second,) = placed(replace(view, children=(resting,)))
    assert second.quantity == D("0.04")
    both = (resting, replace(resting, sequence=2))
    (third,) = placed(replace(view, children=both))
    assert third.quantity == D("0.02")


def test_no_more_than_so_many_orders_rest_because_of_the_most_of_one() -> None:
    view = view_of(accounts=(deep(max_quantity=D("0.001")),))
    resting = tuple(
        child_of(sequence=number, quantity=D("0.001"), price=D("59999.50")) for number in range(1, MAX_PIECES)
    )
    assert placed(replace(view, children=resting))
    full = replace(view, children=(*resting, replace(resting[0], sequence=MAX_PIECES)))
    assert placed(full) == []
    assert decide(full).why == "slice 1: rests at 59,999.5"


def test_a_market_whose_most_is_under_its_least_gets_nothing_and_no_error() -> None:
    contradictory = deep(max_notional=D(5))
    view = view_of(accounts=(contradictory,), parameters=twap(), slices=even_slices(D("0.3"), 1))
    for moment in (timedelta(0), 3 * MINUTE - SECOND):
        assert placed(at(view, moment)) == []
