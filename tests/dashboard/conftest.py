"""Fixtures of the page tests. Models are imported late: this file is read before Django is set up."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.dashboard.desk_fixture import Desk


@pytest.fixture
def make_desk() -> Callable[[], Desk]:
    """Called inside the test's database, also from a thread of an async test."""
    from tests.dashboard.desk_fixture import make_office

    return make_office


@pytest.fixture
def office(db: None, make_desk: Callable[[], Desk]) -> Desk:
    return make_desk()
