"""A trader's day at the blotter and the ticket, in Chromium on the real desk."""

from __future__ import annotations

import csv
import re
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.console_guard import Watched
from tests.browser.fit import too_wide
from tests.desk.visitor import Visitor

if TYPE_CHECKING:
    from tests.desk.running import RunningDesk


def row_of(page: Page, public_id: str) -> str:
    return f'tr[data-id="{public_id}"]'


def downloaded(page: Page) -> list[dict[str, str]]:
    with page.expect_download() as download:
        page.locator("#csv").click()
    with open(download.value.path(), newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


@pytest.mark.timeout(1800)
def test_a_trader_filters_opens_exports_and_acts_on_the_blotter(browser: Browser, desk: RunningDesk) -> None:
    visitor = Visitor(desk)
    ours = visitor.launch(quantity="0.11", duration="00:10:00", slices="100", client_reference="morning")
    visitor.launch(quantity="0.12", side="sell", duration="00:10:00")
    watched = Watched(browser, desk)
    watched.page.set_viewport_size({"width": 1280, "height": 900})
    page = watched.log_in("trader")
    page.goto("/orders/")
    expect(page.locator(row_of(page, ours))).to_be_visible()
    filters(page, ours)
    opens(page, ours)
    watched.picture("blotter")
    acts(page, ours)
    assert watched.complaints == []


def filters(page: Page, ours: str) -> None:
    """Check that the filter is in the address, and that the file has the rows of the table."""
    page.keyboard.press("/")
    page.locator("#q").fill("morning")
    page.keyboard.press("Enter")
    expect(page).to_have_url(re.compile(r"\?q=morning$"))
    page.get_by_label("Side").select_option("buy")
    expect(page).to_have_url(re.compile(r"\?q=morning&side=buy$"))
    lines, rows = downloaded(page), page.locator("#order-rows tr[data-id]")
    expect(rows).to_have_count(len(lines))  # the address changes before the rows are drawn
    ids = rows.evaluate_all("rows => rows.map(row => row.dataset.id)")
    assert [line["Order"] for line in lines] == ids
    assert ours in ids
    (line,) = [line for line in lines if line["Order"] == ours]
    assert (line["Side"], line["Quantity"], line["Reference"]) == ("BUY", "0.11", "morning")
    cells = page.locator(row_of(page, ours)).inner_text()
    assert "▲ BUY" in cells
    assert re.search(r"0\.110*\b", cells)


def opens(page: Page, ours: str) -> None:
    """Open a row by the keyboard. Later rows are drawn into the opened row, and the button keeps the focus."""
    opener = page.locator(row_of(page, ours)).get_by_role("button", name=f"Open {ours}", exact=True)
    opener.focus()
    page.keyboard.press("Enter")
    button = page.locator(f"{row_of(page, ours)} [data-open-row]")
    expect(button).to_have_attribute("aria-expanded", "true")
    parts = page.locator(f"#parts-{ours}")
    expect(
        parts.get_by_role("region", name=f"Children of {ours}").locator("tbody tr td.mono").first
    ).to_be_visible()
    expect(
        parts.get_by_role("region", name=f"Fills of {ours}").locator("tbody tr td.mono").first
    ).to_be_visible(timeout=60_000)
    expect(button).to_be_focused()
    assert too_wide(page) == []


def acts(page: Page, ours: str) -> None:
    row = page.locator(row_of(page, ours))
    for act, state in (("Pause", "paus"), ("Resume…", "working"), ("Cancel…", "cancelled")):
        row.get_by_role("button", name=f"Actions for {ours}", exact=True).click()
        page.locator("#row-menu").get_by_role("button", name=act).click()
        if act != "Pause":
            dialog = page.locator("dialog[open]")
            expect(dialog).to_contain_text(ours)
            dialog.locator("button[type=submit]").click()
        expect(row).to_contain_text(state, ignore_case=True)


@pytest.mark.timeout(1800)
def test_a_trader_clones_types_the_quantity_and_is_asked_about_a_look_alike(
    browser: Browser, desk: RunningDesk
) -> None:
    visitor, watched = Visitor(desk), Watched(browser, desk)
    page = watched.log_in("trader")
    page.goto("/orders/")
    # From here on the clock of the look-alike runs: 30 s.
    first = visitor.launch(quantity="1.7", duration="00:05:00", confirm_quantity="1.7")
    page.locator(row_of(page, first)).get_by_role("button", name=f"Actions for {first}", exact=True).click()
    page.locator("#row-menu").get_by_role("link", name="Clone", exact=True).click()
    expect(page.get_by_label("Quantity", exact=True)).to_have_value("1.7")
    expect(page.locator("#plan-subtitle")).to_contain_text("4 slices")
    page.keyboard.press("Control+Enter")
    send = page.get_by_role("button", name="Send", exact=True)
    expect(page.locator("#review-body")).to_contain_text("asks for the same and was sent")
    expect(send).to_be_disabled()
    page.get_by_label("Send it a second time").check()
    typed = page.get_by_label("Type the quantity again")
    typed.fill("1.8")
    expect(send).to_be_disabled()
    typed.fill("1.70")
    watched.picture("confirm")
    send.click()
    expect(page).to_have_url(re.compile(r"/orders/[0-9a-z]{8}/$"))
    second = page.url.split("/")[-2]
    assert second != first
    for ours in (first, second):
        visitor.post(
            f"/orders/{ours}/cancel/", {"reason": "the test is over"}, visitor.get(f"/orders/{ours}/")
        )
    assert watched.complaints == []
