"""The report of a soak run."""

from __future__ import annotations

import pytest
from django.core.management import CommandError, call_command

from execution.verification.soak.report import soak_report, verdict
from tests.run_results import series, soak_result


def test_a_run_is_told_by_process_and_by_what_is_stored() -> None:
    text = soak_report(soak_result())
    for part in (
        "1 hours, 100 live orders, seed 7",
        "201 → 209",
        "60 → 60",
        "database, MB",
        "998 of 1000",
        "PASS",
    ):
        assert part in text


def test_a_database_that_grows_with_its_orders_is_no_problem_and_a_process_that_grows_is() -> None:
    assert verdict(soak_result()).startswith("PASS")
    grew = {"engine1 memory": series(200, 400), "web handles": series(50, 100)}
    said = verdict(soak_result(series=grew, problems=["I2: a trade is missing"]))
    assert said.splitlines() == [
        "FAIL: 3 problems",
        "  I2: a trade is missing",
        "  engine1 memory went from 224 to 376",
        "  web handles went from 56 to 94",
    ]


@pytest.mark.parametrize(("option", "value"), [("hours", 0), ("hours", 200), ("orders", 0), ("orders", 1001)])
def test_a_length_or_a_number_out_of_bounds_starts_nothing(option: str, value: float) -> None:
    with pytest.raises(CommandError, match=f"--{option} {value}: it must be"):
        call_command("soak", **{option: value})
