"""Polls that bring nothing new come ever later, so that one child of unknown fate leaves the others their budget."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest

from execution.core.states import ChildStatus
from execution.core.types import OrderRef, TimeInForce
from execution.engine.repeats import Repeats
from execution.selectors.decisions.sessions import SessionChild
from tests.factories import NOW

CHILD = SessionChild(
    pk=1,
    order_pk=1,
    ref=OrderRef("qtestparent010001", "BTC/USDT"),
    status=ChildStatus.UNKNOWN,
    quantity=Decimal(1),
    intended_at=NOW,
    last_possible_send_at=NOW,
    send_not_before=None,
    cancel_requested_at=None,
    submitted_fence=1,
    time_in_force=TimeInForce.POST_ONLY,
)


def asked(repeats: Repeats, seconds: float) -> list[float]:
    """Return the times at which a poll that looks every half a second asks for the child."""
    times = [number / 2 for number in range(int(seconds * 2))]
    return [at for at in times if repeats.is_due("BTC/USDT", [CHILD], NOW + timedelta(seconds=at))]


@pytest.mark.parametrize(
    ("seconds_per_read", "times"),
    [
        (0.04, [0, 1.5, 4.5, 7.5, 10.5, 13.5, 16.5, 19.5, 22.5, 25.5, 28.5]),  # binance
        (2.0, [0, 1.5, 4.5, 10.5, 20.5]),  # kraken, whose counter falls by one a second
    ],
)
def test_the_same_child_is_asked_for_ever_later_down_to_a_fifth_of_the_limit(
    seconds_per_read: float, times: list[float]
) -> None:
    assert asked(Repeats(1.5, seconds_per_read), 30) == times


@pytest.mark.parametrize(
    "news",
    [
        {"status": ChildStatus.CANCELLING},
        {"reported_filled": Decimal("0.1")},
        {"filled": Decimal("0.1")},
        {"attach_id": "77"},
        {"pk": 2},
    ],
)
def test_what_is_new_of_it_is_asked_for_at_once(news: dict[str, object]) -> None:
    repeats = Repeats(1.5, 2.0)
    asked(repeats, 30)
    at = NOW + timedelta(seconds=30)
    assert not repeats.is_due("BTC/USDT", [CHILD], at)
    assert repeats.is_due("BTC/USDT", [replace(CHILD, **news)], at)  # type: ignore[arg-type]
    assert repeats.is_due("ETH/USDT", [CHILD], at), "another symbol has pauses of its own"
