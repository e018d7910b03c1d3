"""The home page and its socket: by role, live, at a steady pace, and with a fixed number of statements."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from pytest_django.fixtures import Settings

from dashboard.live.home import home_changes
from execution.models import Order, User, Watchlist
from execution.selectors.home.desk import Home
from execution.services.orders.orders import order_pause
from tests.alerting.made import alert_of
from tests.dashboard.bulk_orders import crowd
from tests.dashboard.desk_fixture import PASSWORD, Desk
from tests.dashboard.test_live import MEMORY, Line, in_thread
from tests.dashboard.test_pages import Inline
from tests.factories import SYMBOL, Rows

#: Of the whole page: the session and the person as well.
MAX_QUERIES = 30


def data_of(page: str) -> dict[str, Any]:
    found = re.search(r'id="home-data"[^>]*>(.*?)</script>', page)
    assert found is not None
    return dict(json.loads(found[1]))


# --- the page --------------------------------------------------------------------------------------


def test_the_home_is_the_first_page_of_a_trader_and_one_of_a_supervisors(office: Desk) -> None:
    order, other = office.order(), office.order(office.other, key="other")
    page = office.client(office.trader).get("/").content.decode()
    assert [row["id"] for row in data_of(page)["rows"]] == [order.public_id]
    assert "By trader" not in page
    page = office.client(office.supervisor).get("/").content.decode()
    assert {row["id"] for row in data_of(page)["rows"]} == {order.public_id, other.public_id}
    assert "By trader" in page
    assert office.client(office.admin).get("/").headers["Location"] == "/accounts/"


@pytest.mark.parametrize(
    ("name", "first"), [("trader", "/"), ("supervisor", "/wall/"), ("admin", "/accounts/")]
)
def test_a_login_leads_to_where_the_work_begins(office: Desk, name: str, first: str) -> None:
    response = Client().post("/login/", {"username": name, "password": PASSWORD})
    assert response.headers["Location"] == first
    asked = Client().post("/login/?next=/limits/", {"username": name, "password": PASSWORD})
    assert asked.headers["Location"] == "/limits/"


def test_the_page_needs_nothing_that_the_policy_refuses(office: Desk) -> None:
    office.order()
    alert_of(office.trader)
    client = office.client(office.trader)
    for page in (client.get("/"), client.get("/alerts/?on=home", headers={"HX-Request": "true"})):
        parser = Inline()
        parser.feed(page.content.decode())
        assert parser.found == []


def test_the_page_asks_as_often_for_two_hundred_orders_as_for_two(office: Desk) -> None:
    client = office.client(office.trader)
    client.get("/")  # what is asked once per process
    counts = []
    for count, more in ((2, 2), (200, 198)):
        orders = crowd(office.account, office.trader, more, live=more)
        # At any time of day one has fills of today and began before. Its fills are read for the day's net.
        Order.objects.filter(pk=orders[0].pk).update(created_at=timezone.now() - timedelta(days=1))
        with CaptureQueriesContext(connection) as asked:
            assert len(data_of(client.get("/").content.decode())["rows"]) == count
        counts.append(len(asked))
    assert counts[0] == counts[1] <= MAX_QUERIES


def test_only_alerts_that_the_person_may_handle_wait_for_them(office: Desk) -> None:
    watcher = User.objects.create(username="watcher", role="trader", sees_desk=True)
    alert = alert_of(office.trader)

    def shown(person: User) -> bool:
        path = "/alerts/?on=home"
        return (
            alert.public_id
            in office.client(person).get(path, headers={"HX-Request": "true"}).content.decode()
        )

    assert [shown(person) for person in (office.trader, office.supervisor)] == [True, True]
    assert [shown(person) for person in (office.other, watcher)] == [False, False]


# --- the watchlist ---------------------------------------------------------------------------------


def test_a_symbol_is_added_and_removed(office: Desk) -> None:
    client = office.client(office.trader)
    assert client.post("/watchlist/remove/", {"symbol": "ETH/USDT"}).headers["Location"] == "/"
    assert data_of(client.get("/").content.decode())["symbols"] == ["BTC/USDT"]
    as_script = {"HX-Request": "true"}
    assert client.post("/watchlist/add/", {"symbol": "eth/usdt"}, headers=as_script).status_code == 204
    assert Watchlist.objects.get().symbols == ["BTC/USDT", "ETH/USDT"]
    refused = client.post("/watchlist/add/", {"symbol": "DOGE/USDT"}, headers=as_script)
    assert (refused.status_code, refused.content.decode()) == (422, "None of your accounts trades DOGE/USDT.")
    assert client.post("/watchlist/drop/", {"symbol": "ETH/USDT"}).status_code == 404
    assert client.get("/watchlist/add/").status_code == 405


def test_a_symbol_of_the_list_opens_its_ticket(office: Desk) -> None:
    client = office.client(office.trader)
    page = client.get("/orders/new/?symbol=BTC/USDT").content.decode()
    assert "<option selected>BTC/USDT</option>" in page
    assert f'value="{office.account.public_id}" checked' in page
    page = client.get("/orders/new/?symbol=DOGE/USDT").content.decode()
    assert "None of your accounts trades DOGE/USDT." in page


# --- the socket ------------------------------------------------------------------------------------


@pytest.fixture
def _memory_layer(settings: Settings) -> None:
    settings.CHANNEL_LAYERS = MEMORY


async def opened(person: User) -> Line:
    client = Client()
    await in_thread(client.force_login, person, backend="django.contrib.auth.backends.ModelBackend")
    return await Line(client, "/ws/home/").open()


@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("_memory_layer")
async def test_a_trader_is_sent_their_orders_and_what_changes(make_desk: Callable[[], Desk]) -> None:
    desk = await in_thread(make_desk)
    order = await in_thread(desk.order)
    other = await in_thread(desk.order, desk.other, key="other")
    line = await opened(desk.trader)
    snapshot = await line.receive("snapshot")
    assert snapshot["order"] == [order.public_id]
    for one in (other, order):
        person = desk.trader if one is order else desk.other
        act = {"public_id": one.public_id, "person": person, "reason": "news", "now": timezone.now()}
        await in_thread(order_pause, **act)
    delta = await line.receive("delta")
    assert delta["from"] == snapshot["version"]
    assert [(row["id"], row["status"]) for row in delta["rows"]] == [(order.public_id, "paused")]
    assert delta["groups"]["symbol"]["BTC/USDT"]["paused"] == 1
    assert "watch" not in delta
    await line.socket.disconnect()
    line = await opened(desk.supervisor)
    assert set((await line.receive("snapshot"))["order"]) == {order.public_id, other.public_id}
    await line.socket.disconnect()


@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("_memory_layer")
async def test_quotes_are_sent_at_most_four_times_a_second(committed_rows: Rows) -> None:
    rows = committed_rows
    line = await opened(rows.trader)
    assert (await line.receive("snapshot"))["watch"][0]["last"] == "60000"
    loop, sent = asyncio.get_running_loop(), 0
    end = loop.time() + 2
    while loop.time() < end:
        sent += 1
        await in_thread(rows.quote, "59999", str(60001 + sent), at=timezone.now())
        await asyncio.sleep(0.02)
    deltas = []
    while not await line.socket.receive_nothing(timeout=0.01):
        message = await line.socket.receive_json_from()
        deltas += [message] if message["type"] == "delta" else []
    assert sent > 20
    assert 2 <= len(deltas) <= 9, "two seconds, and the one that the snapshot left over"
    assert {row["symbol"] for delta in deltas for row in delta["watch"]} == {SYMBOL}
    assert all("rows" not in delta for delta in deltas)
    await line.socket.disconnect()


@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("_memory_layer")
async def test_a_symbol_that_was_added_is_in_the_snapshot_that_the_page_asks_for(
    make_desk: Callable[[], Desk],
) -> None:
    desk = await in_thread(make_desk)
    line = await opened(desk.trader)
    assert (await line.receive("snapshot"))["symbols"] == ["BTC/USDT", "ETH/USDT"]
    await in_thread(Watchlist.objects.create, person=desk.trader, symbols=["ETH/USDT"])
    await line.socket.send_json_to({"type": "snapshot"})
    again = await line.receive("snapshot")
    assert (again["symbols"], [row["symbol"] for row in again["watch"]]) == (["ETH/USDT"], ["ETH/USDT"])
    await line.socket.disconnect()


@pytest.mark.django_db
def test_nothing_is_sent_twice_and_what_ends_leaves(office: Desk) -> None:
    home, now = Home(), timezone.now()
    order = office.order()
    home.read_rows(office.trader, now)
    before = home.picture(now)
    assert home_changes(before, home.picture(now + timedelta(milliseconds=250))) == {}
    Order.objects.filter(pk=order.pk).update(status="cancelled", ended_at=now)
    home.read_rows(office.trader, now)
    changes = home_changes(before, home.picture(now))
    assert (changes["order"], set(changes)) == ([], {"order", "groups"})
    whole = home_changes(None, home.picture(now))
    assert set(whole) == {"rows", "order", "watch", "symbols", "groups"}
