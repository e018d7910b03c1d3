"""Every algorithm launched from the ticket at the real desk; each completes, and its charts show what it did."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import pytest
from playwright.sync_api import Browser, Page, expect

from execution.core.orders.terms import ALGORITHMS
from execution.models import ChildOrder
from tests.browser.console_guard import Watched
from tests.desk.books import compare
from tests.desk.database import ALIAS, database_of
from tests.patience import PATIENCE

if TYPE_CHECKING:
    from tests.desk.running import RunningDesk

#: Orders of at most 50 s, seen from a busy machine. Slices of ten seconds give it the full time to cross.
FINAL_WITHIN = 90_000 * PATIENCE

#: A trace of a chart by its name, or null.
TRACE = """([chart, name]) => {
  const trace = document.getElementById(chart)?.data?.find((one) => one.name === name);
  return trace ? {x: [...trace.x], y: [...trace.y]} : null;
}"""


def trace(page: Page, chart: str, name: str) -> dict[str, list[Any]] | None:
    found: dict[str, list[Any]] | None = page.evaluate(TRACE, [chart, name])
    return found


def drawn(page: Page, chart: str, name: str) -> dict[str, list[Any]]:
    page.wait_for_function(f"(asked) => ({TRACE})(asked)?.x.length > 0", arg=[chart, name])
    found = trace(page, chart, name)
    assert found is not None
    return found


# --- what each chart must show -------------------------------------------------------------------


def shows_a_schedule(page: Page) -> None:
    schedule = drawn(page, "chart-progress", "schedule")
    assert schedule["y"] == sorted(schedule["y"])
    assert schedule["y"][-1] == pytest.approx(drawn(page, "chart-progress", "filled")["y"][-1])


def steps_of(page: Page) -> list[float]:
    heights = drawn(page, "chart-progress", "schedule")["y"]
    return [round(after - before, 8) for before, after in pairwise(heights)]


def shows_the_markets_volume(page: Page) -> None:
    """Check that the schedule follows the expected volume, which is a line over the market's bars."""
    shows_a_schedule(page)
    if not page.locator("#legend-volume").inner_text().endswith("expected in the market"):
        return  # a market of which nothing is known: the plan said that it is even
    expected = drawn(page, "chart-volume", "expected")
    assert all(volume > 0 for volume in expected["y"])
    assert drawn(page, "chart-volume", "market")["y"]
    due = drawn(page, "chart-progress", "due by volume")
    assert due["y"] == sorted(due["y"])


def shows_front_loaded_slices(page: Page) -> None:
    shows_a_schedule(page)
    steps = steps_of(page)
    lot = 0.00001  # quantities are on it
    assert all(after <= before + 1.01 * lot for before, after in pairwise(steps))
    assert steps[0] > 1.02 * steps[-1]


def has_no_schedule(page: Page) -> None:
    """Check that nothing measures the order by slices that it does not follow."""
    assert trace(page, "chart-progress", "schedule") is None
    expect(page.locator("#tab-slices")).to_have_count(0)
    expect(page.locator("#panel-rows th").get_by_text("Slice", exact=True)).to_have_count(0)
    expect(page.locator("#panel-rows tbody tr").first.locator("td")).to_have_count(
        page.locator("#panel-rows th").count()
    )


def follows_the_volume(page: Page) -> None:
    has_no_schedule(page)
    due = drawn(page, "chart-progress", "due by volume")
    assert due["y"] == sorted(due["y"])


def shows_parts_within_the_visible(page: Page) -> None:
    """Check that there is no schedule, and that the part shown in the books is never above the visible quantity."""
    shown = drawn(page, "chart-visible", "shown")
    assert max(shown["y"]) == pytest.approx(0.05)
    assert shown["y"][-1] == 0
    parts = sum(1 for before, after in pairwise(shown["y"]) if after > before)
    assert parts >= 1
    has_no_schedule(page)
    expect(page.locator("#iceberg")).to_contain_text("Visible at most")


def shows_the_split(page: Page) -> None:
    has_no_schedule(page)
    expect(page.locator("#chart-volume")).to_have_count(0)
    expect(page.locator("#cost")).not_to_contain_text("Market VWAP")
    filled = drawn(page, "chart-split", "filled")
    assert sorted(filled["y"]) == ["alpha", "beta", "gamma"]
    assert sum(filled["x"]) == pytest.approx(float(TICKETS["sor"].quantity))
    assert sum(1 for quantity in filled["x"] if quantity > 0) >= 2
    expect(page.locator("#venues tbody tr")).to_have_count(3)


def decides_together(public_id: str) -> None:
    """Check that a router's first decision sends children to more than one account."""
    children = ChildOrder.objects.using(ALIAS).filter(order__public_id=public_id)
    begun = children.earliest("intended_at").intended_at
    assert children.filter(intended_at=begun).values("account").distinct().count() >= 2


def nothing_more(_public_id: str) -> None:
    return


# --- the orders ----------------------------------------------------------------------------------


@dataclass(frozen=True)
class Ticket:
    """An order as a trader writes it, what the question before sending says of it, and what its page shows."""

    quantity: str
    written: Mapping[str, str]
    sentence: str
    shows: Callable[[Page], None]
    venues: tuple[str, ...] = ("alpha",)
    more: Callable[[str], None] = nothing_more
    choices: Mapping[str, str] = field(default_factory=dict)
    #: What is chosen in switches, before anything is written.
    switched: tuple[str, ...] = ()


#: All buy: the venue keeps the desk's orders from trading with each other, which ends a cross unfilled.
TICKETS = {
    "twap": Ticket(
        "0.3", {"Duration": "50", "Slices": "5"}, "by TWAP in 5 slices over 50 s", shows_a_schedule
    ),
    "vwap": Ticket(
        "0.4",
        {"Duration": "50", "Slice length": "10", "Lookback": "5"},
        "by the market's volume of the last 5 days",
        shows_the_markets_volume,
    ),
    "iceberg": Ticket(
        "0.15",
        {"Duration": "20", "Visible quantity": "0.05"},
        "by Iceberg showing at most 0.05 BTC within 20 s",
        shows_parts_within_the_visible,
        choices={"At the end": "sweep the remainder"},
    ),
    "sor": Ticket(
        "20",  # more than the levels that are known of any one book carry
        {},
        "on alpha, beta and gamma, by SOR within 1 min",
        shows_the_split,
        ("alpha", "beta", "gamma"),
        decides_together,
    ),
    "pov": Ticket(
        "0.05",
        {"Duration": "20", "Participation rate": "20"},
        "at 20 % of the market's volume",
        follows_the_volume,
    ),
    "is": Ticket(
        "0.35",
        {"Duration": "50", "Slices": "5", "Risk aversion λ": "1"},
        "risk aversion 1",
        shows_front_loaded_slices,
        switched=("by number",),
    ),
}


def test_every_algorithm_has_its_order_here() -> None:
    assert ALGORITHMS.keys() <= TICKETS.keys()


LIGHT = """() => {
  document.documentElement.dataset.theme = "light";
  document.dispatchEvent(new Event("tranche:redraw"));
}"""


def pictures(watched: Watched, name: str) -> None:
    """Take pictures of the page dark and light, as it is."""
    watched.picture(name)
    watched.page.evaluate(LIGHT)
    watched.page.wait_for_timeout(600)  # a page draws at most four times a second
    watched.picture(f"{name}-light")


def fill(page: Page, name: str, ticket: Ticket) -> None:
    page.goto("/orders/new/?start=defaults")
    expect(page.locator("#connection")).to_have_attribute("data-state", "live", timeout=60_000)
    page.get_by_label("Quantity", exact=True).fill(ticket.quantity)
    page.locator(f'input[name="algorithm"][value="{name}"] + span').click()
    for label in ticket.venues:
        page.get_by_role("checkbox", name=label).check()
    for choice in ticket.switched:
        page.locator("label:visible", has_text=choice).click()
    for label, text in ticket.written.items():
        page.get_by_label(label).first.fill(text)
    if ticket.choices:
        page.locator("details.more").evaluate("node => { node.open = true }")
    for label, choice in ticket.choices.items():
        page.get_by_label(label).select_option(label=choice)
    # What was written before the switch stays.
    assert page.get_by_label("Quantity", exact=True).input_value() == ticket.quantity
    expect(page.locator("#plan-legend")).not_to_have_text("")


def launch(watched: Watched, name: str, ticket: Ticket) -> str:
    """Launch from the ticket to the order's page. Return the public id."""
    page = watched.page
    fill(page, name, ticket)
    page.wait_for_timeout(400)  # the plan's own animation frame
    pictures(watched, f"ticket-{name}")
    page.keyboard.press("Control+Enter")
    expect(page.locator("#review-body .sentence")).to_contain_text(ticket.sentence)
    if (again := page.locator("#confirm_quantity")).count():
        again.fill(ticket.quantity)
    page.get_by_role("button", name="Send", exact=True).click()
    expect(page).to_have_url(re.compile(r"/orders/[0-9a-z]{8}/$"))
    return page.url.split("/")[-2]


def watch(watched: Watched, name: str, public_id: str) -> None:
    page = watched.page
    page.goto(f"/orders/{public_id}/")
    expect(page.locator("#order-status")).to_contain_text("completed", timeout=FINAL_WITHIN)
    expect(page.locator("#terms")).to_contain_text(ALGORITHMS[name].label)
    drawn(page, "chart-progress", "filled")
    page.wait_for_timeout(1200)  # the tape's last beat
    pictures(watched, f"order-{name}")
    TICKETS[name].shows(page)


@pytest.mark.timeout(1800)
def test_every_algorithm_is_launched_from_the_ticket_and_shows_what_it_did(
    browser: Browser, desk: RunningDesk, django_db_blocker: Any
) -> None:
    watched = Watched(browser, desk)
    watched.log_in("trader")
    launched = {name: launch(watched, name, TICKETS[name]) for name in ALGORITHMS}
    with database_of(desk, django_db_blocker):
        for name, public_id in launched.items():
            watch(watched, name, public_id)
            order = compare(desk, public_id)
            assert order.filled == order.quantity, name
            TICKETS[name].more(public_id)
    assert watched.complaints == []
