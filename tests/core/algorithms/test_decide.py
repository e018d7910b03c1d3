"""The one decide, case by case: who does what when, and says why."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from execution.core.algorithms.book_imbalance import others_quote
from execution.core.algorithms.decide import decide
from execution.core.orders.view import CROSS, REST, CancelChild, ChildView, OrderView, PlaceChild, Rejections
from execution.core.states import ORDER_FINAL, ChildStatus, OrderEvent, OrderStatus
from execution.core.types import Book, OrderType, Quote, Side, TimeInForce
from tests.core.builders import (
    MARKET,
    MINUTE,
    NOW,
    QUOTE,
    D,
    at_venue,
    cancels_of,
    child_of,
    even_slices,
    moves_of,
    twap,
    venue_of,
    view_of,
)

#: When the last slice of ``view_of`` begins, and when it begins to cross: five seconds before its end.
LAST, CROSSES = 2 * MINUTE, 2 * MINUTE + timedelta(seconds=55)


def seconds(number: float) -> timedelta:
    return timedelta(seconds=number)


def intend_of(view: OrderView) -> PlaceChild:
    (command,) = decide(view).commands
    assert isinstance(command, PlaceChild)
    return command


def cancelled(done: Decimal, **changes: Any) -> ChildView:
    return child_of(status=ChildStatus.CANCELLED, done=done, is_settled=True, cancel_wanted=True, **changes)


# --- a slice --------------------------------------------------------------------------------------


@pytest.mark.parametrize(("side", "price"), [(Side.BUY, "59999.60"), (Side.SELL, "60000.40")])
def test_a_slice_rests_post_only_a_tenth_into_the_spread(side: Side, price: str) -> None:
    intend = intend_of(view_of(side=side))
    assert (intend.price, intend.quantity, intend.slice_number) == (D(price), D("0.1"), 1)
    assert (intend.type, intend.time_in_force) == (OrderType.LIMIT, TimeInForce.POST_ONLY)
    assert decide(view_of(side=side)).due_at == NOW + seconds(3), "a twentieth of the slice"


@pytest.mark.parametrize(("side", "price"), [(Side.BUY, "59999.50"), (Side.SELL, "60000.50")])
def test_without_any_urgency_it_rests_at_its_own_side_of_the_book(side: Side, price: str) -> None:
    for at in (seconds(0), seconds(59), CROSSES - seconds(1)):
        assert intend_of(view_of(side=side, now=NOW + at, parameters=twap(urgency=0))).price == D(price)


@pytest.mark.parametrize(("side", "limit"), [(Side.BUY, "59000"), (Side.SELL, "61000")])
def test_what_rests_stays_within_the_limit(side: Side, limit: str) -> None:
    assert intend_of(view_of(side=side, limit_price=D(limit))).price == D(limit)


def test_while_it_rests_nothing_else_is_done() -> None:
    decision = decide(view_of(now=NOW + seconds(10), children=(child_of(price=D("59999.70")),)))
    assert decision.commands == ()
    assert decision.due_at == NOW + seconds(13)


def test_what_the_book_has_left_is_moved_after_its_patience_and_not_before() -> None:
    outbid = child_of(price=D("59999.40"))
    early = view_of(now=NOW + seconds(4.9), children=(outbid,))
    assert decide(early).commands == ()
    assert cancels_of(replace(early, now=NOW + seconds(5))) == [1]
    assert decide(view_of(now=NOW + seconds(5), children=(child_of(cancel_wanted=True),))).commands == ()


def test_the_more_it_is_behind_the_further_into_the_spread_it_rests() -> None:
    prices = [intend_of(view_of(now=NOW + seconds(at))).price or D(0) for at in (0, 15, 30, 45, 57)]
    assert prices == sorted(prices)
    assert prices[-1] > prices[0]
    assert intend_of(view_of(now=NOW + 2 * MINUTE + seconds(54))).price == D("60000.20"), "two slices behind"


def test_a_child_that_still_stands_well_keeps_its_place_into_the_next_slice() -> None:
    view = view_of(now=NOW + MINUTE, children=(child_of(price=D("59999.90")),))
    intend = intend_of(view)
    assert intend.slice_number == 2
    assert intend.quantity == D("0.1"), "the other tenth rests already"


def test_our_own_order_is_not_the_market_that_it_follows() -> None:
    own = child_of(price=D("59999.90"), intended_at=NOW - MINUTE)
    book = Book(
        ((D("59999.90"), D("0.1")), (D("59999.50"), D(2))), ((D("60000.50"), D(2)),), NOW + seconds(1)
    )
    quote = replace(book.touch, at=NOW + seconds(1))
    view = view_of(now=NOW + seconds(1), accounts=(venue_of(quote=quote, book=book),), children=(own,))
    assert decide(view).commands == ()
    others = others_quote(view, view.accounts[0])
    assert (others.bid, others.ask) == (D("59999.50"), D("60000.50"))


def test_at_the_crossing_time_what_rests_is_cancelled_first() -> None:
    view = view_of(now=NOW + CROSSES, done=D("0.2"), children=(child_of(slice_number=3),))
    assert cancels_of(view) == [1]
    assert len(decide(view).commands) == 1, "and nothing is sent in its place yet"
    assert cancels_of(replace(view, now=view.now - seconds(1))) == []


def test_nothing_crosses_before_the_cancel_is_settled() -> None:
    for status in (ChildStatus.CANCELLING, ChildStatus.UNKNOWN, ChildStatus.CANCELLED):
        waiting = child_of(status=status, cancel_wanted=True, slice_number=3)
        decision = decide(view_of(now=NOW + CROSSES, done=D("0.2"), children=(waiting,)))
        assert decision.commands == (), status
        assert "to end" in decision.why


@pytest.mark.parametrize("purpose", [REST, CROSS])
def test_what_is_over_keeps_nothing_back_while_its_trades_are_still_to_be_read(purpose: str) -> None:
    """An exchange may tell the end and the figure at once, and list the trades seconds later."""
    over = child_of(
        status=ChildStatus.CANCELLED,
        purpose=purpose,
        done=D("0.05"),
        cancel_wanted=True,
        slice_number=3,
        ended_at=NOW + CROSSES - MINUTE,
    )
    crossing = intend_of(view_of(now=NOW + CROSSES, done=D("0.25"), children=(over,)))
    assert (crossing.purpose, crossing.quantity) == (CROSS, D("0.05"))
    last = decide(view_of(done=D("0.3"), status=OrderStatus.CLOSING, children=(over,)))
    assert last.commands == (), "the order ends when they are recorded"


def test_a_slice_in_between_crosses_only_what_is_more_than_a_slice_behind() -> None:
    at = MINUTE + seconds(58)
    assert intend_of(view_of(now=NOW + at, done=D("0.1"))).purpose == REST, "one slice behind"
    crossing = intend_of(view_of(now=NOW + at, done=D("0.04")))
    assert (crossing.purpose, crossing.quantity) == (CROSS, D("0.06"))


def test_with_all_urgency_a_slice_crosses_at_once() -> None:
    intend = intend_of(view_of(parameters=twap(urgency=1)))
    assert (intend.purpose, intend.quantity) == (CROSS, D("0.1"))


@pytest.mark.parametrize(("side", "price"), [(Side.BUY, "60270.00"), (Side.SELL, "59730.00")])
def test_what_is_left_crosses_immediate_or_cancel_inside_the_collar(side: Side, price: str) -> None:
    children = (cancelled(D("0.04"), ended_at=NOW, slice_number=3),)
    view = view_of(side=side, now=NOW + CROSSES, done=D("0.24"), children=children)
    intend = intend_of(view)
    assert (intend.quantity, intend.time_in_force, intend.purpose) == (D("0.06"), TimeInForce.IOC, CROSS)
    assert intend.price == D(price), "nine tenths of the collar's 50 bp from the mid, never a market order"


@pytest.mark.parametrize(("side", "limit"), [(Side.BUY, "60001"), (Side.SELL, "59999")])
def test_a_crossing_child_stays_within_the_limit(side: Side, limit: str) -> None:
    view = view_of(side=side, now=NOW + CROSSES, done=D("0.2"), limit_price=D(limit))
    assert (intend_of(view).purpose, intend_of(view).price) == (CROSS, D(limit))


@pytest.mark.parametrize(("side", "limit"), [(Side.BUY, "60000"), (Side.SELL, "60000")])
def test_a_market_beyond_the_limit_is_waited_for(side: Side, limit: str) -> None:
    resting = child_of(slice_number=3, price=D(limit))
    view = view_of(side=side, now=NOW + CROSSES, done=D("0.2"), limit_price=D(limit), children=(resting,))
    decision = decide(view)
    assert decision.commands == ()
    bound = decision.wake_below if side is Side.BUY else decision.wake_above
    assert bound == D(limit)


def test_after_a_cross_the_book_gets_a_second_to_come_back() -> None:
    taken = child_of(purpose=CROSS, status=ChildStatus.EXPIRED, is_settled=True, done=D("0.05"))
    at = NOW + CROSSES
    ended = replace(taken, slice_number=3, ended_at=at - seconds(0.4))
    view = view_of(now=at, done=D("0.25"), children=(ended,))
    decision = decide(view)
    assert decision.commands == ()
    assert decision.due_at == at + seconds(0.6)
    assert intend_of(replace(view, now=at + seconds(0.6))).quantity == D("0.05")


def test_what_a_slice_left_undone_is_carried_on() -> None:
    assert intend_of(view_of(now=NOW + MINUTE, done=D("0.04"))).quantity == D("0.16")


def test_catching_up_has_a_cap() -> None:
    view = view_of(now=NOW + MINUTE, parameters=twap(catch_up_cap=D("1.5")))
    assert intend_of(view).quantity == D("0.15")


def test_the_last_slice_keeps_back_what_its_cross_will_need() -> None:
    view = view_of(now=NOW + 2 * MINUTE, done=D("0.2"))
    assert intend_of(view).quantity == D("0.1") - D("0.00021")  # 10 USDT and a tenth, at 54,000


def test_a_last_slice_too_small_for_two_children_only_crosses() -> None:
    small = {"quantity": D("0.0009"), "slices": even_slices(D("0.0009"), 3), "done": D("0.0006")}
    for at in (LAST, CROSSES):
        child = intend_of(view_of(now=NOW + at, **small))
        assert (child.purpose, child.quantity) == (CROSS, D("0.0003"))


def test_dust_under_the_minimum_is_never_sent() -> None:
    for at in (LAST, CROSSES):
        view = view_of(now=NOW + at, done=D("0.3") - D("0.00018"))
        assert decide(view).commands == ()


def test_a_child_is_never_larger_than_the_exchange_takes() -> None:
    market = replace(MARKET, max_quantity=D("0.030004"))
    assert intend_of(view_of(market=market)).quantity == D("0.03")


# --- what stops it --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("quote", "words"),
    [
        (None, "no market data"),
        (replace(QUOTE, at=NOW - seconds(5.001)), "stale"),
        (replace(QUOTE, bid=D(60_001)), "crossed"),
        (replace(QUOTE, bid=QUOTE.ask), "crossed"),
        (replace(QUOTE, ask=D("NaN")), "crossed or empty"),
        (replace(QUOTE, ask=D("Infinity")), "crossed or empty"),
        (replace(QUOTE, bid=D(0)), "crossed or empty"),
    ],
)
def test_bad_market_data_intends_nothing_and_says_so(quote: Quote | None, words: str) -> None:
    decision = decide(view_of(quote=quote))
    assert decision.commands == ()
    assert words in decision.why
    assert decision.due_at is not None


def test_stale_data_is_told_once_and_not_anew_each_second() -> None:
    old = replace(QUOTE, at=NOW)
    whys = {decide(view_of(now=NOW + seconds(second), quote=old)).why for second in range(6, 40)}
    assert len(whys) == 1


@pytest.mark.parametrize("trouble", [{"blocked": "the account is closed"}, {"quote": None}])
def test_what_is_overdue_is_cancelled_even_when_nothing_new_may_come(trouble: dict[str, Any]) -> None:
    view = view_of(now=NOW + MINUTE, children=(child_of(),), **trouble)
    assert cancels_of(view) == [1]
    assert cancels_of(replace(view, now=NOW + seconds(10))) == [], "its slice still runs"


def test_a_paused_order_cancels_what_rests_and_intends_nothing() -> None:
    view = view_of(status=OrderStatus.PAUSED, children=(child_of(), child_of(sequence=2, cancel_wanted=True)))
    assert cancels_of(view) == [1], "one is on its way already"
    assert len(decide(view).commands) == 1


@pytest.mark.parametrize(("count", "wait"), [(1, 0.5), (2, 1), (3, 2), (6, 16), (7, 30), (9, 30)])
def test_refusals_back_off_from_half_a_second_to_thirty(count: int, wait: float) -> None:
    view = view_of(now=NOW, rejections=Rejections(count, NOW, "InsufficientFunds"))
    assert decide(view).commands == ()
    assert decide(view).due_at == NOW + seconds(wait)
    ready = replace(view, now=NOW + seconds(wait))
    assert isinstance(decide(at_venue(ready, quote=replace(QUOTE, at=ready.now))).commands[0], PlaceChild)


def test_ten_refusals_in_a_row_pause_the_order_for_a_person() -> None:
    view = view_of(rejections=Rejections(10, NOW, "InsufficientFunds"), children=(child_of(),))
    (move,) = moves_of(view)
    assert (move.event, move.needs_person) == (OrderEvent.PAUSE, True)
    assert "10 children in a row were refused: InsufficientFunds" in move.reason
    assert cancels_of(view) == [1]


def test_post_only_refusals_are_nobodys_fault() -> None:
    assert moves_of(view_of(rejections=Rejections(10, NOW, "OrderImmediatelyFillable"))) == []


# --- beginning and end ----------------------------------------------------------------------------


def test_a_scheduled_order_starts_at_its_start() -> None:
    early = view_of(status=OrderStatus.SCHEDULED, start_at=NOW + MINUTE)
    assert decide(early).commands == ()
    assert decide(early).due_at == NOW + MINUTE
    (move,) = moves_of(replace(early, now=NOW + MINUTE))
    assert move.event is OrderEvent.START


def test_a_start_that_was_slept_through_expires_the_order() -> None:
    moves = moves_of(view_of(status=OrderStatus.SCHEDULED, now=NOW + 3 * MINUTE))
    assert [move.event for move in moves] == [OrderEvent.CLOSE, OrderEvent.EXPIRE]


def test_an_order_that_is_done_and_settled_completes_at_once() -> None:
    moves = moves_of(view_of(done=D("0.3")))
    assert [move.event for move in moves] == [OrderEvent.CLOSE, OrderEvent.COMPLETE]
    assert moves[0].outcome is OrderStatus.COMPLETED


def test_an_order_whose_time_is_over_closes_and_settles_its_children_first() -> None:
    view = view_of(now=NOW + 3 * MINUTE, done=D("0.1"), children=(child_of(slice_number=3),))
    (move,) = moves_of(view)
    assert (move.event, move.outcome) == (OrderEvent.CLOSE, OrderStatus.EXPIRED)
    assert "0.2 BTC left" in move.reason
    assert cancels_of(view) == [1]


def test_a_closing_order_ends_as_it_was_to_end() -> None:
    view = view_of(status=OrderStatus.CLOSING, outcome=OrderStatus.CANCELLED, outcome_reason="enough")
    (move,) = moves_of(view)
    assert (move.event, move.outcome, move.reason) == (OrderEvent.CANCEL, OrderStatus.CANCELLED, "enough")


def test_a_closing_order_whose_last_child_filled_after_all_is_complete() -> None:
    view = view_of(status=OrderStatus.CLOSING, outcome=OrderStatus.CANCELLED, done=D("0.3"))
    (move,) = moves_of(view)
    assert (move.event, move.outcome) == (OrderEvent.COMPLETE, OrderStatus.COMPLETED)


def test_an_expired_order_says_what_is_left_at_its_end_and_not_when_it_began_to_close() -> None:
    reason = "time ran out with 0.2 BTC left: some children are not settled yet"
    view = view_of(
        status=OrderStatus.CLOSING, outcome=OrderStatus.EXPIRED, outcome_reason=reason, done=D("0.25")
    )
    (move,) = moves_of(view)
    assert move.reason == "time ran out with 0.05 BTC left: some children are not settled yet"


def test_a_closing_order_waits_for_a_child_of_unknown_fate() -> None:
    unknown = child_of(status=ChildStatus.UNKNOWN)
    decision = decide(view_of(status=OrderStatus.CLOSING, outcome=OrderStatus.EXPIRED, children=(unknown,)))
    assert decision.commands == ()
    assert "waits for its children to settle (1 left)" in decision.why


@pytest.mark.parametrize("status", sorted(ORDER_FINAL))
def test_a_final_order_does_nothing(status: OrderStatus) -> None:
    decision = decide(view_of(status=status, children=(child_of(),)))
    assert (decision.commands, decision.due_at) == ((), None)


@given(
    st.sampled_from(OrderStatus),
    st.floats(-10, 200),
    st.integers(0, 30),
    st.lists(st.tuples(st.sampled_from(ChildStatus), st.booleans(), st.booleans()), max_size=3),
    st.booleans(),
)
def test_any_view_leads_to_one_decision_with_a_reason_and_no_more_than_is_left(
    status: OrderStatus, at: float, done: int, kinds: list[tuple[ChildStatus, bool, bool]], blocked: bool
) -> None:
    children = tuple(
        child_of(
            sequence=number, status=kind, is_settled=is_settled, cancel_wanted=wanted, quantity=D("0.05")
        )
        for number, (kind, is_settled, wanted) in enumerate(kinds, start=1)
    )
    view = view_of(
        status=status,
        now=NOW + seconds(at),
        done=D(done) / 100,
        children=children,
        blocked="no" if blocked else "",
    )
    decision = decide(view)
    assert decision == decide(view)
    assert decision.why
    for command in decision.commands:
        if isinstance(command, PlaceChild):
            assert status is OrderStatus.WORKING
            assert NOW <= view.now < view.end_at
            assert not blocked
            assert view.done + view.exposure + command.quantity <= view.quantity
        elif isinstance(command, CancelChild):
            assert children[command.sequence - 1].can_be_cancelled
