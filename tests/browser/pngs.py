"""Charts that the pages save as PNG."""

from __future__ import annotations

import re
import struct
from pathlib import Path

from playwright.sync_api import Page

SIGNATURE = b"\x89PNG\r\n\x1a\n"
#: A picture without a drawing has about 3 kB.
DRAWN = 5_000


def save_chart(page: Page, selector: str) -> str:
    """Save a chart by its button. Return the name of its file without the time. The file is a drawn PNG at twice the
    size of the page.
    """
    with page.expect_download() as found:
        page.locator(f'[data-png="{selector}"]').click()
    name = re.fullmatch(r"(.+)-[0-9]{8}-[0-9]{6}\.png", found.value.suggested_filename)
    assert name is not None, found.value.suggested_filename
    content = Path(found.value.path()).read_bytes()
    assert content.startswith(SIGNATURE)
    assert len(content) > DRAWN
    width, _ = struct.unpack(">II", content[16:24])
    assert width == 2 * page.locator(selector).evaluate("(node) => node.clientWidth")
    return name[1]
