"""The mutants still meet the product: what they replace is there, and seeds notice one of them."""

from __future__ import annotations

import subprocess
import sys

import pytest

from tests.checks import REPOSITORY
from tests.faults.mutants import MUTANTS, Mutant, mutated


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.name)
def test_what_a_mutant_replaces_is_there_and_is_put_back(mutant: Mutant) -> None:
    patches = mutant.patches()
    before = [getattr(place, name) for place, name, _ in patches]
    with mutated(mutant):
        assert all(
            getattr(place, name) is not was for (place, name, _), was in zip(patches, before, strict=True)
        )
    assert all(getattr(place, name) is was for (place, name, _), was in zip(patches, before, strict=True))


@pytest.mark.seeds
def test_seeds_notice_a_guard_that_is_gone() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "tests.faults.mutants", "--seeds", "20", "--only", "recorded again"],
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr[-2000:]
    assert "not noticed" not in done.stdout
    assert "I2" in done.stdout.splitlines()[-1]
