"""Presets and the risk aversion of an IS on the ticket, in Chromium: what is chosen is filled in and said."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from playwright.sync_api import Browser, Page, expect

from tests.browser.console_guard import Watched
from tests.browser.test_home import WIDER

if TYPE_CHECKING:
    from tests.desk.running import RunningDesk

LINES = """() => document.getElementById("plan-chart").data
  .filter((trace) => trace.type === "scatter" && trace.line.dash === "dot")
  .map((trace) => [trace.name, trace.y[0], trace.y[24], trace.y.at(-1)])"""


def open_ticket(page: Page) -> None:
    page.goto("/orders/new/?start=defaults")
    expect(page.locator("#connection")).to_have_attribute("data-state", "live", timeout=60_000)


def fits(page: Page) -> None:
    for width in (1600, 1366, 390):
        page.set_viewport_size({"width": width, "height": 900})
        assert page.evaluate(WIDER) <= 0, f"{width} px wide"
    page.set_viewport_size({"width": 1600, "height": 900})


def test_a_preset_is_saved_chosen_and_deleted_and_says_what_it_changes(
    browser: Browser, desk: RunningDesk
) -> None:
    watched = Watched(browser, desk)
    page = watched.log_in("trader")
    open_ticket(page)
    page.get_by_label("Quantity", exact=True).fill("0.7")
    page.get_by_label("Duration").fill("45m")
    page.locator("#preset-save").click()
    watched.picture("preset-dialog")
    page.get_by_label("Name", exact=True).fill("calm")
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.locator("#preset-words")).to_have_text("Saved as calm.")
    expect(page.locator("#preset-dialog")).to_be_hidden()

    open_ticket(page)
    page.get_by_label("Quantity", exact=True).fill("0.9")
    page.get_by_label("Preset", exact=True).select_option(label="calm")
    expect(page.locator("#preset-words")).to_have_text("calm: changed Duration 01:00:00 → 00:45:00.")
    assert page.get_by_label("Quantity", exact=True).input_value() == "0.9", "a preset has no quantity"
    expect(page.locator("#plan-subtitle")).to_contain_text("45 slices")
    watched.picture("preset-chosen")
    page.get_by_label("Duration").fill("30m")
    expect(page.get_by_label("Preset", exact=True)).to_have_value("")
    page.get_by_label("Preset", exact=True).select_option(label="The defaults")
    expect(page.get_by_label("Duration")).to_have_value("01:00:00")
    page.locator('input[name="algorithm"][value="vwap"] + span').click()
    expect(page.locator("#preset optgroup")).to_have_count(1)

    page.get_by_role("link", name="manage", exact=True).click()
    row = page.locator("tr", has_text="calm")
    expect(row).to_contain_text("duration 00:45:00")
    watched.picture("presets")
    row.get_by_role("button", name="Delete…", exact=True).click()
    page.get_by_role("button", name="Delete the preset", exact=True).click()
    expect(page.locator("#content")).to_contain_text("You have no presets yet")
    fits(page)
    assert watched.complaints == []


def test_an_is_is_asked_as_low_medium_high_and_draws_all_three(browser: Browser, desk: RunningDesk) -> None:
    watched = Watched(browser, desk)
    page = watched.log_in("trader")
    open_ticket(page)
    page.get_by_label("Quantity", exact=True).fill("2")
    page.locator('input[name="algorithm"][value="is"] + span').click()
    rows = page.locator("#risks tbody tr")
    expect(rows).to_have_count(3)
    chosen = page.locator("#risks tr[aria-current]")
    expect(chosen).to_contain_text("medium")
    expect(page.locator("#plan-notes")).to_contain_text(re.compile("ront-loaded: 79% of 2 in the first half"))
    expect(page.locator("#plan-legend")).to_contain_text("dotted: with low, high risk aversion")
    low, high = page.evaluate(LINES)
    assert (low[0], high[0], low[1], low[3]) == ("low", "high", 0, high[3])
    assert low[2] < high[2]
    costs = [row.locator("td").nth(2).inner_text() for row in rows.all()]
    assert all(re.fullmatch(r"[+−]?[\d,.]+ bp", cost) for cost in costs), costs
    watched.picture("ticket-is-medium")

    # An estimated impact follows the spread, so the same λ would be another share a moment later.
    page.locator("details.more summary").click()
    page.locator('input[name="volatility"]').fill("3")
    page.locator('input[name="impact_bp"]').fill("20")
    expect(page.locator("#plan-notes")).to_contain_text("impact 20.0 bp at the market's pace as given")

    number = page.get_by_label("Risk aversion λ")
    expect(number).to_be_hidden()
    page.locator('input[name="risk"][value="high"] + span').click()
    expect(chosen).to_contain_text("high")
    expect(page.locator("#plan-notes")).to_contain_text("95% of 2")
    suggested = chosen.locator("td").last.inner_text()
    page.locator('input[name="risk"][value="numbers"] + span').click()
    number.fill(suggested)
    expect(chosen).to_contain_text("by number")
    expect(chosen.locator("td").nth(1)).to_have_text(re.compile(r"9[456] %"))
    expect(rows).to_have_count(4)
    watched.picture("ticket-is-number")
    assert watched.complaints == []
