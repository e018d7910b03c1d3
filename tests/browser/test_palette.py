"""The keyboard at the real desk, in Chromium: the palette."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from execution.models import Order
from tests.browser.console_guard import Watched
from tests.browser.test_home import WIDER
from tests.desk.database import ALIAS
from tests.desk.visitor import Visitor

if TYPE_CHECKING:
    from tests.desk.running import RunningDesk


def option(page: Page, text: str) -> Locator:
    return page.locator("#palette-list [role=option]", has_text=text)


@pytest.mark.timeout(900)  # the first test starts the desk
def test_the_palette_finds_pages_and_orders_and_fills_a_ticket(
    browser: Browser, open_desk: RunningDesk
) -> None:
    rests = Visitor(open_desk).launch(
        quantity="3", symbol="ETH/USDT", limit_price="1000", duration="00:10:00", client_reference="rest one"
    )
    watched = Watched(browser, open_desk)
    page = watched.log_in("trader")
    field = page.get_by_role("combobox", name="Search, or write an order")
    page.keyboard.press("Control+k")
    expect(field).to_be_focused()
    expect(option(page, "Balances")).to_be_visible()
    watched.picture("palette")
    page.keyboard.type("rest one")
    expect(option(page, rests)).to_have_attribute("aria-selected", "true")
    expect(field).to_have_attribute("aria-activedescendant", "palette-option-0")
    page.keyboard.press("Enter")
    expect(page).to_have_url(re.compile(rf"/orders/{rests}/$"))

    page.keyboard.press("Control+k")
    page.keyboard.type("sell 2 bitcoin")
    expect(page.locator("#palette-problems")).to_contain_text("'bitcoin' is unknown")
    watched.picture("palette-refused")
    before = Order.objects.using(ALIAS).count()
    field.fill("sell 2 btc/usdt vwap 30m @ 60000 alpha")
    watched.page.wait_for_timeout(50)
    page.keyboard.press("Enter")  # before the answer is there: it opens what the answer has
    expect(page).to_have_url(re.compile(r"/orders/new/\?side=sell&symbol=BTC%2FUSDT&"))
    expect(page.locator("#quantity")).to_have_value("2")
    expect(page.locator("#limit_price")).to_have_value("60000")
    expect(page.locator("#duration")).to_have_value("00:30:00")
    expect(page.get_by_role("radio", name="VWAP")).to_be_checked()
    expect(page.get_by_label("alpha")).to_be_checked()
    expect(page.locator("#review-text")).to_contain_text("SELL 2 BTC")
    assert Order.objects.using(ALIAS).count() == before

    page.keyboard.press("Control+k")  # in a field, too
    page.keyboard.type("b")
    expect(option(page, "Baskets")).to_be_visible()
    first = page.locator("#palette-option-0")
    expect(first).to_have_attribute("aria-selected", "true")
    page.keyboard.press("ArrowDown")
    expect(page.locator("#palette-option-1")).to_have_attribute("aria-selected", "true")
    page.keyboard.press("ArrowUp")
    expect(first).to_have_attribute("aria-selected", "true")
    page.keyboard.press("Escape")
    expect(page.locator("#palette")).to_be_hidden()
    page.set_viewport_size({"width": 390, "height": 844})
    page.get_by_role("button", name="Search, or write an order").click()
    field.fill("analy")
    expect(page.locator("#palette-list [role=option]")).to_have_count(1)
    watched.picture("palette-phone")
    assert page.evaluate(WIDER) <= 0
    option(page, "Analysis").click()
    expect(page).to_have_url(re.compile(r"/analysis/$"))
    assert watched.complaints == []
