"""The market beside a ticket and an order at the real desk: ladder and candles live, and silent while hidden."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import Browser, expect

from tests.browser.console_guard import Watched
from tests.browser.frames import Frames

if TYPE_CHECKING:
    from tests.desk.running import RunningDesk

#: The shortest pause between two updates, and how many may follow each other after a calm.
PAUSE_MS, AT_ONCE = 250, 8
HIDE = """(hidden) => {
  Object.defineProperty(document, "hidden", { configurable: true, get: () => hidden });
  document.dispatchEvent(new Event("visibilitychange"));
}"""

#: The line of an order that is scheduled for a minute later.
SCHEDULED = """async () => {
  const { drawDone } = await import("/static/js/order/order_panels.js");
  const order = { filled: "0", quantity: "1", lot: "0.1", base: "BTC", status: "scheduled", last_fill_at: null };
  Object.assign(order, { started_at: null, start_at: 60000, end_at: 120000, ended_at: null });
  drawDone({ order, line: [], now: 0 });
  return document.getElementById("done-line").textContent;
}"""


@pytest.fixture
def watched(browser: Browser, desk: RunningDesk) -> Iterator[Watched]:
    watched = Watched(browser, desk)
    yield watched
    assert watched.complaints == []


def test_the_ticket_shows_the_market_and_a_click_on_a_price_sets_the_limit(watched: Watched) -> None:
    page = watched.log_in("trader")
    frames = Frames(page, "/ws/market/")
    page.goto("/orders/new/?start=defaults")
    for box in page.locator("[name=accounts]").all():
        box.check()
    page.get_by_label("Quantity", exact=True).fill("2")
    book = page.locator("#book")
    expect(book.locator("[data-part=unit]")).to_contain_text("merged")
    expect(book.locator(".ladder tbody .price:not([disabled])").first).to_be_visible()
    reaches = book.locator("[data-part=reaches] li")
    expect(reaches).to_have_text(
        [re.compile(r"^slice [\d.]+ BTC reaches [\d,.]+: .* bp"), re.compile(r"^whole order 2 BTC reaches")]
    )
    expect(book.locator("tr.in-slice").first).to_be_attached()
    label = page.locator("#candles [data-part=chart]")
    page.locator("#candles [data-part=lengths] label", has_text="5 min").click()
    expect(label).to_have_attribute("aria-label", re.compile("candles of 5 min: last"))
    expect(page.locator("#candles .barlayer .point path").first).to_be_attached()

    book.locator("[data-part=steps] label").last.click()
    expect(book.locator("[data-part=steps] input").last).to_be_checked()
    bid = book.locator("tbody").last.locator("button.price").first
    expect(bid).to_have_text(re.compile(r"^[\d,]+0(\.0+)?$"))  # the answer has come
    bid.click()
    limit = page.locator("#limit_price")
    expect(limit).not_to_be_empty()
    assert float(limit.input_value()) % 10 == 0, "the step is 1,000 ticks"
    expect(label).to_have_attribute("aria-label", re.compile("limit"))
    bid.press("ArrowUp")
    expect(book.locator("button.price:focus")).to_have_class(re.compile("sell-text"))
    watched.picture("ticket-market")

    assert 0 < frames.within(page, 3000) <= 3000 / PAUSE_MS + AT_ONCE
    page.evaluate(HIDE, True)
    page.wait_for_timeout(500)
    assert (frames.within(page, 1500), frames.open) == (0, []), "nothing while nobody looks"
    page.evaluate(HIDE, False)
    assert frames.within(page, 3000), "and again when somebody does"
    assert len(frames.open) == 1


def test_a_live_order_stands_in_its_market(watched: Watched) -> None:
    page = watched.log_in("trader")
    page.goto("/orders/new/?start=defaults")
    # Another quantity than any file before sends: the ticket asks about a look-alike of the last 30 s.
    page.get_by_label("Quantity", exact=True).fill("1.25")
    page.get_by_label("Duration").fill("10m")
    page.get_by_label("Slices", exact=True).fill("5")
    expect(page.locator("#plan-subtitle")).to_contain_text("5 slices")
    book = page.locator("#book")
    book.locator("[data-part=steps] label").last.click()
    # A limit a little below the market: its child rests there, and is not filled at once.
    book.locator("tbody").last.locator("button.price:not([disabled])").nth(2).click()
    expect(page.locator("#limit_price")).not_to_be_empty()
    page.locator("#review").click()
    page.get_by_role("button", name="Send", exact=True).click()
    expect(page).to_have_url(re.compile(r"/orders/[0-9a-z]{8}/$"))
    nothing = re.compile(r"limit [\d,.]+: nothing to buy in (this book|these books)$")
    expect(book.locator("[data-part=reaches]")).to_contain_text(nothing)
    assert book.locator("button.price").count() == 0, "there is no ticket whose limit it would be"
    own = book.locator(".own-child:not([hidden]), .ladder-edge .buy-text")
    expect(own.first).to_contain_text("▲ 0.25", timeout=60_000)
    expect(page.locator("#candles [data-part=mid]")).not_to_be_empty()
    watched.picture("order-market")
    page.mouse.wheel(0, 600)
    expect(page.locator("#order-status")).to_be_in_viewport()
    assert page.evaluate(SCHEDULED) == "0.0 % · starts 00:01:00, in 00:01:00 · ends 00:02:00 UTC"
    page.locator("[data-act=cancel]").click()
    page.get_by_role("button", name="Cancel the order", exact=True).click()
    expect(page.locator("#order-status")).to_contain_text("cancelled", timeout=60_000)
