"""Finds the parts of a page that do not fit its screen."""

from __future__ import annotations

from typing import Any

from playwright.sync_api import Page

#: With the width of each column, so that a failure says what to mend.
TOO_WIDE = """() => [document.documentElement, ...document.querySelectorAll('.scroll')]
    .filter((node) => node.scrollWidth > node.clientWidth)
    .map((node) => [node.className || node.nodeName, node.scrollWidth, node.clientWidth,
        [...node.querySelectorAll('thead th')].map((head) => [head.dataset.column, head.offsetWidth])])"""


def too_wide(page: Page) -> Any:
    """Return each part that is wider than its place, with both widths and its columns; empty if all fits."""
    return page.evaluate(TOO_WIDE)
