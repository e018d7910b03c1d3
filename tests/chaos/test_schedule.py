"""The chaos command's schedule: all of it follows from the seed, and all of it can be done."""

from __future__ import annotations

import pytest

from execution.core.orders.terms import ALGORITHMS, parse_order_request
from execution.paper.faults import parse_rule
from execution.verification.chaos.schedule import (
    DRAWN,
    PAPER_FAULTS,
    VENUES,
    draw_events,
    draw_parents,
)

SEEDS = range(20)


def test_the_same_seed_draws_the_same_run_and_another_one_another() -> None:
    assert draw_events(7, 140) == draw_events(7, 140)
    assert draw_parents(7, 50, 140) == draw_parents(7, 50, 140)
    assert draw_events(7, 140) != draw_events(8, 140)
    assert draw_parents(7, 50, 140) != draw_parents(8, 50, 140)


@pytest.mark.parametrize("seconds", [60, 140, 600])
def test_everything_happens_within_the_faulty_phase(seconds: int) -> None:
    for seed in SEEDS:
        events = draw_events(seed, seconds)
        kinds = {event.kind for event in events}
        assert kinds == {*DRAWN, "venue away", "venue fault"}
        assert all(0 < event.at <= seconds for event in events)
        assert [event.at for event in events] == sorted(event.at for event in events)
        away = next(event for event in events if event.kind == "venue away")
        assert away.at + away.seconds <= seconds


def test_fifty_parents_are_of_all_algorithms_and_every_one_is_an_order() -> None:
    for seed in SEEDS:
        parents = draw_parents(seed, 50, 140)
        assert len(parents) == 50
        assert {parent.body["algorithm"] for parent in parents} == set(ALGORITHMS)
        assert {len(parent.body["accounts"]) for parent in parents} == {1, 2, 3}
        for parent in parents:
            request = parse_order_request(dict(parent.body))
            parameters = ALGORITHMS[request.algorithm].parameters(**request.parameters)
            assert parameters.duration is not None
            assert 60 <= parameters.duration.total_seconds() <= 150
            assert set(request.accounts) <= set(VENUES)


def test_a_paper_venue_takes_every_fault_that_is_drawn() -> None:
    calls = {"cut", "silent"}
    rules = [dict(rule) for rule in PAPER_FAULTS if rule["kind"] not in calls]
    assert len(rules) == len(PAPER_FAULTS) - len(calls)
    for rule in rules:
        assert parse_rule(rule).kind == rule["kind"]


def test_an_icebergs_visible_quantity_is_as_coarse_as_its_quantity_and_above_zero() -> None:
    for seed in SEEDS:
        for parent in draw_parents(seed, 50, 140):
            if (visible := parent.body["parameters"].get("visible_quantity")) is not None:
                quantity = parent.body["quantity"]
                assert 0 < float(visible) < float(quantity)
                assert len(visible.partition(".")[2]) == len(quantity.partition(".")[2])
