"""The report of the chaos command on a run."""

from __future__ import annotations

import pytest
from django.core.management import CommandError, call_command

from execution.verification.chaos.report import report
from tests.run_results import chaos_result


def test_a_run_is_told_with_its_seed_events_outcomes_and_figures() -> None:
    text = report(chaos_result())
    for part in (
        "seed 5",
        "kill -9 of engine1",
        "completed  expired",
        "1,180",
        "4.3 s",
        "12.5 s",
        "time ran out",
        "PASS",
    ):
        assert part in text


def test_what_is_wrong_is_told_in_the_place_of_pass() -> None:
    text = report(chaos_result(problems=["I3: q1 was accepted 2 times"]))
    assert "FAIL: 1 problems\n  I3: q1 was accepted 2 times" in text
    assert "PASS" not in text


@pytest.mark.parametrize(("option", "value"), [("parents", 0), ("seconds", 59), ("seed", -1)])
def test_what_cannot_be_run_is_refused_with_the_limit(option: str, value: int) -> None:
    with pytest.raises(CommandError, match=f"--{option} {value}: it must be"):
        call_command("chaos", **{option: value})
