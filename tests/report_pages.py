"""Reading the page of a report."""

from __future__ import annotations

import html
import json
import re
from typing import Any


def charts_of(page: str) -> list[dict[str, Any]]:
    """Return the charts as the page's script reads them."""
    found = re.search(r'<script id="charts" type="application/json">(.*?)</script>', page, re.DOTALL)
    assert found is not None
    charts: list[dict[str, Any]] = json.loads(found[1])
    return charts


def printed_in(page: str) -> str:
    """Return the text that the page shows as printed."""
    found = re.search(r'<pre tabindex="0">(.*?)</pre>', page, re.DOTALL)
    assert found is not None
    return html.unescape(found[1])
