"""A recording's events in their order, up to a moment."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from execution.core.market_model.recording import (
    SECOND,
    RecordedBook,
    RecordedTrade,
    Timeline,
    book_at,
    elapsed_in_recording,
    in_order,
)
from execution.core.types import Side
from tests.recordings.made import BEGAN, book, trade

#: Whether each event is a book, and how long after the one before it came, in milliseconds.
streams = st.lists(st.tuples(st.booleans(), st.integers(0, 900)), max_size=30)


def events_of(stream: list[tuple[bool, int]]) -> list[RecordedBook | RecordedTrade]:
    events: list[RecordedBook | RecordedTrade] = []
    at = 0.0
    for number, (is_book, pause) in enumerate(stream, start=1):
        at += pause / 1000
        events.append(
            book(number, at, [(99, number)], [(101, 1)]) if is_book else trade(number, at, Side.BUY, 101, 1)
        )
    return events


@given(streams)
def test_books_and_trades_are_merged_in_the_order_of_their_receipt(stream: list[tuple[bool, int]]) -> None:
    events = events_of(stream)
    books = [event for event in events if isinstance(event, RecordedBook)]
    trades = [event for event in events if isinstance(event, RecordedTrade)]
    assert list(in_order(books, trades)) == events


@given(streams, st.lists(st.integers(-1, 30_000), max_size=8))
def test_a_timeline_gives_each_event_once_whatever_the_steps(
    stream: list[tuple[bool, int]], steps: list[int]
) -> None:
    events = events_of(stream)
    timeline = Timeline(iter(events))
    taken = []
    for step in sorted(steps):
        moment = BEGAN + step * SECOND // 1000
        taken += list(timeline.take(moment))
        assert taken == [event for event in events if event.received <= moment]
        rest = [event.received for event in events if event.received > moment]
        assert timeline.next_at == (rest[0] if rest else None)
        assert timeline.is_over == (not rest)
    assert taken + list(timeline.take(BEGAN + 10**12)) == events


@given(streams, st.integers(-1, 30_000))
def test_the_book_at_a_moment_is_the_last_one_received_by_then(
    stream: list[tuple[bool, int]], milliseconds: int
) -> None:
    events, moment = events_of(stream), BEGAN + milliseconds * SECOND // 1000
    before = [event for event in events if isinstance(event, RecordedBook) and event.received <= moment]
    assert book_at(events, moment) == (before[-1] if before else None)


def test_an_unknown_book_is_told_from_an_empty_one() -> None:
    unknown, empty = book(1, 0, None, None, note="lost"), book(2, 1, [], [])
    assert (unknown.is_known, empty.is_known) == (False, True)
    assert (unknown.mid, empty.mid) == (None, None)


@given(st.integers(1, 100), st.integers(1, 600))
def test_speed_is_a_factor(speed: int, tenths: int) -> None:
    assert elapsed_in_recording(tenths / 10, speed) == speed * tenths * SECOND // 10
