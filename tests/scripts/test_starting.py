"""The order in which a page's modules start, and in which Plotly follows them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Route, expect

from tests.scripts.bare import ADDRESS, Scripts

FILES = {
    "/entry.js": "import { startPages } from '/static/js/lib/pages.js'; told = ['entry']; startPages();",
    "/plain.js": "told.push('plain'); window.Drawn = true;",
    "/plotly.js": "told.push('plotly');",
    "/first.js": "export const start = () => told.push(`first ${window.Drawn}`);",
    "/broken.js": "export function start() { throw new Error('broken start'); }",
    "/no_start.js": "export const other = 1;",
    "/last.js": "export const start = () => told.push('last');",
}
PAGE = """<!doctype html><title>Started</title>
<script>var told = [];</script>
<script type="module" src="/entry.js"></script>
<script src="/plain.js" defer></script>"""
OWN = '<script type="module" data-page src="/{}.js"></script>'
NAMES = ("first", "broken", "no_start", "lost", "last")


@pytest.fixture
def errors(scripts: Scripts) -> Iterator[list[str]]:
    """Serve a page that has modules of its own. Yield what the browser says of errors while it is open."""
    files = FILES | {"/started": PAGE + "".join(OWN.format(name) for name in NAMES)}
    said: list[str] = []

    def answer(route: Route) -> None:
        text = files.get("/" + route.request.url.removeprefix(ADDRESS))
        kind = "text/html" if text == files["/started"] else "text/javascript"
        if text is None:
            route.fallback()
        else:
            route.fulfill(body=text, content_type=kind)

    def hear(error: Any) -> None:
        said.append(str(error))

    scripts.page.route(f"{ADDRESS}**", answer)
    scripts.page.on("pageerror", hear)
    yield said
    scripts.page.remove_listener("pageerror", hear)
    scripts.page.unroute(f"{ADDRESS}**", answer)
    scripts.clear()


def test_a_pages_modules_start_in_their_order_after_its_plain_scripts(
    scripts: Scripts, errors: list[str]
) -> None:
    scripts.page.goto(f"{ADDRESS}started")
    told = ["entry", "plain", "first true", "last"]
    scripts.page.wait_for_function("(count) => told.length >= count", arg=len(told))
    assert scripts.run("() => told") == told
    assert any("broken start" in error for error in errors)
    assert any("lost.js" in error for error in errors)
    assert any("start is not a function" in error for error in errors)


WITH_CHARTS = """(href) => {
  document.body.innerHTML = '<div id="connection" data-state="waiting"><b></b></div>';
  document.head.insertAdjacentHTML("beforeend", `<link data-plotly href="${href}">`);
  window.told = [];
  document.addEventListener("tranche:redraw", () => told.push("redraw"));
  import("/static/js/lib/plotly.js").then(({ loadPlotly }) => loadPlotly());
}"""
GO_LIVE = "() => { told.push('live'); document.getElementById('connection').dataset.state = 'live'; }"


def test_plotly_follows_the_first_data_and_the_charts_are_drawn_then(
    scripts: Scripts, errors: list[str]
) -> None:
    scripts.run(WITH_CHARTS, "/plotly.js")
    scripts.page.wait_for_timeout(300)
    assert scripts.run("() => told") == []
    scripts.run(GO_LIVE)
    scripts.page.wait_for_function("() => told.length === 3")
    assert scripts.run("() => told") == ["live", "plotly", "redraw"]
    assert errors == []


def test_plotly_comes_although_no_data_do(scripts: Scripts, errors: list[str]) -> None:
    scripts.run(WITH_CHARTS, "/plotly.js")
    scripts.page.wait_for_function("() => told.length === 2")
    assert scripts.run("() => told") == ["plotly", "redraw"]
    assert errors == []


def test_a_page_whose_charts_cannot_be_drawn_says_so(scripts: Scripts, errors: list[str]) -> None:
    scripts.run(WITH_CHARTS, "/lost.js")
    scripts.run("() => document.body.insertAdjacentHTML('beforeend', '<div id=\"notices\"></div>')")
    expect(scripts.page.get_by_text("The script of the charts could not be loaded")).to_be_visible()
    assert scripts.run("() => told") == []
