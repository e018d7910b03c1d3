"""The home page at the real desk, in Chromium: live tiles and their actions, the watchlist, silence while hidden."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from execution.models import Watchlist
from tests.browser.console_guard import Watched
from tests.browser.frames import Frames
from tests.desk.database import ALIAS, order_of
from tests.desk.visitor import Visitor

if TYPE_CHECKING:
    from tests.desk.running import RunningDesk

#: The shortest pause between two updates, and how many may follow each other after a calm.
PAUSE_MS, AT_ONCE = 250, 8
HIDE = """(hidden) => {
  Object.defineProperty(document, "hidden", { configurable: true, get: () => hidden });
  document.dispatchEvent(new Event("visibilitychange"));
}"""
WIDER = "document.documentElement.scrollWidth - innerWidth"


def tile(page: Page, public_id: str) -> Locator:
    return page.locator(f'#tiles li[data-id="{public_id}"]')


@pytest.mark.timeout(1800)  # the first test starts the desk
def test_a_traders_orders_move_on_their_home_and_are_paused_and_cancelled_there(
    browser: Browser, open_desk: RunningDesk
) -> None:
    trader, second = Visitor(open_desk, "trader"), Visitor(open_desk, "second_trader")
    fills = trader.launch(quantity="0.6", duration="00:10:00", slices="200")
    rests = trader.launch(
        quantity="3", symbol="ETH/USDT", limit_price="1000", duration="00:10:00", slices="5"
    )
    theirs = second.launch(quantity="0.4", duration="00:10:00", slices="100")
    watched = Watched(browser, open_desk)
    page = watched.log_in("trader")
    expect(page).to_have_url(re.compile(r"//[^/]+/$"))
    expect(page.locator("#connection")).to_have_attribute("data-state", "live")
    expect(tile(page, theirs)).to_have_count(0)
    expect(tile(page, rests)).to_contain_text(re.compile("limit 1,000 is", re.IGNORECASE))
    path = tile(page, fills).locator(".spark-fill")
    before = path.get_attribute("d") or ""
    expect(path).not_to_have_attribute("d", before)
    expect(page.locator('#tiles li[data-group="BTC/USDT"]')).to_contain_text("1 order")
    watched.picture("home")
    act(page, rests)
    choose_and_cancel(page, fills, rests)
    assert {order_of(public_id).outcome or order_of(public_id).status for public_id in (fills, rests)} == {
        "cancelled"
    }
    check_the_supervisor(browser, open_desk, theirs)
    assert watched.complaints == []


def act(page: Page, public_id: str) -> None:
    """Pause and resume by keyboard: the focus stays on the button that it becomes."""
    pause = tile(page, public_id).get_by_role("button", name=f"Pause {public_id}", exact=True)
    pause.focus()
    page.keyboard.press("Enter")
    resume = tile(page, public_id).get_by_role("button", name=f"Resume… {public_id}", exact=True)
    expect(resume).to_be_focused()
    expect(tile(page, public_id)).to_contain_text("paused", ignore_case=True)
    expect(tile(page, public_id)).to_contain_text(re.compile(r"its time runs on until \d\d:\d\d:\d\d UTC"))
    page.keyboard.press("Enter")
    expect(page.locator("#resume-dialog [data-order-line]")).to_contain_text(public_id)
    expect(page.locator("#catch-up-words")).to_contain_text(re.compile(r"It ends [\d:]{8} UTC, in "))
    expect(page.locator("#shift-words")).to_contain_text(
        re.compile(r"So far \d+ s: it would end [\d:]{8} UTC")
    )
    page.locator("#resume-dialog").get_by_role("button", name="Resume", exact=True).click()
    expect(tile(page, public_id).get_by_role("button", name=f"Pause {public_id}", exact=True)).to_be_visible()
    page.locator(f'#tiles li[data-id="{public_id}"] a[data-open]').focus()
    page.keyboard.press("ArrowUp")
    expect(page.locator("#tiles a[data-open]").first).to_be_focused()


def choose_and_cancel(page: Page, one: str, other: str) -> None:
    """Cancel one by its button, which asks, and the other by the bar of the chosen group."""
    tile(page, other).get_by_role("button", name=f"Cancel… {other}", exact=True).click()
    dialog = page.locator("#cancel-dialog")
    expect(dialog.locator("[data-order-line]")).to_contain_text(other)
    dialog.get_by_role("button", name="Cancel the order", exact=True).click()
    expect(tile(page, other)).to_have_count(0)
    page.locator('#tiles li[data-group="BTC/USDT"] input').check()
    expect(page.locator("#bulk-count")).to_have_text("1 chosen")
    expect(tile(page, one).locator("input")).to_be_checked()
    page.keyboard.press("Escape")
    expect(page.locator("#bulk-bar")).to_be_hidden()
    page.locator("#choose-all").check()
    page.locator("#bulk-bar").get_by_role("button", name="Cancel…", exact=True).click()
    page.locator("#bulk-send").click()
    expect(page.locator("#tiles-empty")).to_be_visible()


def check_the_supervisor(browser: Browser, desk: RunningDesk, theirs: str) -> None:
    watched = Watched(browser, desk)
    page = watched.log_in("supervisor")
    page.keyboard.press("h")
    expect(tile(page, theirs)).to_contain_text("second_trader")
    page.locator("#grouping label", has_text="By trader").click()
    expect(page.locator('#tiles li[data-group="second_trader"]')).to_contain_text("1 order")
    page.reload()
    expect(page.locator('#tiles li[data-group="second_trader"]')).to_be_visible()
    assert watched.complaints == []


def test_the_watchlist_is_kept_and_opens_the_ticket(browser: Browser, open_desk: RunningDesk) -> None:
    Watchlist.objects.using(ALIAS).all().delete()
    watched = Watched(browser, open_desk)
    page = watched.log_in("trader")
    frames = Frames(page, "/ws/home/")
    page.reload()
    rows = page.locator("#watch-rows tr")
    expect(rows.first.locator('[data-part="last"]')).to_have_text(re.compile(r"^[\d,]+\.\d+$"))
    symbols = [row.get_attribute("data-symbol") for row in rows.all()]
    first = rows.first
    first.get_by_role("button", name=f"Remove {symbols[0]} from the watchlist", exact=True).click()
    expect(rows).to_have_count(len(symbols) - 1)
    page.locator("h1").evaluate("() => document.activeElement.blur()")
    page.keyboard.press("a")
    expect(page.locator("#watch-symbol")).to_be_focused()
    page.keyboard.type(str(symbols[0]).lower())
    page.keyboard.press("Enter")
    expect(rows.last).to_have_attribute("data-symbol", str(symbols[0]))
    assert Watchlist.objects.using(ALIAS).get().symbols == [*symbols[1:], symbols[0]]

    assert 0 < frames.within(page, 3000) <= 3000 / PAUSE_MS + AT_ONCE
    page.evaluate(HIDE, True)
    page.wait_for_timeout(500)
    assert (frames.within(page, 1500), frames.open) == (0, []), "nothing while nobody looks"
    page.evaluate(HIDE, False)
    assert frames.within(page, 3000), "and again when somebody does"
    assert len(frames.open) == 1
    for width in (1600, 1366, 390):
        page.set_viewport_size({"width": width, "height": 844})
        assert page.evaluate(WIDER) <= 0, f"{width} px wide"

    page.locator("#watch-rows a", has_text="ETH").click()
    expect(page).to_have_url(re.compile(r"/orders/new/\?symbol=ETH%2FUSDT$"))
    expect(page.locator("#symbol")).to_have_value("ETH/USDT")
    assert watched.complaints == []
