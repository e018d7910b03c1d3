"""A finder that serves Plotly's script from its wheel. The repository needs no copy, and pages use no CDN."""

from __future__ import annotations

import os
from collections.abc import Iterable
from typing import Any

from django.conf import settings
from django.contrib.staticfiles.finders import BaseFinder
from django.core.files.storage import FileSystemStorage, Storage

PLOTLY_PATH = "plotly.min.js"


class PlotlyFinder(BaseFinder):
    """Finds ``plotly.min.js`` in Plotly's package, and none of the package's other files."""

    def check(self, **_kwargs: Any) -> list[Any]:
        return []

    def find(self, path: str, find_all: bool = False, **_kwargs: Any) -> Any:
        if path != PLOTLY_PATH:
            return []
        return [settings.PLOTLY_SCRIPT] if find_all else settings.PLOTLY_SCRIPT

    def list(self, ignore_patterns: Iterable[str] | None) -> Iterable[tuple[str, Storage]]:
        storage = FileSystemStorage(location=os.path.dirname(settings.PLOTLY_SCRIPT))
        storage.prefix = ""  # type: ignore[attr-defined]  # collectstatic reads it
        yield PLOTLY_PATH, storage
