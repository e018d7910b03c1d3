"""The tables of states: nothing outside of them, and the documented ones are the code."""

from __future__ import annotations

from enum import StrEnum
from itertools import product
from pathlib import Path
from typing import TypeVar

import pytest

from execution.core.states import (
    CHILD_CANCELLABLE,
    CHILD_FINAL,
    CHILD_LIVE,
    CHILD_TRANSITIONS,
    CLOSING_EVENTS,
    ORDER_DRIVEN,
    ORDER_FINAL,
    ORDER_LIVE,
    ORDER_TRADING,
    ORDER_TRANSITIONS,
    ChildEvent,
    ChildStatus,
    ForbiddenTransition,
    OrderEvent,
    OrderStatus,
    child_after,
    order_after,
)

DOCUMENT = Path(__file__).resolve().parents[2] / "docs" / "reference" / "states.md"
REWRITE = "uv run python -m tests.core.test_states"

S = TypeVar("S", bound=StrEnum)
E = TypeVar("E", bound=StrEnum)


def table(transitions: dict[tuple[S, E], S], final: frozenset[S]) -> str:
    """Return a Markdown table of every transition, in the order of the code; final states are marked."""
    lines = ["| status | event | becomes |", "| --- | --- | --- |"]
    for (status, event), after in transitions.items():
        names = [f"**{name}**" if name in final else str(name) for name in (status, after)]
        lines.append(f"| {names[0]} | {event} | {names[1]} |")
    return "\n".join(lines)


def document() -> str:
    """Return the text that docs/reference/states.md must have."""
    return f"""# States

Every order and every child order has a status. An event, such as a fill, moves it to another status. The tables
list all possible moves. If the table has no row for an event in the current status, the desk refuses the event.
Nothing else changes a status. Final states are bold.

The tables are generated from `execution/core/states.py` by `{REWRITE}`. A test compares them with the code.

## Orders

An order is what a trader launches. A closing order waits until its child orders are settled. Then it becomes final.

{table(ORDER_TRANSITIONS, ORDER_FINAL)}

## Child orders

A child order is one order at an exchange. Some words of its table need an explanation:

| word | meaning |
| --- | --- |
| `pending_submit` | the child is in the database, and certainly not sent |
| `submitted` | the child may have been sent |
| `release` | the request certainly did not reach the exchange |
| `drop` | the child was no longer wanted, and was not sent |
| `unknown` | nobody knows what became of the child |
| `absent` | the child provably never reached the book |
| `forgotten` | the exchange had shown the child, but no longer lists it; the desk has all its trades |

A child is *over* when it is final and the exchange has reported its filled quantity. It is *settled* when it is
over and its recorded fills add up to that quantity.

{table(CHILD_TRANSITIONS, CHILD_FINAL)}
"""


def test_the_documented_tables_are_the_code() -> None:
    assert DOCUMENT.read_text(encoding="utf-8") == document(), f"run {REWRITE}"


@pytest.mark.parametrize(("status", "event"), list(product(OrderStatus, OrderEvent)))
def test_an_order_moves_only_along_its_table(status: OrderStatus, event: OrderEvent) -> None:
    if (status, event) in ORDER_TRANSITIONS:
        assert order_after(status, event) is ORDER_TRANSITIONS[status, event]
    else:
        with pytest.raises(ForbiddenTransition, match=f"a {status} order cannot {event}"):
            order_after(status, event)


@pytest.mark.parametrize(("status", "event"), list(product(ChildStatus, ChildEvent)))
def test_a_child_moves_only_along_its_table(status: ChildStatus, event: ChildEvent) -> None:
    if (status, event) in CHILD_TRANSITIONS:
        assert child_after(status, event) is CHILD_TRANSITIONS[status, event]
    else:
        with pytest.raises(ForbiddenTransition, match=f"a child that is {status} cannot go by {event}"):
            child_after(status, event)


def test_a_final_order_has_no_exit() -> None:
    assert not [pair for pair in ORDER_TRANSITIONS if pair[0] in ORDER_FINAL]


def test_a_final_child_has_only_the_exits_that_are_documented() -> None:
    exits = {(status, after) for (status, _), after in CHILD_TRANSITIONS.items() if status in CHILD_FINAL}
    absent = ChildStatus.ABSENT
    assert exits == {
        (absent, ChildStatus.CANCELLING),  # it appears on the book after all
        *((absent, after) for after in CHILD_FINAL - {absent}),
        (ChildStatus.CANCELLED, ChildStatus.FILLED),
        (ChildStatus.EXPIRED, ChildStatus.FILLED),
    }


def test_every_status_can_be_reached() -> None:
    first_orders = {OrderStatus.PENDING_APPROVAL, OrderStatus.SCHEDULED}
    assert set(ORDER_TRANSITIONS.values()) | first_orders == set(OrderStatus)
    assert set(CHILD_TRANSITIONS.values()) | {ChildStatus.PENDING_SUBMIT} == set(ChildStatus)


def test_every_live_order_can_become_final() -> None:
    for status in ORDER_LIVE:
        reached = {status}
        for _ in OrderStatus:
            reached |= {after for (before, _), after in ORDER_TRANSITIONS.items() if before in reached}
        assert reached & ORDER_FINAL, f"{status} has no way to an end"


def test_only_an_order_that_closes_becomes_final_once_it_was_approved() -> None:
    before_final = {status for (status, _), after in ORDER_TRANSITIONS.items() if after in ORDER_FINAL}
    assert before_final == {OrderStatus.CLOSING, OrderStatus.PENDING_APPROVAL}


def test_an_order_that_closes_never_works_again() -> None:
    reached = {after for (status, _), after in ORDER_TRANSITIONS.items() if status is OrderStatus.CLOSING}
    assert reached <= ORDER_FINAL | {OrderStatus.CLOSING}


def test_every_outcome_of_closing_has_its_event() -> None:
    assert set(CLOSING_EVENTS) == ORDER_FINAL - {OrderStatus.REJECTED}
    for outcome, event in CLOSING_EVENTS.items():
        assert order_after(OrderStatus.CLOSING, event) is outcome


def test_the_groups_fit_together() -> None:
    assert {*ORDER_LIVE, *ORDER_FINAL} == set(OrderStatus)
    assert ORDER_TRADING < ORDER_DRIVEN < ORDER_LIVE
    assert {*CHILD_LIVE, *CHILD_FINAL} == set(ChildStatus)
    assert CHILD_CANCELLABLE < CHILD_LIVE
    ends = (ChildEvent.CANCEL, ChildEvent.DROP)
    assert all(any((status, end) in CHILD_TRANSITIONS for end in ends) for status in CHILD_CANCELLABLE)


def test_every_child_that_may_be_live_takes_every_end_that_an_exchange_can_report() -> None:
    ends = {ChildEvent.FILL, ChildEvent.CANCELLED, ChildEvent.REJECTED, ChildEvent.EXPIRED}
    missing = {pair for pair in product(CHILD_LIVE, ends) if pair not in CHILD_TRANSITIONS}
    assert missing == set()


if __name__ == "__main__":
    DOCUMENT.write_text(document(), encoding="utf-8")
