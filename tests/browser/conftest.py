"""A failed test says what its pages showed: CI keeps no picture."""

from __future__ import annotations

from collections.abc import Generator

import pytest
from playwright.sync_api import Error, Page

from tests.browser.console_guard import OPENED

LONGEST = 3_000


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    call: pytest.CallInfo[None],
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    if call.when == "call" and report.failed:
        report.sections += [(f"page {page.url}", _shown(page)) for page in OPENED if not page.is_closed()]
    if call.when == "teardown":
        OPENED.clear()
    return report


def _shown(page: Page) -> str:
    """Return the text of the open dialog, or else of the whole page."""
    dialog = page.locator("dialog[open]")
    try:
        return (dialog if dialog.count() else page.locator("body")).first.inner_text(timeout=5_000)[:LONGEST]
    except Error as error:
        return f"it cannot be read: {error}"
