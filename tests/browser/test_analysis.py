"""The analysis and the day report in Chromium: charts are drawn and saved, and the report fits on paper."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, cast

import pytest
from django.conf import settings
from django.utils import timezone
from playwright.sync_api import Browser, Page, expect

from execution.models import User
from tests.browser.console_guard import Watched
from tests.browser.phone import PHONE, overflowing
from tests.browser.pngs import save_chart
from tests.dashboard.many_reports import many_reports

if TYPE_CHECKING:
    from pytest_django.live_server_helper import LiveServer

    from tests.dashboard.desk_fixture import Desk

CHARTS = ("weeks", "predictions", "venues", "hours", "sizes", "distribution")
#: The number of traces of a chart, once it is drawn.
DRAWN = "(name) => document.getElementById(`chart-${name}`)?.data?.some((trace) => trace.x.length > 0)"


def visit(browser: Browser, server: LiveServer, office: Desk, person: User) -> Watched:
    """Return a page of the person. The server of this test has no websockets, so their failures are no complaint."""
    watched = Watched(browser, cast("Any", SimpleNamespace(url=server.url)))
    session = office.client(person).cookies[settings.SESSION_COOKIE_NAME].value
    watched.page.context.add_cookies(
        [{"name": settings.SESSION_COOKIE_NAME, "value": session, "url": server.url}]
    )
    return watched


def complaints(watched: Watched) -> list[str]:
    return [said for said in watched.complaints if "/ws/" not in said]


def pages_of(pdf: bytes) -> int:
    return len(re.findall(rb"/Type\s*/Page\b(?!s)", pdf))


def check_day_report(page: Page) -> None:
    """Check that a day of many orders takes at most two sheets, and shows nothing but the report."""
    yesterday = timezone.now().date() - timedelta(days=1)
    page.goto(f"/analysis/day/?day={yesterday}")
    expect(page.get_by_role("table", name=re.compile("Costs by algorithm"))).to_be_visible()
    page.emulate_media(media="print")
    expect(page.locator("header.top")).to_be_hidden()
    expect(page.get_by_role("button", name="Print", exact=True)).to_be_hidden()
    assert (
        page.evaluate("getComputedStyle(document.querySelector('.panel')).backgroundColor")
        == "rgb(255, 255, 255)"
    )
    assert pages_of(page.pdf(format="A4", print_background=True)) in (1, 2)
    page.emulate_media(media="screen")


@pytest.mark.django_db(transaction=True)
def test_charts_are_drawn_and_saved_and_the_day_fits_on_paper(
    browser: Browser, live_server: LiveServer, make_desk: Callable[[], Desk]
) -> None:
    office = make_desk()
    many_reports(office, 200, now=timezone.now(), weeks=8)
    watched = visit(browser, live_server, office, office.supervisor)
    page = watched.page
    page.goto("/analysis/")
    for name in CHARTS:
        page.wait_for_function(DRAWN, arg=name)
        assert save_chart(page, f"#chart-{name}") == f"analysis-{name}"
    watched.picture("analysis")
    table = page.get_by_role("table", name="Quality")
    expect(table).to_be_hidden()
    page.get_by_text("All figures").click()
    expect(table).to_be_visible()
    page.get_by_role("link", name="Venue", exact=True).click()
    expect(page).to_have_url(re.compile(r"group=venue"))
    expect(table).to_be_visible()
    page.set_viewport_size(PHONE)
    page.reload()
    page.wait_for_function(DRAWN, arg="venues")
    assert overflowing(page) == []
    page.set_viewport_size({"width": 1440, "height": 1080})
    check_day_report(page)
    assert complaints(watched) == []
