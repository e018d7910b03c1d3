"""The pages, the socket and the API of alerts, and an admin's channels."""

from __future__ import annotations

import html
from collections.abc import Callable
from pathlib import Path

import pytest
from django.utils import timezone
from pytest_django.fixtures import Settings

from dashboard.present.alert_advice import ADVICE
from execution.core.alerts.kinds import AlertKind, kind_of
from execution.engine.keyring import Keyring, keyring_ensure
from execution.models import Alert, AlertChannel, Installation
from execution.services.orders.orders import order_pause
from tests.alerting.made import alert_of, channel_made
from tests.dashboard.api import Program, problem_of
from tests.dashboard.desk_fixture import Desk
from tests.dashboard.test_live import MEMORY, Line, in_thread
from tests.dashboard.test_pages import Inline


def test_the_api_lists_reads_acknowledges_and_owns(office: Desk) -> None:
    alert = alert_of(office.trader)
    program = Program(office.trader)
    listed = program.get("/alerts").json()
    assert [(row["id"], row["state"], row["owner"]) for row in listed["alerts"]] == [
        (alert.public_id, "open", None)
    ]
    assert (listed["unacknowledged"], listed["watched_at"]) == (1, None)
    read = program.get(f"/alerts/{alert.public_id}").json()
    assert [(row["text"], row["order"], row["is_over"]) for row in read["subjects"]] == [
        ("it waits for a person", None, False)
    ]
    problem_of(program.post(f"/alerts/{alert.public_id}/acknowledge", {"note": "x" * 501}), 422)
    done = program.post(f"/alerts/{alert.public_id}/acknowledge", {"note": "seen"}).json()
    assert (done["state"], done["acknowledged_by"], done["note"]) == ("acknowledged", "trader", "seen")
    owned = Program(office.supervisor).post(f"/alerts/{alert.public_id}/own").json()
    assert (owned["owner"], owned["acknowledged_by"]) == ("supervisor", "trader")
    assert program.get("/alerts").json()["alerts"] == []
    found = program.get("/alerts", state="acknowledged", owner="supervisor").json()
    assert len(found["alerts"]) == 1
    problem_of(program.get("/alerts", state="lost"), 422)
    problem_of(program.get("/alerts", stat="open"), 422)


def test_the_page_of_each_kind_says_what_to_do(office: Desk) -> None:
    assert set(ADVICE) == set(AlertKind)
    alert = alert_of(office.trader)
    page = html.unescape(office.client(office.trader).get(f"/alerts/{alert.public_id}/").content.decode())
    assert ADVICE[kind_of(alert.kind)] in page


@pytest.mark.django_db
def test_the_pages_need_nothing_that_the_policy_refuses(office: Desk) -> None:
    alert = alert_of(office.trader)
    alert_of(None)
    channel_made()
    pages = {
        office.supervisor: ("/alerts/", "/alerts/?on=wall", f"/alerts/{alert.public_id}/", "/wall/"),
        office.admin: ("/alerts/", "/alert-channels/", "/alert-channels/new/?type=mail"),
    }
    for person, paths in pages.items():
        client = office.client(person)
        for path in paths:
            response = client.get(path)
            assert response.status_code == 200, path
            parser = Inline()
            parser.feed(response.content.decode())
            assert parser.found == [], path
    assert office.client(office.admin).get("/alert-channels/new/?type=none").status_code == 404


@pytest.mark.django_db
def test_a_list_draws_itself_again_after_an_action_and_says_when_nobody_watches(office: Desk) -> None:
    alert = alert_of(office.trader)
    client = office.client(office.trader)
    page = client.get("/alerts/").content.decode()
    assert "it waits for a person" in page
    assert "Nobody looks for alerts" in page
    answer = client.post(f"/alerts/{alert.public_id}/acknowledge/", headers={"HX-Request": "true"})
    assert (answer.status_code, answer.headers["HX-Trigger"]) == (204, "alerts-changed")
    assert "No open alerts." in client.get("/alerts/", headers={"HX-Request": "true"}).content.decode()
    Alert.objects.update(ended_at=alert.raised_at)
    own = client.post(f"/alerts/{alert.public_id}/own/", headers={"HX-Request": "true"})
    assert (own.status_code, own.content.decode()[:30]) == (422, "The alert has ended by itself.")


@pytest.mark.django_db
def test_an_admin_adds_a_channel_whose_secret_is_shown_once(office: Desk, tmp_path: Path) -> None:
    key = keyring_ensure(tmp_path / "alert_keyring")
    Installation.objects.create(mark="test", environment="paper", sealing_key="00", alert_sealing_key=key)
    client = office.client(office.admin)
    form = {"type": "signed", "label": "bot", "takes": "everything", "least": "warning"}
    refused = client.post("/alert-channels/new/", form | {"url": "https://10.0.0.1/hook"})
    assert refused.status_code == 422
    assert "TRANCHE_ALERT_HOSTS does not name it" in refused.content.decode()
    made = client.post("/alert-channels/new/", form | {"url": "http://127.0.0.1:9/private"})
    channel = AlertChannel.objects.get()
    parts = Keyring.load(tmp_path / "alert_keyring").open(bytes(channel.sealed), bound_to=channel.public_id)
    assert (made.status_code, parts["url"]) == (201, "http://127.0.0.1:9/private")
    assert parts["secret"] in made.content.decode()
    shown = client.get("/alert-channels/").content.decode()
    assert "http://127.0.0.1:9" in shown
    assert parts["secret"] not in shown
    assert "private" not in shown


@pytest.mark.django_db(transaction=True)
async def test_the_bell_is_rung_by_a_new_alert_and_by_its_acknowledgement(
    make_desk: Callable[[], Desk], settings: Settings
) -> None:
    settings.CHANNEL_LAYERS = MEMORY
    desk = await in_thread(make_desk)
    line = await Line(await in_thread(desk.client, desk.trader), "/ws/alerts/").open()
    assert (await line.receive("snapshot"))["unacknowledged"] == 0
    alert = await in_thread(alert_of, desk.trader)
    news = await line.receive("snapshot")
    assert (news["unacknowledged"], news["critical"], news["is_watched"]) == (1, 0, False)
    assert [row["id"] for row in news["alerts"]] == [alert.public_id]
    program = await in_thread(Program, desk.trader)
    await in_thread(program.post, f"/alerts/{alert.public_id}/acknowledge", {"note": ""})
    assert (await line.receive("snapshot"))["alerts"] == []
    await line.socket.disconnect()


@pytest.mark.django_db(transaction=True)
async def test_the_bell_tells_a_trader_of_their_orders_and_of_fills_by_a_short_message(
    make_desk: Callable[[], Desk], settings: Settings
) -> None:
    settings.CHANNEL_LAYERS = MEMORY
    desk = await in_thread(make_desk)
    order = await in_thread(desk.order)
    line = await Line(await in_thread(desk.client, desk.trader), "/ws/alerts/").open()
    watching = await Line(await in_thread(desk.client, desk.supervisor), "/ws/alerts/").open()
    first = await line.receive("snapshot")
    assert (first["events"], first["filled_at"]) == ([], None)
    await in_thread(desk.fill, order, 1)
    filled = await line.receive("delta")
    assert (filled["from"], filled["events"], filled["filled_at"] is None) == (first["version"], [], False)
    assert "alerts" not in filled
    await in_thread(
        order_pause, public_id=order.public_id, person=desk.supervisor, reason="a drill", now=timezone.now()
    )
    paused = await line.receive("delta")
    assert [(event["kind"], event["order"]) for event in paused["events"]] == [("paused", order.public_id)]
    assert (await watching.receive("snapshot"))["events"] == []
    for each in (line, watching):
        await each.socket.disconnect()
