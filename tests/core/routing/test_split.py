"""A quantity over several venues: as much as can be had, at the best total after fees, exactly."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from execution.core.orders.view import AccountView
from execution.core.routing.account_selection import MAX_BOOK_AGE, effective_price
from execution.core.routing.split import Split, split
from execution.core.types import Book, Level, Side
from tests.core.builders import MARKET, NOW, QUOTE, D, sides

LABELS = ("alpha", "beta", "gamma", "delta")
SMALL = replace(MARKET, tick=D(1), lot=D(1), min_quantity=D(0), min_notional=D(0), taker_fee=D(0))


def venue(label: str, *levels: tuple[Any, Any], side: Side = Side.BUY, **changes: Any) -> AccountView:
    """Return a venue in whole units without fees and minimums. ``levels`` are the side that is taken."""
    taken: tuple[Level, ...] = tuple((D(price), D(size)) for price, size in levels)
    far = ((D(1), D(1)),) if side is Side.BUY else ((D(10_000), D(1)),)
    book = Book(far, taken, NOW) if side is Side.BUY else Book(taken, far, NOW)
    own = {name: changes.pop(name) for name in ("book", "free", "blocked", "quote") if name in changes}
    numbers: dict[str, Any] = {name: None if value is None else D(value) for name, value in changes.items()}
    market = replace(SMALL, **numbers)
    fields: dict[str, Any] = {"quote": None, "book": book, "free": D(1_000_000)} | own
    return AccountView(account=label, label=label, market=market, **fields)


def asked(
    quantity: Any, *venues: AccountView, side: Side = Side.BUY, limit: Any = None, **more: Any
) -> Split:
    limit_price = None if limit is None else D(limit)
    return split(side, D(quantity), venues, limit_price, now=NOW, **({"notional_margin": D(1)} | more))


def shares(found: Split) -> dict[str, Decimal]:
    return {part.venue.label: part.quantity for part in found.parts}


# --- against exhaustive search ---------------------------------------------------------------------


@st.composite
def small_venues(draw: st.DrawFn, side: Side) -> tuple[AccountView, ...]:
    """Draw up to four venues of up to three levels, with lots, minimums, fees and balances that get in the way."""
    found = []
    for label in LABELS[: draw(st.integers(1, 4))]:
        price, levels = draw(st.integers(95, 105)), []
        for _ in range(draw(st.integers(1, 3))):
            levels.append((price, draw(st.integers(1, 6))))
            price += side.sign * draw(st.integers(0, 4))
        spent = (5, 12) if side is Side.SELL else (300, 900)
        found.append(
            venue(
                label,
                *levels,
                side=side,
                lot=draw(st.sampled_from([1, 1, 2, 3, 5])),
                min_quantity=draw(st.sampled_from([0, 0, 2, 4])),
                min_notional=draw(st.sampled_from([0, 0, 150, 420])),
                max_quantity=draw(st.sampled_from([None, None, 7])),
                taker_fee=draw(st.sampled_from(["0", "0.01", "0.02", "0.001", None])),
                free=draw(st.sampled_from([None, D(1_000_000), D(1_000_000), *map(D, spent)])),
            )
        )
    return tuple(found)


def gross(levels: Sequence[Level], quantity: Decimal) -> Decimal | None:
    """Return the value of the quantity at the levels; None when they do not carry it."""
    worth, left = D(0), quantity
    for price, size in levels:
        worth, left = worth + price * min(left, size), left - min(left, size)
    return None if left else worth


def allowed(side: Side, each: AccountView, quantity: int, limit: Decimal | None) -> bool:
    """Return whether one child of ``quantity`` may go there, by every rule, one after the other."""
    market, amount = each.market, D(quantity)
    assert each.book is not None
    levels = [
        level
        for level in each.book.to_take(side)
        if limit is None or side.sign * level[0] <= side.sign * limit
    ]
    worth, fee = gross(levels, amount), market.taker_fee or D(0)
    if worth is None or amount % market.lot or amount < market.min_quantity or worth < market.min_notional:
        return False
    if market.max_quantity is not None and amount > market.max_quantity:
        return False
    locked = (worth if limit is None else amount * limit) * (1 + fee)
    return each.free is None or (locked if side is Side.BUY else amount) <= each.free


def rank(side: Side, venues: Sequence[AccountView], amounts: Sequence[int]) -> tuple[Decimal, ...]:
    """Return a rank, smaller is better: most in all, least where something is unknown, least cost after fees."""
    unknown, cost = D(0), D(0)
    for each, amount in zip(venues, amounts, strict=True):
        assert each.book is not None
        worth = gross(each.book.to_take(side), D(amount))
        assert worth is not None
        cost += side.sign * worth * (1 + side.sign * (each.market.taker_fee or D(0)))
        unknown += amount if each.market.taker_fee is None or each.free is None else 0
    return -D(sum(amounts)), unknown, cost


def every(
    side: Side, venues: Sequence[AccountView], quantity: int, limit: Decimal | None
) -> Iterator[tuple[int, ...]]:
    """Yield every way to give each venue nothing or an allowed amount, up to the quantity."""
    amounts = [
        [0, *(amount for amount in range(1, quantity + 1) if allowed(side, each, amount, limit))]
        for each in venues
    ]
    return (found for found in itertools.product(*amounts) if sum(found) <= quantity)


@settings(max_examples=250)
@given(st.data(), sides, st.integers(1, 20), st.booleans(), st.one_of(st.none(), st.integers(94, 108)))
def test_no_other_way_to_split_does_more_or_costs_less(
    data: st.DataObject, side: Side, quantity: int, single: bool, limit: int | None
) -> None:
    venues = data.draw(small_venues(side))
    bound = None if limit is None else D(limit)
    found = asked(quantity, *venues, side=side, limit=bound, single=single)
    given_ = tuple(int(shares(found).get(each.label, 0)) for each in venues)
    ways = set(every(side, venues, quantity, bound))
    if single:
        ways = {way for way in ways if sum(amount > 0 for amount in way) <= 1}
    assert given_ in ways, "it respects every rule"
    assert rank(side, venues, given_) == min(rank(side, venues, way) for way in ways)


@settings(max_examples=60)
@given(st.data(), sides, st.integers(1, 20))
def test_the_figures_are_those_of_the_levels_taken(data: st.DataObject, side: Side, quantity: int) -> None:
    venues = data.draw(small_venues(side))
    found = asked(quantity, *venues, side=side)
    for part in found.parts:
        book, fee = part.venue.book, part.venue.market.taker_fee
        assert book is not None
        price = effective_price(side, part.quantity, book, fee)
        assert (part.cash is None) == (fee is None) == (price is None)
        if part.cash is not None and price is not None:
            assert abs(part.cash / part.quantity - price) < D("1e-20")
    assert found.filled + found.unfilled == quantity
    assert found.saved_bp is None or single_is_no_better(found)


def single_is_no_better(found: Split) -> bool:
    """Return whether a saving is never negative where everything is known."""
    assert found.saved_bp is not None
    known = all(part.venue.free is not None for part in found.parts)
    return found.saved_bp >= 0 or not known or any(each.venue.free is None for each in found.alone)


FINE = {"alpha": "0.001", "beta": "0.00001", "gamma": "0.0000001", "delta": "0.0007"}


@settings(max_examples=40)
@given(st.data(), sides, st.integers(1, 10**8))
def test_fine_and_coarse_lots_leave_less_than_a_coarse_lot_that_can_be_had(
    data: st.DataObject, side: Side, units: int
) -> None:
    sizes = st.integers(1, 5_000_000).map(lambda size: D(size).scaleb(-7))
    venues = [
        venue(
            label, *((100 + side.sign * at, data.draw(sizes)) for at in range(3)), side=side, lot=FINE[label]
        )
        for label in LABELS
    ]
    quantity = D(units).scaleb(-7)
    found = asked(quantity, *venues, side=side)
    depth = sum(
        (sum((size for _, size in each.book.to_take(side)), D(0)) for each in venues if each.book), D(0)
    )
    assert found.filled <= quantity
    assert found.unfilled < D(FINE["alpha"]) or found.filled > depth - sum(map(D, FINE.values()))
    assert all(part.quantity % part.venue.market.lot == 0 for part in found.parts)


# --- one rule at a time ----------------------------------------------------------------------------


def test_the_cheapest_levels_after_fees_are_taken_wherever_they_are() -> None:
    alpha = venue("alpha", (100, 2), (103, 9), taker_fee="0.01")
    beta = venue("beta", (102, 3), (110, 9), taker_fee="0.001")
    found = asked(6, alpha, beta)
    assert shares(found) == {"alpha": 3, "beta": 3}
    assert found.cash == D("303") * D("1.01") + D("306") * D("1.001")
    assert [part.price for part in found.parts] == [103, 102], "the worst level taken, without a limit"


def test_a_sell_weighs_what_it_receives() -> None:
    alpha = venue("alpha", (101, 5), side=Side.SELL, taker_fee="0.02")
    beta = venue("beta", (100, 5), side=Side.SELL)
    found = asked(4, alpha, beta, side=Side.SELL)
    assert (shares(found), found.average_price) == ({"beta": D(4)}, D(100))


def test_a_minimum_can_make_the_dearer_venue_right() -> None:
    alpha = venue("alpha", (100, 9), min_quantity=4)
    beta = venue("beta", (99, 5), min_quantity=4)
    assert shares(asked(7, alpha, beta)) == {"alpha": D(7)}, "5 and 2 would leave 2 under alpha's minimum"
    assert shares(asked(8, alpha, beta)) == {"alpha": D(4), "beta": D(4)}


def test_what_is_not_there_is_said_with_the_price_of_what_is() -> None:
    found = asked(10, venue("alpha", (100, 2)), venue("beta", (101, 3), (120, 9)), limit=110)
    assert (found.filled, found.unfilled, found.average_price) == (D(5), D(5), D("100.6"))
    assert found.why == "5 of 10 is available: alpha 2, beta 3 at 101 after fees"
    assert [part.price for part in found.parts] == [110, 110], "children carry the limit"
    assert all(each.cash is None for each in found.alone), "none can do the full amount"


def test_it_explains_what_each_would_cost_and_what_is_saved() -> None:
    found = asked(4, venue("alpha", (100, 2), (102, 9)), venue("beta", (101, 3)))
    assert [each.price for each in found.alone] == [101, None]
    assert (found.average_price, found.best_alone and found.best_alone.label) == (D("100.5"), "alpha")
    assert found.saved_bp is not None
    assert round(found.saved_bp, 2) == D("49.75")
    assert found.why.endswith("after fees, 49.8 bp better than alpha alone")


def test_the_single_best_venue_does_the_most_and_then_the_cheapest() -> None:
    venues = (venue("alpha", (100, 2), (104, 9)), venue("beta", (101, 9)), venue("gamma", (90, 3)))
    assert shares(asked(4, *venues, single=True)) == {"beta": D(4)}
    assert shares(asked(3, *venues, single=True)) == {"gamma": D(3)}


@pytest.mark.parametrize("unknown", [{"taker_fee": None}, {"free": None}])
def test_what_is_unknown_gets_only_what_the_known_cannot_take(unknown: dict[str, Any]) -> None:
    cheaper, known = venue("alpha", (90, 9), **unknown), venue("beta", (100, 3))
    assert shares(asked(3, cheaper, known)) == {"beta": D(3)}
    found = asked(5, cheaper, known)
    assert shares(found) == {"alpha": D(2), "beta": D(3)}
    assert ("fee" if "taker_fee" in unknown else "balance") + " unknown" in found.why
    assert (found.cash is None) == ("taker_fee" in unknown), "an unknown fee makes the total unknown"


def test_the_balance_of_an_only_account_is_not_called_unknown() -> None:
    """The desk does not ask for it, because there is no other account to compare it with."""
    only = venue("alpha", ("100", "2"), free=None)
    assert "unknown" not in asked("1", only).why
    assert "alpha's balance unknown" in asked("3", only, venue("beta", ("101", "2"))).why


def test_a_balance_pays_the_limit_and_the_fee_which_is_what_is_locked() -> None:
    alpha = venue("alpha", (100, 9), taker_fee="0.01", free=D(505))
    assert asked(9, alpha).filled == 5
    assert asked(9, alpha, limit=120).filled == 4
    sold = venue("alpha", (100, 9), side=Side.SELL, free=D("3.5"))
    assert asked(9, sold, side=Side.SELL).filled == 3


def test_the_limit_is_on_each_venues_tick() -> None:
    coarse, fine = venue("alpha", (100, 1), tick="5"), venue("beta", (100, 1), tick="0.1")
    assert [part.price for part in asked(2, coarse, fine, limit="103.27").parts] == [100, D("103.2")]


def test_the_minimum_notional_is_kept_with_a_margin() -> None:
    alpha = venue("alpha", (100, 9), min_notional=300)
    assert asked(3, alpha).filled == 3
    found = split(Side.BUY, D(3), [alpha], None, now=NOW)
    assert (found.filled, found.why) == (D(0), "alpha: 3 is under its minimum of 4")


OLD = NOW - MAX_BOOK_AGE - timedelta(seconds=1)
ONE = ((D(100), D(9)),)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"blocked": "it is halted"}, "it is halted"),
        ({"book": Book(((D(99), D(1)),), ONE, OLD)}, "stale"),
        ({"book": Book(((D(101), D(1)),), ONE, NOW)}, "crossed"),
        ({"book": Book((), ((D(100), D(1)), (D(99), D(1))), NOW)}, "out of order"),
        ({"book": Book((), ((D("NaN"), D(1)),), NOW)}, "an invalid price or size"),
        ({"book": Book(ONE, (), NOW)}, "nobody offers"),
        ({"book": None}, "no market data"),
        ({"book": None, "quote": replace(QUOTE, ask_size=None)}, "depth unknown"),
        ({"free": D(1)}, "balance is too small (1 free)"),
    ],
)
def test_a_venue_that_cannot_take_part_is_out_with_the_reason(changes: dict[str, Any], words: str) -> None:
    found = asked(3, venue("alpha", (90, 9), **changes), venue("beta", (100, 9)))
    assert shares(found) == {"beta": D(3)}
    assert words in found.alone[0].trouble
    assert words in found.why


def test_books_that_cross_each_other_are_normal() -> None:
    high = venue("alpha", book=Book(((D(110), D(2)),), ((D(111), D(2)),), NOW))
    low = venue("beta", book=Book(((D(99), D(2)),), ((D(100), D(2)),), NOW))
    assert shares(asked(3, high, low)) == {"alpha": D(1), "beta": D(2)}


@pytest.mark.parametrize(("quantity", "limit"), [("0", None), ("-1", None), ("NaN", None), ("1", "0")])
def test_a_quantity_or_a_limit_that_is_none_is_refused(quantity: str, limit: str | None) -> None:
    with pytest.raises(ValueError, match="must be above zero"):
        asked(quantity, venue("alpha", (100, 1)), limit=limit)


def test_without_venues_nothing_is_had() -> None:
    assert asked(1).filled == 0
    assert asked(1).why == "no account takes 1"
