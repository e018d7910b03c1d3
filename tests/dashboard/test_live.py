"""The websockets: snapshot and deltas make the same picture, gaps are mended, and permission is asked again."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import pytest
from channels.db import database_sync_to_async
from channels.layers import get_channel_layer
from channels.testing import WebsocketCommunicator
from django.test import Client
from django.utils import timezone
from pytest_django.fixtures import Settings

from config.asgi import application
from dashboard import sockets
from dashboard.live.consumers import TOO_MANY_SOCKETS, UNREADABLE
from dashboard.sockets import Seats
from execution.models import Order, User
from execution.payloads.orders import SECTIONS
from execution.selectors.orders import pages
from execution.services.orders.orders import order_pause
from tests.dashboard.desk_fixture import Desk

pytestmark = pytest.mark.django_db(transaction=True)
MEMORY = {"default": {"BACKEND": "channels.layers.InMemoryChannelLayer"}}


@pytest.fixture(autouse=True)
def _memory_layer(settings: Settings) -> None:
    settings.CHANNEL_LAYERS = MEMORY


class Line:
    """A websocket with a person's session, and the messages by type."""

    def __init__(self, client: Client, path: str) -> None:
        cookies = "; ".join(f"{name}={morsel.value}" for name, morsel in client.cookies.items())
        headers = [(b"origin", b"http://localhost"), (b"cookie", cookies.encode())]
        self.socket = WebsocketCommunicator(application, path, headers)

    async def open(self) -> Line:
        connected, _ = await self.socket.connect(timeout=10)
        assert connected
        return self

    async def receive(self, kind: str) -> dict[str, Any]:
        """Return the next message of this type, and skip others."""
        for _ in range(20):
            message: dict[str, Any] = await self.socket.receive_json_from(timeout=10)
            if message["type"] == kind:
                return message
        raise AssertionError(f"no {kind} in twenty messages")

    async def closed_with(self) -> int:
        while True:
            message = await self.socket.receive_output(timeout=10)
            if message["type"] == "websocket.close":
                return int(message["code"])


def keyed(picture: Mapping[str, Any]) -> dict[str, Any]:
    rows: dict[str, Any] = {section: {row["key"]: row for row in picture[section]} for section in SECTIONS}
    return {"version": picture["version"], "order": picture["order"], **rows}


async def in_thread(function: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
    return await database_sync_to_async(function)(*args, **kwargs)


async def opened(desk: Desk, person: User, order: Order) -> Line:
    client = await in_thread(desk.client, person)
    return await Line(client, f"/ws/orders/{order.public_id}/").open()


async def test_snapshot_and_deltas_make_the_new_snapshot(make_desk: Callable[[], Desk]) -> None:
    desk = await in_thread(make_desk)
    order = await in_thread(desk.order)
    line = await opened(desk, desk.trader, order)
    picture: Any = await line.receive("snapshot")
    for number in range(3):
        await in_thread(desk.fill, order, number)
        delta: Any = await line.receive("delta")
        assert delta["from"] == picture["version"]
        picture = pages.delta_applied(picture, delta)
    fresh = await in_thread(pages.order_snapshot, order.pk)
    assert keyed(picture) == keyed(_as_json(fresh))
    assert len(picture["fills"]) == 3
    await line.socket.disconnect()


def _as_json(value: Any) -> Any:
    import json

    return json.loads(json.dumps(value))


async def test_a_page_that_missed_something_gets_a_snapshot_on_request(make_desk: Callable[[], Desk]) -> None:
    desk = await in_thread(make_desk)
    order = await in_thread(desk.order)
    line = await opened(desk, desk.trader, order)
    await line.receive("snapshot")
    await in_thread(desk.fill, order, 1)
    await line.socket.send_json_to({"type": "snapshot"})
    again = await line.receive("snapshot")
    assert len(again["fills"]) == 1
    await line.socket.disconnect()


async def test_the_doorbell_hurries_and_its_loss_costs_a_second(make_desk: Callable[[], Desk]) -> None:
    desk = await in_thread(make_desk)
    order = await in_thread(desk.order)
    line = await opened(desk, desk.trader, order)
    await line.receive("snapshot")
    await in_thread(desk.fill, order, 1)  # no group message reaches this layer: the consumer looks by itself
    assert (await line.receive("delta"))["fills"]
    await in_thread(desk.fill, order, 2)
    layer = get_channel_layer()
    assert layer is not None
    message = {"type": "order.changed", "order": order.public_id, "version": 99}
    await layer.group_send(f"order.{order.public_id}", message)
    assert (await line.receive("delta"))["fills"]
    await line.socket.disconnect()


async def test_beats_carry_the_servers_time_and_the_market(make_desk: Callable[[], Desk]) -> None:
    desk = await in_thread(make_desk)
    order = await in_thread(desk.order)
    await in_thread(desk.samples, order.created_at, 3)
    await in_thread(desk.fill, order, 1, quantity="0.15", price="64564.5")
    line = await opened(desk, desk.trader, order)
    beat = await line.receive("beat")
    assert abs(beat["now"] - timezone.now().timestamp() * 1000) < 5000
    assert beat["market"]["vwap"] == "64500"
    assert beat["market"]["vwap_bp"] == "10"
    await line.socket.disconnect()


async def test_without_a_login_the_socket_closes(make_desk: Callable[[], Desk]) -> None:
    desk = await in_thread(make_desk)
    order = await in_thread(desk.order)
    for path in ("/ws/orders/", f"/ws/orders/{order.public_id}/"):
        line = await Line(Client(), path).open()
        assert await line.closed_with() == 4401


async def test_another_traders_order_closes_the_socket(make_desk: Callable[[], Desk]) -> None:
    desk = await in_thread(make_desk)
    order = await in_thread(desk.order)
    line = await opened(desk, desk.other, order)
    assert await line.closed_with() == 4404


async def test_logging_out_closes_an_open_socket(make_desk: Callable[[], Desk]) -> None:
    desk = await in_thread(make_desk)
    order = await in_thread(desk.order)
    client = await in_thread(desk.client, desk.trader)
    line = await Line(client, f"/ws/orders/{order.public_id}/").open()
    await line.receive("snapshot")
    await in_thread(client.logout)
    assert await line.closed_with() == 4401


async def test_a_person_who_is_switched_off_is_cut_off(make_desk: Callable[[], Desk]) -> None:
    desk = await in_thread(make_desk)
    order = await in_thread(desk.order)
    line = await opened(desk, desk.supervisor, order)
    await line.receive("snapshot")
    await in_thread(User.objects.filter(pk=desk.supervisor.pk).update, is_active=False)
    assert await line.closed_with() == 4401


async def test_the_list_sends_what_changed_and_only_own_orders(make_desk: Callable[[], Desk]) -> None:
    desk = await in_thread(make_desk)
    order = await in_thread(desk.order)
    await in_thread(desk.order, desk.other, key="other")
    client = await in_thread(desk.client, desk.trader)
    line = await Line(client, "/ws/orders/?state=all&page=1").open()
    snapshot = await line.receive("snapshot")
    assert snapshot["order"] == [order.public_id]
    await in_thread(
        order_pause, public_id=order.public_id, person=desk.trader, reason="news", now=timezone.now()
    )
    delta = await line.receive("delta")
    assert delta["from"] == snapshot["version"]
    assert [(row["id"], row["status"]) for row in delta["rows"]] == [(order.public_id, "paused")]
    await line.socket.disconnect()


async def test_the_list_sends_what_its_filter_shows(make_desk: Callable[[], Desk]) -> None:
    desk = await in_thread(make_desk)
    await in_thread(desk.order)
    sold = await in_thread(desk.order, key="sold", side="sell", quantity="1", limit_price=None)
    client = await in_thread(desk.client, desk.trader)
    line = await Line(client, "/ws/orders/?side=sell&page=1").open()
    snapshot = await line.receive("snapshot")
    assert (snapshot["order"], snapshot["total"]) == ([sold.public_id], 1)
    await in_thread(desk.order, key="bought", quantity="1")
    delta = await line.receive("delta")
    assert (delta["order"], delta["rows"]) == ([sold.public_id], [])
    await line.socket.disconnect()


async def test_a_list_by_a_filter_that_is_not_understood_closes(make_desk: Callable[[], Desk]) -> None:
    desk = await in_thread(make_desk)
    client = await in_thread(desk.client, desk.trader)
    line = await Line(client, "/ws/orders/?side=long").open()
    assert await line.closed_with() == 4404


async def test_who_was_granted_the_desk_gets_everybodys_orders(make_desk: Callable[[], Desk]) -> None:
    desk = await in_thread(make_desk)
    order = await in_thread(desk.order)
    await in_thread(User.objects.filter(pk=desk.other.pk).update, sees_desk=True)
    client = await in_thread(desk.client, desk.other)
    line = await Line(client, "/ws/orders/").open()
    assert (await line.receive("snapshot"))["order"] == [order.public_id]
    await in_thread(User.objects.filter(pk=desk.other.pk).update, sees_desk=False)
    # The page that comes back is that of their own orders.
    assert await line.closed_with() == 4403


@pytest.mark.parametrize("text", ["{", "[" * 4000, '{"type": 1, "type": 2}'])
async def test_a_message_that_cannot_be_read_closes_its_socket_and_is_no_error(
    make_desk: Callable[[], Desk], text: str, caplog: pytest.LogCaptureFixture
) -> None:
    desk = await in_thread(make_desk)
    order = await in_thread(desk.order)
    line = await opened(desk, desk.trader, order)
    await line.socket.send_to(text_data=text)
    assert await line.closed_with() == UNREADABLE
    assert [record.message for record in caplog.records if record.levelname == "ERROR"] == []


async def test_a_path_that_no_socket_has_is_refused_before_anything_is_read() -> None:
    for path in ("/ws/nowhere/", "/", "/ws/orders/a/b/"):
        connected, _ = await Line(Client(), path).socket.connect(timeout=10)
        assert not connected, path


async def test_one_session_has_so_many_sockets_and_a_closed_one_makes_room(
    make_desk: Callable[[], Desk], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sockets, "seats", Seats(2))
    desk = await in_thread(make_desk)
    client, other = [await in_thread(desk.client, person) for person in (desk.trader, desk.supervisor)]
    lines = [await Line(client, "/ws/orders/").open() for _ in range(3)]
    assert await lines[2].closed_with() == TOO_MANY_SOCKETS
    theirs = await Line(other, "/ws/orders/").open()
    await theirs.receive("snapshot")
    await lines[0].socket.disconnect()
    again = await Line(client, "/ws/orders/").open()
    await again.receive("snapshot")
    for line in (lines[1], theirs, again):
        await line.socket.disconnect()
