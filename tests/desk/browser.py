"""A Chromium for the browser tests: found, installed, or a failure that says what to run. Never a skip."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys

import pytest

NAMES = ("chromium", "chromium-browser", "google-chrome")
#: Flags under which Chromium runs in a container and asks nothing of the internet.
CHROMIUM_FLAGS = (
    *("--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--disable-quic", "--no-first-run"),
    *("--disable-background-networking", "--disable-component-update", "--disable-sync"),
)
HINT = "install one with `apt-get install chromium` or `uv run playwright install --with-deps chromium`"


def on_path() -> str | None:
    return next((found for name in NAMES if (found := shutil.which(name))), None)


def install_as_root() -> str:
    """Debian's chromium; returns what went wrong, "" when it is installed."""
    if os.geteuid() != 0 or shutil.which("apt-get") is None:
        return "not root on a Debian, so apt-get was not tried"
    environment = os.environ | {"DEBIAN_FRONTEND": "noninteractive"}
    for command in (["apt-get", "update"], ["apt-get", "install", "-y", "chromium"]):
        done = subprocess.run(command, capture_output=True, text=True, env=environment, check=False)
        if done.returncode != 0:
            return f"{' '.join(command)} failed: {done.stderr.strip()[-500:]}"
    return ""


def playwrights_own() -> tuple[str | None, str]:
    """The browser that Playwright downloads, or what went wrong."""
    command = [sys.executable, "-m", "playwright", "install", "chromium"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        return None, f"playwright install chromium failed: {(done.stderr or done.stdout).strip()[-500:]}"
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        return playwright.chromium.executable_path, ""


@pytest.fixture(scope="session")
def chromium_path() -> str:
    """The program to give Playwright as ``executable_path``: on the PATH, else by apt, else Playwright's."""
    if found := on_path():
        return found
    apt_trouble = install_as_root()
    if found := on_path():
        return found
    own, own_trouble = playwrights_own()
    if own is None:
        pytest.fail(f"no browser for the browser tests: {HINT}\n{apt_trouble}\n{own_trouble}", pytrace=False)
    return own
