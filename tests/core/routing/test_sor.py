"""The router: what remains goes out at once over the accounts, what was missed again, never beyond the limit."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from execution.core.algorithms.decide import decide
from execution.core.algorithms.registry import plan_order
from execution.core.orders.parameters import SorParameters
from execution.core.orders.plans import PlanInput, SlicePlan
from execution.core.orders.slices import slice_at
from execution.core.orders.view import CROSS, AccountView, ChangeStatus, Decision, OrderView, PlaceChild
from execution.core.problems import Refused
from execution.core.routing.sor import judge_sor, route_now, route_rows, route_would, split_cross
from execution.core.states import ChildStatus, OrderStatus
from execution.core.types import Book, Quote, Side, TimeInForce
from tests.core.builders import MARKET, NOW, QUOTE, D, child_of, moves_of, twap, venue_of, view_of
from tests.core.simulator import Rates, Simulation

SECOND = timedelta(seconds=1)
END = NOW + timedelta(minutes=1)


def priced(label: str, *asks: tuple[str, str], fee: str = "0.001", **changes: Any) -> AccountView:
    """Return a venue that offers these levels; its bids are a bit below the first."""
    best = D(asks[0][0])
    bid = best - D("0.50")
    book = Book(((bid, D(5)),), tuple((D(price), D(size)) for price, size in asks), NOW)
    quote = Quote(bid, best, D(5), D(asks[0][1]), NOW)
    fields = {
        "quote": quote,
        "book": book,
        "market": replace(MARKET, taker_fee=D(fee)),
        "free": D(10_000_000),
    }
    return venue_of(label, **(fields | changes))


ALPHA = priced("alpha", ("60000.00", "0.4"), ("60010.00", "1"))
BETA = priced("beta", ("60001.00", "0.3"), ("60020.00", "1"))


def routed(*venues: AccountView, quantity: str = "0.6", **changes: Any) -> OrderView:
    parameters = SorParameters(**changes.pop("parameters", {}))
    fields: dict[str, Any] = {
        "algorithm": "sor",
        "quantity": D(quantity),
        "parameters": parameters,
        "slices": (SlicePlan(1, NOW, END, D(quantity)),),
        "end_at": END,
        "accounts": venues or (ALPHA, BETA),
    }
    return view_of(**(fields | changes))


def intends(decision: Decision) -> dict[str, tuple[Decimal, Decimal]]:
    """Return quantity and price of each new child by account."""
    found = [command for command in decision.commands if isinstance(command, PlaceChild)]
    assert all(one.time_in_force is TimeInForce.IOC and one.purpose == CROSS for one in found)
    return {one.account: (one.quantity, one.price or D(0)) for one in found}


def given_of(view: OrderView) -> PlanInput:
    return PlanInput(
        now=view.now,
        side=view.side,
        quantity=view.quantity,
        parameters=view.parameters,
        limit_price=view.limit_price,
        start=view.start_at,
        end=view.end_at,
        market=MARKET,
        price=D(60_000),
        quote=QUOTE,
    )


def problem_of(view: OrderView) -> str:
    given, venues = given_of(view), view.accounts
    with pytest.raises(Refused) as refused:
        judge_sor(given, venues, route_now(given, venues))
    return refused.value.problems[0].message


def test_the_whole_quantity_is_one_slice_from_start_to_end() -> None:
    view = routed()
    assert plan_order("sor", given_of(view)).slices == (SlicePlan(1, NOW, END, D("0.6")),)


def test_children_go_to_both_venues_in_one_decision_and_say_why() -> None:
    decision = decide(routed())
    assert intends(decision) == {"alpha": (D("0.4"), D(60_000)), "beta": (D("0.2"), D(60_001))}
    assert "bp better than alpha alone" in decision.why


def test_the_single_best_venue_when_asked() -> None:
    assert set(intends(decide(routed(parameters={"mode": "single"})))) == {"alpha"}


@pytest.mark.parametrize("limit", [None, D(60_050)])
def test_a_book_whose_price_is_no_number_is_left_out(limit: Decimal | None) -> None:
    odd = Book(BETA.book.bids if BETA.book else (), ((D("NaN"), D(1)),), NOW)
    view = routed(ALPHA, replace(BETA, book=odd, quote=replace(QUOTE, ask=D("NaN"))), limit_price=limit)
    split = route_now(given_of(view), view.accounts)
    assert {part.venue.label: part.quantity for part in split.parts if part.quantity} == {"alpha": D("0.6")}


def test_nothing_new_goes_out_until_every_child_is_settled() -> None:
    assert intends(decide(routed(children=(child_of(purpose=CROSS),)))) == {}


def ended(account: str, at: timedelta, **changes: Any) -> Any:
    fields: dict[str, Any] = {
        "account": account, "purpose": CROSS, "status": ChildStatus.EXPIRED, "is_settled": True,
        "ended_at": NOW + at, "done": D("0.2"), "quantity": D("0.4"),
    }  # fmt: skip
    return child_of(**(fields | changes))


def test_what_a_venue_did_not_fill_is_routed_again_by_a_book_that_is_newer() -> None:
    missed = ended("alpha", SECOND / 2)
    same_books = routed(children=(missed,), done=D("0.2"), now=NOW + SECOND)
    assert decide(same_books).commands == (), "alpha's book shows what was taken from it: a newer one comes"
    assert set(intends(decide(replace(same_books, now=NOW + 2.5 * SECOND)))) == {"beta"}, "it does not come"
    newer = replace(ALPHA, book=replace(ALPHA.book, at=NOW + SECOND))  # type: ignore[type-var]
    both = routed(newer, BETA, children=(missed,), done=D("0.2"), now=NOW + SECOND)
    assert intends(decide(both))["alpha"][0] == D("0.4")


def test_a_venue_that_refused_is_left_out_while_there_is_another() -> None:
    refused = ended("alpha", SECOND / 2, status=ChildStatus.REJECTED, done=D(0), reason="InvalidOrder: no")
    view = routed(replace(ALPHA, book=replace(ALPHA.book, at=NOW + SECOND)), BETA, children=(refused,))  # type: ignore[type-var]
    assert set(intends(decide(replace(view, now=NOW + SECOND)))) == {"beta"}


def test_nothing_beyond_the_limit_and_a_quote_inside_it_wakes_the_order() -> None:
    decision = decide(routed(limit_price=D("59990.00")))
    assert not decision.commands
    assert decision.wake_below == D("59990.00")
    assert intends(decide(routed(limit_price=D("60000.50")))) == {"alpha": (D("0.4"), D(60_000))}


def test_the_collar_of_each_venue_bounds_its_levels() -> None:
    view = routed(quantity="2", parameters={"collar_bp": "1"})
    worst = max(price for _, price in intends(decide(view)).values())
    assert worst < D("60010.00"), "alpha's second level is 1.7 bp above its mid"


def test_one_that_would_rather_do_nothing_closes_before_anything_was_sent() -> None:
    view = routed(quantity="5", parameters={"shortfall": "refuse"})
    decision = decide(view)
    (move,) = decision.commands
    assert isinstance(move, ChangeStatus)
    assert move.outcome is OrderStatus.CANCELLED
    assert "nothing was sent: 2.7 of 5 is available" in move.reason
    part = decide(routed(quantity="5"))
    assert sum(quantity for quantity, _ in intends(part).values()) == D("2.7")


def test_a_remainder_under_every_minimum_ends_the_order() -> None:
    decision = decide(routed(done=D("0.59999")))
    (move,) = decision.commands
    assert isinstance(move, ChangeStatus)
    assert move.outcome is OrderStatus.EXPIRED
    assert "0.00001 BTC left is under every exchange's minimum" in move.reason


def test_without_books_the_touch_stands_in_after_they_had_time_to_come() -> None:
    bare = [replace(venue, book=None) for venue in (ALPHA, BETA)]
    assert not decide(routed(*bare)).commands
    later = NOW + 3 * SECOND
    fresh = [replace(venue, quote=replace(venue.quote, at=later)) for venue in bare]  # type: ignore[type-var]
    found = intends(decide(routed(*fresh, now=later, start_at=NOW)))
    assert found == {"alpha": (D("0.4"), D(60_000)), "beta": (D("0.2"), D(60_001))}


def test_launch_is_refused_for_an_account_that_is_closed_or_whose_market_data_is_stale() -> None:
    closed = replace(BETA, blocked="account beta is closed")
    assert problem_of(routed(ALPHA, closed)) == "beta cannot be routed to: account beta is closed."
    stale = replace(BETA, quote=replace(QUOTE, at=NOW - timedelta(minutes=1)))
    assert "stale" in problem_of(routed(ALPHA, stale))


def test_launch_is_refused_when_the_books_do_not_carry_it_and_says_what_they_do() -> None:
    message = problem_of(routed(quantity="5", parameters={"shortfall": "refuse"}))
    assert "The books cannot fill 5 BTC within limit and collar: 2.7 of 5 is available, at 60," in message
    given = given_of(routed(quantity="5"))
    judge_sor(given, (ALPHA, BETA), route_now(given, (ALPHA, BETA)))


def test_the_cost_of_a_route_is_its_own_average_after_fees_against_the_mid() -> None:
    found = route_now(given_of(routed()), (ALPHA, BETA))
    average, cost = found.average_price, found.cost_bp(D(60_000))
    assert average is not None
    assert cost == (average / 60_000 - 1) * 10_000 > 10, "the fee alone is ten"
    unknown = replace(ALPHA, market=replace(ALPHA.market, taker_fee=None))
    assert route_now(given_of(routed()), (unknown,)).cost_bp(D(60_000)) is None


@pytest.mark.parametrize(
    ("price", "changes", "filled"),
    [
        ("60001", {}, "0.6"),
        ("59999", {}, None),  # the market has not come to it
        ("60001", {"limit_price": D(59_999)}, None),
        ("60001", {"quantity": D(5)}, None),  # the books do not carry all of it
        ("60001", {"start": NOW + timedelta(minutes=1)}, None),
    ],
)
def test_an_order_whose_i_would_price_is_there_takes_at_once(
    price: str, changes: dict[str, Any], filled: str | None
) -> None:
    given = replace(given_of(routed()), parameters=twap(i_would_price=D(price)), **changes)
    found = route_would(given, (ALPHA, BETA))
    assert (None if found is None else found.filled) == (None if filled is None else D(filled))
    assert route_would(replace(given, parameters=twap()), (ALPHA, BETA)) is None


def test_a_slice_of_another_algorithm_crosses_over_several_accounts() -> None:
    view = view_of(accounts=(ALPHA, BETA))
    work = slice_at(view)
    assert work is not None
    children = split_cross(view, work, D("0.6"))
    assert {child.account: child.quantity for child in children} == {"alpha": D("0.4"), "beta": D("0.2")}
    assert all(child.slice_number == 1 for child in children)


def test_the_explanation_has_a_row_for_each_account_with_its_price_its_part_and_why_it_is_out() -> None:
    closed = replace(priced("gamma", ("59000.00", "5")), blocked="account gamma is closed")
    found = route_now(given_of(routed()), (ALPHA, BETA, closed))
    alpha, beta, gamma = route_rows(found)
    assert (alpha.part, beta.part, gamma.part) == (D("0.4"), D("0.2"), D(0))
    assert alpha.price == (D("0.4") * 60_000 + D("0.2") * 60_010) * D("1.001") / D("0.6")
    assert alpha.cash == alpha.price * D("0.6")
    assert alpha.part_cash == D(24_000) * D("1.001")
    assert (alpha.part_price, alpha.child_limit) == (D(60_000) * D("1.001"), D(60_000))
    assert alpha.is_best_alone
    assert not beta.is_best_alone
    assert (gamma.trouble, gamma.price, gamma.part_cash) == ("account gamma is closed", None, None)
    assert (gamma.part_price, gamma.child_limit) == (None, None)
    assert sum((row.part for row in (alpha, beta, gamma)), D(0)) == found.filled


@settings(deadline=None)
@given(
    st.integers(19, 300_000),
    st.sampled_from(Side),
    st.sampled_from([None, "59990.00", "60010.00"]),
    st.booleans(),
    st.sampled_from(["split", "single"]),
    st.integers(0, 2**32),
    st.floats(0, 0.5),
)
def test_whatever_the_venues_do_it_never_takes_too_much_and_always_ends(
    lots: int, side: Side, limit: str | None, has_books: bool, mode: str, seed: int, bad: float
) -> None:
    quantity, end = lots * MARKET.lot, NOW + timedelta(seconds=20)
    book = Book(((QUOTE.bid, D(1)),), ((QUOTE.ask, D(1)),), NOW) if has_books else None
    view = routed(
        *(venue_of(label, book=book) for label in ("alpha", "beta", "gamma")),
        quantity=str(quantity),
        status=OrderStatus.SCHEDULED,
        side=side,
        limit_price=None if limit is None else D(limit),
        parameters={"mode": mode},
        slices=(SlicePlan(1, NOW, end, quantity),),
        end_at=end,
    )
    run = Simulation(view, Rates(rejects=bad, loses=bad, late_news=bad, stale=bad, blocks=bad), seed).run()
    assert run.executed <= quantity
    assert run.executed == sum((child.facts.filled for child in run.placed), D(0))


@pytest.mark.parametrize("side", list(Side))
def test_a_route_that_nobody_can_pay_is_not_woken_by_every_quote(side: Side) -> None:
    decision = decide(routed(replace(ALPHA, free=D(0)), side=side))
    assert decision.commands == ()
    assert (decision.wake_below, decision.wake_above) == (None, None), (
        "the market is inside the bounds already"
    )


def test_a_remainder_waits_for_an_account_that_takes_it_and_is_only_blocked_for_now() -> None:
    strict = priced("strict", ("60000.00", "0.4"), market=replace(MARKET, min_quantity=D("0.5")))
    view = routed(replace(ALPHA, blocked="it is not reconciled yet"), strict, quantity="0.3")
    assert decide(view).commands == ()
    assert moves_of(routed(strict, quantity="0.3"))[0].outcome is OrderStatus.EXPIRED
