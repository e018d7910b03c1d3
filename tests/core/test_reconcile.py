"""Facts only add up: whatever the order, the repetition or the loss of news on the way."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from execution.core.reconcile import (
    ABSENT_AFTER,
    POLL_KINDS,
    ChildFacts,
    Evidence,
    Merged,
    add_not_found_observation,
    counts_from,
    is_absent,
    merge_fill,
    merge_report,
    settled,
)
from execution.core.states import CHILD_FINAL, ChildStatus
from execution.core.types import ZERO, OrderReport, VenueStatus
from tests.core.builders import NOW, D

C, V = ChildStatus, VenueStatus
QUANTITY = D(10)
LIVE_STARTS = [C.PENDING_SUBMIT, C.SUBMITTED, C.UNKNOWN, C.OPEN, C.PARTLY_FILLED, C.CANCELLING]


def report(status: VenueStatus | None, filled: Decimal | None) -> OrderReport:
    return OrderReport("BTC/USDT", "q1", "77", status, filled)


def facts(
    status: ChildStatus = C.OPEN, reported: Decimal | None = None, filled: Decimal = ZERO
) -> ChildFacts:
    return ChildFacts(status, QUANTITY, reported, filled)


# --- a history of an order at the exchange, and all the ways to hear of it --------------------------


@dataclass(frozen=True)
class History:
    """The true events: fills in order, the end, and the news of them that exist."""

    fills: tuple[Decimal, ...]
    end: VenueStatus
    news: tuple[OrderReport | Decimal, ...]

    @property
    def done(self) -> Decimal:
        return sum(self.fills, ZERO)


@st.composite
def histories(draw: st.DrawFn) -> History:
    cuts = sorted(draw(st.sets(st.integers(1, 10), max_size=4)))
    edges = [0, *cuts]
    fills = tuple(D(after - before) for before, after in pairwise(edges))
    done = sum(fills, ZERO)
    end = V.FILLED if done == QUANTITY else draw(st.sampled_from([V.CANCELLED, V.EXPIRED]))
    pictures = [report(V.OPEN, D(edge)) for edge in edges] + [report(None, None), report(V.OPEN, None)]
    return History(fills, end, (*pictures, *fills, report(end, done)))


def hear(start: ChildFacts, news: Sequence[OrderReport | Decimal]) -> ChildFacts:
    """Merge news in the order given; a fill is heard once at most, as its trade id makes sure."""
    known, heard = start, set()
    for index, item in enumerate(news):
        if isinstance(item, OrderReport):
            merged = merge_report(known, item)
        elif id(item) in heard:
            continue
        else:
            heard.add(id(item))
            merged = merge_fill(known, item)
        check_step(known, merged, index)
        known = merged.facts
    return known


def check_step(before: ChildFacts, merged: Merged, index: int) -> None:
    after = merged.facts
    assert after.filled >= before.filled, index
    assert after.reported is None or after.reported >= after.filled
    if before.reported is not None:
        assert after.reported is not None, "a figure was forgotten"
        assert after.reported >= before.reported
    if before.status in CHILD_FINAL:
        assert after.status in CHILD_FINAL or (before.status, after.status) == (C.ABSENT, C.CANCELLING)
    assert merged.changed or after == before


@given(histories(), st.sampled_from([C.PENDING_SUBMIT, C.SUBMITTED, C.UNKNOWN]), st.data())
def test_news_in_any_order_and_however_often_lead_to_the_same_final_facts(
    history: History, start: ChildStatus, data: st.DataObject
) -> None:
    # Equal decimals of different trades must stay different objects: they are told apart by identity.
    news = [D(str(item)) if isinstance(item, Decimal) else item for item in history.news]
    again = data.draw(st.lists(st.sampled_from(news), max_size=6))
    shuffled = data.draw(st.permutations([*news, *again]))
    after = hear(facts(start), shuffled)
    expected = {V.FILLED: C.FILLED, V.CANCELLED: C.CANCELLED, V.EXPIRED: C.EXPIRED}[history.end]
    assert after == ChildFacts(expected, QUANTITY, history.done, history.done)
    assert settled(after)


@given(histories(), st.data())
def test_what_was_lost_on_the_way_is_made_good_by_a_poll(history: History, data: st.DataObject) -> None:
    news = [D(str(item)) if isinstance(item, Decimal) else item for item in history.news]
    kept = data.draw(st.permutations([item for item in news if data.draw(st.booleans())]))
    trades = [item for item in news if isinstance(item, Decimal)]
    after = hear(facts(C.SUBMITTED), [*kept, report(history.end, history.done), *trades])
    assert settled(after)
    assert after.filled == after.reported == history.done


figures = st.one_of(st.none(), st.integers(0, 12).map(Decimal))
any_report = st.builds(report, st.one_of(st.none(), st.sampled_from(V)), figures)


@given(
    st.sampled_from(C),
    figures,
    st.lists(st.one_of(any_report, st.integers(1, 4).map(Decimal)), max_size=8),
)
def test_even_nonsense_from_an_exchange_makes_no_figure_fall_and_no_final_state_live(
    status: ChildStatus, reported: Decimal | None, news: list[OrderReport | Decimal]
) -> None:
    hear(facts(status, reported), news)


@given(st.sampled_from(C), figures, st.integers(0, 12).map(Decimal))
def test_settled_means_final_and_fills_add_up_to_what_was_reported(
    status: ChildStatus, reported: Decimal | None, filled: Decimal
) -> None:
    is_settled = settled(facts(status, reported, filled))
    assert is_settled == (status in CHILD_FINAL and filled == reported)
    assert not (is_settled and reported is None)


@pytest.mark.parametrize("status", [V.CANCELLED, V.EXPIRED])
@pytest.mark.parametrize("start", LIVE_STARTS)
def test_an_end_without_a_figure_is_unknown_and_not_zero(status: VenueStatus, start: ChildStatus) -> None:
    merged = merge_report(facts(start), report(status, None))
    assert merged.wants_figure
    assert merged.facts == facts(start), "nothing was learned of how much was done"


def test_an_open_order_without_a_figure_says_nothing_of_its_fills() -> None:
    merged = merge_report(facts(C.SUBMITTED), report(V.OPEN, None))
    assert (merged.facts.status, merged.facts.reported) == (C.OPEN, None)


def test_an_order_that_ended_with_more_reported_than_filled_waits_for_its_trades() -> None:
    merged = merge_report(facts(C.CANCELLING), report(V.CANCELLED, D(4)))
    assert merged.facts.status is C.CANCELLED
    assert not settled(merged.facts)
    assert settled(merge_fill(merged.facts, D(4)).facts)


def test_a_refusal_with_something_executed_is_a_cancel() -> None:
    merged = merge_report(facts(C.SUBMITTED), report(V.REJECTED, D(4)))
    assert (merged.facts.status, merged.facts.reported) == (C.CANCELLED, D(4))


def test_a_late_fill_of_a_cancelled_child_is_taken_and_alerts() -> None:
    ended = facts(C.CANCELLED, reported=D(4), filled=D(4))
    for merged in (merge_report(ended, report(V.CANCELLED, D(6))), merge_fill(ended, D(2))):
        assert merged.facts.status is C.CANCELLED
        assert merged.facts.reported == 6
        assert "late fill" in merged.alert


def test_more_than_was_asked_for_is_recorded_and_alerts() -> None:
    merged = merge_fill(facts(C.OPEN, filled=D(8), reported=D(8)), D(3))
    assert merged.facts.filled == 11
    assert "overfilled" in merged.alert
    assert "overfilled" in merge_report(facts(C.OPEN), report(V.OPEN, D(11))).alert


@pytest.mark.parametrize("shown", [report(V.OPEN, ZERO), report(V.OPEN, D(1)), report(None, None)])
def test_an_absent_child_that_appears_is_to_be_cancelled_and_alerts(shown: OrderReport) -> None:
    merged = merge_report(facts(C.ABSENT, reported=ZERO), shown)
    assert merged.facts.status is C.CANCELLING
    assert "has appeared" in merged.alert
    assert not settled(merged.facts)


def test_an_absent_child_that_fills_alerts() -> None:
    merged = merge_fill(facts(C.ABSENT, reported=ZERO), D(10))
    assert merged.facts.status is C.FILLED
    assert "has filled" in merged.alert


# --- evidence of absence ----------------------------------------------------------------------------

SENT = NOW + timedelta(seconds=1)
FROM = counts_from(SENT, timedelta(seconds=1), timedelta(seconds=5))
WINDOW = NOW - timedelta(seconds=30)


def polled(evidence: Evidence, kind: str, at: datetime, window: datetime = WINDOW) -> Evidence:
    return add_not_found_observation(
        evidence, kind=kind, begun_at=at, window_from=window, intended_at=NOW, from_=FROM
    )


def enough(kinds: Sequence[str] = POLL_KINDS, count: int = 3) -> Evidence:
    evidence = Evidence({})
    for kind in kinds:
        for number in range(count):
            evidence = polled(evidence, kind, FROM + timedelta(seconds=2 * number))
    return evidence


def test_polls_count_only_when_the_order_must_be_listed() -> None:
    assert timedelta(seconds=6) == FROM - SENT
    early = polled(Evidence({}), "trades", FROM - timedelta(microseconds=1))
    assert early == Evidence({})
    assert len(polled(early, "trades", FROM).not_found["trades"]) == 1


def test_polls_less_than_two_seconds_apart_are_one() -> None:
    one = polled(Evidence({}), "trades", FROM)
    assert polled(one, "trades", FROM + timedelta(seconds=1.9)) == one
    assert len(polled(one, "trades", FROM + timedelta(seconds=2)).not_found["trades"]) == 2


@pytest.mark.parametrize("window", [NOW, NOW + timedelta(seconds=1)])
def test_a_window_must_reach_to_before_the_order_was_intended(window: datetime) -> None:
    assert polled(Evidence({}), "trades", FROM, window) == Evidence({})


def test_three_polls_of_each_kind_are_needed() -> None:
    late = FROM + timedelta(minutes=1)
    assert is_absent(enough(), now=late, last_possible_send=SENT)
    assert not is_absent(enough(count=2), now=late, last_possible_send=SENT)
    for missing in POLL_KINDS:
        kinds = [kind for kind in POLL_KINDS if kind != missing]
        assert not is_absent(enough(kinds), now=late, last_possible_send=SENT)


@given(st.timedeltas(timedelta(0), timedelta(seconds=20)))
def test_absence_is_never_concluded_before_ten_seconds(after: timedelta) -> None:
    absent = is_absent(enough(), now=SENT + after, last_possible_send=SENT)
    assert absent == (after >= ABSENT_AFTER)
    assert timedelta(seconds=10) <= ABSENT_AFTER


@given(st.lists(st.tuples(st.sampled_from(POLL_KINDS), st.integers(-20, 60), st.booleans()), max_size=30))
def test_any_polls_that_prove_absence_are_three_good_ones_of_each_kind(
    polls: list[tuple[str, int, bool]],
) -> None:
    evidence = Evidence({})
    for kind, seconds, reaches in polls:
        evidence = polled(evidence, kind, FROM + timedelta(seconds=seconds), WINDOW if reaches else NOW)
    for kind in POLL_KINDS:
        kept = evidence.not_found.get(kind, ())
        assert all(at >= FROM for at in kept)
        assert all(b - a >= timedelta(seconds=2) for a, b in pairwise(kept))
    good = {kind: {s for k, s, reaches in polls if k == kind and reaches and s >= 0} for kind in POLL_KINDS}
    assert not evidence.is_enough or all(len(good[kind]) >= 3 for kind in POLL_KINDS)


@given(st.lists(st.tuples(st.sampled_from(POLL_KINDS), st.integers(0, 60)), max_size=12))
def test_evidence_survives_being_stored_as_json(polls: list[tuple[str, int]]) -> None:
    evidence = Evidence({})
    for kind, seconds in polls:
        evidence = polled(evidence, kind, FROM + timedelta(seconds=seconds))
    stored = Evidence.from_json(evidence.to_json())
    assert stored.to_json() == evidence.to_json()
    assert stored.is_enough == evidence.is_enough
