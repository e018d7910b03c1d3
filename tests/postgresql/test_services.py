"""The tests of the services that matter most, and the races of two sessions, in a session on PostgreSQL."""

from __future__ import annotations

import re

import pytest

from tests.patience import PATIENCE
from tests.postgresql.session import Session

FEWEST = 130  # tests: a selection that has become empty is no success


@pytest.mark.timeout(1800)
def test_the_services_do_on_postgresql_what_they_do_on_sqlite(services_session: Session) -> None:
    code, said = services_session.wait(270 * PATIENCE)
    tail = said[-6000:]
    passed = re.search(r"(\d+) passed", tail)
    assert code == 0, tail
    assert passed is not None, tail
    assert int(passed[1]) >= FEWEST, tail
    assert "skipped" not in tail.splitlines()[-1], tail
    print(f"on PostgreSQL: {tail.splitlines()[-1]}")
