"""The benchmark's arithmetic and tables. What it measures is never a test."""

from __future__ import annotations

import os

import pytest
from django.core.management import CommandError, call_command
from hypothesis import given
from hypothesis import strategies as st

from execution.verification.benchmark.capacity_report import capacity_report
from execution.verification.benchmark.figures import median, percentile, shown, table, total
from execution.verification.benchmark.processes import memory_of, processor_seconds
from execution.verification.benchmark.report import report
from tests.run_results import capacity_measured, desk_measured

NUMBERS = st.lists(st.floats(-1e6, 1e6), min_size=1)


def test_a_percentile_is_one_of_the_values() -> None:
    hundred = list(range(1, 101))
    assert [percentile(hundred, share) for share in (0.01, 0.5, 0.99, 1)] == [1, 50, 99, 100]
    assert percentile([7.0], 0.99) == 7.0
    assert percentile([], 0.5) is None


@given(NUMBERS, st.floats(0.01, 1))
def test_at_least_the_share_is_not_above_a_percentile(values: list[float], share: float) -> None:
    found = percentile(values, share)
    assert found in values
    assert sum(value <= found for value in values) >= share * len(values) - 1e-6


def test_the_median_is_in_the_middle() -> None:
    assert median([3, 1, 2]) == 2
    assert median([4, 1, 2, 3]) == 2.5
    assert median([]) is None


def test_a_share_outside_its_range_is_refused() -> None:
    with pytest.raises(ValueError, match=r"share is 99"):
        percentile([1.0], 99)


def test_what_is_not_known_is_a_dash_and_spoils_a_sum() -> None:
    assert total([1.0, None]) is None
    assert total([1.0, 2.0]) == 3.0
    assert (shown(None, 1, "s"), shown(1234.56, 1, "s")) == ("–", "1,234.6 s")


def test_a_table_is_aligned_or_markdown() -> None:
    rows = [["web", "9"], ["engine1", "1,000"]]
    assert table(["process", "MB"], rows).splitlines() == [
        "process     MB",
        "-------  -----",
        "web          9",
        "engine1  1,000",
    ]
    assert table(["process", "MB"], rows, markdown=True).splitlines()[:3] == [
        "| process | MB |",
        "| --- | ---: |",
        "| web | 9 |",
    ]


def test_the_report_has_every_figure_and_no_invented_one() -> None:
    text = report(desk_measured(), markdown=True)
    assert "| warm start to the first page (median of 3) | 2.0 s |" in text
    assert "19 completed, 1 expired" in text
    assert "| beat | 80 | 100 | – | 1.2 | – |" in text
    assert (
        "| all | 160 | – | – | 2.5 | – |" in text
    )  # a sum of the unknown is unknown, one of RSS says nothing


def test_this_process_uses_memory_and_time() -> None:
    memory = memory_of(os.getpid())
    assert memory.rss is None or (memory.pss is not None and memory.rss >= memory.pss > 1)
    used = processor_seconds(os.getpid())
    assert used is None or used > 0
    assert processor_seconds(2**30) is None


@pytest.mark.parametrize("option", ["--orders=0", "--seconds=5", "--starts=99"])
def test_the_command_refuses_what_it_cannot_measure(option: str) -> None:
    with pytest.raises(CommandError, match="it must be"):
        call_command("benchmark", "desk", option)


def test_the_capacity_of_each_count_is_a_column_and_what_was_not_measured_a_dash() -> None:
    text = capacity_report(capacity_measured(), markdown=True)
    assert "| figure | 100 parents | 1,000 parents |" in text
    assert "| lateness of a slice, p99 | 49.0 ms | 49.0 ms |" in text
    assert "| trade to page, p99 | – | – |" in text
    assert "| CPU per parent and minute | 60.0 ms | 78.0 ms |" in text
    assert "| CPU per parent, of that at 100 | 1.00 | 1.30 |" in text
    assert "| PSS per parent above idle | 10 kB | 10 kB |" in text


@pytest.mark.parametrize("parents", ["", "0", "200,100", "100,100", "10001", "ten"])
def test_numbers_of_parents_that_do_not_rise_within_bounds_are_refused(parents: str) -> None:
    with pytest.raises(CommandError, match="--parents"):
        call_command("benchmark", "capacity", parents=parents)
