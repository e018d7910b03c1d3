"""A page without a desk, for the functions of ``static/js``."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, Page, Route

from tests.checks import REPOSITORY

SCRIPTS = REPOSITORY / "static" / "js"
#: No server has this address: Chromium gets every answer from ``_answer``. It is secure, as the desk's is.
ADDRESS = "http://scripts.localhost/"
#: A half-hour zone, so that a time that is not in UTC is seen.
ZONE = "Asia/Kolkata"

CALLS = """async ([module, name, cases]) => {
  const found = (await import(`/static/js/${module}.js`))[name];
  return cases.map((given) => found(...given));
}"""

#: Writes a page's body and the JSON in it by id.
WRITE = """([body, data]) => {
  localStorage.clear();
  document.body.innerHTML = body;
  for (const [id, value] of Object.entries(data)) {
    const script = Object.assign(document.createElement("script"), { id, type: "application/json" });
    script.textContent = JSON.stringify(value);
    document.body.append(script);
  }
}"""
START = "async (page) => (await import(`/static/js/pages/${page}.js`)).start()"


class Scripts:
    """A page at which only the files of ``static/js`` are served."""

    def __init__(self, browser: Browser) -> None:
        context = browser.new_context(locale="en-GB", timezone_id=ZONE)
        self.page: Page = context.new_page()
        self.page.route(f"{ADDRESS}**", _answer)
        self.clear()

    def clear(self) -> None:
        """Begin with a page on which nothing is loaded."""
        self.page.goto(ADDRESS)

    def results(self, module: str, function: str, cases: Sequence[Sequence[Any]]) -> list[Any]:
        """Return the results of a module's function, one for the arguments of each case."""
        found: list[Any] = self.page.evaluate(CALLS, [module, function, [list(case) for case in cases]])
        return found

    def result(self, module: str, function: str, *arguments: Any) -> Any:
        return self.results(module, function, [arguments])[0]

    def run(self, script: str, argument: Any = None) -> Any:
        """Return the result of a function of the script's own, as JavaScript."""
        return self.page.evaluate(script, argument)

    def write(self, body: str, data: dict[str, Any] | None = None) -> None:
        """Begin with a page that has this body, and this JSON by id."""
        self.clear()
        self.page.evaluate(WRITE, [body, data or {}])

    def start(self, page: str) -> None:
        """Start a page's own module."""
        self.page.evaluate(START, page)

    def texts(self, selector: str) -> list[str]:
        """Return the text of each element."""
        return self.page.locator(selector).all_text_contents()


def all_modules() -> list[Path]:
    """Return the modules, relative to ``static/js``."""
    return sorted(path.relative_to(SCRIPTS) for path in SCRIPTS.rglob("*.js"))


def _answer(route: Route) -> None:
    path = route.request.url.removeprefix(ADDRESS)
    if not path:
        route.fulfill(body="<!doctype html><title>Scripts</title>", content_type="text/html")
    elif path.startswith("static/js/") and (file := REPOSITORY / path).is_file():
        route.fulfill(body=file.read_text(encoding="utf-8"), content_type="text/javascript")
    else:
        route.fulfill(status=404, body="")
