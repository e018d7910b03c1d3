"""Limits at the real desk, in Chromium: a supervisor sets them, a trader meets each, another approves."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.axe import axe_problems
from tests.browser.console_guard import SIZE, Watched
from tests.browser.phone import PHONE, at_the_thumb, phone_problems, wait_for_cards
from tests.browser.test_trading import fill_ticket

if TYPE_CHECKING:
    from tests.desk.running import RunningDesk


#: From the entry of an order to its fixed end.
WAITS = timedelta(seconds=45)


def set_limit(page: Page, level: str, value: str) -> None:
    page.goto("/limits/")
    page.get_by_label("Kind").select_option("order_notional")
    page.get_by_label("A symbol").check()
    page.get_by_label("Symbol", exact=True).select_option("BTC/USDT")
    page.locator(f"[name=level][value={level}]").check()
    page.get_by_label("Limit", exact=True).fill(value)
    page.locator("#reason").fill("a drill")
    page.get_by_role("button", name="Set the limit", exact=True).click()


def end_limits(page: Page, admin: Watched) -> None:
    """Ask for the end of each; it stays in force until the admin confirms."""
    page.goto("/limits/")
    rows = page.get_by_role("table", name="Limits in force").locator("tr", has_text="BTC/USDT")
    count = rows.count()
    for row in range(count):
        page.goto("/limits/")
        rows.nth(row).get_by_role("button", name="End…", exact=True).click()
        dialog = page.locator("dialog[open]")
        dialog.get_by_label("Reason").fill("the drill is over")
        dialog.get_by_role("button", name="End the limit", exact=True).click()
        expect(page.locator(".request", has_text="BTC/USDT")).to_have_count(row + 1)
    page.goto("/limits/")
    expect(rows).to_have_count(count)
    for _ in range(count):
        admin.page.goto("/access/")
        admin.picture("access-limits")
        request = admin.page.locator(".request", has_text="BTC/USDT").first
        request.get_by_role("button", name="Confirm", exact=True).click()
        admin.page.wait_for_load_state()
    page.goto("/limits/")
    expect(rows).to_have_count(0)


@contextmanager
def limits_of(above: Watched, admin: Watched, **values: str) -> Iterator[Watched]:
    """Put limits of BTC/USDT in force, by level, and yield the supervisor's page. The admin confirms their end."""
    supervisor = above.log_in("supervisor")
    for level, value in values.items():
        set_limit(supervisor, level, value)
        expect(supervisor.locator("tbody tr", has_text="BTC/USDT").first).to_be_visible()
    try:
        yield above
    finally:
        admin.log_in("admin")
        end_limits(supervisor, admin)
    assert (above.complaints, admin.complaints) == ([], [])


def review(page: Page, quantity: str, duration: str = "60") -> None:
    fill_ticket(page, quantity, duration, "6")
    page.keyboard.press("Control+Enter")
    expect(page.locator("#review-body .sentence")).to_be_visible()


@pytest.mark.timeout(1800)
def test_a_trader_gives_a_reason_waits_for_approval_and_is_refused(
    browser: Browser, open_desk: RunningDesk
) -> None:
    with limits_of(
        Watched(browser, open_desk),
        Watched(browser, open_desk),
        hard="90000",
        approval="30000",
        soft="3000",
    ) as above:
        above.picture("limits")
        watched = Watched(browser, open_desk)
        trader = watched.log_in("trader")
        review(trader, "0.1")
        send = trader.locator("#send")
        expect(send).to_be_disabled()
        trader.get_by_label(re.compile("^Why")).fill("the client asked for it")
        watched.picture("limit-reason")
        send.click()
        expect(trader.locator("#order-status")).to_contain_text("working", ignore_case=True, timeout=60_000)
        cancel(trader)
        review(trader, "1")
        expect(send).to_have_text("Send for approval")
        watched.picture("limit-approval")
        send.click()
        expect(trader.locator("#order-approval")).to_contain_text("waits for approval until")
        watched.picture("limit-waiting")
        approve(above)
        expect(trader.locator("#order-status")).to_contain_text("working", ignore_case=True, timeout=60_000)
        expect(trader.locator("#order-approval")).to_be_hidden()
        order = trader.url
        fill_ticket_unplanned(trader, "58000000")
        refusal = trader.locator("#preview .checks li.fail", has_text="above the limit of 90,000.00 USDT")
        expect(refusal).to_contain_text("Only a supervisor can raise the limit")
        watched.picture("limit-refused")
        trader.goto(order)
        assert watched.complaints == []
        cancel(trader)


def cancel(page: Page) -> None:
    page.get_by_role("button", name="Cancel…", exact=True).click()
    page.get_by_role("button", name="Cancel the order", exact=True).click()
    expect(page.locator("#order-status")).to_contain_text("cancelled", ignore_case=True, timeout=60_000)


def fill_ticket_unplanned(page: Page, quantity: str) -> None:
    page.goto("/orders/new/?start=defaults")
    page.get_by_label("Quantity", exact=True).fill(quantity)


def approve(above: Watched) -> None:
    page = above.page
    page.goto("/wall/")
    need = page.locator("#needs li", has_text="waits for approval")
    expect(need).to_contain_text("expires in")
    above.picture("wall-approval")
    need.get_by_role("link", name="Decide", exact=True).click()
    expect(page.locator(".checks")).to_contain_text("is above the limit of 30,000.00 USDT for BTC/USDT")
    above.picture("approval")
    assert axe_problems(page) == []
    page.set_viewport_size(PHONE)
    assert phone_problems(page) == []
    at_the_thumb(page.get_by_role("button", name="Refuse", exact=True))
    page.locator("#reason").fill("agreed")
    above.picture("phone-approval")
    at_the_thumb(page.get_by_role("button", name="Approve", exact=True))
    page.get_by_role("button", name="Approve", exact=True).click()
    expect(page.locator(".reason")).to_contain_text("approved by supervisor", ignore_case=True)
    page.goto("/approvals/")
    assert phone_problems(page) == []
    wait_for_cards(page, '[aria-label="Decided requests"]', "By")
    above.picture("phone-approvals")
    page.set_viewport_size(SIZE)  # type: ignore[arg-type]
    above.picture("approvals")


@pytest.mark.timeout(1800)
def test_nobody_decides_and_an_amended_order_asks_again(browser: Browser, open_desk: RunningDesk) -> None:
    with limits_of(Watched(browser, open_desk), Watched(browser, open_desk), approval="30000") as above:
        watched = Watched(browser, open_desk)
        trader = watched.log_in("trader")
        fill_ticket(trader, "0.7", "60", "6")
        # A request ends with an order whose end is fixed.
        trader.get_by_label("End", exact=False).first.fill(f"{datetime.now(UTC) + WAITS:%Y-%m-%dT%H:%M:%S}")
        trader.keyboard.press("Control+Enter")
        expect(trader.locator("#review-body .sentence")).to_be_visible()
        trader.locator("#send").click()
        expect(trader.locator("#order-approval")).to_contain_text("waits for approval until")
        expect(trader.locator("#order-status")).to_contain_text("expired", ignore_case=True, timeout=90_000)
        expect(trader.locator("#order-approval")).to_be_hidden()
        expect(trader.locator("#order-reason")).to_contain_text("nobody approved it within")
        watched.picture("approval-expired")
        ask_again(watched, trader)
        approve(above)
        expect(trader.locator("#done-quantity")).to_contain_text("0.8")
        expect(trader.locator("#order-approval")).to_be_hidden()
        watched.picture("amendment-approved")
        cancel(trader)
        assert watched.complaints == []


def ask_again(watched: Watched, trader: Page) -> None:
    """Amend a running order above the limit: it goes on unchanged until somebody approves."""
    review(trader, "0.3", "300")
    trader.locator("#send").click()
    status = trader.locator("#order-status")
    expect(status).to_contain_text("working", ignore_case=True, timeout=60_000)
    trader.get_by_role("button", name="Amend…", exact=True).click()
    dialog = trader.locator("#amend-dialog")
    dialog.get_by_label("Quantity").fill("0.8")
    expect(dialog).to_contain_text("A supervisor has to approve this.")
    watched.picture("amend-approval")
    dialog.get_by_role("button", name="Ask for approval", exact=True).click()
    expect(dialog).to_be_hidden()
    expect(trader.locator("#order-approval")).to_contain_text("quantity 0.3 → 0.8 waits for approval until")
    expect(status).to_contain_text("working", ignore_case=True)
    expect(trader.locator("#done-quantity")).to_contain_text("0.3")
    watched.picture("amendment-waiting")
