"""Every page in Chromium: axe finds nothing grave in either theme, a phone shows it whole, and the menu leads on."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import Browser, expect

from tests.browser.axe import axe_problems
from tests.browser.console_guard import FIRST_PAGES, SIZE, Watched
from tests.browser.phone import PHONE, phone_problems
from tests.desk.visitor import Visitor

if TYPE_CHECKING:
    from tests.desk.running import RunningDesk

#: Widths of screens on which the header has room for the whole menu. From 1721 on, nothing stands under "More".
WIDTHS = (1721, 1600, 1366, 1280)
#: Pages by the person who sees them. The others are reached from these.
PAGES = {
    "trader": (
        *("/", "/orders/new/", "/orders/", "/baskets/", "/baskets/new/", "/balances/", "/analysis/"),
        "/analysis/day/",
        *(
            "/approvals/",
            "/limits/",
            "/alerts/",
            "/presets/",
            "/me/",
            "/me/password/",
            "/me/factor/",
            "/api/v1/docs",
        ),
    ),
    "supervisor": (
        *("/", "/wall/", "/orders/", "/reconciliation/", "/approvals/", "/limits/", "/journal/"),
        *("/halts/", "/halts/new/", "/access/", "/alerts/", "/analysis/", "/presets/"),
    ),
    "admin": (
        *(
            "/accounts/",
            "/accounts/new/",
            "/people/",
            "/people/new/",
            "/access/",
            "/limits/",
            "/alert-channels/",
        ),
        *("/alert-channels/new/?type=signed", "/alerts/"),
    ),
}
#: The first link of a list leads to a page of its own.
FIRST = {
    "/orders/": "#order-rows a.mono",
    "/baskets/": "tbody a.mono",
    "/approvals/": "tbody a[href^='/approvals/']",
    "/alerts/": "tbody a[href^='/alerts/']",
    "/halts/": "tbody a[href^='/halts/']",
    "/accounts/": "tbody a[href^='/accounts/']",
    "/people/": "tbody a[href^='/people/']",
}
#: Pixels of the header that must be scrolled to.
NO_ROOM = """() => Math.max(...[...document.querySelectorAll("#places, .top")].map(
  (part) => part.scrollWidth - part.clientWidth))"""


def visited(watched: Watched, path: str, picture: str) -> list[str]:
    """Open a page and return everything that is wrong with it on a phone, and what axe finds on a wide screen."""
    page = watched.page
    page.set_viewport_size(PHONE)
    page.goto(path)
    expect(page.locator(".htmx-request")).to_have_count(0)
    expect(page.get_by_text("Loading the API description…")).to_have_count(0)
    found = phone_problems(page)
    watched.picture(f"phone-{picture}")
    page.set_viewport_size(SIZE)  # type: ignore[arg-type]
    found += axe_problems(page)
    # A request that is cut off by leaving the page would be a complaint.
    expect(page.locator(".htmx-request")).to_have_count(0)
    return found


@pytest.mark.timeout(1800)
@pytest.mark.parametrize("name", PAGES)
def test_each_page_is_accessible_and_fits_a_phone_and_the_menu_leads_on(
    browser: Browser, desk: RunningDesk, name: str
) -> None:
    if name == "trader":
        Visitor(desk).launch(quantity="0.3", duration="00:05:00", slices="30")
    watched = Watched(browser, desk)
    page = watched.log_in(name)
    wrong = {}
    for path in PAGES[name]:
        if found := visited(watched, path, f"{name}{path.partition('?')[0].replace('/', '-').rstrip('-')}"):
            wrong[path] = found
        first = page.locator(FIRST[path]).first if path in FIRST else None
        if first and first.count():
            address = str(first.get_attribute("href"))
            if found := visited(watched, address, f"{name}{path.replace('/', '-')}one"):
                wrong[address] = found
    if name == "admin":
        page.context.clear_cookies()
        if found := visited(watched, "/login/", "login"):
            wrong["/login/"] = found
        watched.log_in(name)
    assert wrong == {}
    the_menu_leads_on(watched, name)
    assert watched.complaints == []


def the_menu_leads_on(watched: Watched, name: str) -> None:
    page = watched.page
    page.set_viewport_size(PHONE)
    header = page.locator("header.top")
    assert header.bounding_box()["height"] <= 110  # type: ignore[index]
    menu = page.get_by_role("navigation", name="Main", exact=True)
    expect(menu).to_be_hidden()
    page.get_by_role("button", name="Menu", exact=True).click()
    expect(menu).to_be_visible()
    watched.picture(f"phone-{name}-menu")
    page.keyboard.press("Escape")
    expect(menu).to_be_hidden()
    page.get_by_role("button", name="Menu", exact=True).click()
    menu.get_by_role("link", name="Limits", exact=True).click()
    expect(page).to_have_url(re.compile(r"/limits/$"))
    page.goto(FIRST_PAGES.get(name, "/"))
    for width in WIDTHS:
        page.set_viewport_size({"width": width, "height": 800})
        assert page.evaluate(NO_ROOM) <= 0, f"the menu has no room at {width}"
        watched.picture(f"menu-{name}-{width}")
    if name == "supervisor":
        page.get_by_role("button", name="More", exact=True).click()
        watched.picture("menu-more")
        menu.get_by_role("link", name="Journal", exact=True).click()
        expect(page).to_have_url(re.compile(r"/journal/$"))
