"""An order against its plan, in the scripts: what is due, when it ends, its small line, and how late it is."""

from __future__ import annotations

import random
from datetime import timedelta
from itertools import accumulate
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from execution.core.durations import as_words
from execution.core.orders.schedule import (
    ROUNDING,
    SETTLING_MS,
    finish_share,
    is_behind,
    seconds_late,
    share_due,
)
from tests.scripts.bare import Scripts

#: A minute of ten slices, in shares.
LINE = [[at * 6_000, at / 10] for at in range(11)]


@st.composite
def standings(draw: st.DrawFn) -> tuple[list[list[float]], int, float]:
    """Return a plan, a moment before, in or after it, and the share that is done: often one of the plan's."""
    rises = draw(st.lists(st.integers(0, 5), min_size=1, max_size=12))
    lengths = draw(st.lists(st.integers(1, 20_000), min_size=len(rises), max_size=len(rises)))
    shares = [rise / max(1, sum(rises)) for rise in accumulate(rises)]
    line = [[0, 0.0], *([at, share] for at, share in zip(accumulate(lengths), shares, strict=True))]
    at = draw(st.integers(-1_000, 130_000))
    return line, at, draw(st.one_of(st.floats(0, 1), st.sampled_from([0.0, 1.0, *shares])))


@given(st.lists(standings(), min_size=1, max_size=12))
def test_the_pages_judge_an_order_against_its_plan_as_the_desk_does(
    scripts: Scripts, cases: list[tuple[Any, int, float]]
) -> None:
    assert scripts.results("lib/plan", "shareDue", cases) == [share_due(*case) for case in cases]
    finished = scripts.results("lib/plan", "finishShare", cases)
    assert finished == [pytest.approx(finish_share(*case)) for case in cases]


@given(st.lists(standings(), min_size=1, max_size=12))
def test_an_order_is_on_schedule_between_the_edges_that_the_charts_shade(
    scripts: Scripts, cases: list[tuple[Any, int, float]]
) -> None:
    edges = scripts.results("lib/plan", "allowedEdges", [[line] for line, _, _ in cases])
    for (line, at, done), edge in zip(cases, edges, strict=True):
        least = [height for time, height in edge["least"] if time <= at - SETTLING_MS]
        most = [height for time, height in edge["most"] if time <= at]
        due = share_due(line, at, done)
        assert due is not None
        if due > done + ROUNDING:
            assert (least or [0])[-1] == due, "the order is behind"
        elif due < done - ROUNDING:
            assert (most or [0])[-1] == due, "the order is ahead"
        else:
            assert (least or [0])[-1] - ROUNDING <= done <= (most or [0])[-1] + ROUNDING


def test_without_a_plan_nothing_is_due(scripts: Scripts) -> None:
    for function in ("shareDue", "finishShare"):
        assert scripts.result("lib/plan", function, [], 5_000, 0.5) is None
    assert scripts.result("lib/plan", "heightAt", [], 5_000) is None
    assert scripts.result("lib/plan", "shareLine", [], 1) == []
    assert scripts.result("lib/plan", "allowedEdges", []) == {"least": [], "most": []}


@given(st.lists(standings(), min_size=1, max_size=12))
def test_the_pages_say_how_late_an_order_is_as_the_desk_counts_it(
    scripts: Scripts, cases: list[tuple[Any, int, float]]
) -> None:
    behind = [case for case in cases if is_behind(*case)]
    rows = [[{"schedule": line, "quantity": "1", "filled": repr(done)}, at] for line, at, done in behind]
    words = scripts.results("wall/row", "lateWords", rows)
    assert words == [late_words(seconds_late(*case)) for case in behind]
    for said, late in zip(scripts.results("wall/row", "behindWords", rows), words, strict=True):
        assert said.startswith("behind ")
        assert said.endswith(f" %, {late}")


def late_words(seconds: float) -> str:
    if seconds < 60:
        return f"{int(seconds + 0.5)} s"
    return as_words(timedelta(minutes=int(seconds / 60 + 0.5)))


def test_an_order_that_keeps_to_its_plan_is_not_late(scripts: Scripts) -> None:
    row = {"schedule": LINE, "quantity": "10", "filled": "3"}
    cases = [[row, 18_000], [row | {"schedule": []}, 18_000], [row | {"filled": "10"}, 90_000]]
    for function in ("lateWords", "behindWords"):
        assert scripts.results("wall/row", function, cases) == ["", "", ""]


HEIGHTS: list[tuple[list[list[int]], int, float]] = [
    ([[0, 0], [10, 1]], -5, 0),
    ([[0, 0], [10, 1]], 0, 0),
    ([[0, 0], [10, 1]], 5, 0.5),
    ([[0, 0], [10, 1]], 10, 1),
    ([[0, 0], [10, 1]], 1_000_000_000_000, 1),
    ([[0, 0], [10, 1], [10, 3], [20, 3]], 15, 3),
    ([[7, 2]], 9, 2),
]


def test_a_line_is_straight_between_its_points_and_level_outside(scripts: Scripts) -> None:
    found = scripts.results("lib/plan", "heightAt", [[line, at] for line, at, _ in HEIGHTS])
    assert found == [height for _, _, height in HEIGHTS]


def test_a_later_plan_begins_with_what_was_done_when_it_was_made(scripts: Scripts) -> None:
    parts = [
        {"starts_at": 0, "ends_at": 10, "quantity": "0.5"},
        {"starts_at": 10, "ends_at": 20, "quantity": "0.25"},
    ]
    line, more = scripts.results("lib/plan", "shareLine", [[parts, 1], [parts, 0.5]])
    assert line == [[0, 0.25], [10, 0.75], [20, 1]]
    assert more == [[0, 0], [10, 1], [20, 1.5]], "of a smaller order, nothing below zero"


# --- the pace --------------------------------------------------------------------------------------


def pace(scripts: Scripts, now: int, filled: str, line: Any = LINE, **changes: Any) -> tuple[Any, str]:
    order = {"status": "working", "quantity": "1", "filled": filled, "started_at": 0, "end_at": 60_000}
    found = scripts.result("lib/pace", "finishOf", order | changes, line, now)
    words: str = scripts.result("lib/pace", "finishWords", found, now)
    return found, words


def test_an_order_that_keeps_to_its_plan_is_done_at_the_end_of_it(scripts: Scripts) -> None:
    order = {"status": "working", "quantity": "1", "started_at": 0, "end_at": 60_000}
    # The open slice has had its fill, or not yet.
    cases = [(now, done) for now in range(0, 60_000, 500) for done in (now // 6_000, now // 6_000 + 1)]
    cases = [(now, done) for now, done in cases if done < 10]
    orders = [[order | {"filled": str(done / 10)}, LINE, now] for now, done in cases]
    found = scripts.results("lib/pace", "finishOf", orders)
    assert found == [{"at": 60_000, "share": 1}] * len(cases)
    words = [[finish, now] for finish, (now, _) in zip(found, cases, strict=True)]
    assert set(scripts.results("lib/pace", "finishWords", words)) == {"00:01:00"}


def test_an_order_ahead_of_its_plan_waits_for_it_and_then_follows(scripts: Scripts) -> None:
    line = [[0, 0], [10, 0.25], [20, 0.5], [30, 1]]
    cases = [(line, 5, 0.375), (line, 5, 0), (line, 12, 0.25), (line, 30, 0.9), ([], 5, 0.5)]
    found = scripts.results("lib/plan", "planAhead", cases)
    assert found == [
        [[5, 0.375], [15, 0.375], [20, 0.5], [30, 1]],
        [[5, 0], [5, 0], [10, 0.25], [20, 0.5], [30, 1]],
        [[12, 0.25], [12, 0.25], [20, 0.5], [30, 1]],
        [[30, 0.9]],
        [[5, 0.5]],
    ]


def test_an_order_behind_its_plan_ends_short_of_its_quantity(scripts: Scripts) -> None:
    found, words = pace(scripts, 18_000, "0.1")
    assert found == {"at": 60_000, "share": pytest.approx(0.5)}
    assert words == "50 % filled by end"
    assert pace(scripts, 18_000, "0")[1] == "0 % filled by end"


def test_without_a_plan_the_average_pace_is_carried_on(scripts: Scripts) -> None:
    assert pace(scripts, 15_000, "0.5", [])[0] == {"at": 30_000, "share": 1}
    assert pace(scripts, 30_000, "0.25", [])[1] == "50 % filled by end"
    day = 86_400_000
    assert pace(scripts, day, "0.5", [], end_at=None) == ({"at": 2 * day, "share": 1}, "01-03 00:00")


@pytest.mark.parametrize("changes", [{"status": "paused"}, {"started_at": None}, {"filled": "1"}])
def test_without_a_pace_nothing_is_projected(scripts: Scripts, changes: dict[str, Any]) -> None:
    assert pace(scripts, 15_000, **({"filled": "0.2"} | changes)) == (None, "–")
    assert pace(scripts, 60_000, "0.2") == (None, "–"), "its end has come"
    assert pace(scripts, 15_000, "0", []) == (None, "–"), "nothing is filled, and nothing planned"


def test_an_order_that_stands_still_is_not_called_on_schedule(scripts: Scripts) -> None:
    cases = [["working", 0.0004], ["paused", -0.0004], ["paused", -0.03], ["working", 0.003]]
    found = scripts.results("lib/pace", "leadWords", cases)
    assert found == ["on schedule", None, "3.0 % behind", "0.3 % ahead"]


# --- the small line --------------------------------------------------------------------------------

ROW = {
    "started_at": 1000, "start_at": 1000, "end_at": 5000, "created_at": 900,
    "schedule": [[1000, 0], [5000, 1]], "done": [[2000, 0.2], [3000, 1.4]],
}  # fmt: skip


def test_a_line_ends_at_the_last_fill_and_goes_on_level_to_now(scripts: Scripts) -> None:
    line = scripts.result("lib/spark", "orderLine", ROW, 4000)
    assert (line["tip"], line["now"]) == ([80, 3], 120)
    bare = scripts.result("lib/spark", "orderLine", ROW | {"schedule": [], "done": [], "end_at": None}, 4000)
    assert (bare["band"], bare["plan"], bare["now"]) == ("", "", 160), "its life ends now"


def test_the_life_of_an_order_is_never_empty(scripts: Scripts) -> None:
    waits: dict[str, Any] = {
        "started_at": None,
        "start_at": None,
        "end_at": None,
        "created_at": 900,
        "schedule": [],
    }
    cases = [
        (ROW, 4000, {"start": 1000, "end": 5000}),
        (ROW, 9000, {"start": 1000, "end": 9000}),
        (waits, 9000, {"start": 900, "end": 1900}),
        (waits | {"start_at": 7000}, 9000, {"start": 7000, "end": 8000}),
    ]
    found = scripts.results("lib/spark", "lifeOf", [[row, now] for row, now, _ in cases])
    assert found == [life for _, _, life in cases]


def test_every_line_lies_in_its_box_and_never_falls(scripts: Scripts) -> None:
    draw = random.Random(3)
    cases = []
    for _ in range(300):
        start, length = draw.randint(0, 10_000), draw.randint(1, 100_000)
        times = sorted(draw.randint(start, start + 2 * length) for _ in range(draw.randint(0, 6)))
        shares = sorted(draw.random() * 1.5 for _ in times)
        plan = [] if draw.random() < 0.3 else [[start, 0], [start + length, 1]]
        row = {
            "started_at": draw.choice([None, start]), "start_at": start, "created_at": start - 500,
            "end_at": draw.choice([None, start + length]), "schedule": plan,
            "done": [list(pair) for pair in zip(times, shares, strict=True)],
        }  # fmt: skip
        cases.append([row, start + draw.randint(0, 3 * length)])
    for line in scripts.results("lib/spark", "orderLine", cases):
        for path in (line["plan"], line["band"], line["fill"]):
            assert all(0 <= number <= 160 for number in numbers_of(path))
        steps = line["fill"].replace("H", " H ").replace("V", " V ").split()
        heights = [float(steps[1])] + [float(steps[at + 1]) for at, word in enumerate(steps) if word == "V"]
        assert heights == sorted(heights, reverse=True), "higher is nearer to the top"
        assert 0 <= line["now"] <= 160


def numbers_of(path: str) -> list[float]:
    for letter in "MLHVZ":
        path = path.replace(letter, " ")
    return [float(number) for number in path.split()]


def test_a_course_fills_its_box_and_is_level_without_a_change(scripts: Scripts) -> None:
    cases = [[["5", "5"], 10, 10], [["1", "3", "2"], 10, 10], [["7"], 10, 10], [["-1", "1"], 10, 10]]
    assert scripts.results("lib/spark", "courseLine", cases) == [
        "M0 5L10 5",
        "M0 8L5 2L10 5",
        "M0 5",
        "M0 8L10 2",
    ]


# --- children and fills ----------------------------------------------------------------------------


def child(sequence: int, at: int, quantity: str, ended_at: int | None = None) -> dict[str, Any]:
    return {"sequence": sequence, "at": at, "quantity": quantity, "ended_at": ended_at}


def fill(of: int | None, at: int, quantity: str, price: str = "100", **more: Any) -> dict[str, Any]:
    plain = {"child": of, "at": at, "quantity": quantity, "price": price, "account": "alpha"}
    return plain | {"fee_in_quote": "0"} | more


def test_the_books_show_what_is_left_of_the_live_children(scripts: Scripts) -> None:
    cases: list[tuple[list[Any], list[Any], list[list[Any]]]] = [
        ([], [], []),
        ([], [fill(1, 5, "1")], []),
        ([child(1, 0, "2")], [fill(1, 5, "0.5")], [[0, 2], [5, 1.5]]),
        ([child(1, 0, "2", 9)], [fill(1, 5, "0.5")], [[0, 2], [5, 1.5], [9, 0]]),
        ([child(1, 0, "2", 9)], [fill(1, 12, "0.5")], [[0, 2], [9, 0]]),
        ([child(1, 4, "2")], [fill(1, 3, "0.5")], [[4, 1.5]]),
        ([child(1, 0, "0.3", 9)], [fill(1, 1, "0.1"), fill(1, 2, "0.2")], [[0, 0.3], [1, pytest.approx(0.2)], [2, 0]]),
        ([child(1, 0, "1", 5), child(2, 5, "1")], [fill(None, 3, "9")], [[0, 1], [5, 1]]),
    ]  # fmt: skip
    found = scripts.results("order/children_folds", "shownLine", [case[:2] for case in cases])
    assert found == [line for _, _, line in cases]


def test_each_account_says_what_it_has_done(scripts: Scripts) -> None:
    fills = [
        fill(1, 1, "1", "100", fee_in_quote="0.1"),
        fill(1, 2, "1", "102", fee_in_quote="-0.302"),
        fill(2, 3, "2", "101", account="gamma", fee_in_quote=None),
    ]
    rows = scripts.result("order/children_folds", "venueRows", {"account": "alpha, beta"}, fills)
    alpha, beta, gamma = rows
    assert alpha == {
        "label": "alpha",
        "filled": 2,
        "share": 0.5,
        "average": 101,
        "feesBp": pytest.approx(-10),
    }
    assert beta == {"label": "beta", "filled": 0, "share": 0, "average": None, "feesBp": None}
    assert gamma == {"label": "gamma", "filled": 2, "share": 0.5, "average": 101, "feesBp": None}, (
        "a fee that is not known is not zero"
    )
    (idle,) = scripts.result("order/children_folds", "venueRows", {"account": "alpha"}, [])
    assert (idle["share"], idle["average"], idle["feesBp"]) == (None, None, None)
    assert scripts.result("order/children_folds", "venueRows", {"account": ""}, []) == []


def test_the_eta_of_an_order_that_does_not_work_is_its_start_or_its_end(scripts: Scripts) -> None:
    order = {"status": "scheduled", "start_at": 60_000, "ended_at": None, "started_at": None, "quantity": "1"}
    order |= {"filled": "0", "schedule": []}
    ended = order | {"status": "completed", "ended_at": 30_000}
    cases = [[order, 0], [order, 90_000], [ended, 90_000], [order | {"status": "paused"}, 0]]
    assert scripts.results("lib/pace", "etaWords", cases) == ["starts 00:01:00", "–", "ended 00:00:30", "–"]


def test_the_question_before_a_resume_says_what_each_answer_does_to_the_end(scripts: Scripts) -> None:
    order = {"end_at": 600_000, "end_is_fixed": False, "lost_since": 60_000}
    cases = [
        [order, 252_000],
        [order | {"end_is_fixed": True}, 252_000],
        [order, 700_000],
        [order | {"lost_since": 300_000}, 252_000],  # paused before its start
        [order | {"lost_since": None}, 252_000],
        [order | {"end_at": None}, 252_000],
    ]
    found = scripts.results("order/resume", "resumeWords", cases)
    assert [words["catchUp"] for words in found] == [
        "It ends 00:10:00 UTC, in 5 min 48 s.",
        "It ends 00:10:00 UTC, in 5 min 48 s.",
        "Its end 00:10:00 UTC has passed.",
        "It ends 00:10:00 UTC, in 5 min 48 s.",
        "It ends 00:10:00 UTC, in 5 min 48 s.",
        "",
    ]
    assert [words["shift"] for words in found] == [
        "So far 3 min 12 s: it would end 00:13:12 UTC.",
        "",
        "So far 10 min 40 s: it would end 00:20:40 UTC.",
        "So far 0 s: it would end 00:10:00 UTC.",
        "",
        "",
    ]


def test_an_order_that_waits_for_approval_ends_a_while_after_it(scripts: Scripts) -> None:
    order = {
        "status": "pending_approval",
        "lost_since": 0,
        "start_at": 0,
        "end_at": 3_600_000,
        "ended_at": None,
    }
    working, ended = order | {"status": "working"}, order | {"status": "cancelled", "ended_at": 60_000}
    cases = [order, order | {"lost_since": None}, order | {"lost_since": 120_000}, working, ended]
    assert scripts.results("order/order_panels", "endWords", [[case, 90_000] for case in cases]) == [
        "ends 1 h after its approval",
        "ends 01:00:00 UTC",
        "ends 01:00:00 UTC",
        "ends 01:00:00 UTC",
        "ended 00:01:00 UTC",
    ]


def test_the_plan_of_an_order_that_waits_for_approval_begins_when_it_comes(scripts: Scripts) -> None:
    line = [[0, 0.0], [10_000, 1.0]]
    order = {"status": "pending_approval", "lost_since": 0, "ended_at": None}
    cases = [
        order,
        order | {"lost_since": None},
        order | {"lost_since": 5_000},
        order | {"status": "working"},
    ]
    moved = [[4_000, 0.0], [14_000, 1.0]]
    found = scripts.results("lib/plan", "lineNow", [[case, line, 4_000] for case in cases])
    assert found == [moved, line, line, line]


def test_an_order_follows_its_schedule_from_its_approval_to_its_end(scripts: Scripts) -> None:
    line = [[0, 0.0], [10_000, 0.5], [20_000, 1.0]]
    order = {"status": "working", "ended_at": None}
    cases = [order, order | {"status": "pending_approval"}, order | {"status": "completed", "ended_at": 9}]
    found = scripts.results("lib/plan", "dueOf", [[case, line, 20_000, 0.1] for case in cases])
    assert found == [0.5, None, None], "nobody is behind a schedule that has not begun"
