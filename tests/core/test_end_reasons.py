"""The reasons of an order that ran out of time with quantity left, and of one that should start and does not."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from execution.core.algorithms.decide import decide
from execution.core.orders.view import PlaceChild, Rejections
from execution.core.states import OrderEvent, OrderStatus
from tests.core.builders import MINUTE, NOW, D, moves_of, venue_of, view_of


def ended(**changes: Any) -> str:
    """Return the reason with which an order ends that has run out of time with all of it left."""
    (move, *_) = moves_of(view_of(now=NOW + 3 * MINUTE, **changes))
    return move.reason


def test_an_order_that_runs_out_while_paused_names_the_pauses_reason() -> None:
    reason = ended(status=OrderStatus.PAUSED, outcome_reason="the desk was away for 80 s")
    assert reason == "time ran out with 0.3 BTC left while it was paused: the desk was away for 80 s"


def test_an_order_that_a_person_paused_does_not_say_it_twice() -> None:
    reason = ended(status=OrderStatus.PAUSED, outcome_reason="paused by a person")
    assert reason == "time ran out with 0.3 BTC left while it was paused by a person"
    assert ended(status=OrderStatus.PAUSED, outcome_reason="").endswith("left while it was paused")


def test_an_order_whose_last_children_were_refused_says_so() -> None:
    refused = Rejections(4, NOW + 2 * MINUTE, "InsufficientFunds")
    assert ended(rejections=refused).endswith("the last 4 of its children were refused: InsufficientFunds")


def test_an_order_that_nobody_polled_says_why_and_not_what_followed_from_it() -> None:
    unattended = "no engine was driving it at its end"
    assert ended(unattended=unattended).endswith(unattended)
    blocked = replace(venue_of(), blocked="account alpha is not reconciled yet")
    assert ended(unattended=unattended, accounts=(blocked,)).endswith(unattended)
    assert ended(unattended=unattended, halted="halted: a test").endswith("halted: a test")


def test_a_scheduled_order_waits_for_room_and_says_so_and_a_running_one_goes_on() -> None:
    short = "less than 200 MB of disk are free, and no new order starts"
    waits = decide(view_of(status=OrderStatus.SCHEDULED, held_back=short))
    assert waits.commands == ()
    assert waits.why == f"waits to start: {short}"
    assert waits.due_at is not None
    assert waits.due_at > NOW
    assert moves_of(view_of(status=OrderStatus.SCHEDULED))[0].event is OrderEvent.START
    (command,) = decide(view_of(held_back=short)).commands
    assert isinstance(command, PlaceChild)
    assert command.quantity == D("0.1")


def test_a_scheduled_order_that_never_had_room_says_so_at_its_end() -> None:
    reason = ended(status=OrderStatus.SCHEDULED, held_back="less than 200 MB of disk are free")
    assert reason == ("it could not start before its end at 12:03:00 UTC; less than 200 MB of disk are free")
