"""An alert at the real desk, in Chromium: raised within five seconds, escalated, acknowledged with a note, owned."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from datetime import timedelta

import pytest
from django.utils import timezone
from playwright.sync_api import Browser, Page, expect

from execution.models import Alert, AuditEntry
from tests.alerting.far_side import FarSide, http_server, json_of
from tests.browser.console_guard import Watched
from tests.desk.database import ALIAS, order_of
from tests.desk.people import channel_add
from tests.desk.running import RunningDesk, wait_until
from tests.desk.visitor import Visitor
from tests.patience import slowness

RAISED_WITHIN = 5.0
HALT = {
    "kind": "stop",
    "scope": "symbol",
    "subject_symbol": "SOL/USDT",
    "phrase": "HALT SOL/USDT",
    "reason": "a drill",
}


def halt(supervisor: Visitor) -> str:
    """Halt the symbol; the address of the halt."""
    address, _ = supervisor.post("/halts/new/", HALT, supervisor.get("/halts/new/"))
    assert "/halts/" in address
    return address.split("/halts/")[1]


def grow_old(alert: Alert) -> None:
    """Have the alert wait longer than any alert may."""
    Alert.objects.using(ALIAS).filter(pk=alert.pk).update(waits_since=timezone.now() - timedelta(hours=1))


@pytest.fixture
def told(open_desk: RunningDesk) -> Iterator[FarSide]:
    """Yield a program that receives every event of the desk until the test is over."""
    admin = Visitor(open_desk, "admin")
    with http_server() as side:
        channel = channel_add(admin, side.port)
        yield side
        admin.post(f"{channel}remove/", {}, admin.get("/alert-channels/"))


def events_told(side: FarSide, alert: Alert) -> list[str]:
    bodies = [json_of(body) for _, body in side.taken]
    return [body["event"] for body in bodies if body["alert"]["id"] == alert.public_id]


def bell_of(page: Page) -> int:
    return int(page.locator("#bell [data-count]").inner_text())


@pytest.mark.timeout(1800)  # the first test starts the desk
def test_an_alert_is_raised_escalated_owned_and_acknowledged(
    browser: Browser, open_desk: RunningDesk, told: FarSide, record_property: Callable[[str, object], None]
) -> None:
    supervisor = Visitor(open_desk, "supervisor")
    launched = Visitor(open_desk, "second_trader").launch(
        symbol="SOL/USDT", quantity="40", duration="00:10:00", slices="20"
    )
    wait_until(lambda: order_of(launched).status == "working", within=20, what="the order to work")
    watched = Watched(browser, open_desk)
    page = watched.log_in("supervisor")
    expect(page.locator("#bell")).to_have_attribute("data-state", re.compile("calm|waiting|critical"))
    row = page.locator("#alert-rows tr", has_text=launched)
    expect(row).to_have_count(0)
    begun = timezone.now()
    halted = halt(supervisor)
    try:
        expect(row).to_be_visible()
        expect(row).to_contain_text("waits for a person")
        assert bell_of(page) >= 1
        alert = Alert.objects.using(ALIAS).get(
            ended_at=None, kind="order_paused", trader__username="second_trader"
        )
        took = (alert.raised_at - begun).total_seconds()
        record_property("raised_after", round(took, 2))
        assert took < RAISED_WITHIN * slowness()
        grow_old(alert)
        expect(row).to_contain_text("escalated", ignore_case=True)
        watched.picture("wall-alerts")
        before = bell_of(page)
        row.get_by_role("link").click()
        page.get_by_label("Note").fill("calling the trader")
        page.get_by_role("button", name="Acknowledge", exact=True).click()
        expect(page.get_by_text("calling the trader")).to_be_visible()
        expect(page.locator("#bell [data-count]")).to_have_text(str(before - 1))
        page.get_by_role("button", name="Own it", exact=True).click()
        page.goto("/alerts/?state=acknowledged&owner=supervisor")
        mine = page.locator(f'tr[data-alert="{alert.public_id}"]')
        expect(mine).to_contain_text("supervisor: calling the trader")
        watched.picture("alerts")
        kinds = AuditEntry.objects.using(ALIAS).filter(subject=alert.public_id).order_by("pk")
        assert list(kinds.values_list("kind", "reason")) == [
            ("alert_acknowledged", "calling the trader"),
            ("alert_owned", ""),
        ]
        expected = ["raised", "escalated", "acknowledged", "owned"]
        wait_until(
            lambda: events_told(told, alert)[-4:] == expected, within=15, what="the program to be told"
        )
        print(f"\nraised on the page after {took:.2f} s")
        assert watched.complaints == []
    finally:
        supervisor.post(f"/halts/{halted}lift/", {"reason": "over"}, supervisor.get(f"/halts/{halted}"))
