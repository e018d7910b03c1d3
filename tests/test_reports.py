"""Reports of commands: pages in one file, with the figures that were printed, that need no network."""

from __future__ import annotations

import json
import re
import stat
from collections import Counter
from collections.abc import Callable
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from execution.management.reports.benchmark import capacity_page, desk_report
from execution.management.reports.chaos import chaos_report, mild_chaos_report
from execution.management.reports.faults import faults_report, mild_faults_report
from execution.management.reports.page import Chart, Report, check_report, write_report
from execution.management.reports.soak import soak_page
from tests.report_pages import charts_of, printed_in
from tests.run_results import capacity_measured, chaos_result, desk_measured, mild_result, soak_result

CHART = Chart("A <title>", "One & two.", [{"type": "bar", "x": ["</script>"], "y": [1.5]}], {"height": 200})


def test_a_page_has_all_in_one_file_and_asks_no_network(tmp_path: Path) -> None:
    path = tmp_path / "report.html"
    write_report(path, Report("A run", [CHART], "a  <table>\nof figures"))
    page = path.read_text(encoding="utf-8")
    assert charts_of(page) == [CHART.to_json()]
    assert printed_in(page) == "a  <table>\nof figures"
    assert '<h2 id="chart-0-title">A &lt;title&gt;</h2>' in page
    assert "One &amp; two." in page
    head = page[: page.index("<style>")]
    assert "default-src &#x27;none&#x27;" in head or "default-src 'none'" in head
    assert not re.search(r"<(script|link|img|iframe)[^>]*(src|href)=", page.replace(_plotly(page), ""))
    assert "--buy:" in page, "the tokens are in it"
    assert len(_plotly(page)) > 1_000_000, "so is Plotly"
    assert list(tmp_path.iterdir()) == [path]
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def _plotly(page: str) -> str:
    return max((str(script) for script in re.findall(r"<script>(.*?)</script>", page, re.DOTALL)), key=len)


def test_a_figure_that_is_no_number_writes_no_page(tmp_path: Path) -> None:
    chart = Chart("", "", [{"y": [float("nan")]}])
    with pytest.raises(ValueError, match="not JSON compliant"):
        write_report(tmp_path / "report.html", Report("", [chart], ""))
    assert not list(tmp_path.iterdir())


def test_a_report_that_cannot_be_written_is_refused_before_the_run(tmp_path: Path) -> None:
    (tmp_path / "old.html").write_text("an earlier report")
    for name, words in {
        "report.txt": "its name must end with .html",
        "old.html": "it is there already",
        "none/report.html": f"there is no folder {tmp_path / 'none'}",
    }.items():
        with pytest.raises(CommandError, match=f"--report {tmp_path / name}: {words}"):
            check_report(tmp_path / name)
        with pytest.raises(CommandError, match=words):
            call_command("simulate", algorithm="twap", seeds=1, report=tmp_path / name)
    assert (tmp_path / "old.html").read_text() == "an earlier report"
    check_report(tmp_path / "new.HTML")
    check_report(None)


def test_the_report_of_a_simulation_has_the_printed_figures(tmp_path: Path) -> None:
    path, out, err = tmp_path / "report.html", StringIO(), StringIO()
    arguments = {"algorithm": "twap", "seeds": 2, "kind": ["wide_spread", "one_tick"], "report": path}
    call_command("simulate", **arguments, stdout=out, stderr=err)
    page = path.read_text(encoding="utf-8")
    assert printed_in(page).strip() == out.getvalue().strip()
    costs, parts, saved = charts_of(page)
    for trace in costs["traces"]:
        for kind, cost in zip(trace["x"], trace["y"], strict=True):
            assert re.search(rf"^{kind} +{trace['name']} +{cost:.3f} ", out.getvalue(), re.MULTILINE)
    sums = [sum(trace["y"][place] for trace in parts["traces"]) for place in range(4)]
    ours, plain = (trace["y"] for trace in costs["traces"])
    assert sums == pytest.approx([ours[0], plain[0], ours[1], plain[1]])
    assert [len(trace["y"]) for trace in saved["traces"]] == [2, 2]
    assert err.getvalue() == "", "nobody looks"


def test_the_table_of_a_simulation_is_aligned(tmp_path: Path) -> None:
    out = StringIO()
    call_command("simulate", algorithm="twap", seeds=1, kind=["one_tick"], stdout=out)
    table = out.getvalue().split("\n\n")[0].splitlines()
    assert len(table) == 4
    assert {len(line) for line in table} == {len(table[0])}
    assert [line.split()[:2] for line in table[2:]] == [["one_tick", "twap"], ["one_tick", "plain"]]


PAGES: list[tuple[str, Callable[[], Report], list[str]]] = [
    (
        "chaos",
        lambda: chaos_report(chaos_result(), "seed 5"),
        ["Events", "Parents by outcome", "Children and fills"],
    ),
    ("mild chaos", lambda: mild_chaos_report(mild_result(), "okx"), ["Orders", "Children"]),
    ("desk", lambda: desk_report(desk_measured(), "desk"), ["Starts", "Delays", "Memory", "Processor"]),
    (
        "capacity",
        lambda: capacity_page(capacity_measured(), "capacity"),
        [
            *("Lateness of a slice", "Slice's start to its child's sending", "Trade to recorded fill"),
            *("Trade to page", "Processor", "Memory"),
        ],
    ),
    ("soak", lambda: soak_page(soak_result(), "soak"), ["Memory", "Handles", "Threads", "Database"]),
]


@pytest.mark.parametrize(("name", "made", "titles"), PAGES, ids=[name for name, _, _ in PAGES])
def test_each_report_has_its_charts_and_can_be_written(
    tmp_path: Path, name: str, made: Callable[[], Report], titles: list[str]
) -> None:
    report = made()
    assert [chart.title for chart in report.charts] == titles
    assert all(chart.words.endswith(".") for chart in report.charts)
    assert all(chart.traces for chart in report.charts)
    write_report(tmp_path / "report.html", report)
    page = (tmp_path / "report.html").read_text(encoding="utf-8")
    assert charts_of(page) == json.loads(json.dumps([chart.to_json() for chart in report.charts]))


def trace(report: Report, title: str, name: str) -> Any:
    (chart,) = (chart for chart in report.charts if chart.title == title)
    return next(trace for trace in chart.traces if trace["name"] == name)


def test_the_charts_of_chaos_have_each_event_and_each_outcome() -> None:
    report = chaos_report(chaos_result(), "")
    events = trace(report, "Events", "events")
    assert (events["x"], events["y"]) == ([3.2], ["engine1"])
    assert (trace(report, "Parents by outcome", "completed")["x"]) == ["sor", "twap"]
    assert (trace(report, "Parents by outcome", "completed")["y"]) == [0, 2]
    assert trace(report, "Children and fills", "count")["x"] == [900, 3, 12, 1180, 1200]


def test_a_figure_that_was_not_measured_is_missing_in_the_charts() -> None:
    report = desk_report(desk_measured(), "")
    assert trace(report, "Memory", "20 TWAPs")["y"] == [80.0, None]
    assert trace(report, "Delays", "p99")["y"] == [None, None]
    capacity = capacity_page(capacity_measured(), "")
    assert trace(capacity, "Trade to page", "p50")["y"] == [None, None]
    assert trace(capacity, "Lateness of a slice", "p99")["y"] == [49.0, 49.0]
    assert trace(capacity, "Processor", "engines")["y"] == [10.0, 130.0]


def test_the_charts_of_faults_have_what_struck_and_name_what_never_did() -> None:
    struck = Counter({("read 429", "child working"): 3, ("read 429", "nothing"): 2})
    report = faults_report({"seeds": 2, "violations": {7: "I2"}}, struck, "2 seeds")
    assert report.title == "Fault simulation: 2 seeds, 1 violation"
    times = trace(report, "Faults that struck", "times")
    assert (times["y"], times["x"]) == (["read 429"], [5])
    assert "create 429" in report.charts[0].words
    cells = report.charts[1].traces[0]
    assert sum(cell or 0 for cell in cells["z"][0]) == 5
    nothing = faults_report({"seeds": 0, "violations": {}}, Counter(), "")
    assert nothing.title == "Fault simulation: 0 seeds, no violations"
    mild = mild_faults_report({"503": {"orders": 4, "completed": 2, "dust": ["x"], "late": ["y"]}}, 1, "")
    assert [each["y"] for each in mild.charts[0].traces] == [[2], [1], [1]]
