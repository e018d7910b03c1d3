"""A page in Chromium whose every complaint is kept."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

from playwright.sync_api import Browser, ConsoleMessage, Page, Request, Response, expect

from tests.desk.visitor import Visitor
from tests.patience import SOON

if TYPE_CHECKING:
    from tests.desk.running import RunningDesk

SCREENSHOTS = Path(__file__).resolve().parents[2] / "screenshots"
#: Where the work of a person begins, when it is not the home page.
FIRST_PAGES = {"supervisor": "/wall/"}
SIZE = {"width": 1440, "height": 1080}
#: Pages of the present test; tests/browser/conftest.py reads them when it fails.
OPENED: list[Page] = []


class Watched:
    """A page whose every complaint is kept: console, exceptions, failed requests, errors of the server."""

    def __init__(self, browser: Browser, desk: RunningDesk, theme: str = "dark") -> None:
        self.desk = desk
        context = browser.new_context(viewport=SIZE, base_url=desk.url)  # type: ignore[arg-type]
        context.set_default_timeout(SOON)
        self.page: Page = context.new_page()
        OPENED.append(self.page)
        self.page.add_init_script(f"localStorage.setItem('tranche-theme', '{theme}')")
        self.complaints: list[str] = []
        self.page.on("console", self._console)
        self.page.on("pageerror", lambda error: self.complaints.append(f"exception: {error}"))
        self.page.on("requestfailed", self._failed)
        self.page.on("response", self._answered)

    def _console(self, message: ConsoleMessage) -> None:
        if message.type in {"error", "warning"}:
            self.complaints.append(f"console: {message.text}")

    def _failed(self, request: Request) -> None:
        # Leaving a page ends what it was still asking for.
        if request.failure != "net::ERR_ABORTED":
            self.complaints.append(f"failed: {request.url} {request.failure}")

    def _answered(self, response: Response) -> None:
        if response.status >= 400:
            self.complaints.append(f"{response.status}: {response.url}")

    def log_in(self, name: str) -> Page:
        """Enter with the person's session, which costs a tenth of the form's time."""
        cookies = [(cookie.name, cookie.value or "") for cookie in Visitor(self.desk, name).cookies]
        self.page.context.add_cookies([{"name": n, "value": v, "url": self.desk.url} for n, v in cookies])
        self.page.goto(FIRST_PAGES.get(name, "/"))
        return self._entered()

    def log_in_by_form(self, name: str) -> Page:
        """Enter as people do."""
        self.page.goto("/login/")
        self.page.get_by_label("Name").fill(name)
        self.page.get_by_label("Password").fill(self.desk.passwords[name])
        self.page.get_by_role("button", name="Log in", exact=True).click()
        return self._entered()

    def _entered(self) -> Page:
        expect(self.page).to_have_url(re.compile(r"//[^/]+/((orders|accounts|wall)/)?$"))
        self.page.wait_for_load_state()  # before that no script listens to the keyboard
        return self.page

    def picture(self, name: str) -> None:
        SCREENSHOTS.mkdir(exist_ok=True)
        self.page.screenshot(path=SCREENSHOTS / f"{name}.png")
