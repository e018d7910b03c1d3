"""A trader's basket from a table to its end, in Chromium on the real desk."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.axe import axe_problems
from tests.browser.console_guard import Watched

if TYPE_CHECKING:
    from tests.desk.running import RunningDesk

HEADER = "side,symbol,quantity,unit,algorithm,accounts,duration"
GOOD = f"{HEADER}\nbuy,BTC/USDT,0.13,base,twap,alpha,10m\nsell,ETH/USDT,2100,quote,twap,beta,10m\n"
WRONG = f"{HEADER}\nbuy,BTC/USDT,58000000,base,twap,alpha,10m\nhold,ETH/USDT,2100,quote,twap,beta,10m\n"


@pytest.mark.timeout(1800)
def test_a_trader_pastes_reviews_sends_watches_and_stops_a_basket(
    browser: Browser, desk: RunningDesk, tmp_path: Path
) -> None:
    watched = Watched(browser, desk)
    page = watched.log_in("trader")
    page.get_by_role("link", name="Baskets", exact=True).click()
    page.goto("/baskets/new/")
    refuses(page, tmp_path)
    sends(page, tmp_path)
    watched.picture("basket")
    assert axe_problems(page) == []
    is_a_group_at_home(page, watched)
    stops(page)
    assert watched.complaints == []


def is_a_group_at_home(page: Page, watched: Watched) -> None:
    """Group the live orders by basket, and follow the group's link back to the basket."""
    basket = page.url.rstrip("/").rsplit("/", 1)[1]
    page.keyboard.press("h")
    page.locator("#grouping label", has_text="By basket").click()
    group = page.locator(f'#tiles li[data-group="{basket}"]')
    expect(group).to_contain_text("2 orders")
    watched.picture("home-by-basket")
    page.locator("#grouping label", has_text="By symbol").click()
    expect(page.locator('#tiles li[data-group="BTC/USDT"]')).to_be_visible()
    page.locator("#grouping label", has_text="By basket").click()
    group.get_by_role("link", name=basket).click()
    expect(page).to_have_url(re.compile(f"/baskets/{basket}/$"))


def refuses(page: Page, folder: Path) -> None:
    """Show every problem of every row, and refuse a file that is not UTF-8."""
    example = page.get_by_role("button", name="Write the example", exact=True)
    example.click()
    expect(page.locator("#csv")).to_have_value(re.compile("^side,symbol,quantity,unit,.*\nbuy,"))
    expect(example).to_be_hidden()
    page.locator("#csv").fill(WRONG)
    page.keyboard.press("Control+Enter")
    review = page.locator("#basket-review")
    expect(review).to_contain_text("Side is 'hold'. It must be one of buy, sell.")
    expect(review).to_contain_text("58,000,000")
    expect(review).to_contain_text("Only a supervisor can raise the limit.")
    expect(page.locator("#basket-send")).to_have_count(0)
    assert axe_problems(page) == []
    (folder / "latin.csv").write_bytes(GOOD.replace("alpha", "älpha").encode("latin-1"))
    page.locator("#basket-file").set_input_files(folder / "latin.csv")
    expect(page.locator("#error-file")).to_contain_text("latin.csv is not UTF-8")


def sends(page: Page, folder: Path) -> None:
    """Upload a file, wait for its costs, and send it. An edit of the rows takes the review away."""
    (folder / "hedge.csv").write_text(GOOD, encoding="utf-8-sig")
    page.locator("#basket-file").set_input_files(folder / "hedge.csv")
    expect(page.locator("#name")).to_have_value("hedge")
    send = page.get_by_role("button", name="Send 2 orders", exact=True)
    expect(send).to_be_enabled()
    # The compute worker runs only when nobody else wants the processor, so the cost may still be to come.
    expect(page.locator('[data-row="1"] td').last).to_have_text(re.compile(r"^([+−]?\d+\.\d|…)$"))
    page.locator("#csv").press("End")
    page.keyboard.type(" ")
    expect(send).to_have_count(0)
    page.locator("#basket-review-button").click()
    expect(send).to_be_enabled()
    send.click()
    expect(page).to_have_url(re.compile(r"/baskets/[0-9a-z]{8}/$"))


def stops(page: Page) -> None:
    """Watch both orders begin, pause and resume all of them, and cancel them, each by the review of many orders."""
    rows = page.locator("#order-rows tr[data-id]")
    expect(rows).to_have_count(2)
    expect(page.locator("#basket-counts")).to_have_text("2 orders: 2 working")
    dialog = page.locator("#bulk-dialog")
    for name, title, counts in (
        ("Pause all…", "Pause 2 orders?", "2 orders: 2 paused"),
        ("Resume all…", "Resume 2 orders?", "2 orders: 2 working"),
        ("Cancel all…", "Cancel 2 orders?", "2 orders: 2 cancelled"),
    ):
        page.get_by_role("button", name=name).click()
        expect(dialog.get_by_role("heading")).to_have_text(title)
        page.locator("#bulk-send").click()
        expect(page.locator("#basket-counts")).to_have_text(counts)
    expect(page.locator("#basket-state")).to_have_text("done")
    for button in page.locator("#basket-actions button").all():
        expect(button).to_be_disabled()
