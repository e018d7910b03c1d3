"""The authorisation matrix of tests/authorisation.py, asked of the real URL map, role by role."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from copy import deepcopy
from dataclasses import dataclass
from typing import Any

import pytest
from django.apps import apps
from django.contrib import admin
from django.db import transaction
from django.db.models import Model
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver
from pytest_django.fixtures import Settings

from dashboard.routing import websocket_urlpatterns
from dashboard.views import access as access_views
from dashboard.views import accounts as account_views
from dashboard.views import alert_channels, alerts
from dashboard.views import approvals as approval_views
from dashboard.views import home as home_views
from dashboard.views import orders as order_views
from dashboard.views import people as people_views
from dashboard.views import presets as preset_views
from dashboard.views import reconciliation as reconciliation_views
from execution.core.orders.bulk import BulkAction
from tests.authorisation import ADMIN, ROLES, SOCKETS, TABLE
from tests.authorisation_world import World, make_world
from tests.dashboard.test_live import Line, in_thread

METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")
MISSING = "nothere0"
#: Routes with an action in them are as many routes as there are actions.
ACTIONS: dict[str, Any] = {
    "access/": access_views.ACTIONS,
    "people/": people_views.ACTIONS,
    "orders/bulk/": BulkAction,
    "orders/": order_views.ACTIONS,
    "accounts/": account_views.ACTIONS,
    "reconciliation/": reconciliation_views.ACTIONS,
    "approvals/": approval_views.ACTIONS,
    "watchlist/": home_views.WATCHLIST_ACTIONS,
    "presets/": preset_views.ACTIONS,
    "alerts/": alerts.ACTIONS,
    "alert-channels/": alert_channels.ACTIONS,
}
#: Drawn anew for each answer.
FORM_TOKEN = re.compile(rb'name="csrfmiddlewaretoken" value="[^"]+"')


@dataclass(frozen=True)
class Row:
    method: str
    route: str
    object: str
    cells: dict[str, str]

    @property
    def name(self) -> str:
        return f"{self.method} {self.route}"


def rows_of(table: str, words: int) -> list[list[str]]:
    lines = [line.split(None, words - 1) for line in table.splitlines() if line and not line.startswith("#")]
    assert all(len(line) == words for line in lines), "a row has another number of columns"
    return lines


ROWS = [
    Row(method, route, thing, dict(zip(ROLES, cells, strict=True)))
    for method, route, thing, *cells in rows_of(TABLE, 3 + len(ROLES))
]
SOCKET_ROWS = [
    Row("WS", route, thing, dict(zip(ROLES, cells, strict=True)))
    for route, thing, *cells in rows_of(SOCKETS, 2 + len(ROLES))
]


def walked(patterns: list[Any], prefix: str = "") -> Iterator[str]:
    for pattern in patterns:
        route = prefix + str(pattern.pattern)
        if isinstance(pattern, URLResolver):
            yield from walked(pattern.url_patterns, route)
        elif isinstance(pattern, URLPattern):
            yield from _with_actions(route or "/")


def _with_actions(route: str) -> list[str]:
    if "<slug:action>" not in route:
        return [route]
    known = next(actions for prefix, actions in ACTIONS.items() if route.startswith(prefix))
    return [route.replace("<slug:action>", action) for action in known]


def routes() -> set[str]:
    return {route for route in walked(get_resolver().url_patterns) if not route.startswith("admin/")}


@pytest.fixture
def world(db: None) -> World:
    return make_world()


@contextmanager
def undone(world: World) -> Iterator[None]:
    """Undo every action within the block for the next one, also a logout."""
    jars = {client: deepcopy(client.cookies) for client in world.visitors.values()}
    with transaction.atomic():
        yield
        transaction.set_rollback(True)
    for client, jar in jars.items():
        client.cookies = jar


def outcome(response: Any) -> str:
    location = response.headers.get("Location", "")
    return (
        "login" if response.status_code == 302 and "/login/?next=" in location else str(response.status_code)
    )


def looks(response: Any, public_id: str) -> tuple[int, bytes]:
    """Return an answer without the parts that are drawn anew, and without the requested id."""
    body = b"".join(response.streaming_content) if response.streaming else response.content
    return response.status_code, FORM_TOKEN.sub(b"", body).replace(public_id.encode(), b"ID")


# --- the tests -----------------------------------------------------------------------------------


def test_every_route_has_a_row_and_every_row_a_route() -> None:
    assert routes() - {row.route for row in ROWS} == set(), "routes without a row in tests/authorisation.py"
    assert {row.route for row in ROWS} - routes() == set(), "rows of routes that are gone"
    named = [row.name for row in (*ROWS, *SOCKET_ROWS)]
    assert len(named) == len(set(named))


def test_every_websocket_has_a_row() -> None:
    assert {str(pattern.pattern) for pattern in websocket_urlpatterns} == {row.route for row in SOCKET_ROWS}


def test_each_role_gets_what_its_cell_says(world: World) -> None:
    wrong = []
    for row in ROWS:
        for role, cell in row.cells.items():
            with undone(world):
                got = outcome(world.ask(row.method, row.route, role, world.things[row.object]))
            if got != cell.rstrip("!"):
                wrong.append(f"{row.name}: {role} gets {got}, the cell says {cell}")
    assert wrong == []


def test_what_is_somebody_elses_looks_exactly_as_if_it_did_not_exist(world: World) -> None:
    wrong = []
    for row in ROWS:
        for role, cell in row.cells.items() if row.object != "-" else ():
            thing = world.things[row.object]
            with undone(world):
                theirs = looks(world.ask(row.method, row.route, role, thing), thing)
            with undone(world):
                missing = looks(world.ask(row.method, row.route, role, MISSING), MISSING)
            same = cell in {"401", "403", "404", "login"}
            if (same and theirs != missing) or (not same and missing[0] != 404):
                wrong.append(f"{row.name}: {role} gets {theirs[0]}, and {missing[0]} of a missing one")
    assert wrong == []


def test_a_method_without_a_row_is_not_taken(world: World) -> None:
    wrong = []
    for route in sorted({row.route for row in ROWS}):
        rows = [row for row in ROWS if row.route == route]
        # Who may use the route at all, so that it is the method that is refused.
        role = next((role for role in reversed(ROLES) if rows[0].cells[role][0] in "23"), "admin")
        for method in {*METHODS} - {row.method for row in rows}:
            with undone(world):
                got = outcome(world.ask(method, route, role, world.things[rows[0].object]))
            if got not in {"405", "404"}:
                wrong.append(f"{method} {route}: {role} gets {got}")
    assert wrong == []


# --- the Django admin ----------------------------------------------------------------------------

ADMIN_ROWS = {label: rights for label, rights, _ in rows_of(ADMIN, 3)}
#: Open to anybody: the way in, and the way out.
ADMIN_OPEN = {"admin/login/", "admin/logout/"}


def admin_models() -> list[type[Model]]:
    return [model for model in apps.get_models() if admin.site.is_registered(model)]


def test_every_model_of_the_admin_has_a_row() -> None:
    assert {model._meta.label_lower for model in admin_models()} == set(ADMIN_ROWS)


def test_nobody_but_an_admin_gets_anywhere_in_the_admin(world: World) -> None:
    found = [route for route in walked(get_resolver().url_patterns) if route.startswith("admin/")]
    for role in ROLES[:-1]:
        client = world.client(role, "admin/")
        for route in {*found} - ADMIN_OPEN:
            path = "/" + re.sub(r"<[^>]+>", str(world.desk.trader.pk), route)
            path = path.replace("^(?P1/$", "execution/").replace("(?P1.*)$", "any")
            for send in (client.get, client.post):
                assert outcome(send(path)) in {"login", "404"}, f"{path} by {role}"


def test_an_admin_reads_and_changes_only_what_the_row_says(world: World) -> None:
    client = world.visitors["admin"]
    for model in admin_models():
        site, label = admin.site.get_model_admin(model), model._meta.label_lower
        base = f"/admin/{label.replace('.', '/')}/"
        listed: Any = client.get(base)
        assert listed.status_code == 200, label
        request = listed.wsgi_request
        granted = {
            "add": site.has_add_permission(request),
            "change": site.has_change_permission(request),
            "delete": site.has_delete_permission(request),
        }
        wanted = {"read": set(), "change": {"add", "change"}, "locks": {"change", "delete"}}[
            ADMIN_ROWS[label]
        ]
        assert {name for name, may in granted.items() if may} == wanted, label
        for method in (client.get, client.post):
            assert (method(f"{base}add/").status_code == 200) == ("add" in wanted), label


# --- websockets ----------------------------------------------------------------------------------


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("row", SOCKET_ROWS, ids=lambda row: row.name)
async def test_each_role_gets_the_socket_that_its_cell_says(row: Row, settings: Settings) -> None:
    settings.CHANNEL_LAYERS = {"default": {"BACKEND": "channels.layers.InMemoryChannelLayer"}}
    world = await in_thread(make_world)
    for role, cell in row.cells.items():
        client = world.visitors[role]
        assert await _socket(client, row.route, world.things[row.object]) == cell, role
        if row.object != "-":
            missing = await _socket(client, row.route, MISSING)
            assert missing == ("4404" if cell == "open" else cell), role


async def _socket(client: Client, route: str, public_id: str) -> str:
    line = await Line(client, f"/{route.replace('<slug:public_id>', public_id)}").open()
    message = await line.socket.receive_output(timeout=10)
    if message["type"] == "websocket.close":
        return str(message["code"])
    await line.socket.disconnect()
    return "open"
