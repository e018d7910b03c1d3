"""A trader at the real desk, in Chromium: launches a TWAP, watches it fill, and finds no error anywhere."""

from __future__ import annotations

import re
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest
from playwright.sync_api import Browser, Page, expect

from execution.models import Order
from tests.browser.axe import axe_problems
from tests.browser.console_guard import Watched
from tests.browser.pngs import save_chart
from tests.browser.test_alerts import halt
from tests.desk.books import compare
from tests.desk.database import ALIAS, database_of
from tests.desk.visitor import Visitor
from tests.patience import PATIENCE

if TYPE_CHECKING:
    from tests.desk.running import RunningDesk

#: An order of 24 seconds, seen from a busy machine.
FINAL_WITHIN = 90_000 * PATIENCE


def fill_ticket(page: Page, quantity: str, duration: str, slices: str) -> None:
    page.goto("/orders/new/?start=defaults")
    expect(page.locator("#connection")).to_have_attribute("data-state", "live", timeout=60_000)
    page.get_by_label("Quantity", exact=True).fill(quantity)
    page.get_by_label("Duration").fill(duration)
    page.get_by_label("Slices", exact=True).fill(slices)
    expect(page.locator("#plan-subtitle")).to_contain_text(f"{slices} slices")


@pytest.mark.timeout(1800)
def test_a_trader_launches_a_twap_and_watches_it_fill(
    browser: Browser, desk: RunningDesk, django_db_blocker: Any
) -> None:
    with database_of(desk, django_db_blocker):
        before = Order.objects.using(ALIAS).count()
        public_id = launch_and_watch(Watched(browser, desk))
        assert Order.objects.using(ALIAS).count() == before + 1, "two clicks on Send are one order"
        order = compare(desk, public_id)
        assert order.filled == Decimal("0.5")


@pytest.mark.timeout(1800)
def test_a_review_waits_for_the_books_and_the_route_is_shown_by_its_averages(
    browser: Browser, desk: RunningDesk
) -> None:
    watched = Watched(browser, desk)
    page = watched.log_in("trader")
    page.goto("/orders/new/?start=defaults")
    for box in page.locator("[name=accounts]").all():
        box.check()
    page.locator("label:has([value=sor])").click()
    page.get_by_label("Quantity", exact=True).fill("6")
    page.locator("#review").click()
    expect(page.locator("#review-body .sentence")).to_contain_text("BUY 6 BTC for USDT")
    assert "available" not in page.locator("#review-body").inner_text()
    page.get_by_role("button", name="Back", exact=True).click()
    expect(page.locator("#route tbody tr").first).to_be_visible()
    heads = page.locator("#route th").all_inner_texts()
    assert [head.lower() for head in heads[-3:]] == ["price after fees", "child's limit", "note"]
    rows = [row.locator("td").all_inner_texts() for row in page.locator("#route tbody tr").all()]
    parts = [(row[4], row[5]) for row in rows if row[3] != "–"]
    averages = [Decimal(average.replace(",", "")) for average, _ in parts]
    for average, (_, limit) in zip(averages, parts, strict=True):
        assert average > Decimal(limit.replace(",", "")), "a buy's fees are in the average, not in the limit"
    expect(page.locator("#preview")).to_contain_text("its route now, after fees")
    assert watched.complaints == []


def test_a_refusal_stands_beside_its_field_or_in_the_checks_and_never_in_both(
    browser: Browser, desk: RunningDesk
) -> None:
    page = Watched(browser, desk).log_in("trader")
    page.goto("/orders/new/?start=defaults")
    checks, off_tick = page.locator("#preview .checks"), "imit price 65,000.123 is finer than the tick"
    page.get_by_label("Quantity", exact=True).fill("1")
    page.locator("#limit_price").fill("65000.123")
    expect(page.locator("#error-limit_price")).to_contain_text(off_tick)
    expect(checks).to_contain_text("Correct the marked fields.", use_inner_text=True)
    expect(checks).not_to_contain_text(off_tick, use_inner_text=True)
    expect(checks).not_to_contain_text("is not known", use_inner_text=True)
    # Where the field was not used its refusal is in the list.
    page.goto("/orders/new/?start=defaults")
    expect(checks).to_contain_text("uantity is missing", use_inner_text=True)
    expect(page.locator("#error-quantity")).to_be_empty()
    expect(checks).not_to_contain_text("Correct the marked fields.", use_inner_text=True)


#: How the table of fills shows one that was charged in quote and got a rebate in base.
CHARGED = """async (fill) => {
  const { TABLES } = await import("/static/js/lib/tables.js");
  const cells = TABLES.fills.cells(fill, { order: { lot: "0.001", tick: "0.01" } });
  return cells.slice(8, 10).map((cell) => cell.textContent);
}"""
FILL = {
    "at": 0, "child": 1, "account": "alpha", "trade": "7", "liquidity": "maker", "quantity": "1", "price": "100",
    "fee": "0.25", "fee_currency": "USDT", "more_fees": [{"currency": "BTC", "amount": "-0.0001"}],
    "fee_in_quote": None,
}  # fmt: skip


def launch_and_watch(watched: Watched) -> str:
    """Launch and watch an order as the trader, from the ticket to the end. Return its public id."""
    page = watched.log_in_by_form("trader")
    fill_ticket(page, "0.5", "24", "6")
    watched.picture("ticket")
    page.keyboard.press("Control+Enter")
    expect(page.locator("#review-body")).to_contain_text(
        "BUY 0.5 BTC for USDT on alpha, by TWAP in 6 slices over 24 s"
    )
    watched.picture("review")
    assert axe_problems(page) == []
    page.get_by_role("button", name="Send", exact=True).dblclick()
    expect(page).to_have_url(re.compile(r"/orders/[0-9a-z]{8}/$"))
    address = page.url

    expect(page.locator("#tab-fills b")).not_to_have_text("0", timeout=60_000)
    # Fills stand in the chart without a reload.
    expect(page.locator("#chart-price .scatterlayer .point").first).to_be_attached()
    watched.picture("order-live")
    expect(page.locator("#order-status")).to_contain_text("completed", timeout=FINAL_WITHIN)
    expect(page.locator("#done-filled")).to_have_text(re.compile(r"^0\.50*$"))
    said = re.compile(r"^Progress: filled (0\.50*) of \1 BTC, ended \d\d:\d\d:\d\d UTC\.$")
    expect(page.locator("#chart-progress")).to_have_attribute("aria-label", said)
    assert page.url == address
    for tab in ("fills", "slices", "journal"):
        page.locator(f"#tab-{tab}").click()
        expect(page.locator("#panel-rows tbody tr").first).to_be_visible()
        if tab == "fills":
            expect(page.locator("#panel-rows tbody tr").first.locator("td").nth(9)).to_have_text("BTC")
            assert page.evaluate(CHARGED, FILL) == ["0.25 + \u22120.0001", "USDT + BTC"]
    watched.picture("order-completed")
    for name in ("progress", "price", "volume"):
        assert save_chart(page, f"#chart-{name}") == f"order-{address.split('/')[-2]}-{name}"
    page.goto("/orders/")
    listed = page.locator(f'#order-rows tr[data-id="{address.split("/")[-2]}"]')
    expect(listed).to_be_visible()
    watched.picture("orders")
    assert watched.complaints == []
    return address.split("/")[-2]


RANGES = "[...document.querySelectorAll('.chart')].map(chart => String(chart._fullLayout.xaxis.range))"


def zoom_survives_updates(page: Page) -> None:
    """Check that a zoom of the price zooms all three charts, and that later updates leave it."""
    plot = page.locator("#chart-price .nsewdrag").first
    expect(plot).to_be_attached()
    whole = page.evaluate(RANGES)
    box = plot.bounding_box()
    assert box is not None
    page.mouse.move(box["x"] + 100, box["y"] + 60)
    page.mouse.down()
    page.mouse.move(box["x"] + 400, box["y"] + 62, steps=5)
    page.mouse.up()
    page.wait_for_function(f"(whole) => new Set({RANGES}).size === 1 && {RANGES}[0] !== whole[0]", arg=whole)
    zoomed = page.evaluate(RANGES)
    page.wait_for_timeout(3000)  # several beats of the websocket
    assert page.evaluate(RANGES) == zoomed


SPAN = """() => {
  const axis = document.getElementById("chart-price")._fullLayout.xaxis;
  const [from, to] = axis.range.map((each) => axis.r2l(each));
  return (to - from) / 1000;
}"""
#: What Plotly would say lies on no button, and a click goes through it.
COVERED = """() => {
  const said = document.createElement("div");
  Object.assign(said, { className: "plotly-notifier", textContent: "a message of Plotly" });
  document.body.append(said);
  const box = said.getBoundingClientRect();
  const under = [...document.querySelectorAll("#order-actions :is(button, a), .top :is(button, a)")].filter((node) => {
    const its = node.getBoundingClientRect();
    return its.width && its.left < box.right && its.right > box.left && its.top < box.bottom && its.bottom > box.top;
  });
  const clicks = getComputedStyle(said).pointerEvents;
  said.remove();
  return [clicks, under.length];
}"""


def ranges_are_chosen_by_keyboard_and_kept(page: Page) -> None:
    """Check the three ranges of a young order of ten minutes that was just zoomed by hand."""
    ranges, note = page.locator("#ranges input"), page.locator("#range-note")
    assert page.evaluate(COVERED) == ["none", 0]
    expect(page.locator(".notifier-note")).to_have_count(0)
    expect(note).to_contain_text("zoomed by hand")
    expect(page.locator("#ranges input:checked")).to_have_count(0)
    expect(page.locator("#legend-volume")).to_contain_text(re.compile(r"market by [12] s"))
    ranges.nth(1).focus()
    page.keyboard.press("Space")
    expect(note).to_be_empty()
    expect(ranges.nth(1)).to_be_checked()
    page.wait_for_function(f"(least) => ({SPAN})() >= least", arg=55)
    assert page.evaluate(SPAN) < 300, "since the start, and a fifth ahead"
    page.keyboard.press("ArrowRight")
    page.wait_for_function(f"() => ({SPAN})() > 590")
    page.wait_for_timeout(1500)  # more of the market has come
    assert page.evaluate(SPAN) == pytest.approx(607, abs=5), "ten minutes, and a little before the start"
    page.reload()
    expect(ranges.nth(2)).to_be_checked()
    page.wait_for_function(f"() => document.querySelector('#chart-price .xtick') && ({SPAN})() > 590")
    page.locator("#ranges").get_by_text("Since start").click()
    page.wait_for_function(f"() => ({SPAN})() < 300")


@pytest.mark.timeout(1800)
def test_an_order_is_paused_resumed_and_cancelled_in_the_browser(browser: Browser, desk: RunningDesk) -> None:
    watched = Watched(browser, desk, theme="light")
    page = watched.log_in("trader")
    fill_ticket(page, "0.2", "00:10:00", "20")
    page.get_by_role("button", name=re.compile("^Review")).click()
    page.get_by_role("button", name="Send", exact=True).click()
    expect(page.locator("#order-status")).to_contain_text("working")
    zoom_survives_updates(page)
    ranges_are_chosen_by_keyboard_and_kept(page)
    page.get_by_role("button", name="Pause", exact=True).click()
    expect(page.locator("#order-status")).to_contain_text("paused")
    page.get_by_role("button", name="Resume…", exact=True).click()
    page.get_by_label("Shift").check()
    page.locator("#resume-dialog").get_by_role("button", name="Resume", exact=True).click()
    expect(page.locator("#order-status")).to_contain_text("working")
    expect(page.locator("#legend-progress")).to_contain_text("earlier plan")
    page.get_by_role("button", name="Cancel…", exact=True).click()
    page.get_by_label("Reason").last.fill("seen enough")
    watched.picture("cancel-light")
    page.get_by_role("button", name="Cancel the order", exact=True).click()
    expect(page.locator("#order-status")).to_contain_text("cancelled")
    expect(page.locator("#order-reason")).to_contain_text("seen enough")
    watched.picture("order-cancelled-light")
    assert watched.complaints == []


def test_enter_never_submits_and_bad_input_is_said_beside_the_field(
    browser: Browser, desk: RunningDesk
) -> None:
    watched = Watched(browser, desk)
    page = watched.log_in("trader")
    page.goto("/orders/new/")
    quantity = page.get_by_label("Quantity", exact=True)
    quantity.fill("0")
    quantity.press("Enter")
    expect(page.locator("#error-quantity")).to_contain_text("It must be above 0")
    expect(quantity).to_be_focused()
    page.get_by_role("button", name=re.compile("^Review")).click()
    expect(page.locator("#review-dialog")).to_be_hidden()
    assert page.url.endswith("/orders/new/")
    watched.picture("ticket-refused")
    assert watched.complaints == []


#: The colour of a button, and that of a token.
BACKGROUNDS = """([id, token]) => {
  const sample = Object.assign(document.createElement("i"), { className: "primary" });
  sample.dataset.side = token;
  document.body.append(sample);
  const colours = [sample, document.getElementById(id)].map((node) => getComputedStyle(node).backgroundColor);
  sample.remove();
  return colours;
}"""


def test_a_sell_is_reviewed_as_one_and_a_halt_says_why_there_is_no_review(
    browser: Browser, open_desk: RunningDesk
) -> None:
    watched = Watched(browser, open_desk)
    page = watched.log_in("trader")
    page.goto("/orders/new/?symbol=SOL/USDT")
    page.locator(".switch .sell span").click()
    quantity = page.get_by_label("Quantity", exact=True)
    quantity.fill("0,5")
    expect(page.locator("#error-quantity")).to_contain_text("with a point instead of the comma")
    expect(page.locator("#review-text")).to_have_text("Review SELL")  # what is no number is no size
    expect(page.get_by_label("Save as PNG: Plan")).to_be_hidden()
    quantity.fill("1")
    expect(page.locator("#review-text")).to_have_text("Review SELL 1 SOL")
    expect(page.get_by_label("Save as PNG: Plan")).to_be_visible()
    page.keyboard.press("Control+Enter")
    expect(page.locator("#review-body .sentence")).to_contain_text("SELL 1 SOL")
    expect(page.locator("#review-body")).not_to_contain_text("cheapest")
    for button in ("review", "send"):
        orange, shown = page.evaluate(BACKGROUNDS, [button, "sell"])
        assert shown == orange != page.evaluate(BACKGROUNDS, [button, "buy"])[0]
    page.get_by_role("button", name="Back", exact=True).click()
    supervisor = Visitor(open_desk, "supervisor")
    halted = halt(supervisor)
    try:
        expect(page.locator("#review-text")).to_have_text("Halted")
        page.locator("h1").click()  # the keyboard reviews from anywhere on the page
        page.keyboard.press("Control+Enter")
        expect(page.locator("#review-refused")).to_contain_text("SOL/USDT is halted by supervisor: a drill")
        expect(page.locator("#review-refused")).to_be_in_viewport()
        expect(page.locator("#review-dialog")).to_be_hidden()
        watched.picture("ticket-halted")
    finally:
        supervisor.post(f"/halts/{halted}lift/", {"reason": "over"}, supervisor.get(f"/halts/{halted}"))
    assert watched.complaints == []


def test_the_keyboard_leads_to_pages_and_the_theme_stays(browser: Browser, desk: RunningDesk) -> None:
    watched = Watched(browser, desk)
    page = watched.log_in("trader")
    page.keyboard.press("n")
    expect(page).to_have_url(re.compile(r"/orders/new/$"))
    page.wait_for_load_state()  # before that no script listens to the keyboard
    page.keyboard.press("Escape")
    page.locator("h1").click()
    page.locator("#content").focus()
    page.keyboard.press("o")
    expect(page).to_have_url(re.compile(r"/orders/$"))
    page.wait_for_load_state()
    page.keyboard.press("?")
    expect(page.locator("#shortcuts")).to_be_visible()
    page.keyboard.press("Escape")
    page.locator("details.menu summary").click()
    page.get_by_role("button", name="Light theme", exact=True).click()
    expect(page.locator("html")).to_have_attribute("data-theme", "light")
    assert watched.complaints == []


def test_the_page_says_when_the_line_is_gone_and_comes_back(browser: Browser, desk: RunningDesk) -> None:
    watched = Watched(browser, desk)
    page = watched.log_in("trader")
    expect(page.locator("#connection")).to_have_attribute("data-state", "live")
    former = desk.kill("web")
    expect(page.locator("#connection")).to_have_attribute("data-state", "lost")
    desk.wait_restarted("web", former)
    expect(page.locator("#connection")).to_have_attribute("data-state", "live", timeout=60_000)
