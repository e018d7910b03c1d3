"""One browser and one page for all tests of the scripts: starting them costs more than the tests."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.fixtures.browser import started
from tests.scripts.bare import Scripts


@pytest.fixture(scope="package")
def scripts(chromium_path: str) -> Iterator[Scripts]:
    """Yield a bare page, without a running desk."""
    with started(chromium_path) as browser:
        yield Scripts(browser)
