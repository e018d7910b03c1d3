"""The browser of the tests: where a machine keeps one, and how it is started."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

#: The first is Chromium without the parts that draw windows. It needs a third less of the processor.
NAMES = ("chromium-headless-shell", "chromium", "chromium-browser", "google-chrome")
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
    """Return a browser on the PATH, else the one from ``playwright install chromium``."""
    return next((found for name in NAMES if (found := shutil.which(name))), None) or _playwrights_own()


def find_driver() -> str | None:
    """Return the version of Playwright's own Node.js, where it starts. An empty Debian lacks one of its libraries."""
    from playwright._impl._driver import compute_driver_executable

    program, _ = compute_driver_executable()
    done = subprocess.run([program, "--version"], capture_output=True, text=True, check=False)
    return done.stdout.strip() if done.returncode == 0 else None


def _playwrights_own() -> str | None:
    if find_driver() is None:
        return None
    from playwright.sync_api import (
        sync_playwright,
    )  # here: only a machine without another needs the import's time

    with sync_playwright() as playwright:
        path = playwright.chromium.executable_path
    return path if Path(path).exists() else None


def find_fonts() -> str | None:
    """Return a folder that holds a font. Without a font, screenshots show boxes."""
    for name in FONT_FOLDERS:
        folder = Path(name).expanduser()
        if any(next(folder.rglob(pattern), None) for pattern in ("*.ttf", "*.otf", "*.ttc")):
            return str(folder)
    return None
