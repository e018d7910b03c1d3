"""A trader amends a running order on its page: the dialog, the new plan in it, and the page that follows."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import pytest
from playwright.sync_api import Browser, Page, expect

from execution.models import Order
from tests.browser.console_guard import Watched
from tests.browser.test_trading import fill_ticket
from tests.desk.database import ALIAS, database_of
from tests.invariants import check_order

if TYPE_CHECKING:
    from tests.desk.running import RunningDesk


@pytest.mark.timeout(1800)
def test_a_running_order_is_amended_and_its_page_shows_the_new_plan(
    browser: Browser, desk: RunningDesk, django_db_blocker: Any
) -> None:
    watched = Watched(browser, desk)
    page = watched.log_in("trader")
    fill_ticket(page, "0.6", "300", "10")
    page.keyboard.press("Control+Enter")
    page.get_by_role("button", name="Send", exact=True).click()
    expect(page.locator("#order-status")).to_contain_text("working", ignore_case=True, timeout=60_000)
    amend(watched, page)
    expect(page.locator("#done-quantity")).to_contain_text("0.5")
    page.get_by_role("tab", name=re.compile("^Journal")).click()
    expect(page.locator("#panel-rows")).to_contain_text("amended: quantity 0.6 → 0.5; urgency 0.5 → 0.8")
    watched.picture("amended")
    with database_of(desk, django_db_blocker):
        order = Order.objects.using(ALIAS).get(public_id=page.url.split("/")[-2])
        assert (str(order.quantity), order.plan_version) == ("0.5", 2)
    page.get_by_role("button", name="Cancel…", exact=True).click()
    page.get_by_role("button", name="Cancel the order", exact=True).click()
    expect(page.locator("#order-status")).to_contain_text("cancelled", ignore_case=True, timeout=60_000)
    with database_of(desk, django_db_blocker):
        check_order(Order.objects.using(ALIAS).get(pk=order.pk))
    assert watched.complaints == []


def amend(watched: Watched, page: Page) -> None:
    """Check that the preview follows the fields, a bad value is refused, and a good one is sent."""
    page.get_by_role("button", name="Amend…", exact=True).click()
    dialog = page.locator("#amend-dialog")
    expect(dialog).to_contain_text("No changes yet")
    send = dialog.get_by_role("button", name="Amend the order", exact=True)
    expect(send).to_be_disabled()
    dialog.get_by_label("Quantity").fill("0.0000001")
    expect(dialog.get_by_role("alert")).to_contain_text("finer than the lot")
    dialog.get_by_label("Quantity").fill("0.5")
    dialog.get_by_label("Urgency").fill("0.8")
    expect(dialog).to_contain_text("New plan:")
    expect(send).to_be_enabled()
    watched.picture("amend")
    send.click()
    expect(dialog).to_be_hidden()
