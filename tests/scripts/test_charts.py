"""The charts' pure parts: what is shown of an order's time, what is said in words, and that unknown is no zero."""

from __future__ import annotations

import math
import random
from typing import Any

import pytest

from tests.scripts.bare import Scripts

#: A minute of ten slices, in shares.
LINE = [[at * 6_000, at / 10] for at in range(11)]


def test_charts_take_a_volume_that_is_not_known_for_no_zero(scripts: Scripts) -> None:
    samples = [
        [0, None, None, "2", "20"],
        [1000, None, None, None, None],
        [2000, None, None, None, None],
        [3000, None, None, "0", "0"],
        [4000, None, None, None, None],
        [60_000, None, None, None, None],
    ]
    view = {"samples": samples, "now": 61_000}
    unknown = scripts.result("charts/volume", "unknownStretches", view)
    assert unknown == [[1000, 3000], [4000, 60_000]], "and the newest one is still to come"
    order = {"started_at": 0, "ended_at": None, "algorithm": "pov", "quantity": "9"} | {
        "parameters": {"participation_rate": "0.5"}
    }
    due = scripts.result("charts/volume_target", "dueByVolume", view | {"order": order, "profile": []})
    assert due == [[0, 0], [0, 1], [3000, 1]]


def ranges_of(scripts: Scripts, cases: list[list[Any]]) -> list[list[int]]:
    return scripts.results("charts/ranges", "rangeOf", cases)


HOUR = 3_600_000


def test_the_ranges_of_a_running_order_end_after_now(scripts: Scripts) -> None:
    running = {"start": 0, "whole": HOUR, "shown": HOUR, "now": HOUR // 2, "endedAt": None}
    recent, since, whole = ranges_of(scripts, [[name, running] for name in ("recent", "start", "all")])
    assert recent == [25 * 60_000, 30 * 60_000 + 15_000]
    assert since == [0, 36 * 60_000], "a fifth of half an hour ahead"
    assert whole == [0, HOUR]
    late = running | {"now": 58 * 60_000}
    assert ranges_of(scripts, [["start", late]]) == [[0, HOUR]], "not beyond the end"
    assert ranges_of(scripts, [["start", running | {"now": 1000}]]) == [[0, 60_000]], "a minute at least"
    young = running | {"now": 240_000}
    assert ranges_of(scripts, [["recent", young], ["start", young]]) == [[0, 288_000]] * 2


def test_the_ranges_of_an_order_that_waits_or_has_ended(scripts: Scripts) -> None:
    waits = {"start": HOUR, "whole": 2 * HOUR, "shown": 2 * HOUR, "now": 0, "endedAt": None}
    names = ("recent", "start", "all")
    assert ranges_of(scripts, [[name, waits] for name in names]) == [[HOUR, 2 * HOUR]] * 3
    ended = {"start": 0, "whole": HOUR, "shown": 660_000, "now": 9 * HOUR, "endedAt": 600_000}
    assert ranges_of(scripts, [[name, ended] for name in names]) == [
        [300_000, 615_000],
        [0, 660_000],
        [0, HOUR],
    ]


def test_the_ranges_contain_the_last_moment(scripts: Scripts) -> None:
    draw = random.Random(8)
    cases: list[list[Any]] = []
    for _ in range(400):
        start, length, now = draw.randint(0, HOUR), draw.randint(1, 24 * HOUR), draw.randint(0, 30 * HOUR)
        ended = draw.choice([None, start + draw.randint(0, length)])
        shown = start + length if ended is None else min(start + length, ended + length // 20)
        frame = {"start": start, "whole": start + length, "shown": shown, "now": now, "endedAt": ended}
        cases.append([draw.choice(["recent", "start", "all"]), frame])
    for (name, frame), (since, until) in zip(cases, ranges_of(scripts, cases), strict=True):
        last = frame["now"] if frame["endedAt"] is None else frame["endedAt"]
        assert frame["start"] <= since <= until, (name, frame)
        assert last <= frame["start"] or since <= last <= until, (name, frame)


# --- the words -------------------------------------------------------------------------------------


def test_a_fill_at_the_start_has_room_before_it(scripts: Scripts) -> None:
    assert scripts.result("charts/style", "paddedStart", [10_000, 20_000]) == pytest.approx([9_880, 20_000])


#: The axis of an order with a plan of an hour that ended at some moment.
AXIS = """async ([ended, name]) => {
  const { OrderCharts } = await import("/static/js/charts/charts.js");
  const order = { start_at: 0, end_at: 3600000, ended_at: ended, pauses: [[1000, 2000]] };
  const view = { order, slices: [], form: { sliced: true }, now: 9e6 };
  return new OrderCharts("1", name, null).frame(view, { warn: "amber" });
}"""


def test_the_axis_ends_shortly_after_the_end_of_the_order(scripts: Scripts) -> None:
    assert scripts.run(AXIS, [25_000, "start"])["span"] == [0, 27_500]
    assert scripts.run(AXIS, [100, "start"])["span"] == [0, 120]
    assert scripts.run(AXIS, [3_600_000, "start"])["span"] == [0, 3_600_000]
    assert scripts.run(AXIS, [25_000, "all"])["span"] == [0, 3_600_000]
    frame = scripts.run(AXIS, [25_000, "start"])
    assert [shape["opacity"] for shape in frame["shapes"]] == [0.08], "the bars are readable in a pause"


ORDER = {
    "status": "working", "quantity": "1", "filled": "0.3", "base": "BTC", "quote": "USDT", "lot": "0.01",
    "tick": "0.1", "average": "60010.25", "arrival_mid": None, "limit_price": "61000",
    "end_at": 60_000, "ended_at": None, "account": "alpha, beta", "parameters": {"visible_quantity": "0.2"},
}  # fmt: skip
FILL = {
    "child": 1,
    "at": 1000,
    "account": "alpha",
    "quantity": "0.3",
    "price": "60010.25",
    "fee_in_quote": "0",
}
MARKET = [[0, "60000", "60010", "2", "120010"], [1000, "60012", "60013", "1", "60012"]]


def chart_words(scripts: Scripts, name: str, **changes: Any) -> str:
    """Return what an order's chart says of an order that has filled 0.3 of 1 BTC, 18 seconds after its start."""
    view = {"order": ORDER, "line": LINE, "now": 18_000, "fills": [FILL], "children": [], "samples": MARKET}
    script = "async ([name, view]) => (await import('/static/js/charts/words.js')).ORDER_WORDS[name](view)"
    return str(scripts.run(script, [name, view | changes]))


def test_each_chart_says_in_words_what_it_shows(scripts: Scripts) -> None:
    assert (
        chart_words(scripts, "progress")
        == "Progress: filled 0.30 of 1.00 BTC, schedule 0.30, on schedule, ends 00:01:00 UTC."
    )
    behind = chart_words(scripts, "progress", now=36_000)
    assert behind == "Progress: filled 0.30 of 1.00 BTC, schedule 0.50, 20.0 % behind, ends 00:01:00 UTC."
    assert chart_words(scripts, "price") == (
        "Price: last mid 60,012.50 USDT, from 60,005.00 to 60,012.50, own average 60,010.25, limit 61,000.0,"
        " 1 own fill."
    )
    assert (
        chart_words(scripts, "volume")
        == "Volume: the market traded 3.00 BTC, own 0.30 BTC, 10.0 % of the market."
    )
    assert (
        chart_words(scripts, "split")
        == "Split by account: alpha 0.30 BTC, 100 %, at 60,010.25; beta nothing."
    )
    child = {"sequence": 1, "at": 500, "quantity": "0.5", "ended_at": None}
    shown = chart_words(scripts, "visible", children=[child])
    assert shown == "Visible part: the books show 0.20 BTC, at most 0.20."


def test_a_chart_says_what_is_not_known_and_never_zero(scripts: Scripts) -> None:
    assert (
        chart_words(scripts, "progress", line=[]) == "Progress: filled 0.30 of 1.00 BTC, ends 00:01:00 UTC."
    )
    nothing = {"average": None, "limit_price": None}
    blind = chart_words(
        scripts, "price", samples=[[0, None, None, None, None]], order=ORDER | nothing, fills=[]
    )
    assert blind == "Price: no mid is known, 0 own fills."
    assert (
        chart_words(scripts, "volume", samples=[])
        == "Volume: the market's volume is not known, own 0.30 BTC."
    )
    gap = [[0, None, None, "2", "20"], [1000, None, None, None, None], [2000, None, None, "1", "10"]]
    assert chart_words(scripts, "volume", samples=gap, now=60_000) == (
        "Volume: the market traded 3.00 BTC, own 0.30 BTC, parts of the market's volume are not known."
    )
    costs = [["Spread", "1.25"], ["Drift", None], ["Fees", "-0.01"]]
    bars = scripts.result("charts/words", "barWords", "Cost split", costs)
    assert bars == "Cost split: Spread +1.2 bp, Drift not known, Fees 0.0 bp."


def test_a_chart_without_data_says_why_and_has_no_heights(scripts: Scripts) -> None:
    order = {"ended_at": None, "started_at": None, "start_at": 4_620_000}
    cases: list[tuple[dict[str, Any], int, str]] = [
        ({}, 0, "No data yet: the order starts 01:17:00 UTC."),
        ({}, 5_000_000, "No data yet."),
        ({"start_at": None}, 0, "No data yet."),
        ({"started_at": 1}, 0, "No data yet."),
        ({"ended_at": 2}, 0, "No data is known for this order."),
    ]
    views = [[{"order": order | changes, "now": now}] for changes, now, _ in cases]
    assert scripts.results("charts/nothing", "nothingWords", views) == [words for _, _, words in cases]
    shown = scripts.result("charts/nothing", "emptied", {"yaxis": {}}, *views[0], {"muted": "grey"})
    assert shown["yaxis"] == {"showticklabels": False, "showgrid": False}
    assert [label["text"] for label in shown["annotations"]] == [cases[0][2]]


ROUTE = [{"label": "alpha", "quantity": "1.5"}, {"label": "beta", "quantity": "0"}]
#: A plan on the ticket, and what its chart says.
PLANS = [
    (
        {"slices": [[0, 1000, "0.1"], [1000, 2000, "0.2"]]},
        "2 slices of 0.1 to 0.2 BTC from 00:00:00 to 00:00:02 UTC, 0.3 BTC in all.",
    ),
    (
        {"slices": [[0, 1000, "0.5"]]},
        "1 slice of 0.5 BTC from 00:00:00 to 00:00:01 UTC, 0.5 BTC in all.",
    ),
    ({"slices": [[0, 1000, "2"]], "visible": "0.25"}, "parts of 0.25 BTC, 2 BTC in all."),
    (
        {"slices": [[0, 1000, "2"]], "unfilled": "0.5", "route": ROUTE},
        "alpha 1.5 BTC, beta nothing, 0.5 BTC not available.",
    ),
]


@pytest.mark.parametrize(("plan", "words"), PLANS)
def test_a_plan_is_said_as_its_algorithm_works(scripts: Scripts, plan: dict[str, Any], words: str) -> None:
    assert scripts.result("charts/words", "planWords", {"base": "BTC"} | plan) == words


def test_the_heights_between_two_times_are_those_of_the_lines_there(scripts: Scripts) -> None:
    line = [[0, 0], [10, 10], [20, 0]]
    cases: list[tuple[list[Any], list[int], list[float]]] = [
        ([], [0, 10], []),
        ([[]], [0, 10], []),
        ([line], [30, 40], []),
        ([line], [5, 15], [5, 10, 5]),
        ([line, [[0, 3], [20, 3]]], [10, 12], [10, 10, 8, 3, 3]),
    ]
    found = scripts.results("charts/ranges", "heightsWithin", [case[:2] for case in cases])
    assert found == [heights for _, _, heights in cases]


def test_only_a_known_range_is_one(scripts: Scripts) -> None:
    names = ["recent", "start", "all", "", "week", None]
    assert scripts.results("charts/ranges", "isRange", [[name] for name in names]) == [True] * 3 + [False] * 3


def test_nothing_is_due_by_a_volume_that_is_not_followed(scripts: Scripts) -> None:
    order: dict[str, Any] = {
        "started_at": 0,
        "ended_at": None,
        "end_at": 10_000,
        "quantity": "4",
        "parameters": {},
    }
    samples = [[2_500, None, None, "1", "10"], [5_000, None, None, "1", "10"]]
    view = {"samples": samples, "profile": [[0, 4]], "now": 10_000}
    cases: list[tuple[dict[str, Any], Any]] = [
        ({"algorithm": "vwap"}, [[0, 0], [2_500, 1], [5_000, 2]]),
        ({"algorithm": "twap"}, []),
        ({"algorithm": "vwap", "started_at": None}, []),
        ({"algorithm": "pov", "parameters": {"participation_rate": "9"}}, [[0, 0], [2_500, 4], [5_000, 4]]),
        ({"algorithm": "vwap", "ended_at": 3_000}, [[0, 0], [2_500, 1]]),
    ]
    views = [[view | {"order": order | changes}] for changes, _ in cases]
    found = scripts.results("charts/volume_target", "dueByVolume", views)
    assert found == [
        pytest.approx(due) if not due else [pytest.approx(point) for point in due] for _, due in cases
    ]
    assert scripts.result("charts/volume_target", "dueByVolume", views[0][0] | {"profile": []}) == []


# --- the drawings ----------------------------------------------------------------------------------

FRAME = {
    "start": 0, "range": "start", "span": [0, 60_000], "xRange": [0, 60_000], "shapes": [],
    "revision": "1", "xRevision": "1",
}  # fmt: skip
FORM = {"shows": {"market": True, "schedule": True}}
#: By name: what each drawing gets of an order.
VIEWS: dict[str, dict[str, Any]] = {
    "at its start": {
        "fills": [], "children": [], "samples": [], "line": [], "order": {"average": None, "filled": "0"},
    },
    "with gaps": {"samples": [*MARKET, [2000, None, None, None, None], [3000, "60000", None, None, None]]},
    "in its middle": {"children": [{"sequence": 1, "at": 500, "quantity": "0.5", "ended_at": None}]},
    "very large": {"order": {"quantity": "999999999999999", "filled": "999999999999998.5"}},
    "at its end": {"order": {"ended_at": 60_000, "status": "completed", "filled": "1"}, "now": 10**12},
}  # fmt: skip
DRAWN = """async ([name, view, frame]) => {
  const drawing = (await import(`/static/js/charts/${name}.js`))[name];
  const { traces, layout, legend } = drawing(view, {}, frame);
  const numbers = traces.flatMap((trace) => [...trace.x, ...trace.y]).filter((value) => typeof value === "number");
  return { numbers: [...numbers, ...(layout.yaxis.range ?? [])], traces: traces.length, legend };
}"""


@pytest.mark.parametrize("state", VIEWS)
@pytest.mark.parametrize("name", ["progress", "price", "volume", "visible", "split"])
def test_each_chart_draws_finite_numbers(scripts: Scripts, name: str, state: str) -> None:
    order = ORDER | {"side": "buy", "algorithm": "twap", "earlier_plans": [], "started_at": 0, "start_at": 0}
    view = {"line": LINE, "now": 18_000, "fills": [FILL], "children": [], "samples": MARKET, "profile": []}
    view |= {"slices": [], "market": None, "form": FORM, **VIEWS[state]}
    view["order"] = order | VIEWS[state].get("order", {})
    drawn = scripts.run(DRAWN, [name, view, FRAME])
    assert drawn["traces"] >= (0 if name == "price" else 1)
    assert [number for number in drawn["numbers"] if number is None or not math.isfinite(number)] == []
    assert "" not in drawn["legend"]
