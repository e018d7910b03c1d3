"""The palette with answers that come late."""

from __future__ import annotations

import json
from urllib.parse import parse_qs, urlsplit

from playwright.sync_api import Route, expect

from tests.scripts.bare import ADDRESS, Scripts

PALETTE = """<dialog id="palette" data-source="/palette/"><input id="palette-field"><div id="palette-list"></div>
<div id="palette-problems"></div><p id="palette-status"></p></dialog>"""
OPEN = """async () => {
  (await import("/static/js/lib/palette.js")).watchPalette();
  document.dispatchEvent(new KeyboardEvent("keydown", { key: "k", ctrlKey: true }));
}"""
#: What the server finds for a text.
FOUND = {
    "": ["Home", "Orders", "Balances"],
    "b": ["Baskets", "Orders", "Balances"],
    "bo": ["Blotter", "Orders"],
}
SOURCE = f"{ADDRESS}palette/**"


def answer(route: Route) -> None:
    text = parse_qs(urlsplit(route.request.url).query, keep_blank_values=True)["q"][0]
    found = [{"label": label, "url": f"/{label}/"} for label in FOUND[text]]
    body = json.dumps({"groups": [{"name": "Pages", "items": found}], "problems": []})
    route.fulfill(body=body, content_type="application/json")


def test_a_late_answer_keeps_the_line_that_an_arrow_key_chose(scripts: Scripts) -> None:
    scripts.write(PALETTE)
    page, late = scripts.page, []
    chosen = page.locator('[role=option][aria-selected="true"]')
    page.route(
        SOURCE, lambda route: late.append(route) if route.request.url.endswith("q=b") else answer(route)
    )
    try:
        scripts.run(OPEN)
        expect(chosen).to_have_text("Home")
        with page.expect_request(SOURCE):
            page.keyboard.type("b")
        page.keyboard.press("ArrowDown")
        expect(chosen).to_have_text("Orders")
        answer(late.pop())
        expect(page.locator("#palette-option-0")).to_have_text("Baskets")
        expect(chosen).to_have_text("Orders")
        page.keyboard.type("o")  # another text: its best line is chosen again
        expect(chosen).to_have_text("Blotter")
    finally:
        page.unroute(SOURCE)
