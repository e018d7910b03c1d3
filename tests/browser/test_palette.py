"""The keyboard at the real desk, in Chromium: the palette, letters in lists, and news of one's own orders."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from execution.models import Order
from tests.browser.console_guard import SCREENSHOTS, Watched
from tests.browser.test_home import WIDER, tile
from tests.desk.database import ALIAS, order_of
from tests.desk.running import wait_until
from tests.desk.visitor import Visitor

if TYPE_CHECKING:
    from tests.desk.running import RunningDesk

FOCUSED = "() => document.activeElement.closest('[data-id]')?.dataset.id ?? null"
#: Keeps the notes and the browser's notifications of a page, because nobody hears or sees them.
LISTEN = """
window.notes = [];
window.notified = [];
window.Notification = class {
  static permission = "granted";
  static requestPermission = async () => "granted";
  constructor(title, { body }) { window.notified.push(`${title}: ${body}`); }
  addEventListener() {}
};
document.hasFocus = () => false;
const start = OscillatorNode.prototype.start;
OscillatorNode.prototype.start = function (...rest) {
  window.notes.push(Math.round(this.frequency.value));
  return start.apply(this, rest);
};
"""


def open_palette(page: Page) -> None:
    """Open the palette once the page listens to the keyboard, so that no letter of a search is a shortcut."""
    page.wait_for_load_state()
    page.keyboard.press("Control+k")
    expect(page.locator("#palette-field")).to_be_focused()


def option(page: Page, text: str) -> Locator:
    return page.locator("#palette-list [role=option]", has_text=text)


@pytest.mark.timeout(1800)  # the first test starts the desk
def test_the_palette_finds_pages_and_orders_and_fills_a_ticket(
    browser: Browser, open_desk: RunningDesk
) -> None:
    rests = Visitor(open_desk).launch(
        quantity="3", symbol="ETH/USDT", limit_price="1000", duration="00:10:00", client_reference="rest one"
    )
    watched = Watched(browser, open_desk)
    page = watched.log_in("trader")
    field = page.get_by_role("combobox", name="Search, or write an order", exact=True)
    open_palette(page)
    expect(option(page, "Balances")).to_be_visible()
    watched.picture("palette")
    page.keyboard.type("rest one")
    expect(option(page, rests)).to_have_attribute("aria-selected", "true")
    expect(field).to_have_attribute("aria-activedescendant", "palette-option-0")
    page.keyboard.press("Enter")
    expect(page).to_have_url(re.compile(rf"/orders/{rests}/$"))

    open_palette(page)
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
    expect(page.get_by_role("radio", name="VWAP", exact=True)).to_be_checked()
    expect(page.get_by_label("alpha")).to_be_checked()
    expect(page.locator("#review-text")).to_contain_text("SELL 2 BTC")
    assert Order.objects.using(ALIAS).count() == before

    open_palette(page)  # from a field, too
    page.keyboard.type("b")
    first = page.locator("#palette-option-0")
    # The list without a search has this page too, but not first. A later answer would move the choice back.
    expect(first).to_contain_text("Baskets")
    expect(first).to_have_attribute("aria-selected", "true")
    page.keyboard.press("ArrowDown")
    expect(page.locator("#palette-option-1")).to_have_attribute("aria-selected", "true")
    page.keyboard.press("ArrowUp")
    expect(first).to_have_attribute("aria-selected", "true")
    page.keyboard.press("Escape")
    expect(page.locator("#palette")).to_be_hidden()
    page.set_viewport_size({"width": 390, "height": 844})
    page.get_by_role("button", name="Search, or write an order", exact=True).click()
    field.fill("tca")
    expect(page.locator("#palette-list [role=option]")).to_have_count(1)
    watched.picture("palette-phone")
    assert page.evaluate(WIDER) <= 0
    option(page, "Analysis").click()
    expect(page).to_have_url(re.compile(r"/analysis/$"))
    assert watched.complaints == []


def focused(page: Page, public_id: str) -> None:
    page.wait_for_function(f"(id) => ({FOCUSED})() === id", arg=public_id)


@pytest.mark.timeout(1800)
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
    dialog.get_by_role("button", name="Cancel the order", exact=True).click()
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


@pytest.mark.timeout(1800)
def test_news_of_ones_own_orders_is_told_once_and_kept_under_the_bell(
    browser: Browser, open_desk: RunningDesk
) -> None:
    watched = Watched(browser, open_desk)
    watched.page.context.add_init_script(LISTEN)
    page = watched.log_in("trader")
    page.goto("/me/")
    page.get_by_role("checkbox", name=re.compile("^Notifications of this browser")).check()
    page.get_by_label("Sounds").check()
    watched.picture("me-switches")
    page.get_by_role("button", name="completed", exact=True).click()
    page.wait_for_function("() => window.notes.includes(784)")
    other = page.context.new_page()
    other.goto("/analysis/")
    page.bring_to_front()
    trader, supervisor = Visitor(open_desk), Visitor(open_desk, "supervisor")
    order = trader.launch(quantity="0.02", duration="00:02:00", slices="1", urgency="1")
    stopped = trader.launch(quantity="3", symbol="ETH/USDT", limit_price="1000", duration="00:10:00")
    reason = {"reason": "a drill"}
    supervisor.post(f"/orders/{stopped}/cancel/", reason, supervisor.get(f"/orders/{stopped}/"))
    for public_id in (order, stopped):
        told = f'.toast a[href="/orders/{public_id}/"]'
        both = page.locator(told), other.locator(told)
        wait_until(lambda both=both: sum(each.count() for each in both) == 1, within=60, what="news")  # type: ignore[misc]
    page.wait_for_timeout(2500)  # a tab in the background has had its turn, too
    toasts, others = page.locator(".toast"), other.locator(".toast")
    events = [node.get_attribute("data-event") for each in (toasts, others) for node in each.all()]
    assert len(events) == len(set(events)) >= 2, "each is told in one tab"
    notified = [text for each in (page, other) for text in each.evaluate("window.notified")]
    for beginning, words in (("Order completed: BUY 0.02", ""), ("Order cancelled: BUY 3", "a drill")):
        found = [text for text in notified if text.startswith(beginning) and words in text]
        assert len(found) == 1, notified
    shown = toasts if toasts.count() else others
    expect(shown.first).to_be_visible()
    SCREENSHOTS.mkdir(exist_ok=True)
    shown.first.page.screenshot(path=SCREENSHOTS / "toasts.png")
    page.reload()
    expect(page.locator("#bell")).to_have_attribute("data-state", re.compile("calm|waiting|critical"))
    page.wait_for_timeout(2500)
    assert page.locator(".toast").count() == 0, "a new line tells nothing again"
    page.locator("#bell").click()
    panel = page.locator("#bell-panel")
    expect(panel.locator(f'a[href="/orders/{order}/"]')).to_contain_text("Order completed")
    expect(panel.locator(f'a[href="/orders/{stopped}/"]')).to_contain_text("a drill")
    watched.picture("bell")
    panel.get_by_role("link", name="All alerts", exact=True).click()
    expect(page).to_have_url(re.compile(r"/alerts/$"))
    assert watched.complaints == []
