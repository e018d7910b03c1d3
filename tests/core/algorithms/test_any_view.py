"""``decide`` over any legal view: no exception, no command that an invariant forbids, and never a busy loop."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import example, given, settings
from hypothesis import strategies as st

from execution.core.algorithms.decide import decide
from execution.core.orders.view import (
    CROSS,
    CancelChild,
    ChildView,
    Decision,
    OrderView,
    PlaceChild,
    Replan,
    memo_after,
)
from execution.core.states import ChildStatus
from execution.core.types import ZERO, OrderType, TimeInForce
from tests.core.any_view import any_view
from tests.core.simulator import check_intent

ROUNDS = 4


def with_child(view: OrderView, intend: PlaceChild) -> OrderView:
    """Return the view in which an intended child is written."""
    child = ChildView(
        sequence=1 + max((child.sequence for child in view.children), default=0),
        account=intend.account,
        slice_number=intend.slice_number,
        purpose=intend.purpose,
        status=ChildStatus.PENDING_SUBMIT,
        price=intend.price,
        quantity=intend.quantity,
        done=ZERO,
        is_settled=False,
        cancel_wanted=False,
        intended_at=view.now,
    )
    return replace(view, children=(*view.children, child))


def check_decision(view: OrderView, decision: Decision) -> None:
    """Check the rules for every decision on any view."""
    assert decide(view) == decision, "the same view led to another decision"
    assert decision.due_at is None or decision.due_at >= view.now
    written = view
    cancellable = {child.sequence for child in view.children if child.can_be_cancelled}
    for command in decision.commands:
        if isinstance(command, PlaceChild):
            assert not view.halted, "a child while a halt covers the order"
            assert command.type is OrderType.LIMIT, "a market order can pay any price"
            assert command.quantity > ZERO
            crosses = command.purpose == CROSS
            assert command.time_in_force is (TimeInForce.IOC if crosses else TimeInForce.POST_ONLY)
            check_intent(written, command)
            written = with_child(written, command)
        elif isinstance(command, CancelChild):
            assert command.sequence in cancellable, "a cancel of what cannot be cancelled, or twice"
            cancellable.remove(command.sequence)
        elif isinstance(command, Replan):
            assert command.end_at >= view.end_at
            assert command.end_at > view.now
            assert sum(part.quantity for part in command.slices) == view.remaining
            assert all(part.starts_at < part.ends_at for part in command.slices)


def check_wakes(view: OrderView, decision: Decision) -> None:
    """Check the wake-up bounds. A bound that the quotes have crossed already would wake the driver with every
    quote, for nothing.
    """
    if decision.commands:
        return
    quotes = [venue.quote for venue in view.usable if venue.quote is not None]
    for quote in quotes:
        assert decision.wake_below is None or quote.ask > decision.wake_below, (decision, quote)
        assert decision.wake_above is None or quote.bid < decision.wake_above, (decision, quote)


def check_progress(view: OrderView) -> None:
    """Check that without news each next look is later, or something was remembered."""
    decision = decide(view)
    for _ in range(ROUNDS):
        if decision.commands or decision.due_at is None:
            return
        memo = memo_after(view.memo, decision.memo)
        assert decision.due_at > view.now or memo != view.memo, f"a busy loop: {decision.why}"
        view = replace(view, now=decision.due_at, memo=memo)
        decision = decide(view)


def check(seed: int) -> None:
    view = any_view(seed)
    decision = decide(view)
    check_decision(view, decision)
    check_wakes(view, decision)
    check_progress(view)


@settings(max_examples=600, deadline=None)
@given(st.integers(0, 2**32))
@example(4_105_359_049)  # a quote beyond the wake price, of an account that has just refused a child
@example(905_291)  # a sell into a bid above the quote's mid, with a maximum notional
def test_over_any_legal_view_a_decision_breaks_no_invariant_and_never_spins(seed: int) -> None:
    check(seed)
