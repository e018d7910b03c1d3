"""The desk on a phone: no page is wider than the screen, and the menu leads everywhere."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.console_guard import Watched
from tests.browser.test_home import WIDER

if TYPE_CHECKING:
    from tests.desk.running import RunningDesk

PHONE = {"width": 390, "height": 844}
#: Pages by the person who sees them. The others are reached from these.
PAGES = {
    "trader": (
        *("/", "/orders/new/", "/orders/", "/baskets/", "/baskets/new/", "/balances/", "/analysis/"),
        *("/approvals/", "/limits/", "/alerts/", "/me/"),
    ),
    "supervisor": (
        *("/wall/", "/orders/", "/reconciliation/", "/approvals/", "/limits/", "/journal/"),
        *("/halts/", "/halts/new/", "/access/", "/alerts/"),
    ),
    "admin": ("/accounts/", "/accounts/new/", "/people/", "/access/", "/limits/", "/alert-channels/"),
}
#: What sticks out at the right of the page, for the message.
WIDE = """() => [...document.querySelectorAll("main *")]
  .filter((node) => node.getBoundingClientRect().right > innerWidth + 1 && !node.closest(".scroll, [popover]"))
  .slice(0, 3).map((node) => node.outerHTML.slice(0, 120))"""


def overflowing(page: Page) -> list[str]:
    """Return what makes the page wider than the screen; empty when nothing does."""
    return [] if page.evaluate(WIDER) <= 0 else page.evaluate(WIDE) or ["something"]


@pytest.mark.timeout(900)
@pytest.mark.parametrize("name", PAGES)
def test_no_page_is_wider_than_a_phone_and_the_menu_leads_on(
    browser: Browser, desk: RunningDesk, name: str
) -> None:
    watched = Watched(browser, desk)
    page = watched.log_in(name)
    page.set_viewport_size(PHONE)  # type: ignore[arg-type]
    wide = {}
    for path in PAGES[name]:
        page.goto(path)
        if found := overflowing(page):
            wide[path] = found
        watched.picture(f"phone-{name}{path.replace('/', '-').rstrip('-')}")
    assert wide == {}
    header = page.locator("header.top")
    assert header.bounding_box()["height"] <= 110  # type: ignore[index]
    menu = page.get_by_role("navigation", name="Main")
    expect(menu).to_be_hidden()
    page.get_by_role("button", name="Menu").click()
    expect(menu).to_be_visible()
    watched.picture(f"phone-{name}-menu")
    page.keyboard.press("Escape")
    expect(menu).to_be_hidden()
    page.get_by_role("button", name="Menu").click()
    menu.get_by_role("link", name="Limits").click()
    expect(page).to_have_url(re.compile(r"/limits/$"))
    assert watched.complaints == []
