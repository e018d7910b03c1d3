"""The pages when the desk's own code fails at an order or an account, and when the disk is full."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

import pytest
from django.utils import timezone
from playwright.sync_api import Browser, expect

from execution.core.states import ChildStatus, OrderStatus
from execution.models import Account, ChildOrder, Credential, CredentialState, Order
from tests.browser.console_guard import Watched
from tests.browser.test_wall import wall_of
from tests.desk.database import ALIAS, order_of
from tests.desk.running import RunningDesk, wait_until
from tests.desk.visitor import Visitor
from tests.web.process import web_on

THEMES = ("dark", "light")
NARROW = {"width": 420, "height": 900}


def pictures(watched: Watched, name: str, theme: str) -> None:
    """Take pictures of the page, wide, and once narrow."""
    watched.picture(f"{name}-{theme}")
    if theme != "dark":
        return
    size = watched.page.viewport_size
    watched.page.set_viewport_size(NARROW)  # type: ignore[arg-type]
    watched.picture(f"{name}-{theme}-narrow")
    if size is not None:
        watched.page.set_viewport_size(size)


def break_driver(public_id: str) -> None:
    """Remove the order's market limits from its row. Each look of its driver raises KeyError."""
    Order.objects.using(ALIAS).filter(public_id=public_id).update(market={})


@pytest.mark.timeout(1800)
def test_an_order_whose_driver_fails_is_paused_and_its_page_and_the_wall_say_why(
    browser: Browser, open_desk: RunningDesk
) -> None:
    public_id = Visitor(open_desk).launch(quantity="0.4", duration="00:02:00", slices="24")
    market = order_of(public_id).market
    break_driver(public_id)
    try:
        wait_until(
            lambda: order_of(public_id).status == OrderStatus.PAUSED, within=30, what="the order to be paused"
        )
        order = order_of(public_id)
        assert order.needs_person
        assert "KeyError (incident " in order.reason
        incident = order.reason.partition("incident ")[2][:8]
        wait_until(
            lambda: f"incident={incident}" in open_desk.log(), within=5, what="the incident in the log"
        )
        for theme in THEMES:
            supervisor, trader = Watched(browser, open_desk, theme), Watched(browser, open_desk, theme)
            page = wall_of(supervisor)
            expect(page.locator("#needs")).to_contain_text(incident)
            pictures(supervisor, "driver-failed-wall", theme)
            page = trader.log_in("trader")
            page.goto(f"/orders/{public_id}/")
            expect(page.locator("#content").get_by_text(incident).first).to_be_visible()
            pictures(trader, "driver-failed-order", theme)
            assert not supervisor.complaints + trader.complaints
    finally:
        Order.objects.using(ALIAS).filter(public_id=public_id).update(market=market)


@contextmanager
def unreadable_child(public_id: str) -> Iterator[None]:
    """Break the row of a child of alpha for every look: an object is expected in the place of a text."""
    account = Account.objects.using(ALIAS).get(label="alpha")
    order = order_of(public_id)
    fields = {"symbol": order.symbol, "side": order.side, "type": "limit", "quantity": order.quantity}
    child = ChildOrder(
        **fields, order_id=order.pk, account_id=account.pk, sequence=9_999, client_id="unreadable",
        time_in_force="gtc", purpose="rest", why="a test", status=ChildStatus.OPEN, price=order.quantity,
        intended_at=timezone.now(), submitted_at=timezone.now(), attach="no object",
    )  # fmt: skip
    child.save(using=ALIAS)
    try:
        yield
    finally:
        ChildOrder.objects.using(ALIAS).filter(pk=child.pk).delete()


@pytest.mark.timeout(1800)
def test_a_reconciliation_that_fails_is_shown_where_people_look_until_it_works_again(
    browser: Browser, open_desk: RunningDesk
) -> None:
    fields: dict[str, str] = {"quantity": "0.2", "duration": "00:00:30", "slices": "3"}
    ended = Visitor(open_desk).launch(**fields)
    waiting = Visitor(open_desk).launch(quantity="0.4", duration="00:03:00", slices="18")
    with unreadable_child(ended):
        supervisor, admin = Watched(browser, open_desk), Watched(browser, open_desk)
        page = wall_of(supervisor)
        # Both read the child that nobody can read; the wall shows whichever failed first.
        failing = re.compile(r"(reconciliation|trades of ended orders) fails")
        expect(page.locator("#accounts")).to_contain_text(failing, timeout=60_000)
        expect(page.locator("#accounts")).to_contain_text("AttributeError (incident ")
        wait_until(
            lambda: "has failed since" in order_of(waiting).why,
            within=30,
            what="the order to say why it waits",
        )
        pictures(supervisor, "reconciliation-failed-wall", "dark")
        account = Account.objects.using(ALIAS).get(label="alpha")
        page = admin.log_in("admin")
        page.goto(f"/accounts/{account.public_id}/")
        expect(page.locator("p.reason.bad").first).to_contain_text("has failed since")
        pictures(admin, "reconciliation-failed-account", "dark")
        light = Watched(browser, open_desk, "light")
        light.log_in("admin").goto(f"/accounts/{account.public_id}/")
        pictures(light, "reconciliation-failed-account", "light")
        assert not supervisor.complaints + admin.complaints + light.complaints
    wait_until(
        lambda: Account.objects.using(ALIAS).get(label="alpha").faults == {},
        within=60,
        what="the fault to go",
    )
    wait_until(
        lambda: not order_of(waiting).why.startswith("waits: account"), within=30, what="the order to go on"
    )


def test_a_disk_below_its_floor_is_on_the_wall_and_the_ticket_and_no_order_is_taken(
    browser: Browser, open_desk: RunningDesk
) -> None:
    """The floor is above any disk: the web process's own look at the real free space does the rest."""
    with web_on(open_desk.var, TRANCHE_DISK_FLOOR="900000000") as web:
        desk = replace(open_desk, port=web.port)
        supervisor, trader = Watched(browser, desk), Watched(browser, desk, "light")
        page = wall_of(supervisor)
        expect(page.locator("#desk-notices")).to_contain_text(
            "less than 900,000,000 MB of disk are free, and no new order starts"
        )
        pictures(supervisor, "disk-wall", "dark")
        page = trader.log_in("trader")
        page.goto("/orders/new/?start=defaults")
        expect(page.get_by_role("alert").first).to_contain_text("o new order starts below")
        page.get_by_label("Quantity").first.fill("0.1")
        expect(page.locator("#preview")).to_contain_text("o new order starts below")
        pictures(trader, "disk-ticket", "light")
        supervisor.page.context.close()
        trader.page.context.close()


@contextmanager
def unopenable_key(label: str) -> Iterator[None]:
    """Seal the account's key so that no keyring opens it. Its next session has to open it."""
    account = Account.objects.using(ALIAS).get(label=label)
    credentials = Credential.objects.using(ALIAS).filter(account=account, state=CredentialState.ACTIVE)
    sealed = credentials.get().sealed
    credentials.update(sealed=b"not sealed by anybody")
    Account.objects.using(ALIAS).filter(pk=account.pk).update(owner=None)
    try:
        yield
    finally:
        credentials.update(sealed=sealed)


@pytest.mark.timeout(1800)
def test_a_session_that_cannot_begin_is_shown_where_people_look_until_it_can(
    browser: Browser, open_desk: RunningDesk
) -> None:
    beta = Account.objects.using(ALIAS).get(label="beta")
    with unopenable_key("beta"):
        for theme in THEMES:
            supervisor, admin = Watched(browser, open_desk, theme), Watched(browser, open_desk, theme)
            page = wall_of(supervisor)
            expect(page.locator("#accounts")).to_contain_text("session fails since", timeout=60_000)
            expect(page.locator("#accounts")).to_contain_text("(incident ")
            pictures(supervisor, "session-failed-wall", theme)
            page = admin.log_in("admin")
            page.goto(f"/accounts/{beta.public_id}/")
            expect(page.locator("p.reason.bad").first).to_contain_text("session has failed since")
            pictures(admin, "session-failed-account", theme)
            assert not supervisor.complaints + admin.complaints

    def is_well() -> bool:
        account = Account.objects.using(ALIAS).get(label="beta")
        return not account.faults and account.is_reconciled

    wait_until(is_well, within=60, what="the session to begin")
