"""The keyboard at the real desk, in Chromium: the palette, and letters in lists."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from execution.models import Order
from tests.browser.console_guard import Watched
from tests.browser.test_home import WIDER, tile
from tests.desk.database import ALIAS, order_of
from tests.desk.running import wait_until
from tests.desk.visitor import Visitor

if TYPE_CHECKING:
    from tests.desk.running import RunningDesk

FOCUSED = "() => document.activeElement.closest('[data-id]')?.dataset.id ?? null"


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


def focused(page: Page, public_id: str) -> None:
    page.wait_for_function(f"(id) => ({FOCUSED})() === id", arg=public_id)


@pytest.mark.timeout(900)
def test_letters_move_in_lists_and_act_with_the_usual_questions(
    browser: Browser, open_desk: RunningDesk
) -> None:
    trader = Visitor(open_desk)
    one, two = (
        trader.launch(quantity=quantity, symbol="ETH/USDT", limit_price="1000", duration="00:10:00")
        for quantity in ("3", "4")
    )
    for public_id in (one, two):
        wait_until(lambda key=public_id: order_of(key).status == "working", within=20, what="the order")  # type: ignore[misc]
    watched = Watched(browser, open_desk)
    page = watched.log_in("trader")
    expect(tile(page, two)).to_be_visible()
    shown = page.locator("#tiles li[data-id]").evaluate_all("nodes => nodes.map((node) => node.dataset.id)")
    page.keyboard.press("j")
    focused(page, shown[0])
    page.keyboard.press("j")
    focused(page, shown[1])
    page.keyboard.press("k")
    focused(page, shown[0])
    page.keyboard.press("p")
    expect(tile(page, shown[0])).to_contain_text("paused", ignore_case=True)
    focused(page, shown[0])
    page.keyboard.press("p")
    expect(page.locator("#notices")).to_contain_text(f"You cannot pause order {shown[0]} now.")
    page.keyboard.press("x")
    expect(page.locator("#bulk-count")).to_have_text("1 chosen")
    focused(page, shown[0])
    page.keyboard.press("x")
    expect(page.locator("#bulk-bar")).to_be_hidden()
    page.keyboard.press("c")
    dialog = page.locator("#cancel-dialog")
    expect(dialog.locator("[data-order-line]")).to_contain_text(shown[0])
    page.keyboard.press("j")  # nothing, in a dialog
    page.keyboard.press("Escape")
    focused(page, shown[0])
    page.keyboard.press("c")
    dialog.get_by_role("button", name="Cancel the order").click()
    expect(tile(page, shown[0])).to_have_count(0)
    focused(page, shown[1])
    switched_off(page, shown[1])
    page.keyboard.press("Enter")
    expect(page).to_have_url(re.compile(rf"/orders/{shown[1]}/$"))
    page.goto("/orders/")
    expect(page.locator(f'#order-rows tr[data-id="{shown[1]}"]')).to_be_visible()
    page.keyboard.press("j")
    focused(page, page.locator("#order-rows tr[data-id]").first.get_attribute("data-id") or "")
    assert watched.complaints == []


def switched_off(page: Page, public_id: str) -> None:
    """Switch the letters off in the dialog that lists them, and on again on one's own page."""
    page.keyboard.press("?")
    page.get_by_label("Single keys act as shortcuts").uncheck()
    page.keyboard.press("Escape")
    page.locator(f'#tiles li[data-id="{public_id}"] a[data-open]').focus()
    page.keyboard.press("c")
    page.keyboard.press("?")
    expect(page.locator("dialog[open]")).to_have_count(0)
    page.keyboard.press("Control+k")
    expect(page.locator("#palette")).to_be_visible()
    page.keyboard.press("Escape")
    page.goto("/me/")
    page.get_by_label("Single keys act as shortcuts").first.check()
    page.goto("/")
    page.keyboard.press("j")
    focused(page, public_id)
