"""What the pages say and how they fit, in Chromium: the scripts' pure parts, the admin, narrow screens."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from playwright.sync_api import Browser, Page, expect

from dashboard import figures
from tests.browser.watched import Watched
from tests.desk.visitor import Visitor

if TYPE_CHECKING:
    from tests.desk.running import RunningDesk


@pytest.fixture
def page(browser: Browser, desk: RunningDesk) -> Page:
    watched = Watched(browser, desk)
    watched.page.goto("/login/")
    return watched.page


def called(page: Page, module: str, function: str, argument: dict[str, Any]) -> Any:
    """What a function of one of the desk's scripts gives."""
    script = f"async (given) => (await import('/static/js/{module}.js')).{function}(given)"
    return page.evaluate(script, argument)


@pytest.mark.parametrize(
    ("status", "unsettled", "shown", "reason"),
    [
        ("paused", 2, "pausing", "pausing: 2 children not settled · news"),
        ("paused", 0, "paused", "news"),
        ("closing", 1, "closing", "closing: 1 child not settled · news"),
        ("working", 1, "working", "news"),
    ],
)
def test_a_pause_and_an_end_say_what_they_wait_for(
    page: Page, status: str, unsettled: int, shown: str, reason: str
) -> None:
    order = {"status": status, "unsettled": unsettled, "reason": "news"}
    assert called(page, "states", "shownStatus", order) == shown
    assert called(page, "states", "reasonOf", order) == reason


#: Share, digits, and how both the scripts and the reports write it.
SHARES = [
    ("1", 1, "100.0 %"),
    ("0.99989", 0, ">99 %"),
    ("0.99989", 1, ">99.9 %"),
    ("0.9994", 1, "99.9 %"),
    ("0.0001", 1, "<0.1 %"),
    ("0", 1, "0.0 %"),
    ("1.25", 0, "125 %"),
    (None, 1, "–"),
]


@pytest.mark.parametrize(("share", "digits", "shown"), SHARES)
def test_a_part_is_not_shown_as_the_whole(page: Page, share: str | None, digits: int, shown: str) -> None:
    script = "async (given) => (await import('/static/js/format.js')).percent(...given)"
    assert page.evaluate(script, [share, digits]) == shown
    assert figures.percent(share, digits) == shown


def view(**changes: Any) -> dict[str, Any]:
    """A minute of ten slices; two and a half have passed, and each that is over filled its tenth of 1 BTC."""
    order = {"status": "working", "quantity": "1", "end_at": 60_000, "pauses": []}
    slices = [{"starts_at": start, "ends_at": start + 6_000} for start in range(0, 60_000, 6_000)]
    fills = [{"at": at, "quantity": "0.1"} for at in (3_000, 8_000)]
    return {"order": order | changes, "slices": slices, "fills": fills, "now": 15_000}


def test_an_order_on_schedule_is_projected_to_its_end(page: Page) -> None:
    found = called(page, "pace", "projection", view())
    assert (found["from"], found["done"], found["height"]) == (15_000, 0.2, 1)
    assert found["to"] == pytest.approx(60_000)


def test_a_slow_order_is_projected_short_of_its_quantity(page: Page) -> None:
    slow = view()
    slow["fills"] = slow["fills"][:1]
    found = called(page, "pace", "projection", slow)
    assert found["to"] == 60_000
    assert found["height"] == pytest.approx(0.5)
    assert called(page, "pace", "paceWords", slow) == "50.0 % at the end"


@pytest.mark.parametrize("changes", [{"status": "paused"}, {"pauses": [[1_000, 14_000]]}, {"end_at": 15_000}])
def test_without_a_pace_nothing_is_projected(page: Page, changes: dict[str, Any]) -> None:
    assert called(page, "pace", "projection", view(**changes)) is None
    assert called(page, "pace", "paceWords", view(**changes)) == "–"


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


FITS = """() => [document.documentElement, ...document.querySelectorAll('.scroll')]
    .every((node) => node.scrollWidth <= node.clientWidth)"""
CUT_WITHOUT_TITLE = """() => [...document.querySelectorAll('td.wide')]
    .filter((node) => node.scrollWidth > node.clientWidth && !node.title).length"""


@pytest.mark.parametrize("person", ["trader", "supervisor"])
def test_the_list_fits_a_small_screen(browser: Browser, desk: RunningDesk, person: str) -> None:
    Visitor(desk).launch(duration="00:00:20")
    watched = Watched(browser, desk)
    watched.page.set_viewport_size({"width": 1280, "height": 800})
    page = watched.log_in(person)
    page.goto("/orders/")
    expect(page.locator("#order-rows tr").first).to_be_visible()
    assert page.evaluate(FITS)
    assert page.evaluate(CUT_WITHOUT_TITLE) == 0
    assert watched.complaints == []
