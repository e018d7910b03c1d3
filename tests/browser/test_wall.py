"""A supervisor at the real desk, in Chromium: watches two traders' orders move, halts thirty, lifts the halt."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import Browser, Page, expect

from execution.models import Account, ChildOrder
from tests.browser.axe import axe_problems
from tests.browser.console_guard import Watched
from tests.desk.books import books_of
from tests.desk.database import ALIAS, order_of
from tests.desk.running import PAPER_LABELS, RunningDesk, wait_until
from tests.desk.visitor import Visitor
from tests.engine.running import check_books
from tests.patience import slowness

if TYPE_CHECKING:
    from decimal import Decimal

#: The aim is 2 s on a quiet machine; this is for one that runs other things.
FLAT_WITHIN = 6.0
#: Nothing may follow a halt for so long.
QUIET = 3.0
OPEN = {"new", "partially_filled"}
PER_VENUE = 10


def wall_of(watched: Watched) -> Page:
    page = watched.log_in("supervisor")
    expect(page).to_have_url(re.compile(r"/wall/$"))
    expect(page.locator("#connection")).to_have_attribute("data-state", "live")
    return page


def done_of(page: Page, public_id: str) -> str:
    return page.locator(f'tr[data-id="{public_id}"] td').nth(10).inner_text()


@pytest.mark.timeout(1800)  # the first test starts the desk
def test_live_orders_of_two_traders_move_on_the_wall(browser: Browser, open_desk: RunningDesk) -> None:
    first, second = Visitor(open_desk, "trader"), Visitor(open_desk, "second_trader")
    orders = [
        first.launch(quantity="0.6", duration="00:10:00", slices="200"),
        first.launch(quantity="9", symbol="ETH/USDT", side="sell", duration="00:10:00", slices="200"),
        second.launch(quantity="0.4", duration="00:10:00", slices="200"),
    ]
    watched = Watched(browser, open_desk)
    page = wall_of(watched)
    page.evaluate("window.notReloaded = true")
    for public_id in orders:
        expect(page.locator(f'tr[data-id="{public_id}"]')).to_be_visible()
    for _ in range(2):
        before = {public_id: done_of(page, public_id) for public_id in orders}
        for public_id, text in before.items():
            expect(page.locator(f'tr[data-id="{public_id}"] td').nth(10)).not_to_have_text(text)
    assert page.evaluate("window.notReloaded"), "it moved by itself"
    people = page.locator("#people li")
    expect(people.filter(has_text="second_trader")).to_contain_text("1 live")
    watched.picture("wall")
    row = page.locator(f'tr[data-id="{orders[2]}"]')
    row.get_by_role("button", name=f"Actions for {orders[2]}", exact=True).click()
    page.locator("#row-menu").get_by_role("button", name="Pause", exact=True).click()
    expect(row).to_contain_text("paused", ignore_case=True)
    assert order_of(orders[2]).status == "paused"
    assert watched.complaints == []


def launch_thirty(desk: RunningDesk) -> list[str]:
    """Launch ten on each venue, by two traders in turn: nine far from the market, and one that fills."""
    traders = [Visitor(desk, "trader"), Visitor(desk, "second_trader")]
    accounts = dict(Account.objects.using(ALIAS).values_list("label", "public_id"))
    launched = []
    for number in range(PER_VENUE * len(PAPER_LABELS)):
        label = PAPER_LABELS[number % len(PAPER_LABELS)]
        fills = number < len(PAPER_LABELS)
        changes = {} if fills else {"limit_price": "40000"}
        launched.append(
            traders[number % 2].launch(
                accounts=accounts[label],
                quantity=str((100 + number) / 100),
                duration="00:10:00",
                slices="100" if fills else "5",
                **changes,
            )
        )
    return launched


def resting(desk: RunningDesk, label: str) -> list[str]:
    """Return client ids of the open orders at a venue, by its own books."""
    return [row["client_id"] for row in desk.paper(label).ledger()["orders"] if row["status"].lower() in OPEN]


def halt_the_desk(page: Page) -> None:
    page.get_by_role("link", name="■ HALT…", exact=True).click()
    expect(page.locator("#halt-preview")).to_contain_text("Pauses 30 orders")
    send = page.get_by_role("button", name="■ Halt", exact=True)
    page.get_by_label("Reason").fill("the market is broken")
    page.get_by_label("Type HALT DESK to confirm").fill("halt desk")
    expect(send).to_be_disabled()
    page.get_by_label("Type HALT DESK to confirm").fill("HALT DESK")
    send.click()
    expect(page).to_have_url(re.compile(r"/halts/[0-9a-z]{8}/$"))


@pytest.mark.timeout(1800)  # the first test starts the desk
def test_the_halt_cancels_thirty_orders_on_three_venues_and_lifting_it_resumes_nothing(
    browser: Browser, open_desk: RunningDesk, record_property: Callable[[str, object], None]
) -> None:
    launched = launch_thirty(open_desk)
    rest = PER_VENUE - 1
    wait_until(
        lambda: all(len(resting(open_desk, label)) >= rest for label in PAPER_LABELS),
        within=40,
        what="the orders to rest on three venues",
    )
    watched = Watched(browser, open_desk)
    page = wall_of(watched)
    expect(page.locator("#wall-rows tr")).to_have_count(len(launched))
    halt_the_desk(page)
    flat = page.locator('#halt-flat[data-state="flat"]')
    expect(flat).to_be_visible()
    took = float(flat.inner_text().removesuffix(" s"))
    record_property("time_to_flat", took)
    assert took < FLAT_WITHIN * slowness()
    expect(page.locator("#halt-state")).to_contain_text("HALTED")
    expect(page.locator("#halt-none")).to_have_text("Nothing is open.")
    expect(page.locator("#halt-orders")).to_have_text("30")
    watched.picture("halted")
    assert axe_problems(page) == []
    nothing_follows(open_desk)
    filled = fills_are_counted(open_desk, launched)
    assert filled > 0, "some of them had filled"
    lift(page)
    nothing_follows(open_desk)
    assert {order_of(public_id).status for public_id in launched} == {"paused"}
    assert fills_are_counted(open_desk, launched) == filled
    page.goto("/wall/")
    expect(page.locator("#tile-desk")).to_contain_text("ACTIVE")
    for public_id in launched:
        expect(page.locator(f'#needs a[href="/orders/{public_id}/"]')).to_have_count(1)
    watched.picture("wall-after-halt")
    assert watched.complaints == []


def nothing_follows(desk: RunningDesk) -> None:
    """Check that nothing is open at any exchange, and that for a while no child is intended or accepted."""
    children = ChildOrder.objects.using(ALIAS)
    assert [resting(desk, label) for label in PAPER_LABELS] == [[], [], []]
    before = children.count(), [len(desk.paper(label).ledger()["orders"]) for label in PAPER_LABELS]
    time.sleep(QUIET)
    assert before == (
        children.count(),
        [len(desk.paper(label).ledger()["orders"]) for label in PAPER_LABELS],
    )
    assert [resting(desk, label) for label in PAPER_LABELS] == [[], [], []]


def fills_are_counted(desk: RunningDesk, launched: list[str]) -> Decimal | int:
    """Check that the desk's books of each order equal the exchange's, trade by trade. Return the filled quantity."""
    orders = [order_of(public_id) for public_id in launched]
    for order in orders:
        check_books(order, books_of(desk, order.public_id))
    return sum(order.filled for order in orders)


def lift(page: Page) -> None:
    page.get_by_role("button", name="Lift…", exact=True).click()
    page.locator("#lift-reason").fill("the market is well")
    page.get_by_role("button", name="Lift the halt", exact=True).click()
    expect(page.locator("#halt-state")).to_contain_text("LIFTED")
    expect(page.locator("#halt-facts")).to_contain_text("the market is well")
