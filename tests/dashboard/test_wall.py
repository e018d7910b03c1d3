"""The supervisor's pages and sockets: who may see them, what a halt's form asks, and what the wall is sent."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone
from pytest_django.fixtures import Settings

from dashboard.live.wall import wall_changes
from execution.models import Halt, Order
from execution.payloads.encode import epoch_ms
from execution.selectors.wall.desk import Wall
from execution.selectors.wall.needs import alert_rows
from execution.services.orders.orders import order_pause
from tests.dashboard.desk_fixture import Desk
from tests.dashboard.test_live import MEMORY, Line, in_thread
from tests.dashboard.test_pages import Inline

HALT = {"kind": "stop", "scope": "desk", "phrase": "HALT DESK", "reason": "news"}


@pytest.mark.django_db
def test_only_supervisors_watch_and_halt(office: Desk) -> None:
    paths = ["/wall/", "/halts/", "/halts/new/", "/halts/new/preview/", "/halts/nothere0/"]
    for person in (office.trader, office.admin):
        client = office.client(person)
        assert {client.get(path).status_code for path in paths} == {403}
        assert client.post("/halts/new/", HALT).status_code == 403
        assert client.post("/halts/nothere0/lift/", {"reason": "x"}).status_code == 403
    assert not Halt.objects.exists()
    assert office.client(None).get("/wall/").url.startswith("/login/")  # type: ignore[attr-defined]


@pytest.mark.django_db
def test_a_halt_that_is_not_there_is_not_found(office: Desk) -> None:
    client = office.client(office.supervisor)
    assert client.get("/halts/nothere0/").status_code == 404
    assert client.post("/halts/nothere0/lift/", {"reason": "x"}).status_code == 404


@pytest.mark.django_db
def test_every_page_of_a_supervisor_offers_the_halt_and_nobody_elses_does(office: Desk) -> None:
    order = office.order()
    supervisor = office.client(office.supervisor)
    for path in ("/wall/", "/halts/", "/orders/", f"/orders/{order.public_id}/"):
        assert "■ HALT…" in supervisor.get(path).content.decode(), path
    assert "■ HALT…" not in office.client(office.trader).get("/orders/").content.decode()


@pytest.mark.django_db
def test_the_supervisors_pages_need_nothing_that_the_policy_refuses(office: Desk) -> None:
    office.order()
    client = office.client(office.supervisor)
    client.post("/halts/new/", HALT)
    halt = Halt.objects.get()
    for path in ("/wall/", "/halts/", "/halts/new/?scope=account&subject=alpha", f"/halts/{halt.public_id}/"):
        response = client.get(path)
        assert response.status_code == 200
        parser = Inline()
        parser.feed(response.content.decode())
        assert parser.found == [], path


@pytest.mark.django_db
def test_a_link_from_the_wall_fills_the_form_and_previews_it(office: Desk) -> None:
    office.order()
    client = office.client(office.supervisor)
    page = client.get(f"/halts/new/?scope=account&subject={office.account.public_id}").content.decode()
    assert re.search(r'value="account" checked', page)
    assert 'data-phrase="HALT alpha"' in page
    assert re.search(r"Pauses <b>1</b> order and cancels <b>0</b>", page)
    one = client.get(
        f"/halts/new/preview/?kind=no_new_orders&scope=trader&subject_trader={office.trader.public_id}"
    )
    assert 'data-phrase="HALT trader"' in one.content.decode()
    assert "Nothing is paused" in one.content.decode()
    assert not Halt.objects.exists()


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"phrase": "halt desk"}, "Type HALT DESK to confirm"),
        ({"reason": ""}, "It may have from 1 to 500"),
        ({"scope": "account", "subject_account": "nowhere"}, "The desk has no account"),
        ({"kind": "pause"}, "It must be one of"),
    ],
)
def test_a_halt_without_what_confirms_it_halts_nothing(
    office: Desk, changes: dict[str, str], said: str
) -> None:
    response = office.client(office.supervisor).post("/halts/new/", HALT | changes)
    assert response.status_code == 422
    assert said in response.content.decode()
    assert not Halt.objects.exists()


@pytest.mark.django_db
def test_a_halt_is_set_shown_and_lifted_with_a_reason(office: Desk) -> None:
    order = office.order()
    client = office.client(office.supervisor)
    before = timezone.now()
    response = client.post("/halts/new/", HALT)
    halt = Halt.objects.get()
    assert (response.status_code, response.headers["Location"]) == (303, f"/halts/{halt.public_id}/")
    assert before <= halt.set_at <= timezone.now()
    order.refresh_from_db()
    assert (order.status, order.needs_person) == ("paused", True)
    assert client.post(f"/halts/{halt.public_id}/lift/", {"reason": " "}).status_code == 422
    assert client.post(f"/halts/{halt.public_id}/lift/", {"reason": "over"}).status_code == 302
    halt.refresh_from_db()
    assert (halt.lift_reason, halt.lifted_by) == ("over", office.supervisor)
    assert Order.objects.get().status == "paused"
    page = client.get("/halts/").content.decode()
    former = re.search(r'id="halts-former-data"[^>]*>(.*?)</script>', page)
    assert former is not None
    assert [row["lift_reason"] for row in json.loads(former[1])] == ["over"]


# --- sockets ---------------------------------------------------------------------------------------


@pytest.fixture
def _memory_layer(settings: Settings) -> None:
    settings.CHANNEL_LAYERS = MEMORY


async def _line(desk: Desk, person: Any, path: str) -> Line:
    return await Line(await in_thread(desk.client, person), path).open()


@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("_memory_layer")
async def test_the_wall_is_sent_whole_and_then_what_changed(make_desk: Callable[[], Desk]) -> None:
    desk = await in_thread(make_desk)
    first = await in_thread(desk.order)
    second = await in_thread(desk.order, desk.other, key="other")
    line = await _line(desk, desk.supervisor, "/ws/wall/")
    snapshot = await line.receive("snapshot")
    assert {row["id"] for row in snapshot["rows"]} == {first.public_id, second.public_id}
    assert abs((await line.receive("beat"))["now"] - timezone.now().timestamp() * 1000) < 5000
    act = {"public_id": first.public_id, "person": desk.supervisor, "reason": "news", "now": timezone.now()}
    await in_thread(order_pause, **act)
    delta = await line.receive("delta")
    assert delta["from"] == snapshot["version"]
    assert [(row["id"], row["status"]) for row in delta["rows"]] == [(first.public_id, "paused")]
    assert delta["panels"]["totals"]["paused"] == 1
    await line.socket.send_json_to({"type": "snapshot"})
    assert len((await line.receive("snapshot"))["rows"]) == 2
    await line.socket.disconnect()


@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("_memory_layer")
async def test_a_halts_page_follows_it_until_it_is_lifted(make_desk: Callable[[], Desk]) -> None:
    desk = await in_thread(make_desk)
    client = await in_thread(desk.client, desk.supervisor)
    await in_thread(client.post, "/halts/new/", HALT)
    halt = await in_thread(Halt.objects.get)
    line = await _line(desk, desk.supervisor, f"/ws/halts/{halt.public_id}/")
    assert (await line.receive("snapshot"))["halt"]["lifted_at"] is None
    await in_thread(client.post, f"/halts/{halt.public_id}/lift/", {"reason": "over"})
    assert (await line.receive("delta"))["halt"]["lift_reason"] == "over"
    await line.socket.disconnect()


@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("_memory_layer")
async def test_the_wall_closes_for_everybody_else(make_desk: Callable[[], Desk]) -> None:
    desk = await in_thread(make_desk)
    for path in ("/ws/wall/", "/ws/halts/nothere0/"):
        for person in (desk.trader, desk.admin):
            assert await (await _line(desk, person, path)).closed_with() in {4403, 4404}
        assert await (await _line(desk, None, path)).closed_with() == 4401
    assert await (await _line(desk, desk.supervisor, "/ws/halts/nothere0/")).closed_with() == 4404


@pytest.mark.django_db
def test_an_order_that_ends_leaves_the_wall_and_nothing_else_is_sent_twice(office: Desk) -> None:
    wall, now = Wall(), timezone.now()
    order = office.order()
    before = wall.read(now)
    assert wall_changes(before, wall.read(now)) == {}
    Order.objects.filter(pk=order.pk).update(status="cancelled", ended_at=now)
    changes = wall_changes(before, wall.read(now))
    assert changes["order"] == []
    assert "rows" not in changes
    # Its market is not wanted any more, which is the accounts' news.
    assert set(changes["panels"]) == {"totals", "people", "accounts"}


def test_an_order_that_has_expired_is_dated_at_its_end(office: Desk) -> None:
    order = office.order()
    ended = timezone.now()
    Order.objects.filter(pk=order.pk).update(
        status="expired",
        reason="the time is over",
        needs_person=True,
        ended_at=ended,
        paused_at=ended - timedelta(minutes=40),
    )
    (alert,) = alert_rows(ended)
    assert (alert["at"], alert["text"]) == (epoch_ms(ended), "the time is over")
