"""The progress of a command: what the gauges read, what a terminal shows, and that nobody else sees anything."""

from __future__ import annotations

import re
import sys
from io import StringIO

import pytest
from django.core.management import call_command
from django.core.management.base import OutputWrapper
from hypothesis import given
from hypothesis import strategies as st

from execution.management.progress import Bar, CountGauge, StageBar, StageGauge, left_words
from tests.desk.running import wait_until
from tests.terminal import Terminal


class Clock:
    now = 100.0

    def __call__(self) -> float:
        return self.now


def test_the_time_left_follows_from_the_pace_and_runs_on_between_two_pieces() -> None:
    clock = Clock()
    gauge = CountGauge("simulating twap", 8, "markets", clock)
    assert (gauge.read().share, gauge.read().left) == (0.0, None), "no pace is known yet"
    clock.now += 10
    gauge.add(2)
    assert (gauge.read().words, gauge.read().share) == ("simulating twap, 2 of 8 markets", 0.25)
    assert gauge.read().left == 30
    clock.now += 4
    assert gauge.read().left == 26
    clock.now += 40
    assert gauge.read().left == 0


def test_a_stage_begins_where_the_earlier_ones_end_and_stands_still_at_its_end() -> None:
    clock = Clock()
    gauge = StageGauge({"start": 10.0, "orders": 30.0}, clock, more=lambda: "3 fills")
    clock.now += 4
    assert (gauge.read().words, gauge.read().share, gauge.read().left) == ("start, 3 fills", 0.1, 36)
    clock.now += 60
    assert (gauge.read().share, gauge.read().left) == (0.25, 30)
    gauge.begin("orders")
    assert gauge.read().left == 30
    clock.now += 15
    assert (gauge.read().share, gauge.read().left) == (0.625, 15)
    with pytest.raises(KeyError, match="end"):
        gauge.begin("end")


@given(
    st.dictionaries(st.text(min_size=1), st.floats(0, 1e6), min_size=1),
    st.lists(st.tuples(st.integers(0, 20), st.floats(0, 1e6)), max_size=20),
)
def test_a_gauge_never_leaves_its_scale_and_never_goes_back(
    stages: dict[str, float], steps: list[tuple[int, float]]
) -> None:
    clock = Clock()
    gauge, counted = StageGauge(stages, clock), CountGauge("", len(steps), "steps", clock)
    names, present, before = list(stages), 0, 0.0
    for number, seconds in sorted(steps):
        if (stage := min(number, len(names) - 1)) > present:
            gauge.begin(names[stage])
            present = stage
        counted.add()
        clock.now += seconds
        for reading in (gauge.read(), counted.read()):
            assert 0 <= reading.share <= 1
            assert reading.left is not None
            assert reading.left >= 0
        assert gauge.read().share >= before - 1e-9
        before = gauge.read().share
    assert not steps or counted.read().share == 1


@pytest.mark.parametrize(
    ("seconds", "words"), [(None, ""), (0.0, "0 s left"), (0.2, "1 s left"), (75.0, "1 min 15 s left")]
)
def test_the_time_left_is_rounded_up(seconds: float | None, words: str) -> None:
    assert left_words(seconds) == words


def test_where_nobody_looks_nothing_is_written_but_warnings() -> None:
    stream = StringIO()
    before = set(sys.modules)
    with StageBar(OutputWrapper(stream), {"start": 10.0, "orders": 30.0}) as bar:
        bar.say("a line")
        bar.begin("orders")
        assert stream.getvalue() == ""
        bar.warn("not final: abc")
    assert stream.getvalue() == "not final: abc\n"
    assert not {name for name in set(sys.modules) - before if name.startswith("rich")}, "its time is saved"


def test_a_terminal_shows_the_bar_with_the_time_left_and_lines_above_it() -> None:
    with Terminal() as terminal:
        stream = OutputWrapper(terminal.stream)
        out = OutputWrapper(terminal.stream)
        with Bar(stream, CountGauge("simulating", 1000, "markets")) as bar:
            bar.gauge.add(10)
            wait_until(lambda: "left" in terminal.text(), within=10, what="the time left")
            bar.say("a line about the run")
            bar.write(out, "a result")
            bar.gauge.add(490)
            wait_until(lambda: "50%" in terminal.text(), within=10, what="the bar to move")
            *above, shown = terminal.screen()
            assert above == ["a line about the run", "a result"]
            assert shown.startswith("simulating, 500 of 1,000 markets ━")
            assert shown.endswith("left")
        wait_until(lambda: terminal.screen() == above, within=10, what="the bar to be gone")


def test_a_command_that_runs_at_a_terminal_shows_how_long_it_takes_and_ends_with_its_figures_alone() -> None:
    out = StringIO()
    with Terminal() as terminal:
        arguments = {"algorithm": "twap", "seeds": 12, "kind": ["one_tick"]}
        call_command("simulate", **arguments, stdout=out, stderr=terminal.stream)
        terminal.close()
        assert "simulating twap, 0 of 12 markets" in terminal.text()
        assert re.search(r"simulating twap, 10 of 12 markets.* 83%.* s left", terminal.text())
        assert terminal.screen() == []
    assert out.getvalue().startswith("kind")


def _end_once_shown(terminal: Terminal) -> None:
    wait_until(lambda: "left" in terminal.text(), within=10, what="the bar")
    sys.exit("at once")


def test_an_error_leaves_a_terminal_as_it_was() -> None:
    with Terminal() as terminal:
        stream = OutputWrapper(terminal.stream)
        with pytest.raises(SystemExit, match="at once"), Bar(stream, StageGauge({"start": 60.0})):
            _end_once_shown(terminal)
        terminal.close()
        assert terminal.screen() == []
        assert terminal.text().rindex("\x1b[?25h") > terminal.text().rindex("\x1b[?25l"), "the cursor is back"
