"""The marks of the charts: levels, axes of prices, candles and fills."""

from __future__ import annotations

from typing import Any

import pytest

from tests.scripts.bare import Scripts
from tests.scripts.test_charts import FILL

MINUTE = 60_000


def test_a_range_has_room_around_its_values(scripts: Scripts) -> None:
    cases: list[tuple[list[float], Any]] = [
        ([], None),
        ([100.0], pytest.approx([99.998, 100.002])),
        ([1.0, 2.0], pytest.approx([0.88, 2.12])),
        ([-1.0, 1.0], pytest.approx([-1.24, 1.24])),
    ]
    assert scripts.results("charts/levels", "padded", [[values] for values, _ in cases]) == [
        room for _, room in cases
    ]
    many = """async (count) => (await import("/static/js/charts/levels.js"))
      .padded(Array.from({ length: count }, (_, index) => index % 7))"""
    assert scripts.run(many, 200_000) == pytest.approx([-0.72, 6.72]), "more than a call takes as arguments"


def test_a_level_off_the_picture_is_named_at_its_edge(scripts: Scripts) -> None:
    levels = [
        ["limit", "61000", "red", "dash"],
        ["average", "60010.26", "blue", "solid"],
        ["arrival", None, "grey", "dash"],
        ["stop", "50000", "red", "dash"],
    ]
    marks = scripts.result("charts/levels", "levelMarks", levels, [60_000, 60_100], 1)
    assert [label["text"] for label in marks["annotations"]] == [
        "limit 61,000.0 ↑",
        "average 60,010.3",
        "stop 50,000.0 ↓",
    ]
    assert [shape["y0"] for shape in marks["shapes"]] == [60_010.26]
    nothing = scripts.result("charts/levels", "levelMarks", levels, None, 1)
    assert nothing == {"shapes": [], "annotations": []}


def test_names_of_levels_that_are_close_do_not_lie_on_each_other(scripts: Scripts) -> None:
    levels = [["one", "50", "red", "dash"], ["two", "51", "red", "dash"], ["far", "90", "red", "dash"]]
    marks = scripts.result("charts/levels", "levelMarks", levels, [0, 100], 0)
    assert [label["yanchor"] for label in marks["annotations"]] == ["top", "bottom", "bottom"]


def test_names_at_one_edge_stand_above_each_other(scripts: Scripts) -> None:
    levels = [["limit", "10", "red", "dash"], ["collar", "5", "red", "dash"], ["far", "900", "red", "dash"]]
    style = {"paper": "white", "bottom": 0.2}
    marks = scripts.result("charts/levels", "levelMarks", levels, [50, 60], 1, style)
    places = [(label["text"], label["y"], label["yshift"]) for label in marks["annotations"]]
    assert places == [("limit 10.0 ↓", 0.2, 0), ("collar 5.0 ↓", 0.2, 14), ("far 900.0 ↑", 1, 0)]
    assert {label["bgcolor"] for label in marks["annotations"]} == {"white"}, "nothing shines through a name"


def test_an_axis_writes_no_price_under_its_tags(scripts: Scripts) -> None:
    cases: list[list[Any]] = [[[65_423.7], [65_400, 65_460], 2], [[], [1, 2], 2], [[1], None, 2]]
    hidden, *nothing = scripts.results("charts/levels", "hiddenTicks", cases)
    assert hidden == {"65,420.00": ""}
    assert nothing == [{}, {}]
    fine = scripts.result("charts/levels", "hiddenTicks", [158.585], [158.57, 158.6], 2)
    assert fine == dict.fromkeys(("158.584", "158.585", "158.586"), ""), "less than a tick"


#: The words that d3, and so an axis, writes for the steps of its prices.
TICKS = """async (digits) => {
  const { layout } = await import("/static/js/charts/style.js");
  return layout({}, { digits }).yaxis.tickformatstops;
}"""


def test_an_axis_of_prices_has_the_places_of_the_tick(scripts: Scripts) -> None:
    ticks = scripts.run(TICKS, 2)
    assert [stop["value"] for stop in ticks] == [",.2f", ",.3f", ",.4f", ",.5f"]
    for step, places in ((50, 2), (0.02, 2), (0.01, 2), (0.005, 3), (0.001, 3), (0.0002, 4)):
        fitting = [
            stop["value"]
            for stop in ticks
            if stop["dtickrange"][0] <= step
            and (stop["dtickrange"][1] is None or step <= stop["dtickrange"][1])
        ]
        assert fitting == [f",.{places}f"]
    assert scripts.run(TICKS, None) is None


def test_the_candles_of_a_young_market_fill_the_picture(scripts: Scripts) -> None:
    rows = {count: [[100 * MINUTE - at * MINUTE] for at in range(count, 0, -1)] for count in (0, 1, 12, 60)}
    candles = {"since": -20 * MINUTE, "until": 100 * MINUTE}
    found = scripts.results(
        "charts/candles", "timeRange", [[rows[count], candles, MINUTE] for count in (0, 1, 12, 60)]
    )
    minutes = [[(at / MINUTE) for at in stretch] for stretch in found]
    assert minutes == [[-20, 102], [93, 113], [82, 102], [37, 102]]
    late = scripts.result("charts/candles", "timeRange", rows[12], candles | {"since": 88 * MINUTE}, MINUTE)
    assert late == [88 * MINUTE, 108 * MINUTE], "nothing before the first moment that was asked for"


def test_fills_are_marked_by_side_and_by_who_took(scripts: Scripts) -> None:
    kinds = [("buy", "maker"), ("buy", "maker"), ("sell", "taker"), ("sell", None)]
    fills = [FILL | {"side": side, "liquidity": kind} for side, kind in kinds]
    market = {"base": "BTC", "tick": "0.1", "lot": "0.01"}
    traces = scripts.result("charts/fills", "fillTraces", fills, market, {"buy": "blue", "sell": "red"})
    drawn = [(trace["marker"]["symbol"], trace["marker"]["color"], len(trace["x"])) for trace in traces]
    assert drawn == [("circle", "blue", 2), ("diamond", "red", 1), ("square-open", "red", 1)]
    assert traces[0]["text"][0] == "● maker, buy<br>0.3 BTC @ 60,010.2"
    words = scripts.results("charts/fills", "fillWords", [[fills], [fills[:1]], [[]]])
    assert words == ["● maker ◆ taker □ liquidity unknown", "● maker", ""]
    sides = scripts.results("charts/fills", "sideWords", [[fills], [fills[2:]], [[]]])
    assert sides == ["blue: buy, orange: sell", "orange: sell", ""]


REPORT = '<p id="empty-{0}"></p><div id="chart-{0}"></div>'
#: Plotly without a picture: it keeps what it was told to draw.
NO_PICTURE = """() => {
  window.drawn = {};
  const react = (host, traces, shown) => { drawn[host.id] = { traces, axis: shown.xaxis }; };
  window.Plotly = { react, purge: () => {} };
}"""


def test_the_cost_split_of_a_report_names_all_of_its_parts(scripts: Scripts) -> None:
    cost = {"spread": "0.5", "drift": "0", "delay": "-0.1", "fees": "8", "total": "8.4"}
    data = {"split_bp": cost, "markouts": [{"seconds": 10, "bp": None}]}
    scripts.write("".join(REPORT.format(name) for name in ("split", "markouts")), {"report-data": data})
    scripts.run(NO_PICTURE)
    scripts.start("report")
    drawn = scripts.run("() => drawn['chart-split']")
    assert drawn["axis"]["tickvals"] == ["Spread", "Drift", "Delay", "Fees", "Total"]
    assert drawn["traces"][0]["constraintext"] == "none", "values of one size"
    assert scripts.run("() => Object.keys(drawn)") == ["chart-split"]
