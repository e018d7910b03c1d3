"""Measures the weight of each page and its time to ready, on a desk that runs.

``uv run python -m tests.benchmarks.page_weight --url http://127.0.0.1:8000 --people var/people.txt``

*Cold* is the first visit of a browser with an empty cache, *warm* is its next visit of the same page. A page is ready
when it is loaded or, if it is live, its websocket has brought the first data. Its charts are there when the first is.
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
    "trader": ("/", "/orders/new/", "/orders/", "{order}", "/balances/", "/baskets/"),
    "supervisor": ("/", "/wall/", "/halts/new/", "/limits/"),
    "admin": ("/accounts/", "/people/"),
}
TIMES = 5
#: Records the milliseconds since the navigation began until the page is live, and until its first chart is drawn.
MARKS = """
window.marks = { live: 0, chart: 0 };
new MutationObserver(() => {
  const state = document.querySelector("#connection")?.dataset.state;
  if (!marks.live && state && state !== "waiting") marks.live = performance.now();
  if (!marks.chart && document.querySelector(".main-svg")) marks.chart = performance.now();
}).observe(document, { subtree: true, childList: true, attributes: true });
"""
#: Both, once the page is there: [ready, charts]. A page without a websocket is ready when it is loaded.
READY = """() => {
  const loaded = performance.getEntriesByType("navigation")[0].loadEventEnd;
  const live = document.querySelector("#connection") ? marks.live : loaded;
  const chart = document.querySelector("link[data-plotly]") ? marks.chart : live;
  return loaded && live && chart ? [live, chart] : null;
}"""


@dataclass
class Visits:
    """Requests, transferred bytes, and milliseconds until the page is ready and has its charts, of several visits."""

    requests: list[int] = field(default_factory=list)
    sizes: list[int] = field(default_factory=list)
    ready: list[float] = field(default_factory=list)
    charts: list[float] = field(default_factory=list)

    def cells(self) -> str:
        size, ready, charts = (statistics.median(each) for each in (self.sizes, self.ready, self.charts))
        return f"{statistics.median(self.requests):.0f} | {size / 1000:,.0f} | {ready:,.0f} | {charts:,.0f}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--url", required=True)
    parser.add_argument("--people", type=Path, required=True, help="the desk's people.txt")
    options = parser.parse_args()
    passwords = read_people(options.people)
    print(
        "| page | person | requests, cold | kB | ready, ms | charts | requests, warm | kB | ready, ms | charts |"
    )
    print("| --- | --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |")
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
    ready, charts = page.wait_for_function(READY, polling=20).json_value()
    page.wait_for_timeout(300)  # the last sizes are told a little later
    session.detach()
    visits.requests.append(sum(1 for size in sizes if size))
    visits.sizes.append(sum(sizes))
    visits.ready.append(float(ready))
    visits.charts.append(float(charts))


@contextmanager
def _context(browser: Browser, cookies: list[Any]) -> Iterator[BrowserContext]:
    context = browser.new_context(viewport={"width": 1440, "height": 900})
    context.add_cookies(cookies)
    context.add_init_script(MARKS)
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
