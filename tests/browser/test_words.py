"""Pages of the real desk in Chromium: the admin under the policy, proposed symbols, lists on a small screen."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone
from playwright.sync_api import Browser, expect

from execution.models import Fill, Order
from tests.browser.console_guard import Watched
from tests.browser.fit import too_wide
from tests.desk.database import ALIAS, order_of
from tests.desk.people import cancel_all
from tests.desk.running import RunningDesk, wait_until
from tests.desk.visitor import Visitor


def test_the_admin_works_under_the_policy(browser: Browser, desk: RunningDesk) -> None:
    Visitor(desk).launch(duration="00:00:20")
    watched = Watched(browser, desk)
    page = watched.log_in("admin")
    page.goto("/admin/execution/order/")
    expect(page.locator(".environment")).to_have_text("PAPER")
    page.locator("#result_list tbody th a").first.click()
    expect(page.locator("h1")).to_have_text("View order")
    page.goto("/admin/execution/user/add/")
    expect(page.get_by_label("Username")).to_be_visible()
    assert watched.complaints == []


def test_an_accounts_symbols_are_proposed_from_the_exchanges_list(
    browser: Browser, desk: RunningDesk
) -> None:
    watched = Watched(browser, desk)
    page = watched.log_in("admin")
    page.goto("/accounts/")
    page.get_by_role("link", name="alpha", exact=True).first.click()
    proposed = page.locator("#symbol-choices option")
    page.locator("#symbols").fill("BTC/USDT, so")
    expect(proposed).to_have_count(1)
    expect(proposed).to_have_attribute("value", "BTC/USDT, SOL/USDT")
    assert watched.complaints == []


CUT_WITHOUT_TITLE = """() => [...document.querySelectorAll('td.wide')]
    .filter((node) => node.scrollWidth > node.clientWidth && !node.title).length"""


@pytest.mark.parametrize(
    ("person", "paths"), [("trader", ["/orders/"]), ("supervisor", ["/orders/", "/wall/"])]
)
def test_the_lists_fit_a_small_screen(
    browser: Browser, open_desk: RunningDesk, person: str, paths: list[str]
) -> None:
    """With an order of yesterday and one that goes on tomorrow. Their moments need more room than those of today."""
    visitor = Visitor(open_desk)
    ended, live = visitor.launch(duration="00:00:20"), visitor.launch(duration="23:59:59")
    wait_until(lambda: order_of(ended).status == "completed", within=60, what="the first order to end")
    yesterday = timezone.now() - timedelta(days=1)
    Order.objects.using(ALIAS).filter(public_id=ended).update(ended_at=yesterday)
    Fill.objects.using(ALIAS).filter(order__public_id=ended).update(executed_at=yesterday)
    watched = Watched(browser, open_desk)
    watched.page.set_viewport_size({"width": 1280, "height": 800})
    page = watched.log_in(person)
    for path in paths:
        page.goto(path)
        expect(page.locator(f'tr[data-id="{live}"]')).to_be_visible(timeout=60_000)
        assert too_wide(page) == []
        assert page.evaluate(CUT_WITHOUT_TITLE) == 0
    page.goto("/orders/")
    day = f"{yesterday:%m-%d %H:%M}" if yesterday.year == timezone.now().year else f"{yesterday:%Y-%m-%d}"
    for column in ("end", "last_fill"):
        expect(page.locator(f'tr[data-id="{ended}"] [data-column="{column}"]')).to_have_text(day)
    cancel_all(open_desk)
    assert watched.complaints == []
