"""The account of a slice: never one that costs more than another one after fees."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from execution.core.orders.view import CROSS, AccountView
from execution.core.quantities import combined_market, common_step, floor_to, is_multiple
from execution.core.routing.account_selection import (
    cheapest,
    effective_price,
    ranking,
    reference_quote,
)
from execution.core.states import ChildStatus
from execution.core.types import Book, Quote, Side
from tests.core.builders import (
    MARKET,
    NOW,
    QUOTE,
    D,
    child_of,
    markets,
    sides,
    steps,
    twap,
    venue_of,
    view_of,
)

LABELS = ("alpha", "beta", "gamma", "delta")
QUANTITY = D("0.1")
fees = st.sampled_from([D(0), D("0.0004"), D("0.001"), D("0.002")])


def book_of(*, ask: str = "60000.50", size: str = "1", at: Any = NOW) -> Book:
    """Return a book of one level a side, a dollar wide."""
    price = D(ask)
    return Book(bids=((price - 1, D(size)),), asks=((price, D(size)),), at=at)


def priced(
    label: str, ask: str, *, fee: str | None = "0.001", size: str = "1", **changes: Any
) -> AccountView:
    """Return a venue whose book offers ``size`` at ``ask``, and bids a dollar less."""
    book = book_of(ask=ask, size=size)
    market = replace(MARKET, taker_fee=None if fee is None else D(fee))
    return venue_of(
        label, **({"market": market, "quote": book.touch, "book": book, "free": D(100_000)} | changes)
    )


def choice_of(*venues: AccountView, quantity: Decimal = QUANTITY, **changes: Any) -> tuple[str | None, str]:
    choice = cheapest(view_of(accounts=venues, **changes), quantity)
    return choice.venue.label if choice.venue else None, choice.why


@st.composite
def books(draw: st.DrawFn) -> Book:
    """Draw up to four levels a side within 1 % of 60,000, best first and not crossed."""
    mid = draw(st.integers(59_800, 60_200))
    gaps = st.lists(st.integers(1, 100), min_size=1, max_size=4)
    sizes = st.sampled_from(["0.02", "0.05", "0.1", "0.5"]).map(D)

    def side(sign: int) -> tuple[tuple[Decimal, Decimal], ...]:
        price, levels = D(mid), []
        for gap in draw(gaps):
            price += sign * gap
            levels.append((price, draw(sizes)))
        return tuple(levels)

    return Book(side(-1), side(1), NOW)


@st.composite
def venues(draw: st.DrawFn, *, least: int = 2) -> tuple[AccountView, ...]:
    """Draw venues whose fees and balances may be unknown, that may be blocked or stale, with lots of their own."""
    found = []
    for label in LABELS[: draw(st.integers(least, len(LABELS)))]:
        book = draw(books())
        market = replace(
            MARKET,
            lot=draw(st.sampled_from([D("0.00001"), D("0.001"), D("0.03")])),
            taker_fee=draw(st.one_of(st.none(), fees, fees, fees)),
        )
        age = timedelta(seconds=draw(st.sampled_from([0, 0, 0, 6])))
        free = draw(st.sampled_from([None, D(1), D(7_000), D(1_000_000), D(1_000_000)]))
        blocked = draw(st.sampled_from(["", "", "", "it is halted"]))
        quote = replace(book.touch, at=NOW - age)
        found.append(AccountView(label, label, market, quote, book, free, blocked))
    return tuple(found)


def cost(side: Side, venue: AccountView, quantity: Decimal) -> Decimal | None:
    """Return the cost of the whole quantity there after fees, + for either side; None when it may not go there."""
    if venue.trouble(NOW) or venue.book is None or not is_multiple(quantity, venue.market.lot):
        return None
    need = quantity if side is Side.SELL else quantity * 61_500  # more than the collar and the fee
    if venue.free is None or venue.free < need:
        return None
    price = effective_price(side, quantity, venue.book, venue.market.taker_fee)
    return None if price is None else side.sign * price


@given(venues(), sides, st.integers(1, 40))
def test_no_other_account_that_takes_it_all_is_cheaper_after_fees(
    given_venues: tuple[AccountView, ...], side: Side, lots: int
) -> None:
    quantity = lots * D("0.01")
    view = view_of(accounts=given_venues, side=side, parameters=twap(collar_bp=D(200)))
    choice = cheapest(view, quantity)
    costs = {venue.label: cost(side, venue, quantity) for venue in given_venues}
    known = {label: price for label, price in costs.items() if price is not None}
    if known:
        assert choice.venue is not None
        assert choice.quantity == quantity
        assert known[choice.venue.label] == min(known.values()), choice.why
    if choice.venue is not None:
        assert not choice.venue.trouble(NOW)
        assert is_multiple(choice.quantity, choice.venue.market.lot)
        assert 0 < choice.quantity <= quantity
    assert choice.why


@given(venues(), sides, st.randoms(use_true_random=False))
def test_the_order_of_the_accounts_settles_nothing_but_ties(
    given_venues: tuple[AccountView, ...], side: Side, random: Any
) -> None:
    shuffled = list(given_venues)
    random.shuffle(shuffled)
    views = [view_of(accounts=tuple(order), side=side) for order in (given_venues, shuffled)]
    one, other = (cheapest(view, QUANTITY) for view in views)
    assert (one.venue is None) == (other.venue is None)
    if one.venue == other.venue:
        assert one.quantity == other.quantity
    else:  # a tie; each takes what its own lot allows
        ranked, _ = ranking(views[0], QUANTITY, CROSS)
        ranks = {candidate.venue.label: candidate.rank(side, QUANTITY) for candidate in ranked}
        assert one.venue is not None
        assert other.venue is not None
        assert ranks[one.venue.label] == ranks[other.venue.label]


@given(st.lists(books(), min_size=2, max_size=4), st.integers(1, 20))
def test_selling_is_buying_in_the_mirror(sides_of: list[Book], lots: int) -> None:
    def mirrored(book: Book) -> Book:
        """Return the book reflected at 60,000, so that asks become bids."""
        turned = [tuple((120_000 - price, size) for price, size in side) for side in (book.asks, book.bids)]
        return Book(turned[0], turned[1], book.at)

    def chosen(side: Side, found: list[Book]) -> tuple[str | None, Decimal]:
        market = replace(MARKET, taker_fee=D(0))
        rows = tuple(
            AccountView(label, label, market, book.touch, book)
            for label, book in zip(LABELS, found, strict=False)
        )
        choice = cheapest(
            view_of(accounts=rows, side=side, parameters=twap(collar_bp=D(500))), lots * D("0.01")
        )
        return choice.venue.label if choice.venue else None, choice.quantity

    assert chosen(Side.BUY, sides_of) == chosen(Side.SELL, [mirrored(book) for book in sides_of])


@given(venues(), fees)
def test_a_higher_fee_elsewhere_never_changes_the_choice(
    given_venues: tuple[AccountView, ...], more: Decimal
) -> None:
    before = cheapest(view_of(accounts=given_venues), QUANTITY).venue
    dearer = tuple(
        venue
        if venue == before or venue.market.taker_fee is None
        else replace(venue, market=replace(venue.market, taker_fee=venue.market.taker_fee + more))
        for venue in given_venues
    )
    after = cheapest(view_of(accounts=dearer), QUANTITY).venue
    assert (after and after.account) == (before and before.account)


# --- one rule at a time ----------------------------------------------------------------------------


def test_the_cheaper_book_wins_and_the_reason_says_by_how_much() -> None:
    label, why = choice_of(priced("alpha", "60003"), priced("beta", "60000"))
    assert label == "beta"
    assert why == "beta 60,060 after fees, 0.5 bp better than alpha"


@pytest.mark.parametrize(("side", "winner"), [(Side.BUY, "alpha"), (Side.SELL, "beta")])
def test_fees_flip_the_choice(side: Side, winner: str) -> None:
    dear = {"alpha": ("0.0010", "60010"), "beta": ("0.0020", "60000")}
    equal = [priced(label, ask) for label, (_, ask) in dear.items()]
    assert choice_of(*equal, side=side)[0] == ("beta" if side is Side.BUY else "alpha")
    with_fees = {Side.BUY: dear, Side.SELL: {"alpha": ("0.0020", "60010"), "beta": ("0.0010", "60000")}}[side]
    assert (
        choice_of(*(priced(label, ask, fee=fee) for label, (fee, ask) in with_fees.items()), side=side)[0]
        == winner
    )


def test_depth_counts_and_not_the_touch_alone() -> None:
    thin = Book(bids=((D(59_999), D(1)),), asks=((D(60_000), D("0.01")), (D(60_100), D(1))), at=NOW)
    assert choice_of(priced("alpha", "60000", book=thin), priced("beta", "60005"))[0] == "beta"
    assert (
        choice_of(priced("alpha", "60000", book=thin), priced("beta", "60005"), quantity=D("0.01"))[0]
        == "alpha"
    )


def test_none_carries_it_all_then_the_one_that_carries_most() -> None:
    label, why = choice_of(priced("alpha", "60000", size="0.02"), priced("beta", "60005", size="0.07"))
    assert label == "beta"
    assert "can fill 0.07 of 0.1" in why
    assert "alpha can fill 0.02" in why


def test_what_lies_beyond_the_collar_or_the_limit_is_not_carried() -> None:
    deep = Book(bids=((D(59_999), D(1)),), asks=((D(60_000), D("0.01")), (D(60_400), D(9))), at=NOW)
    assert choice_of(priced("alpha", "60000", book=deep), priced("beta", "60005", size="0.05"))[0] == "beta"
    assert choice_of(priced("alpha", "60000"), priced("beta", "60010"), limit_price=D(60_001))[0] == "alpha"
    beyond = choice_of(priced("alpha", "60003"), priced("beta", "60002"), limit_price=D(60_000))
    assert beyond[0] == "beta", "the nearest waits for the market to come back"


@pytest.mark.parametrize("unknown", [{"fee": None}, {"free": None}])
def test_what_is_unknown_goes_after_what_is_known_and_says_so(unknown: dict[str, Any]) -> None:
    better = priced("alpha", "59000", **unknown)
    label, why = choice_of(better, priced("beta", "60000"))
    assert label == "beta"
    name = "fee" if "fee" in unknown else "balance"
    assert f"alpha's {name} unknown" in why
    alone = choice_of(better, priced("beta", "60000", blocked="it is halted"))
    assert alone[0] == "alpha"
    assert f"({name} unknown)" in alone[1]


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"blocked": "it is halted"}, "it is halted"),
        ({"quote": None}, "no market data"),
        ({"quote": replace(QUOTE, at=NOW - timedelta(seconds=5.1))}, "stale"),
        ({"quote": replace(QUOTE, bid=D(60_001))}, "crossed"),
        ({"free": D(10)}, "balance is too small (10 free)"),
        ({"market": replace(MARKET, min_quantity=D("0.2"))}, "under its minimum of 0.2"),
        ({"market": replace(MARKET, lot=D("0.3"))}, "under its minimum of 0.3"),
    ],
)
def test_a_venue_that_cannot_take_it_is_left_out_with_the_reason(changes: dict[str, Any], words: str) -> None:
    out = priced("alpha", "59000", **changes)
    label, why = choice_of(out, priced("beta", "60000"))
    assert label == "beta"
    assert words in why
    assert choice_of(out, priced("beta", "60000", blocked="closed"))[0] is None


def test_a_market_crossed_between_venues_is_normal() -> None:
    assert choice_of(priced("alpha", "60000"), priced("beta", "60050"))[0] == "alpha"


def test_a_balance_that_pays_a_part_takes_a_part_when_nobody_takes_it_all() -> None:
    venues_ = (priced("alpha", "60000", free=D(3_000)), priced("beta", "60000", free=D(1_000)))
    choice = cheapest(view_of(accounts=venues_), QUANTITY)
    assert choice.venue is not None
    assert choice.venue.label == "alpha"
    assert D("0.0495") < choice.quantity < D("0.05"), "at the collar, with the fee"
    full = cheapest(view_of(accounts=(*venues_, priced("gamma", "60100"))), QUANTITY)
    assert (full.venue and full.venue.label, full.quantity) == ("gamma", QUANTITY)


def test_without_a_fresh_book_the_touch_stands_in_and_the_reason_says_so() -> None:
    old = book_of(ask="50000", at=NOW - timedelta(seconds=4))
    label, why = choice_of(priced("alpha", "60000", book=old), priced("beta", "60010"))
    assert (label, "no order book, only its best price is known" in why) == ("alpha", True)
    crossed = Book(bids=((D(60_001), D(1)),), asks=((D(50_000), D(1)),), at=NOW)
    assert choice_of(priced("alpha", "60000", book=crossed), priced("beta", "59999"))[0] == "beta"
    no_sizes = replace(QUOTE, ask_size=None)
    label, why = choice_of(priced("alpha", "0", book=None, quote=no_sizes), priced("beta", "60100"))
    assert (label, "alpha's depth unknown" in why) == ("beta", True)


def test_an_account_that_refused_a_child_of_this_slice_goes_last() -> None:
    refused = child_of(
        account="alpha", status=ChildStatus.REJECTED, is_settled=True, reason="InsufficientFunds: no"
    )
    pair = (priced("alpha", "60000"), priced("beta", "60010"))
    assert choice_of(*pair, children=(refused,))[0] == "beta"
    harmless = replace(refused, reason="OrderImmediatelyFillable: would take")
    assert choice_of(*pair, children=(harmless,))[0] == "alpha"


def test_one_account_is_not_weighed() -> None:
    poor = venue_of("alpha", free=D(1), market=replace(MARKET, max_quantity=D("0.05"), taker_fee=None))
    choice = cheapest(view_of(accounts=(poor,)), QUANTITY)
    assert (choice.venue, choice.quantity, choice.why) == (poor, D("0.05"), "")


# --- prices ----------------------------------------------------------------------------------------


def test_an_effective_price_is_the_average_after_the_fee_or_unknown() -> None:
    book = Book(bids=((D(99), D(1)), (D(98), D(3))), asks=((D(100), D(1)), (D(102), D(3))), at=NOW)
    assert effective_price(Side.BUY, D(2), book, D("0.01")) == D("102.01")
    assert effective_price(Side.SELL, D(2), book, D("0.01")) == D("97.515")
    assert effective_price(Side.BUY, D(5), book, D(0)) is None, "the book does not carry it"
    assert effective_price(Side.BUY, D(1), book, None) is None, "the fee is unknown, not zero"
    assert effective_price(Side.SELL, D(1), book.touch, D(0)) == 99
    assert effective_price(Side.SELL, D(2), book.touch, D(0)) is None


quotes = st.builds(
    lambda bid, spread, age: Quote(D(bid), D(bid + spread), D(1), D(1), NOW - timedelta(seconds=age)),
    st.integers(100, 120),
    st.integers(-1, 10),
    st.integers(0, 8),
)


@given(st.lists(quotes, max_size=4))
def test_the_reference_is_sane_fresh_and_within_what_the_venues_say(given_quotes: list[Quote]) -> None:
    reference = reference_quote(given_quotes, NOW)
    usable = [q for q in given_quotes if q.is_sane and NOW - q.at <= timedelta(seconds=5)]
    assert (reference is None) == (not usable)
    if reference is not None:
        assert reference.is_sane
        assert min(q.bid for q in usable) <= reference.mid <= max(q.ask for q in usable)
        assert reference.at in {q.at for q in usable}


# --- limits that fit everywhere --------------------------------------------------------------------


@given(st.lists(markets(), min_size=1, max_size=3), st.integers(1, 1000))
def test_what_fits_the_combined_market_fits_each(found: list[Any], lots: int) -> None:
    market = combined_market(found)
    quantity = lots * market.lot
    assert all(is_multiple(quantity, each.lot) for each in found)
    assert all(is_multiple(lots * market.tick, each.tick) for each in found)
    assert market.min_quantity >= max(each.min_quantity for each in found)
    assert market.min_notional >= max(each.min_notional for each in found)


@given(st.lists(steps, min_size=1, max_size=3))
def test_a_common_step_is_the_smallest(found: list[Decimal]) -> None:
    step = common_step(found)
    assert all(is_multiple(step, each) for each in found)
    assert floor_to(step, max(found)) == step
    assert step == max(found) or len({*found}) > 1


def test_a_fee_that_one_venue_does_not_tell_is_unknown_for_all() -> None:
    known, unknown = replace(MARKET, maker_fee=D("0.001")), replace(MARKET, maker_fee=None)
    assert combined_market([known, unknown]).maker_fee is None
    assert combined_market([known, replace(known, maker_fee=D("0.002"))]).maker_fee == D("0.002")
