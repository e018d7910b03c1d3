"""The report of the chaos command on a run."""

from __future__ import annotations

from typing import Any

import pytest
from django.core.management import CommandError, call_command

from execution.verification.chaos.report import report


def result(**changes: Any) -> dict[str, Any]:
    children = {"children": 1200, "sent": 1180, "unknown": 12, "absent": 3, "fills": 900}
    return {
        "seed": 5,
        "seconds": 140.0,
        "parents": 3,
        "events": [{"at": 3.2, "what": "kill -9 of engine1 (77)"}],
        "outcomes": {"sor": {"expired": 1}, "twap": {"completed": 2}},
        "not_completed": ["abc sor BTC/USDT expired, 0 of 1: time ran out"],
        "resumed": [],
        "children": children,
        "longest_without_owner": 4.26,
        "converged": 12.5,
        "converged_after_end": None,
        "problems": [],
        **changes,
    }


def test_a_run_is_told_with_its_seed_events_outcomes_and_figures() -> None:
    text = report(result())
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
    text = report(result(problems=["I3: q1 was accepted 2 times"]))
    assert "FAIL: 1 problems\n  I3: q1 was accepted 2 times" in text
    assert "PASS" not in text


@pytest.mark.parametrize(("option", "value"), [("parents", 0), ("seconds", 59), ("seed", -1)])
def test_what_cannot_be_run_is_refused_with_the_limit(option: str, value: int) -> None:
    with pytest.raises(CommandError, match=f"--{option} {value}: it must be"):
        call_command("chaos", **{option: value})
