"""The order in which a page's modules start, and in which Plotly follows them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Route, expect

from tests.scripts.bare import ADDRESS, Scripts

IMPORTED = "import { register } from '/static/js/lib/pages.js'; "
FILES = {
    "/entry.js": "import { startPages } from '/static/js/lib/pages.js'; told.push('entry'); startPages();",
    "/plain.js": "told.push('plain'); window.Drawn = true;",
    "/plotly.js": "told.push('plotly');",
    "/first.js": IMPORTED + "register(() => told.push(`first ${window.Drawn}`));",
    "/broken.js": IMPORTED + "register(() => { throw new Error('broken start'); });",
    "/last.js": IMPORTED + "register(() => told.push('last'));",
}
PAGE = """<!doctype html><title>Started</title>
<script>
var told = [];
document.addEventListener("DOMContentLoaded", () => told.push("complete"));
</script>
<script src="/plain.js" defer></script>"""
OWN = '<script type="module" src="/{}.js"></script>'
NAMES = ("first", "broken", "lost", "last", "entry")


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


def test_a_pages_modules_start_in_their_order_before_the_page_is_complete(
    scripts: Scripts, errors: list[str]
) -> None:
    """A module that cannot be loaded or started keeps no other from its start."""
    lost: list[str] = []
    scripts.page.on("response", lambda answer: lost.append(answer.url) if answer.status == 404 else None)
    scripts.page.goto(f"{ADDRESS}started")
    assert scripts.run("() => told") == ["plain", "entry", "first true", "last", "complete"]
    assert len(errors) == 1
    assert "broken start" in errors[0]
    assert lost == [f"{ADDRESS}lost.js"]


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
