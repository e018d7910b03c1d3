"""A disk that is nearly full: no order is taken, and it is said with the value and the limit."""

from __future__ import annotations

import shutil
from types import SimpleNamespace
from typing import Any

import pytest
from django.conf import settings as django_settings
from pytest_django.fixtures import Settings

from execution.core.problems import Refused
from execution.models import Order
from execution.selectors.room import MEGABYTE, held_back, room_problem, room_words
from tests.factories import Rows

#: In megabytes; no disk has so much.
BEYOND = 900_000_000


def test_an_order_is_refused_below_the_floor_with_the_value_and_the_limit(
    rows: Rows, settings: Settings
) -> None:
    settings.TRANCHE_DISK_FLOOR = BEYOND
    with pytest.raises(Refused) as refused:
        rows.submit()
    (problem,) = refused.value.problems
    free = shutil.disk_usage(django_settings.VAR).free // MEGABYTE
    assert problem.message.startswith("Only ")
    assert problem.message.endswith("MB of disk are free. No new order starts below 900,000,000 MB.")
    assert abs(int(str(problem.value).removesuffix(" MB").replace(",", "")) - free) < 1000
    assert problem.limit == "900,000,000 MB"
    assert not Order.objects.exists()


def test_a_floor_of_zero_asks_nothing(rows: Rows, settings: Settings) -> None:
    settings.TRANCHE_DISK_FLOOR = 0
    assert rows.submit().pk


@pytest.mark.parametrize(
    ("total", "free", "is_short"),
    [
        (500_000 * MEGABYTE, 199 * MEGABYTE, True),
        (500_000 * MEGABYTE, 200 * MEGABYTE, False),
        (24 * MEGABYTE, 2_300_000, True),  # a tenth of a small disk
        (24 * MEGABYTE, 2_500_000, False),
    ],
)
def test_the_floor_is_200_megabytes_or_a_tenth_of_a_small_disk(
    total: int, free: int, is_short: bool, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.TRANCHE_DISK_FLOOR = None
    monkeypatch.setattr(shutil, "disk_usage", lambda _: SimpleNamespace(total=total, free=free))
    assert bool(room_words()) is is_short
    assert bool(held_back()) is is_short


def test_free_space_that_the_system_does_not_tell_refuses_nothing(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    def unknown(_: Any) -> Any:
        raise OSError(5, "Input/output error")

    monkeypatch.setattr(shutil, "disk_usage", unknown)
    assert room_problem() is None
