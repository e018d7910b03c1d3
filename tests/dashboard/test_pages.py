"""The pages by role, and their content under the security policy."""

from __future__ import annotations

import re
from html.parser import HTMLParser

import pytest
from django.conf import settings
from django.template.loader import render_to_string
from django.test import Client
from pytest_django.fixtures import Settings

from execution.models import Order
from tests.dashboard.desk_fixture import PASSWORD, Desk


class Inline(HTMLParser):
    """Collects what the content security policy would refuse: inline scripts, styles and handlers."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        data = given.get("type") == "application/json"
        if tag == "style" or (tag == "script" and "src" not in given and not data):
            self.found.append(f"<{tag}>")
        for name, value in given.items():
            if name == "style" or name.startswith("on") or (value or "").startswith("javascript:"):
                self.found.append(f"{tag} {name}")
            if name in {"src", "href"} and re.match(r"^(https?:)?//", value or ""):
                self.found.append(f"{tag} from elsewhere: {value}")


def pages_of(office: Desk, order: Order) -> dict[str, Client]:
    trader = office.client(office.trader)
    return {
        "/login/": office.client(None),
        "/orders/": trader,
        "/orders/new/": trader,
        f"/orders/{order.public_id}/": trader,
        "/orders/nothere0/": trader,
        "/accounts/": office.client(office.admin),
        "/accounts/new/": office.client(office.admin),
        f"/accounts/{office.account.public_id}/": office.client(office.admin),
    }


def test_no_page_has_inline_scripts_or_styles_or_anything_from_elsewhere(office: Desk) -> None:
    for path, client in pages_of(office, office.order()).items():
        response = client.get(path)
        parser = Inline()
        parser.feed(response.content.decode())
        assert parser.found == [], path
        policy = response.headers["Content-Security-Policy"]
        assert "default-src 'self'" in policy
        assert "unsafe" not in policy


def test_every_page_says_its_environment(office: Desk) -> None:
    for path, client in pages_of(office, office.order()).items():
        page = client.get(path).content.decode()
        assert 'data-environment="paper"' in page, path
        assert ">PAPER<" in page, path


def test_the_admin_needs_nothing_that_the_policy_refuses_and_says_its_environment(office: Desk) -> None:
    order = office.order()
    client = office.client(office.admin)
    for path in ("", "execution/order/", f"execution/order/{order.pk}/change/", "execution/user/add/"):
        page = client.get(f"/admin/{path}").content.decode()
        parser = Inline()
        parser.feed(page)
        assert parser.found == [], path
        assert 'data-environment="paper"' in page, path


@pytest.mark.parametrize("name", ["400.html", "403.html", "403_csrf.html", "404.html", "500.html"])
def test_an_error_page_needs_no_context(name: str) -> None:
    page = render_to_string(name)
    parser = Inline()
    parser.feed(page)
    assert parser.found == []
    assert "Home" in page


def test_a_post_whose_token_is_gone_is_told_so_in_the_desks_look(office: Desk) -> None:
    client = Client(enforce_csrf_checks=True)
    client.force_login(office.trader, backend="django.contrib.auth.backends.ModelBackend")
    response = client.post("/orders/new/", office.form())
    assert response.status_code == 403
    assert "Nothing was changed" in response.content.decode()


def test_plotly_finds_the_elements_that_spare_it_an_inline_style(office: Desk) -> None:
    with open(settings.PLOTLY_SCRIPT, encoding="utf-8") as file:
        script = file.read()
    ids = set(re.findall(r'getElementById\("([0-9a-f]{64})"\)', script)) | {"plotly.js-style-global"}
    page = office.client(office.trader).get("/orders/new/").content.decode()
    assert [known for known in ids if f'id="{known}"' not in page] == []


@pytest.mark.parametrize("path", ["/", "/orders/", "/orders/new/", "/orders/abcd1234/"])
def test_without_a_login_every_page_leads_to_the_login(path: str, client: Client, db: None) -> None:
    response = client.get(path)
    assert response.status_code == 302
    assert response.headers["Location"].startswith("/login/")


def test_another_traders_order_looks_as_if_it_did_not_exist(office: Desk) -> None:
    order = office.order()
    stranger = office.client(office.other)
    assert stranger.get(f"/orders/{order.public_id}/").status_code == 404
    for action in ("pause", "resume", "cancel"):
        data = {"mode": "catch_up"}
        assert stranger.post(f"/orders/{order.public_id}/{action}/", data).status_code == 404
    assert order.public_id not in stranger.get("/orders/").content.decode()
    order.refresh_from_db()
    assert order.status == "scheduled"


def test_a_supervisor_sees_everybodys_orders_and_places_none(office: Desk) -> None:
    order = office.order()
    supervisor = office.client(office.supervisor)
    assert order.public_id in supervisor.get("/orders/").content.decode()
    assert supervisor.get(f"/orders/{order.public_id}/").status_code == 200
    assert supervisor.get("/orders/new/").status_code == 403
    assert supervisor.post("/orders/new/", office.form()).status_code == 403
    assert Order.objects.count() == 1


def test_an_order_is_paused_and_cancelled_by_post_only(office: Desk) -> None:
    order = office.order()
    client = office.client(office.trader)
    assert client.get(f"/orders/{order.public_id}/pause/").status_code == 405
    assert client.post(f"/orders/{order.public_id}/pause/", {"reason": "news"}).status_code == 302
    order.refresh_from_db()
    assert (order.status, order.reason) == ("paused", "news")
    assert client.post(f"/orders/{order.public_id}/cancel/", HTTP_HX_REQUEST="true").status_code == 204
    order.refresh_from_db()
    assert (order.status, order.outcome) == ("closing", "cancelled")


def test_resuming_asks_how(office: Desk) -> None:
    order = office.order()
    client = office.client(office.trader)
    client.post(f"/orders/{order.public_id}/pause/")
    refused = client.post(f"/orders/{order.public_id}/resume/")
    assert refused.status_code == 422
    assert "catch_up or shift" in refused.content.decode()
    assert client.post(f"/orders/{order.public_id}/resume/", {"mode": "catch_up"}).status_code == 302


def test_a_post_without_a_token_is_refused(office: Desk) -> None:
    order = office.order()
    client = Client(enforce_csrf_checks=True)
    client.force_login(office.trader, backend="django.contrib.auth.backends.ModelBackend")
    assert client.post(f"/orders/{order.public_id}/cancel/").status_code == 403
    assert client.post("/orders/new/", office.form()).status_code == 403


def test_the_list_is_filtered_by_the_url_and_says_what_is_empty(office: Desk) -> None:
    client = office.client(office.trader)
    assert "No orders yet." in client.get("/orders/").content.decode()
    order = office.order()
    assert order.public_id in client.get("/orders/?state=live").content.decode()
    final = client.get("/orders/?state=final").content.decode()
    assert order.public_id not in final
    assert "No orders in this state." in final
    assert client.get("/orders/?state=nonsense&page=999999").status_code == 200


def test_logging_in_leads_home_and_out_needs_a_post(office: Desk) -> None:
    client = Client()
    response = client.post("/login/", {"username": "trader", "password": PASSWORD}, follow=True)
    assert response.redirect_chain[-1][0] == "/"
    assert client.get("/logout/").status_code == 405
    client.post("/logout/")
    assert client.get("/orders/").status_code == 302


@pytest.mark.parametrize(
    ("name", "first"), [("trader", "/"), ("supervisor", "/wall/"), ("admin", "/accounts/")]
)
def test_the_bare_address_leads_each_role_to_its_first_page(name: str, first: str, office: Desk) -> None:
    client = Client()
    assert client.get("/").headers["Location"] == "/login/?next=/"
    given = {"username": name, "password": PASSWORD}
    assert client.post("/login/?next=/", {**given, "next": "/"}).headers["Location"] == first
    assert Client().post("/login/", {**given, "next": "/alerts/"}).headers["Location"] == "/alerts/"


def test_a_wrong_password_is_said_in_the_forms_own_words_and_typed_again_at_once(office: Desk) -> None:
    page = Client().post("/login/", {"username": "trader", "password": "wrong"}).content.decode()
    assert "The name or the password is wrong." in page
    assert "username and password" not in page
    assert re.search(r'<input id="id_password"[^>]* autofocus>', page)
    assert not re.search(r'<input id="id_username"[^>]* autofocus', page)


@pytest.mark.parametrize("model", ["order", "fill", "journalentry", "childorder", "slice", "orderterms"])
def test_the_admin_shows_records_and_changes_none(model: str, office: Desk) -> None:
    order = office.order()
    office.fill(order, 1)
    admin = office.client(office.admin)
    assert admin.get(f"/admin/execution/{model}/").status_code == 200
    assert admin.post(f"/admin/execution/{model}/add/").status_code == 403
    assert admin.post(f"/admin/execution/{model}/1/change/", {"reason": "changed"}).status_code == 403
    assert admin.post(f"/admin/execution/{model}/1/delete/", {"post": "yes"}).status_code == 403
    assert Order.objects.count() == 1


def test_keys_are_not_in_the_admin(office: Desk) -> None:
    assert office.client(office.admin).get("/admin/execution/credential/").status_code == 404


def test_too_many_wrong_passwords_lock_the_name_and_say_so(office: Desk, settings: Settings) -> None:
    settings.AXES_FAILURE_LIMIT = 2
    settings.AXES_LOCKOUT_TEMPLATE = "lockout.html"
    client = Client()
    for _ in range(2):
        response = client.post("/login/", {"username": "trader", "password": "wrong"})
    assert response.status_code == 429
    assert "failed logins" in response.content.decode()
    response = client.post("/login/", {"username": "trader", "password": PASSWORD})
    assert response.status_code == 429
