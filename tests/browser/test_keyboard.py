"""The desk by keyboard alone: an order is launched, paused, resumed and halted without a pointer."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from tests.browser.console_guard import Watched
from tests.desk.database import order_of

if TYPE_CHECKING:
    from tests.desk.running import RunningDesk

#: More stops than any page has before the part that is looked for.
MOST_STOPS = 120
#: What has the focus, whether one sees it, and whether the page would jump about for the order of its stops.
FOCUSED = """() => {
  const node = document.activeElement;
  const ring = [node, node.nextElementSibling].filter(Boolean).some((each) => {
    const style = getComputedStyle(each);
    return style.outlineStyle !== "none" && parseFloat(style.outlineWidth) > 0;
  });
  const box = node.getBoundingClientRect();
  const isShown = box.bottom > 0 && box.top < innerHeight;
  return { at: node.outerHTML.slice(0, 120), ring, isShown, order: node.tabIndex };
}"""
IS_FOCUSED = "(node) => node === document.activeElement"


def tab_to(page: Page, target: Locator, key: str = "Tab") -> None:
    """Press Tab until the target has the focus. Each stop on the way must be visible, and in the page's order."""
    expect(target).to_be_visible()
    for _ in range(MOST_STOPS):
        if target.evaluate(IS_FOCUSED):
            return
        page.keyboard.press(key)
        stop = page.evaluate(FOCUSED)
        assert stop["order"] <= 0, f"a stop out of the page's order: {stop}"
        if not stop["at"].startswith("<body"):
            assert stop["ring"], f"the focus cannot be seen: {stop}"
            assert stop["isShown"], f"the focus is off the screen: {stop}"
    pytest.fail(f"{target} is not reached by {key}: the last stop is {page.evaluate(FOCUSED)}")


@pytest.mark.timeout(1800)  # the first test starts the desk
def test_an_order_is_launched_paused_and_halted_by_keyboard_alone(
    browser: Browser, open_desk: RunningDesk
) -> None:
    watched = Watched(browser, open_desk)
    page = watched.log_in("trader")
    page.keyboard.press("n")
    public_id = launches(page)
    pauses(page)
    above = Watched(browser, open_desk)
    halts(above, public_id)
    expect(page.locator("#order-status")).to_contain_text("paus")
    assert order_of(public_id).status == "paused"
    lifts(above.page)
    assert (watched.complaints, above.complaints) == ([], [])


def launches(page: Page) -> str:
    """Fill the ticket from its first field to its review. Leave the review once, then send."""
    expect(page).to_have_url(re.compile(r"/orders/new/$"))
    expect(page.locator("#quantity")).to_be_focused()
    expect(page.locator("#connection")).to_have_attribute("data-state", "live", timeout=60_000)
    page.keyboard.type("0.37")  # a quantity of no other test: an equal order within a minute is asked about
    for label, text in (("Duration", "00:10:00"), ("Slices", "100")):
        tab_to(page, page.get_by_label(label, exact=True))
        page.keyboard.press("Control+A")
        page.keyboard.type(text)
    expect(page.locator("#plan-subtitle")).to_contain_text("100 slices")
    tab_to(page, page.locator("#review"))
    page.keyboard.press("Enter")
    send = page.locator("#send")
    expect(send).to_be_focused()
    page.keyboard.press("Escape")
    expect(page.locator("#review-dialog")).to_be_hidden()
    expect(page.locator("#review")).to_be_focused()
    page.keyboard.press("Control+Enter")
    expect(send).to_be_focused()
    page.keyboard.press("Enter")
    expect(page).to_have_url(re.compile(r"/orders/[0-9a-z]{8}/$"))
    page.wait_for_load_state()
    return page.url.split("/")[-2]


def pauses(page: Page) -> None:
    """Pause, resume by the question that it asks, and pause again: the focus goes on with the button."""
    expect(page.locator("#order-status")).to_contain_text("working", ignore_case=True)
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Skip to content", exact=True)).to_be_focused()
    tab_to(page, page.get_by_role("button", name="Pause", exact=True))
    page.keyboard.press("Enter")
    resume = page.get_by_role("button", name="Resume…", exact=True)
    expect(resume).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator("#resume-dialog")).to_be_visible()
    page.keyboard.press("Escape")
    expect(resume).to_be_focused()
    page.keyboard.press("Enter")
    tab_to(page, page.locator("#resume-dialog").get_by_role("button", name="Resume", exact=True))
    page.keyboard.press("Enter")
    expect(page.get_by_role("button", name="Pause", exact=True)).to_be_focused()


def halts(watched: Watched, public_id: str) -> None:
    """Halt the order as the supervisor, from the wall."""
    page = watched.log_in("supervisor")
    page.keyboard.press("w")
    page.wait_for_load_state()
    tab_to(page, page.get_by_role("link", name="■ HALT…", exact=True))
    page.keyboard.press("Enter")
    expect(page).to_have_url(re.compile(r"/halts/new/"))
    page.wait_for_load_state()
    scope = page.locator("[name=scope][value=desk]")
    tab_to(page, scope)
    chosen = page.locator("[name=scope][value=order]")
    while not chosen.is_checked():
        page.keyboard.press("ArrowDown")
    tab_to(page, page.locator("[name=subject_order]"))
    page.keyboard.type(public_id)
    tab_to(page, page.locator("#reason"))
    page.keyboard.type("a drill")
    tab_to(page, page.locator("#phrase"))
    wanted = page.locator("#phrase-wanted")
    expect(wanted).to_contain_text(public_id)
    page.keyboard.type(wanted.inner_text())
    tab_to(page, page.locator("#halt-send"))
    page.keyboard.press("Enter")
    expect(page).to_have_url(re.compile(r"/halts/[0-9a-z]{8}/$"))
    expect(page.locator("#halt-state")).to_contain_text(re.compile("HALT"))


def lifts(page: Page) -> None:
    page.wait_for_load_state()
    lift = page.get_by_role("button", name="Lift…", exact=True)
    tab_to(page, lift)
    page.keyboard.press("Enter")
    tab_to(page, page.locator("#lift-reason"))
    page.keyboard.type("over")
    tab_to(page, page.get_by_role("button", name="Lift the halt", exact=True))
    page.keyboard.press("Enter")
    expect(page.locator("#halt-state")).to_contain_text("LIFTED")
    expect(page.locator("#content")).to_be_focused()
