"""A trader sees what live orders reserve: on the next ticket, with a link, and on the order's own page."""

from __future__ import annotations

import re
from decimal import Decimal
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import Browser, expect

from tests.browser.console_guard import Watched
from tests.browser.test_trading import fill_ticket

if TYPE_CHECKING:
    from tests.desk.running import RunningDesk


@pytest.mark.timeout(1800)
@pytest.mark.parametrize(("theme", "quantity"), [("dark", "0.6"), ("light", "0.55")])
def test_the_ticket_links_the_orders_that_reserve_and_the_order_says_how_much(
    browser: Browser, open_desk: RunningDesk, theme: str, quantity: str
) -> None:
    watched = Watched(browser, open_desk, theme)
    page = watched.log_in("trader")
    fill_ticket(page, quantity, "3600", "10")
    page.keyboard.press("Control+Enter")
    page.get_by_role("button", name="Send", exact=True).click()
    expect(page.locator("#order-status")).to_contain_text("working", ignore_case=True, timeout=60_000)
    expect(page.locator("#now")).to_contain_text(re.compile(r"Reserves\s*[\d,.]+ USDT"))
    order = page.url.split("/")[-2]
    page.locator("#now").scroll_into_view_if_needed()
    watched.picture(f"reserve-order-{theme}")
    fill_ticket(page, "0.5", "3600", "10")
    check = page.locator(".checks li", has_text=re.compile(r"free, .* reserved by 1 live order"))
    expect(check).to_have_count(1)
    check.scroll_into_view_if_needed()
    watched.picture(f"reserve-ticket-{theme}")
    page.locator('[data-share="100"]').click()
    field = page.get_by_label("Quantity", exact=True)
    expect(field).to_have_value(re.compile(r"^1\d\d\."))  # all that the others leave
    field.fill(str(Decimal(field.input_value().replace(",", "")) + Decimal("0.3")))
    refused = page.locator(".checks li.fail", has_text=f"Order {order} reserves")
    expect(refused).to_contain_text("can be used")
    watched.picture(f"reserve-refused-{theme}")
    check.get_by_role("link", name=order).click()
    page.get_by_role("button", name="Cancel…", exact=True).click()
    page.get_by_role("button", name="Cancel the order", exact=True).click()
    expect(page.locator("#order-status")).to_contain_text("cancelled", ignore_case=True, timeout=60_000)
    expect(page.locator("#now")).not_to_contain_text("Reserves")
    assert watched.complaints == []
