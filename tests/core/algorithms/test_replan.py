"""The order's own rules for its end and for a market beyond its limit, and what a changed limit takes back."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from execution.core.algorithms.decide import decide
from execution.core.algorithms.replan import OUTSIDE_SINCE, fixed_end_problems, must_finish
from execution.core.orders.parameters import AtEnd, OutsideLimit
from execution.core.orders.slices import slice_at
from execution.core.orders.view import Decision, OrderView, PlaceChild, Replan
from execution.core.states import OrderStatus
from execution.core.types import Quote, Side
from tests.core.builders import MINUTE, NOW, QUOTE, D, cancels_of, child_of, moves_of, twap, venue_of, view_of
from tests.core.simulation.test_simulation import ended, orders, rates, seeds
from tests.core.simulator import Simulation

END = NOW + 3 * MINUTE
SECOND = timedelta(seconds=1)


def extending(**changes: Any) -> OrderView:
    return view_of(**({"parameters": twap(at_end=AtEnd.EXTEND), "now": END, "done": D("0.25")} | changes))


def replan_of(decision: Decision) -> Replan:
    (command,) = decision.commands
    assert isinstance(command, Replan)
    return command


# --- at the end ----------------------------------------------------------------------------------


def test_an_order_that_extends_goes_on_for_another_slice_with_what_is_left() -> None:
    decision = decide(extending())
    replan = replan_of(decision)
    (part,) = replan.slices
    assert (part.starts_at, part.ends_at, part.quantity) == (END, END + MINUTE, D("0.05"))
    assert (replan.end_at, decision.due_at) == (END + MINUTE, END)
    assert "0.05 BTC is left: the order is extended until 12:04:00" in replan.reason


def test_it_extends_at_most_until_its_time_was_there_once_more() -> None:
    later = END + 2.5 * MINUTE
    last = replan_of(decide(extending(now=later, end_at=later, extended=2.5 * MINUTE)))
    assert last.end_at == END + 3 * MINUTE
    over = extending(now=last.end_at, end_at=last.end_at, extended=3 * MINUTE)
    (closes,) = [move for move in moves_of(over) if move.outcome]
    assert closes.outcome is OrderStatus.EXPIRED
    assert closes.reason.endswith("it was already extended by 00:03:00, the most that is allowed")


def test_a_driver_that_comes_late_extends_from_now_and_not_beyond_the_most() -> None:
    assert replan_of(decide(extending(now=END + 2.5 * MINUTE))).end_at == END + 3 * MINUTE
    assert moves_of(extending(now=END + 3 * MINUTE - SECOND)), "less than a slice's least length is left"


@pytest.mark.parametrize(
    "changes",
    [
        {"status": OrderStatus.PAUSED},
        {"halted": "a halt"},
        {"done": D("0.29999")},  # dust
        {"parameters": twap(at_end=AtEnd.CROSS)},
    ],
)
def test_an_order_does_not_extend_while_it_may_not_or_could_not_trade(changes: dict[str, Any]) -> None:
    assert moves_of(extending(**changes))[0].outcome is OrderStatus.EXPIRED


def test_an_order_that_stops_ends_with_a_reason_that_says_so() -> None:
    view = view_of(now=END, parameters=twap(at_end=AtEnd.STOP))
    assert moves_of(view)[0].reason == "time ran out with 0.3 BTC left: the order was set to stop at its end"


def last_slice(at_end: AtEnd, **changes: Any) -> OrderView:
    now = END - 5 * SECOND
    return view_of(now=now, done=D("0.2"), parameters=twap(at_end=at_end), **changes)


@pytest.mark.parametrize(
    ("at_end", "extended", "finishes"),
    [
        (AtEnd.CROSS, timedelta(0), True),
        (AtEnd.STOP, timedelta(0), False),
        (AtEnd.EXTEND, timedelta(0), False),
        (AtEnd.EXTEND, 1.5 * MINUTE, True),  # of 3 minutes 1.5 were asked for: there is no room left
    ],
)
def test_only_a_last_slice_that_cannot_go_on_crosses_what_is_left(
    at_end: AtEnd, extended: timedelta, finishes: bool
) -> None:
    view = last_slice(at_end, extended=extended)
    work = slice_at(view)
    assert work is not None
    assert must_finish(view, work) is finishes
    purposes = [command.purpose for command in decide(view).commands if isinstance(command, PlaceChild)]
    assert purposes == ["cross" if finishes else "rest"]


def test_a_slice_that_is_not_the_last_crosses_whatever_is_asked_for_the_end() -> None:
    view = view_of(now=NOW + MINUTE - 5 * SECOND, parameters=twap(at_end=AtEnd.STOP, urgency=1))
    assert [command.purpose for command in decide(view).commands if isinstance(command, PlaceChild)] == [
        "cross"
    ]


# --- outside the limit ---------------------------------------------------------------------------

LIMIT = D("60000.00")
OUTSIDE, INSIDE = (D("60009.50"), D("60010.50")), (D("59989.50"), D("59990.50"))


def shifting(prices: tuple[Decimal, Decimal], at: datetime, **changes: Any) -> OrderView:
    quote = replace(QUOTE, bid=prices[0], ask=prices[1], at=at)
    parameters = twap(outside_limit=OutsideLimit.SHIFT)
    fixed = {"now": at, "limit_price": LIMIT, "parameters": parameters, "quote": quote}
    return view_of(**(fixed | changes))


def since(at: datetime) -> dict[str, str]:
    return {OUTSIDE_SINCE: at.isoformat()}


def test_beyond_the_limit_the_schedule_waits_and_remembers_since_when() -> None:
    decision = decide(shifting(OUTSIDE, NOW + SECOND))
    assert decision.commands == ()
    assert decision.memo == since(NOW + SECOND)
    assert decision.wake_below == LIMIT
    later = decide(shifting(OUTSIDE, NOW + MINUTE, memo=since(NOW + SECOND)))
    assert later.memo == since(NOW + SECOND)
    assert later.why == decision.why, "a reason that changed would fill the journal"


def test_what_rests_inside_the_limit_stays_there_meanwhile() -> None:
    child = child_of(price=LIMIT)
    assert cancels_of(shifting(OUTSIDE, NOW + 2 * MINUTE, children=(child,), memo=since(NOW))) == []


def test_back_inside_the_schedule_moves_by_the_time_lost() -> None:
    decision = decide(shifting(INSIDE, NOW + 50 * SECOND, memo=since(NOW + 20 * SECOND), done=D("0.05")))
    replan = replan_of(decision)
    assert replan.end_at == END + 30 * SECOND
    assert decision.memo == {OUTSIDE_SINCE: None}
    assert [part.quantity for part in replan.slices] == [D("0.05"), D("0.1"), D("0.1")]
    assert replan.slices[0].starts_at == NOW + 50 * SECOND
    assert replan.slices[0].ends_at == NOW + MINUTE + 30 * SECOND
    assert replan.reason == "shifted by 30 s, the time that the market was beyond the limit price"


def test_a_flicker_makes_no_plan() -> None:
    decision = decide(shifting(INSIDE, NOW + 22 * SECOND, memo=since(NOW + 20 * SECOND)))
    assert (decision.commands, decision.memo) == ((), {OUTSIDE_SINCE: None})


@pytest.mark.parametrize("quote", [None, Quote(*OUTSIDE, D(2), D(2), END)])
def test_at_its_end_the_schedule_moves_although_the_market_is_not_back(quote: Quote | None) -> None:
    decision = decide(shifting(OUTSIDE, END, memo=since(END - MINUTE), quote=quote))
    replan = replan_of(decision)
    assert replan.end_at == END + MINUTE
    assert decision.memo == since(END), "the time since is still to be counted"


def test_it_shifts_at_most_as_long_again_as_it_was_to_last() -> None:
    later = END + 2 * MINUTE
    view = shifting(OUTSIDE, later, memo=since(later - 2 * MINUTE), end_at=later, extended=2 * MINUTE)
    view = replace(view, slices=tuple(_moved(view.slices, 2 * MINUTE)))
    replan = replan_of(decide(view))
    assert replan.end_at == END + 3 * MINUTE
    assert sum(part.quantity for part in replan.slices) == D("0.3")
    spent = shifting(OUTSIDE, END + 3 * MINUTE, memo=since(END), end_at=END + 3 * MINUTE, extended=3 * MINUTE)
    assert moves_of(spent)[0].outcome is OrderStatus.EXPIRED


def _moved(slices: Any, by: timedelta) -> Any:
    return (replace(part, starts_at=part.starts_at + by, ends_at=part.ends_at + by) for part in slices)


def test_one_venue_inside_the_limit_is_not_beyond_it() -> None:
    far, near = (Quote(*prices, D(2), D(2), NOW) for prices in (OUTSIDE, INSIDE))
    venues = (venue_of("alpha", quote=far), venue_of("beta", quote=near))
    view = replace(shifting(OUTSIDE, NOW), accounts=venues)
    assert decide(view).memo == {}
    assert decide(replace(view, accounts=venues[:1])).memo == since(NOW)


def test_a_seller_is_outside_when_the_bid_is_below_its_limit() -> None:
    assert decide(shifting(INSIDE, NOW, side=Side.SELL)).memo == since(NOW)
    assert decide(shifting(OUTSIDE, NOW, side=Side.SELL)).memo == {}


def test_an_order_that_waits_keeps_its_schedule() -> None:
    view = shifting(OUTSIDE, NOW, parameters=twap())
    assert decide(view).memo == {}
    assert [command for command in decide(view).commands if isinstance(command, Replan)] == []


def test_a_pause_ends_what_is_counted_as_lost() -> None:
    view = shifting(OUTSIDE, NOW, status=OrderStatus.PAUSED, memo=since(NOW))
    assert decide(view).memo == {OUTSIDE_SINCE: None}


# --- a limit that was changed ---------------------------------------------------------------------


@pytest.mark.parametrize("changes", [{}, {"quote": None}, {"halted": "a halt"}])
def test_what_rests_beyond_a_changed_limit_is_cancelled_whatever_the_market(changes: dict[str, Any]) -> None:
    children = (child_of(price=D("60000.01")), child_of(sequence=2, price=LIMIT))
    view = view_of(limit_price=LIMIT, children=children, **changes)
    assert cancels_of(view) == ([1, 2] if "halted" in changes else [1])


def test_a_cancel_that_is_wanted_already_is_not_asked_for_again() -> None:
    view = view_of(limit_price=LIMIT, children=(child_of(price=D("60000.01"), cancel_wanted=True),))
    assert cancels_of(view) == []


# --- a fixed end ---------------------------------------------------------------------------------


def test_neither_extending_nor_shifting_goes_with_a_fixed_end() -> None:
    parameters = twap(duration=None, end_at=END, at_end=AtEnd.EXTEND, outside_limit=OutsideLimit.SHIFT)
    problems = fixed_end_problems(parameters, END)
    assert [(problem.field, problem.value, problem.limit) for problem in problems] == [
        ("at_end", "extend", END.isoformat()),
        ("outside_limit", "shift", END.isoformat()),
    ]
    assert "12:03:00 UTC" in problems[0].message
    assert fixed_end_problems(parameters.model_copy(update={"end_at": None}), END) == []
    assert fixed_end_problems(twap(duration=None, end_at=END), END) == []


# --- whatever happens ------------------------------------------------------------------------------


@settings(max_examples=60)
@given(orders(), rates, seeds, st.sampled_from(AtEnd), st.sampled_from(OutsideLimit))
def test_whatever_rules_the_order_has_no_invariant_breaks_and_it_ends_in_twice_its_time(
    view: OrderView, happens: Any, seed: int, at_end: AtEnd, outside: OutsideLimit
) -> None:
    parameters = view.parameters.model_copy(update={"at_end": at_end, "outside_limit": outside})
    run = Simulation(replace(view, parameters=parameters), happens, seed).run()
    ended(run)
    assert run.view.end_at <= view.end_at + (view.end_at - view.start_at)


@pytest.mark.parametrize("prices", [OUTSIDE, INSIDE])
def test_a_driver_that_comes_too_late_does_not_shift_the_plan_into_the_past(
    prices: tuple[Decimal, Decimal],
) -> None:
    late = shifting(prices, END + 30 * SECOND, memo=since(END - SECOND), extended=85 * SECOND)
    assert moves_of(late)[0].outcome is OrderStatus.EXPIRED, "10 s were left to shift"
