"""The ladder of a ticket and of an order: books that are published, those that are left out, and what is ours."""

from __future__ import annotations

from datetime import timedelta

import pytest

from execution.core.market_data.feeds import Feed, FeedState, FeedStatus
from execution.core.types import Side
from execution.models import ChildOrder, User
from execution.selectors.ladder import LadderPlace, ladder_of_order, ladder_of_ticket, ladder_read
from tests.factories import NOW, SYMBOL, D, Rows

BIDS = [("59999.50", "1"), ("59999.00", "2"), ("59990.00", "4")]
ASKS = [("60000.50", "1"), ("60001.00", "2"), ("60009.00", "4")]
OTHER_BIDS = [("59999.20", "3")]
OTHER_ASKS = [("60000.80", "3")]


def place_of(rows: Rows, *labels: str) -> LadderPlace:
    place = ladder_of_ticket(person=rows.trader, accounts=labels, symbol=SYMBOL)
    assert place is not None
    return place


def test_fresh_books_of_two_venues_are_one_ladder(rows: Rows) -> None:
    beta = rows.beside()
    rows.book(BIDS, ASKS)
    rows.book(OTHER_BIDS, OTHER_ASKS, venue=beta.venue)
    ladder = ladder_read(place_of(rows, "alpha", "beta"), group=100, now=NOW)
    assert [(row["price"], row["sizes"], row["depth"]) for row in ladder["bids"]] == [
        ("59999", ["3", "3"], "6"),
        ("59990", ["4", "0"], "10"),
    ]
    assert [row["price"] for row in ladder["asks"]] == ["60001", "60009"]
    assert [(book["label"], book["used"], book["words"]) for book in ladder["books"]] == [
        ("alpha", True, ""),
        ("beta", True, ""),
    ]
    assert (ladder["bid"], ladder["ask"], ladder["mid"], ladder["is_old"]) == (
        "59999.5",
        "60000.5",
        "60000",
        False,
    )
    assert ladder["spread_bp"] == "0.17"


@pytest.mark.parametrize(
    ("every", "group"), [("0.01", 1), ("0.03", 1), ("0.1", 10), ("0.7", 100), ("1", 100)]
)
def test_the_step_is_the_largest_that_fills_the_ladder(rows: Rows, every: str, group: int) -> None:
    prices = [D(every) * at for at in range(1, 31)]
    bids, asks = ([(str(D(60_000) + sign * price), "1") for price in prices] for sign in (-1, 1))
    rows.book(bids, asks)
    ladder = ladder_read(place_of(rows, "alpha"), group=None, now=NOW)
    assert D(ladder["step"]) == D(ladder["tick"]) * group
    assert (len(ladder["bids"]), len(ladder["asks"])) == (12, 12)


def test_a_book_that_fills_no_ladder_has_the_finest_step(rows: Rows) -> None:
    rows.book(BIDS, ASKS)
    ladder = ladder_read(place_of(rows, "alpha"), group=None, now=NOW)
    assert ladder["step"] == ladder["tick"]


def test_accounts_of_one_venue_share_its_book(rows: Rows) -> None:
    from tests.factories import make_account

    make_account(rows.venue, "second", rows.trader)
    rows.book(BIDS, ASKS)
    ladder = ladder_read(place_of(rows, "alpha", "second"), group=1, now=NOW)
    assert [book["label"] for book in ladder["books"]] == ["alpha, second"]
    assert ladder["bids"][0]["size"] == "1", "the book counts once"


def test_an_old_or_missing_book_is_left_out_and_says_why(rows: Rows) -> None:
    beta = rows.beside()
    gamma = rows.beside("gamma")
    late = NOW + timedelta(seconds=10)
    rows.book(BIDS, ASKS, at=late)
    rows.quote(venue=beta.venue)
    rows.book(OTHER_BIDS, OTHER_ASKS, venue=beta.venue)
    ladder = ladder_read(place_of(rows, "alpha", "beta", gamma.label), group=1, now=late)
    assert [(book["label"], book["used"], book["words"]) for book in ladder["books"]] == [
        ("alpha", True, ""),
        ("beta", False, "the book is 10 s old"),
        ("gamma", False, "no order book yet"),
    ]
    assert all(len(row["sizes"]) == 1 for row in ladder["bids"])
    assert ladder["mid"] == "60000"


def test_without_a_fresh_book_the_last_ones_are_shown_as_old(rows: Rows) -> None:
    rows.book(BIDS, ASKS)
    ladder = ladder_read(place_of(rows, "alpha"), group=1, now=NOW + timedelta(minutes=1))
    assert ladder["is_old"]
    assert ladder["bids"][0]["price"] == "59999.5"
    assert ladder["books"][0]["words"] == "the book is 60 s old"
    assert ladder["collar"] is None, "a collar of an old mid would be no collar"


def test_beside_an_order_the_faults_of_its_other_feeds_are_said(rows: Rows) -> None:
    child = resting(rows)
    rows.book(BIDS, ASKS)
    rows.feeds({Feed.QUOTES: FeedStatus(FeedState.SILENT, NOW, "nothing new")})
    place = ladder_of_order(order_pk=child.order_id, now=NOW)
    assert place is not None
    (book,) = ladder_read(place, group=1, now=NOW)["books"]
    assert (book["used"], book["notes"]) == (True, ["quotes are silent since 12:00:00 UTC: nothing new"])
    (book,) = ladder_read(place_of(rows, "alpha"), group=1, now=NOW)["books"]
    assert book["notes"] == [], "the ticket's checks say it"
    old = ladder_read(place, group=1, now=NOW + timedelta(minutes=1))
    assert (old["slice"], old["order"]) == (None, None), "an old book says nothing of what a size reaches"


def test_without_any_book_nothing_is_known(rows: Rows) -> None:
    ladder = ladder_read(place_of(rows, "alpha"), group=1, now=NOW)
    assert (ladder["bids"], ladder["asks"], ladder["mid"], ladder["spread_bp"]) == ([], [], None, None)
    assert not ladder["is_old"]


def test_what_is_not_theirs_has_no_ladder(rows: Rows) -> None:
    assert ladder_of_ticket(person=rows.supervisor, accounts=["alpha"], symbol=SYMBOL) is None
    assert ladder_of_ticket(person=rows.trader, accounts=["alpha"], symbol="ETH/USDT") is None
    assert ladder_of_ticket(person=rows.trader, accounts=[], symbol=SYMBOL) is None


def resting(rows: Rows) -> ChildOrder:
    """Return a child on the book, half of it filled."""
    child = rows.resting()
    child.status, child.price, child.reported_filled = "partly_filled", D("59999.00"), child.quantity / 2
    child.save()
    return child


def test_an_orders_ladder_marks_its_children_and_how_far_it_reaches(rows: Rows) -> None:
    child = resting(rows)
    rows.book(BIDS, ASKS)
    place = ladder_of_order(order_pk=child.order_id, now=NOW)
    assert place is not None
    assert (place.side, place.quantity, place.slice_quantity) == (Side.BUY, D("0.3"), D("0.1"))
    ladder = ladder_read(place, group=1, now=NOW)
    own = {row["price"]: row["own"] for row in ladder["bids"] if row["own"]}
    assert own == {
        "59999": [{"order": child.order.public_id, "side": "buy", "price": "59999", "quantity": "0.05"}]
    }
    assert ladder["collar"] == "60300"
    assert ladder["slice"] == {
        "quantity": "0.1",
        "carried": "0.1",
        "price": "60000.5",
        "cost_bp": "0.08",
        "average_bp": "0.08",
    }


def test_a_size_that_the_books_do_not_carry_says_how_much_they_do(rows: Rows) -> None:
    from dataclasses import replace

    rows.book(BIDS, ASKS)
    place = replace(place_of(rows, "alpha"), side=Side.SELL, quantity=D(100))
    found = ladder_read(place, group=1, now=NOW)["order"]
    assert found is not None
    assert (found["carried"], found["price"], found["cost_bp"]) == ("7", None, None)


def test_a_size_reaches_no_further_than_the_limit(rows: Rows) -> None:
    order = resting(rows).order
    assert order.terms is not None
    rows.book(BIDS, ASKS)
    for limit, carried in (("60000.50", "1"), ("60000.00", "0")):
        order.terms.limit_price, order.quantity = D(limit), D(3)
        order.terms.save()
        order.save()
        place = ladder_of_order(order_pk=order.pk, now=NOW)
        assert place is not None
        ladder = ladder_read(place, group=1, now=NOW)
        assert ladder["order"] is not None
        assert ladder["limit"] == limit.rstrip("0").rstrip(".")
        assert (ladder["order"]["carried"], ladder["order"]["price"]) == (carried, None)


def test_a_slice_that_is_filled_gives_way_to_the_next_one(rows: Rows) -> None:
    order = rows.working()
    for filled, left in (("0", "0.1"), ("0.04", "0.06"), ("0.1", "0.1"), ("0.25", "0.05"), ("0.3", None)):
        order.filled = D(filled)
        order.save()
        place = ladder_of_order(order_pk=order.pk, now=NOW)
        assert place is not None
        assert place.slice_quantity == (None if left is None else D(left))


def test_an_order_without_a_schedule_has_no_slice(rows: Rows) -> None:
    order = rows.working()
    assert order.terms is not None
    order.algorithm = "pov"
    order.terms.parameters = {"participation_rate": "0.1", "duration": "PT30M"}
    order.terms.save()
    order.save()
    place = ladder_of_order(order_pk=order.pk, now=NOW)
    assert place is not None
    assert (place.slice_quantity, place.quantity) == (None, D("0.3"))


def test_a_trader_sees_own_children_and_another_trader_does_not(rows: Rows) -> None:
    child = resting(rows)
    other = User.objects.create(username="other", role="trader")
    rows.account.traders.add(other)
    assert [own.price for own in place_of(rows, "alpha").own] == [child.price]
    theirs = ladder_of_ticket(person=other, accounts=["alpha"], symbol=SYMBOL)
    assert theirs is not None
    assert theirs.own == ()


def test_an_order_that_is_over_reaches_nowhere(rows: Rows) -> None:
    order = rows.working()
    order.status = "cancelled"
    order.save()
    place = ladder_of_order(order_pk=order.pk, now=NOW)
    assert place is not None
    assert (place.quantity, place.slice_quantity, place.collar_bp) == (None, None, None)
