"""The decision on an order that a halt covers."""

from __future__ import annotations

from dataclasses import replace

from execution.core.algorithms.decide import decide
from execution.core.orders.view import CancelChild
from tests.core.builders import MINUTE, NOW, cancels_of, child_of, moves_of, view_of


def test_a_halted_order_cancels_what_rests_and_intends_nothing() -> None:
    view = view_of(halted="halted: a drill, by supervisor", children=(child_of(),))
    decision = decide(view)
    assert decision.commands == (CancelChild(1, view.halted),)
    assert decision.why == "waits: halted: a drill, by supervisor"
    assert decide(replace(view, children=())).commands == ()


def test_a_halted_orders_cancels_need_no_market_data() -> None:
    assert cancels_of(view_of(halted="halted", quote=None, children=(child_of(),))) == [1]


def test_an_order_that_runs_out_of_time_while_halted_says_so() -> None:
    over = view_of(halted="halted: a drill", now=NOW + 3 * MINUTE)
    assert moves_of(over)[0].reason == "time ran out with 0.3 BTC left: halted: a drill"
