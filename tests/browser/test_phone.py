"""The desk on a phone: orders and their parts are cards, and pause, cancel, approve and halt are at the thumb."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from tests.browser.console_guard import Watched
from tests.browser.phone import PHONE, at_the_thumb, overflowing, phone_problems, wait_for_cards
from tests.desk.database import order_of
from tests.desk.visitor import Visitor

if TYPE_CHECKING:
    from tests.desk.running import RunningDesk


def opened(browser: Browser, desk: RunningDesk, person: str) -> Watched:
    watched = Watched(browser, desk)
    watched.page.set_viewport_size(PHONE)
    watched.log_in(person)
    return watched


@pytest.mark.timeout(1800)  # the first test starts the desk
def test_a_trader_stops_an_order_by_its_card_and_by_its_page(
    browser: Browser, open_desk: RunningDesk
) -> None:
    public_id = Visitor(open_desk).launch(quantity="0.4", duration="00:10:00", slices="100")
    watched = opened(browser, open_desk, "trader")
    page = watched.page
    page.goto("/orders/")
    card = page.locator(f'#order-rows tr[data-id="{public_id}"]')
    expect(card).to_contain_text("▲ BUY")
    tabs = page.get_by_role("navigation", name="Most used pages", exact=True)
    for name in ("Home", "Orders", "New order", "Alerts"):
        at_the_thumb(tabs.get_by_role("link", name=name))
    at_the_thumb(tabs.get_by_role("button", name="Menu", exact=True))
    expect(tabs.locator("[aria-current]")).to_have_text("Orders")
    watched.picture("phone-cards")
    card.get_by_role("button", name=f"Actions for {public_id}", exact=True).click()
    pause = page.locator("#row-menu").get_by_role("button", name="Pause", exact=True)
    at_the_thumb(pause)
    watched.picture("phone-card-menu")
    pause.click()
    expect(card).to_contain_text("paus", ignore_case=True)
    chosen_cards_are_stopped_at_the_thumb(watched, card)
    card.click()
    expect(page).to_have_url(re.compile(rf"/orders/{public_id}/$"))
    its_page(watched)
    assert order_of(public_id).outcome == "cancelled"
    assert watched.complaints == []


def chosen_cards_are_stopped_at_the_thumb(watched: Watched, card: Locator) -> None:
    page = watched.page
    card.get_by_role("checkbox").check()
    for name in ("Resume…", "Cancel…"):
        at_the_thumb(page.locator("#bulk-bar").get_by_role("button", name=name))
    expect(page.get_by_role("navigation", name="Most used pages", exact=True)).to_be_hidden()
    bar = page.locator("#bulk-bar").bounding_box()
    room = page.locator("main").evaluate("(main) => parseFloat(getComputedStyle(main).paddingBottom)")
    assert bar is not None
    assert bar["height"] <= room, "the end of a list that is longer than the screen"
    assert phone_problems(page) == []
    watched.picture("phone-bulk")
    page.locator("#bulk-bar").get_by_role("button", name="Clear", exact=True).click()
    expect(page.locator("#bulk-bar")).to_be_hidden()


def its_page(watched: Watched) -> None:
    """Resume and cancel at the lower edge, wherever the page is scrolled, and read every table as cards."""
    page = watched.page
    resume = page.get_by_role("button", name="Resume…", exact=True)
    at_the_thumb(resume)
    expect(page.get_by_role("navigation", name="Most used pages", exact=True)).to_be_hidden()
    expect(page.get_by_role("button", name="Menu", exact=True)).to_be_visible()
    assert phone_problems(page) == []
    watched.picture("phone-order")
    resume.click()
    send = page.locator("#resume-dialog").get_by_role("button", name="Resume", exact=True)
    at_the_thumb(send)
    watched.picture("phone-resume")
    send.click()
    expect(page.locator("#tab-fills b")).not_to_have_text("0", timeout=60_000)
    for name, label in (("children", "Why"), ("fills", "Price"), ("slices", "Planned"), ("journal", "What")):
        page.locator(f"#tab-{name}").click()
        wait_for_cards(page, "#panel-rows", label)
        assert overflowing(page) == []
        page.locator("#panel-rows").scroll_into_view_if_needed()
        watched.picture(f"phone-order-{name}")
        at_the_thumb(page.get_by_role("button", name="Pause", exact=True))
    cancel = page.get_by_role("button", name="Cancel…", exact=True)
    at_the_thumb(cancel)
    cancel.click()
    at_the_thumb(page.get_by_role("button", name="Cancel the order", exact=True))
    page.get_by_role("button", name="Cancel the order", exact=True).click()
    expect(page.locator("#order-status")).to_contain_text("cancelled")
    expect(page.locator("#order-actions")).to_be_hidden()
    expect(page.get_by_role("navigation", name="Most used pages", exact=True)).to_be_visible()


@pytest.mark.timeout(1800)
def test_a_supervisor_halts_from_any_page_and_reads_the_halts_as_cards(
    browser: Browser, open_desk: RunningDesk
) -> None:
    Visitor(open_desk).launch(quantity="0.4", duration="00:10:00", slices="100")
    watched = opened(browser, open_desk, "supervisor")
    page = watched.page
    expect(page.locator("#wall-rows tr")).to_have_count(1)
    halt = page.get_by_role("link", name=re.compile("^■ HALT…"))
    at_the_thumb(halt)
    tabs = page.get_by_role("navigation", name="Most used pages", exact=True)
    for name in ("Wall", "Orders", "Approvals", "Alerts"):
        at_the_thumb(tabs.get_by_role("link", name=name))
    assert phone_problems(page) == []
    watched.picture("phone-wall")
    page.locator("#wall-rows").scroll_into_view_if_needed()
    at_the_thumb(halt)
    watched.picture("phone-wall-orders")
    page.goto("/journal/")
    watched.picture("phone-journal")
    halt.click()
    expect(page.locator("#halt-preview")).to_contain_text("Pauses 1 order")
    page.get_by_label("A symbol").check()
    page.get_by_label("Symbol", exact=True).select_option("SOL/USDT")
    expect(page.locator("#phrase-wanted")).to_have_text("HALT SOL/USDT")
    page.get_by_label("Reason").fill("a drill on a phone")
    page.get_by_label("Type HALT SOL/USDT to confirm").fill("HALT SOL/USDT")
    watched.picture("phone-halt-new")
    page.get_by_role("button", name="■ Halt", exact=True).click()
    lifts(watched, page)
    assert watched.complaints == []


def lifts(watched: Watched, page: Page) -> None:
    expect(page).to_have_url(re.compile(r"/halts/[0-9a-z]{8}/$"))
    page.goto("/halts/")
    wait_for_cards(page, '[data-halts="in-force"]', "Reason")
    page.get_by_role("link", name=re.compile("^Lift… ")).click()
    expect(page.locator("#lift-dialog")).to_be_visible()
    page.locator("#lift-dialog").get_by_role("button", name="Back", exact=True).click()
    lift = page.get_by_role("button", name="Lift…", exact=True)
    at_the_thumb(lift)
    watched.picture("phone-halt")
    lift.click()
    page.locator("#lift-reason").fill("the drill is over")
    at_the_thumb(page.get_by_role("button", name="Lift the halt", exact=True))
    page.get_by_role("button", name="Lift the halt", exact=True).click()
    expect(page.locator("#halt-state")).to_contain_text("LIFTED")
    page.goto("/halts/")
    wait_for_cards(page, '[data-halts="former"]', "Reason")
    watched.picture("phone-halts")
