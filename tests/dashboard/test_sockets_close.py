"""Every live socket ends when its person is logged out, switched off, re-passworded or given another role."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone
from pytest_django.fixtures import Settings

from dashboard.routing import websocket_urlpatterns
from execution.models import Basket, User
from execution.services.halts import HaltRequest, halt_set
from tests.dashboard.desk_fixture import Desk
from tests.dashboard.test_live import Line, in_thread
from tests.patience import slowness

pytestmark = pytest.mark.django_db(transaction=True)
WITHIN = 5.0
ROUTES = [str(pattern.pattern) for pattern in websocket_urlpatterns]


@pytest.fixture(autouse=True)
def _memory_layer(settings: Settings) -> None:
    settings.CHANNEL_LAYERS = {"default": {"BACKEND": "channels.layers.InMemoryChannelLayer"}}


def log_out(client: Client, _person: User) -> None:
    client.logout()


def switch_off(_client: Client, person: User) -> None:
    User.objects.filter(pk=person.pk).update(is_active=False)


def new_password(_client: Client, person: User) -> None:
    person.set_password("another-long-password")
    person.save()


def demote(_client: Client, person: User) -> None:
    User.objects.filter(pk=person.pk).update(role="trader")


def things(desk: Desk) -> dict[str, str]:
    request = HaltRequest("no_new_orders", "symbol", "ETH/USDT")
    halt = halt_set(
        person=desk.supervisor,
        request=request,
        phrase="HALT ETH/USDT",
        reason="a drill",
        now=timezone.now(),
    )
    basket = Basket.objects.create(trader=desk.trader, key="one", size=1, created_at=timezone.now())
    return {
        "ws/orders/<": desk.order().public_id,
        "ws/halts/<": halt.public_id,
        "ws/baskets/<": basket.public_id,
    }


@pytest.mark.parametrize(
    ("change", "code"), [(log_out, 4401), (switch_off, 4401), (new_password, 4401), (demote, 4403)]
)
async def test_every_socket_closes(
    make_desk: Callable[[], Desk], change: Callable[[Client, User], None], code: int
) -> None:
    desk = await in_thread(make_desk)
    ids = await in_thread(things, desk)
    client = await in_thread(desk.client, desk.supervisor)
    lines = {}
    for route in ROUTES:
        public_id = next((found for start, found in ids.items() if route.startswith(start)), "")
        lines[route] = await Line(client, f"/{route.replace('<slug:public_id>', public_id)}").open()
        await lines[route].receive("beat")  # the market sends nothing else before it is asked
    begun = time.monotonic()
    await in_thread(change, client, desk.supervisor)
    assert {route: await line.closed_with() for route, line in lines.items()} == dict.fromkeys(ROUTES, code)
    assert time.monotonic() - begun < WITHIN * slowness()


async def test_who_loses_the_sight_of_the_desk_loses_the_socket_that_showed_it(
    make_desk: Callable[[], Desk],
) -> None:
    desk = await in_thread(make_desk)
    await in_thread(desk.order, desk.other)
    people: Any = User.objects.filter(pk=desk.trader.pk)
    await in_thread(people.update, sees_desk=True)
    client = await in_thread(desk.client, desk.trader)
    line = await Line(client, "/ws/orders/").open()
    assert len((await line.receive("snapshot"))["rows"]) == 1
    await in_thread(people.update, sees_desk=False)
    assert await line.closed_with() == 4403
