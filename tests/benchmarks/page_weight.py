"""Measures the weight of each page and its time to ready, on a desk that runs.

``uv run python -m tests.benchmarks.page_weight --url http://127.0.0.1:8000 --people var/people.txt``

*Cold* is the first visit of a browser with an empty cache, *warm* is its next visit of the same page. A page is ready
when it is loaded and, if it is live, its websocket has brought the first data.
"""

from __future__ import annotations

import argparse
import statistics
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright

from execution.launcher.files import read_people
from tests.desk.browser import CHROMIUM_FLAGS, find_chromium

#: By the person who sees them. "{order}" is the address of the first order in the list.
PAGES = {
    "": ("/login/",),
    "trader": ("/", "/orders/new/", "/orders/", "{order}", "/balances/", "/analysis/", "/baskets/"),
    "supervisor": ("/", "/wall/", "/halts/new/", "/limits/"),
    "admin": ("/accounts/", "/people/"),
}
TIMES = 5
#: The milliseconds since the navigation began, once the page is ready; until then null.
READY = """() => document.readyState === "complete" && performance.getEntriesByType("navigation")[0].loadEventEnd > 0
    && document.querySelector("#connection")?.dataset.state !== "waiting" ? performance.now() : null"""


@dataclass
class Visits:
    """Requests, transferred bytes and milliseconds of several visits."""

    requests: list[int] = field(default_factory=list)
    sizes: list[int] = field(default_factory=list)
    times: list[float] = field(default_factory=list)

    def cells(self) -> str:
        size, time = statistics.median(self.sizes) / 1000, statistics.median(self.times)
        return f"{statistics.median(self.requests):.0f} | {size:,.0f} | {time:,.0f}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--url", required=True)
    parser.add_argument("--people", type=Path, required=True, help="the desk's people.txt")
    options = parser.parse_args()
    passwords = read_people(options.people)
    print("| page | person | requests, cold | kB | ms | requests, warm | kB | ms |")
    print("| --- | --- | ---: | ---: | ---: | ---: | ---: | ---: |")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=find_chromium(), args=list(CHROMIUM_FLAGS))
        for name, paths in PAGES.items():
            cookies = _cookies(browser, options.url, name, passwords[name]) if name else []
            for path in paths:
                address = path if path != "{order}" else _first_order(browser, options.url, cookies)
                cold, warm = _measured(browser, options.url + address, cookies)
                print(f"| `{path}` | {name or 'nobody'} | {cold.cells()} | {warm.cells()} |", flush=True)
        browser.close()


def _measured(browser: Browser, address: str, cookies: list[Any]) -> tuple[Visits, Visits]:
    cold, warm = Visits(), Visits()
    for _ in range(TIMES):
        with _context(browser, cookies) as context:
            page = context.new_page()
            for visits in (cold, warm):
                _visit(page, address, visits)
    return cold, warm


def _visit(page: Page, address: str, visits: Visits) -> None:
    session = page.context.new_cdp_session(page)
    sizes: list[int] = []
    session.on("Network.loadingFinished", lambda event: sizes.append(int(event["encodedDataLength"])))
    session.send("Network.enable")
    answer = page.goto(address)
    if answer is None or not answer.ok:
        raise SystemExit(f"{address} answers {answer.status if answer else 'nothing'}")
    ready = page.wait_for_function(READY, polling=10).json_value()
    page.wait_for_timeout(300)  # the last sizes are told a little later
    session.detach()
    visits.requests.append(sum(1 for size in sizes if size))
    visits.sizes.append(sum(sizes))
    visits.times.append(float(ready))


@contextmanager
def _context(browser: Browser, cookies: list[Any]) -> Iterator[BrowserContext]:
    context = browser.new_context(viewport={"width": 1440, "height": 900})
    context.add_cookies(cookies)
    yield context
    context.close()


def _cookies(browser: Browser, url: str, name: str, password: str) -> list[Any]:
    with _context(browser, []) as context:
        page = context.new_page()
        page.goto(f"{url}/login/")
        page.locator("input[name=username]").fill(name)
        page.locator("input[name=password]").fill(password)
        page.keyboard.press("Enter")
        page.wait_for_url(lambda address: "/login/" not in address)
        return list(context.cookies())


def _first_order(browser: Browser, url: str, cookies: list[Any]) -> str:
    with _context(browser, cookies) as context:
        page = context.new_page()
        page.goto(f"{url}/orders/")
        return str(page.locator("#order-rows a.mono").first.get_attribute("href"))


if __name__ == "__main__":
    main()
