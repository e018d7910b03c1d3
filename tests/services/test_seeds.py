"""The seed of what is random: fixed in the preview, the same in the order, and nobody's guess."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from pytest_django.fixtures import Settings

from execution.core.orders.terms import parse_order_request
from execution.services.orders.orders import order_preview
from tests.factories import NOW, Rows

RANDOM = {"duration": "30m", "slices": "30", "randomise_size": "0.3", "randomise_time": "0.2"}


def previewed(rows: Rows, *, now: Any = NOW, person: Any = None, **changes: Any) -> Any:
    rows.quote(at=now)
    request = parse_order_request(rows.raw(**({"parameters": RANDOM} | changes)))
    return order_preview(person=person or rows.trader, request=request, now=now)


def seed_of(preview: Any) -> int | None:
    seed: int | None = preview.terms.parameters.seed
    return seed


def test_the_order_that_is_sent_is_the_one_of_the_preview(rows: Rows) -> None:
    preview = previewed(rows)
    assert not preview.problems
    order = rows.submit(parameters=RANDOM)
    assert order.terms is not None
    assert order.terms.parameters["seed"] == seed_of(preview)
    planned = [(part.starts_at, part.quantity) for part in preview.slices]
    assert [(part.starts_at, part.quantity) for part in order.slices.order_by("number")] == planned
    assert len({quantity for _, quantity in planned}) > 5
    assert f"(seed {seed_of(preview)})" in preview.planned.plan.notes[0]


def test_another_request_person_day_or_installation_has_another_seed(rows: Rows, settings: Settings) -> None:
    first = seed_of(previewed(rows))
    assert first is not None
    assert 0 <= first < 2**53
    assert seed_of(previewed(rows)) == first
    others = [
        previewed(rows, quantity="0.4"),
        previewed(rows, now=NOW + timedelta(days=1)),
    ]
    rows.account.traders.add(rows.supervisor)
    rows.supervisor.role = "trader"
    others.append(previewed(rows, person=rows.supervisor))
    settings.SECRET_KEY = "another"
    others.append(previewed(rows))
    assert first not in {seed_of(preview) for preview in others}
    assert len({seed_of(preview) for preview in others}) == len(others)


@pytest.mark.parametrize(("parameters", "seed"), [({"duration": "30m"}, None), (RANDOM | {"seed": "7"}, 7)])
def test_a_seed_is_made_only_where_one_is_wanted(
    rows: Rows, parameters: dict[str, str], seed: int | None
) -> None:
    assert seed_of(previewed(rows, parameters=parameters)) == seed


def test_extending_with_a_fixed_end_is_refused_in_the_preview(rows: Rows) -> None:
    end = (NOW + timedelta(minutes=30)).isoformat()
    (problem,) = previewed(rows, parameters={"end_at": end, "at_end": "extend"}).problems
    assert (problem.field, problem.value, problem.limit) == ("at_end", "extend", end)
