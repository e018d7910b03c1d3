"""What a test needs of the machine: skipped loudly where it is missing, and a failure where it must be there."""

from __future__ import annotations

import os

import pytest


def required(what: str, *, is_there: bool, install: str) -> None:
    """Skip the test when ``what`` is missing; fail it under ``TRANCHE_REQUIRE_<what>=1``, as in .ci/run."""
    if is_there:
        return
    message = f"NOT TESTED: no {what} on this machine (apt-get install {install}, or run .ci/run as root)"
    if os.environ.get(f"TRANCHE_REQUIRE_{what}") == "1":
        pytest.fail(message, pytrace=False)
    pytest.skip(message)
