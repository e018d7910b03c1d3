"""Opposite orders of the desk on one account: the later one prices behind, or waits and says so."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from execution.core.algorithms.decide import decide
from execution.core.orders.slices import OPPOSED_RECHECK
from execution.core.orders.view import CROSS, REST, AccountView, CancelChild, Opposing, OrderView, PlaceChild
from execution.core.routing.account_selection import child_price, known_quote
from execution.core.types import ZERO, Side
from tests.core.algorithms.test_any_view import check_decision, check_progress, check_wakes
from tests.core.algorithms.test_decide import CROSSES, cancelled, intend_of
from tests.core.any_view import any_view
from tests.core.builders import NOW, QUOTE, D, child_of, twap, venue_of, view_of

ticks = st.integers(-40, 40)


def sells_at(price: str, *, is_shown: bool = True) -> Opposing:
    return Opposing("abc123", Side.SELL, D(price), is_shown)


def alpha(opposing: Opposing | None, at: timedelta = timedelta(0)) -> AccountView:
    """Return an account that quotes 59,999.50 to 60,000.50."""
    return venue_of("alpha", quote=replace(QUOTE, at=NOW + at), opposing=opposing)


def opposed(view: OrderView, distances: list[int]) -> OrderView:
    """Return the view with an opposing order at each account, so many ticks from the middle of its touch; 40:
    none.
    """
    accounts = []
    for venue, distance in zip(view.accounts, distances, strict=False):
        if venue.quote is not None and distance != 40:
            tick = venue.market.tick
            price = (venue.quote.bid // tick + distance) * tick
            venue = replace(venue, opposing=Opposing("abc123", view.side.opposite, price))
        accounts.append(venue)
    return replace(view, accounts=tuple(accounts))


@settings(max_examples=600, deadline=None)
@given(st.integers(0, 2**32), st.lists(ticks, min_size=3, max_size=3))
def test_no_child_of_any_order_meets_what_the_desk_rests_on_the_other_side(
    seed: int, distances: list[int]
) -> None:
    view = opposed(any_view(seed), distances)
    decision = decide(view)
    check_decision(view, decision)
    check_wakes(view, decision)
    check_progress(view)
    venues = {venue.account: venue for venue in view.accounts}
    for command in decision.commands:
        if not isinstance(command, PlaceChild) or (there := venues[command.account].opposing) is None:
            continue
        assert command.price is not None
        behind = (there.price - command.price) * view.side.sign
        assert behind >= venues[command.account].market.tick


@settings(max_examples=300, deadline=None)
@given(st.integers(0, 2**32), st.lists(ticks, min_size=3, max_size=3), st.sampled_from([REST, CROSS]))
def test_the_worst_allowed_price_is_a_tick_behind_and_else_as_without_it(
    seed: int, distances: list[int], purpose: str
) -> None:
    view = opposed(any_view(seed), distances)
    for venue in view.usable:
        price = child_price(view, venue, purpose)
        alone = child_price(view, replace(venue, opposing=None), purpose)
        assert price > ZERO
        if venue.opposing is None:
            assert price == alone
            continue
        worst = venue.opposing.worst_allowed(venue.market.tick)
        assert price == (min(alone, worst) if view.side is Side.BUY else max(alone, worst))
        if purpose == REST and view.limit_price is None:
            assert price == known_quote(venue).passive(view.side), "it keeps its place at the touch, or waits"


def test_an_order_rests_a_tick_behind_and_takes_only_what_is_before_the_other_one() -> None:
    view = view_of(accounts=(alpha(sells_at("59999.55")),))
    assert intend_of(view).price == D("59999.54"), "else it would rest a tenth into the spread"
    late = view_of(now=NOW + CROSSES, done=D("0.2"), accounts=(alpha(sells_at("60100"), CROSSES),))
    assert (intend_of(late).purpose, intend_of(late).price) == (CROSS, D("60099.99"))


@pytest.mark.parametrize(("is_shown", "verb"), [(True, "rests"), (False, "may rest")])
def test_an_order_that_can_do_nothing_behind_the_other_one_waits_and_is_looked_at_again_soon(
    is_shown: bool, verb: str
) -> None:
    there = sells_at("59990", is_shown=is_shown)
    decision = decide(view_of(accounts=(alpha(there),)))
    assert decision.commands == ()
    assert decision.why == f"waits: order abc123 {verb} a sell at 59,990 on alpha"
    assert decision.due_at == NOW + OPPOSED_RECHECK


def test_a_limit_that_is_behind_the_other_one_anyway_is_not_held_up() -> None:
    view = view_of(accounts=(alpha(sells_at("59990")),), limit_price=D("59980"))
    assert intend_of(view).price == D("59980")


def test_a_cross_that_the_other_one_bars_says_so_and_what_rests_stays() -> None:
    at = timedelta(seconds=2)
    rests = child_of(price=D("59999.50"), quantity=D("0.1"), slice_number=1, intended_at=NOW + at)
    barred = alpha(sells_at("60000.50"), at)
    eager = twap(urgency=D(1))
    decision = decide(view_of(now=NOW + at, parameters=eager, children=(rests,), accounts=(barred,)))
    assert decision.commands == ()
    assert decision.why.endswith("; waits to cross: order abc123 rests a sell at 60,000.5 on alpha")
    assert decision.due_at is not None
    assert decision.due_at <= NOW + at + OPPOSED_RECHECK


def test_of_two_that_bar_each_other_at_their_ends_neither_keeps_resting_so_that_both_can_cross() -> None:
    """A buy and a sell at a touch one tick wide: each rests in the way of the other's last cross."""
    at = timedelta(minutes=3) - timedelta(seconds=4)
    quote = replace(QUOTE, bid=D("60000.00"), ask=D("60000.01"), at=NOW + at)
    for side, own, other in ((Side.BUY, quote.bid, quote.ask), (Side.SELL, quote.ask, quote.bid)):
        barred = venue_of("alpha", quote=quote, opposing=Opposing("abc123", side.opposite, other))
        rests = child_of(price=own, quantity=D("0.1"), slice_number=3)
        view = view_of(now=NOW + at, side=side, done=D("0.2"), children=(rests,), accounts=(barred,))
        decision = decide(view)
        assert [type(command) for command in decision.commands] == [CancelChild]
        gone = replace(view, children=())
        waiting = decide(gone)
        assert waiting.commands == (), "it does not come to rest again"
        assert waiting.why.startswith("slice 3; waits to cross: order abc123 rests a ")
        assert waiting.due_at == NOW + at + OPPOSED_RECHECK
        free = intend_of(replace(gone, accounts=(replace(barred, opposing=None),)))
        assert (free.purpose, free.quantity) == (CROSS, D("0.1"))


@pytest.mark.parametrize(("was_sent", "seconds"), [(True, 1), (False, 0.25)])
def test_a_cross_that_was_dropped_before_it_was_sent_is_soon_decided_anew(
    was_sent: bool, seconds: float
) -> None:
    child = cancelled(D("0.1"), purpose=CROSS, ended_at=NOW + CROSSES, slice_number=3)
    ended = replace(child, was_sent=was_sent)
    view = view_of(now=NOW + CROSSES, done=D("0.2"), children=(ended,), accounts=(alpha(None, CROSSES),))
    assert decide(view).due_at == NOW + CROSSES + timedelta(seconds=seconds)
    assert intend_of(replace(view, now=view.now + timedelta(seconds=seconds))).purpose == CROSS


def test_at_its_end_the_order_says_which_one_was_in_the_way() -> None:
    end = timedelta(minutes=3)
    barred = alpha(sells_at("60000.50"), end)
    decision = decide(view_of(now=NOW + end, done=D("0.2"), accounts=(barred,)))
    assert "order abc123 rests a sell at 60,000.5" in decision.why


def test_it_goes_where_no_other_order_of_the_desk_is_in_the_way() -> None:
    beta = venue_of("beta", quote=replace(QUOTE, bid=D("60009.50"), ask=D("60010.50")))
    view = view_of(accounts=(alpha(sells_at("59990")), beta))
    assert intend_of(view).account == "beta"
    assert "alpha: order abc123 rests a sell at 59,990 on alpha" in intend_of(view).why
    at = replace(known_quote(beta), at=NOW + CROSSES)
    late = view_of(
        now=NOW + CROSSES,
        done=D("0.2"),
        accounts=(alpha(sells_at("60000.50"), CROSSES), replace(beta, quote=at)),
    )
    assert (intend_of(late).account, intend_of(late).purpose) == ("beta", CROSS)


@given(st.decimals("0.01", "100000", places=4), st.sampled_from(Side), st.sampled_from(["0.01", "0.25", "5"]))
def test_the_bound_is_on_the_tick_and_at_least_one_behind(price: Decimal, side: Side, step: str) -> None:
    tick = D(step)
    worst = Opposing("abc123", side, price).worst_allowed(tick)
    assert worst % tick == ZERO
    assert tick <= (price - worst) * side.opposite.sign < 2 * tick
