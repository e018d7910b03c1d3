"""The browser of the tests: where a machine keeps one, and how it is started."""

from __future__ import annotations

import shutil
from pathlib import Path

NAMES = ("chromium", "chromium-browser", "google-chrome")
#: Flags under which Chromium runs in a container and asks nothing of the internet.
CHROMIUM_FLAGS = (
    *("--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--disable-quic", "--no-first-run"),
    *("--disable-background-networking", "--disable-component-update", "--disable-sync"),
)
FONT_FOLDERS = (
    *("/usr/share/fonts", "/usr/local/share/fonts", "~/.fonts", "~/.local/share/fonts"),
    *("/System/Library/Fonts", "/Library/Fonts"),
)


def find_chromium() -> str | None:
    """A browser on the PATH, else the one that ``playwright install chromium`` has brought."""
    return next((found for name in NAMES if (found := shutil.which(name))), None) or _playwrights_own()


def _playwrights_own() -> str | None:
    from playwright.sync_api import (
        sync_playwright,
    )  # here: only a machine without another needs the import's time

    with sync_playwright() as playwright:
        path = playwright.chromium.executable_path
    return path if Path(path).exists() else None


def find_fonts() -> str | None:
    """A folder that holds a font: without one, screenshots show boxes."""
    for name in FONT_FOLDERS:
        folder = Path(name).expanduser()
        if any(next(folder.rglob(pattern), None) for pattern in ("*.ttf", "*.otf", "*.ttc")):
            return str(folder)
    return None
