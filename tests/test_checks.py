"""The static checks: the first tests of a whole run (tests/sharing.py)."""

from __future__ import annotations

import pytest

from tests.checks import CHECKS, Check


@pytest.mark.real_process
@pytest.mark.timeout(1800)  # types without a cache, on a busy machine
@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.name)
def test_static_check(check: Check) -> None:
    outcome = check.run()
    if not outcome.is_ok:
        pytest.fail(f"{' '.join(check.command)}:\n{outcome.output}", pytrace=False)
