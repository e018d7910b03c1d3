"""Fixtures of the real web processes. Rows are imported late: this file is read before Django is set up."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.fixtures import redis_url

if TYPE_CHECKING:
    from tests.dashboard.desk_fixture import Desk

__all__ = ["redis_url"]


@pytest.fixture
def office(transactional_db: None) -> Desk:
    """Rows that another process sees."""
    from tests.dashboard.desk_fixture import make_office

    return make_office()
