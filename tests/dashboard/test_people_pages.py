"""The desk's own pages of people: a person is added, changed, granted accounts and given a password there."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from django.test import Client

from execution.models import Account, AuditEntry, Order, TradingLimit, User
from tests.dashboard.desk_fixture import Desk

PASSWORD = "correct-battery-staple-9"
NEW = {
    "username": "night",
    "role": "trader",
    "confirm_above": "25000",
    "password": PASSWORD,
    "password_again": PASSWORD,
}


@pytest.fixture
def admin(office: Desk) -> Client:
    return office.client(office.admin)


def change(client: Client, person: User, **changes: str) -> Any:
    fields = {
        "username": person.username,
        "role": person.role,
        "confirm_above": "" if person.confirm_above is None else str(person.confirm_above),
        "sees_desk": "yes" if person.sees_desk else "",
    }
    return client.post(f"/people/{person.public_id}/change/", fields | changes)


def test_a_trader_is_added_on_the_desks_page_and_may_log_in_at_once(office: Desk, admin: Client) -> None:
    response = admin.post("/people/new/", NEW | {"email": "night@desk.example"})
    person = User.objects.get(username="night")
    assert (response.status_code, response.headers["Location"]) == (303, f"/people/{person.public_id}/")
    assert (person.role, person.is_active, person.confirm_above) == ("trader", True, Decimal(25_000))
    assert (person.check_password(PASSWORD), person.is_staff, person.email) == (
        True,
        False,
        "night@desk.example",
    )
    page = admin.get("/people/").content.decode()
    assert f'href="/people/{person.public_id}/"' in page
    assert "/admin/execution/user/" not in page, "Django's admin is the last resort"


def test_a_new_supervisor_waits_for_a_second_person(office: Desk, admin: Client) -> None:
    response = admin.post("/people/new/", NEW | {"role": "supervisor"}, follow=True)
    assert not User.objects.get(username="night").is_active
    assert "Waits for a second admin or supervisor" in response.content.decode()
    assert office.confirm() == ["person.change"]
    assert User.objects.get(username="night").is_active


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"username": ""}, "must begin with a letter or digit"),
        ({"username": "Trader"}, "looks like"),
        ({"role": "king"}, "Role is &#x27;king&#x27;"),
        ({"role": ""}, "Role is &#x27;&#x27;"),
        ({"confirm_above": "-1"}, "Confirm above is -1. It must be above 0"),
        ({"confirm_above": "much"}, "Confirm above is much: it is not a number"),
        ({"email": "nowhere"}, "Mail address is &#x27;nowhere&#x27;"),
        ({"first_name": "x" * 151}, "First name is"),
        ({"password": ""}, "The password is missing"),
        ({"password_again": "another"}, "The two passwords differ"),
        ({"password": "short", "password_again": "short"}, "too short"),
        ({"password": "password1234", "password_again": "password1234"}, "guess"),
    ],
)
def test_what_is_wrong_is_said_and_nobody_is_added(
    office: Desk, admin: Client, changes: dict[str, str], words: str
) -> None:
    before = User.objects.count()
    response = admin.post("/people/new/", NEW | changes)
    page = response.content.decode()
    assert (response.status_code, User.objects.count()) == (422, before)
    assert words in page, page[page.find("error-box") :][:600]
    assert "Nobody was added." in page
    assert PASSWORD not in page
    if "confirm_above" not in changes:
        assert 'value="25000"' in page, "what was written stays"


def test_less_holds_at_once_and_more_waits(office: Desk, admin: Client) -> None:
    for limit, waits in (("5000", False), ("4000", False), ("4001", True), ("", True)):
        response = change(admin, office.trader, confirm_above=limit)
        assert response.status_code == 303, response.content.decode()[:2000]
        assert office.confirm() == (["person.change"] if waits else [])
    office.trader.refresh_from_db()
    assert office.trader.confirm_above is None
    entry = AuditEntry.objects.filter(kind="person.changed").order_by("pk").first()
    assert entry is not None
    assert entry.data["confirm_above"] == {"before": "100000", "after": "5000"}
    page = admin.get(f"/people/{office.trader.public_id}/").content.decode()
    assert "confirm above 100000 → 5000" in page, "the audit shows before and after"


def test_a_refused_change_keeps_what_was_written_and_the_last_admin_stays(
    office: Desk, admin: Client
) -> None:
    response = change(admin, office.admin, role="trader", first_name="Ada")
    page = response.content.decode()
    assert response.status_code == 422
    assert "admin is the last active admin. Make another admin first" in page
    assert 'value="Ada"' in page
    office.admin.refresh_from_db()
    assert (office.admin.role, office.admin.first_name) == ("admin", "")


def test_an_account_is_granted_and_revoked_on_the_traders_page(office: Desk, admin: Client) -> None:
    beta = Account.objects.create(label="beta", venue=office.venue, environment="paper", symbols=["BTC/USDT"])
    path = f"/people/{office.trader.public_id}/"
    page = admin.get(path).content.decode()
    assert f'<option value="{beta.public_id}">beta</option>' in page
    response = admin.post(f"{path}grant/", {"account": beta.public_id})
    assert (response.status_code, response.headers["Location"]) == (303, "/access/")
    assert not beta.traders.exists()
    assert office.confirm() == ["account.grant"]
    assert list(beta.traders.values_list("username", flat=True)) == ["trader"]
    assert admin.post(f"{path}revoke/", {"account": beta.public_id}).status_code == 303
    assert not beta.traders.exists(), "less holds at once"
    assert admin.post(f"{path}grant/", {"account": "nowhere00"}).status_code == 404
    assert admin.post(f"{path}grant/", {}).status_code == 422


def test_another_password_waits_for_a_second_person_and_is_not_shown(office: Desk, admin: Client) -> None:
    path = f"/people/{office.trader.public_id}/password/"
    refused = admin.post(path, {"password": "short", "password_again": "short"})
    assert (refused.status_code, "too short" in refused.content.decode()) == (422, True)
    assert admin.post(path, {"password": PASSWORD, "password_again": PASSWORD}).status_code == 303
    office.trader.refresh_from_db()
    assert not office.trader.check_password(PASSWORD)
    assert office.confirm() == ["person.password"]
    office.trader.refresh_from_db()
    assert office.trader.check_password(PASSWORD)
    own = f"/people/{office.admin.public_id}/"
    assert "password-dialog" not in admin.get(own).content.decode()
    assert (
        admin.post(f"{own}password/", {"password": PASSWORD, "password_again": PASSWORD}).status_code == 422
    )


def test_the_limits_of_a_trader_stand_on_their_page(office: Desk, admin: Client) -> None:
    path = f"/people/{office.trader.public_id}/"
    assert "None of their own." in admin.get(path).content.decode()
    for person, value in ((office.trader, 75_000), (office.other, 11_000)):
        fields = {"kind": "order_notional", "scope": "trader", "level": "hard", "currency": "USDT"}
        TradingLimit.objects.create(
            **fields,
            key=f"of {person.username}",
            trader=person,
            subject=person.username,
            value=Decimal(value),
            set_by=office.supervisor,
            set_at=person.date_joined,
            reason="a test",
        )
    page = admin.get(path).content.decode()
    assert "75,000" in page
    assert "11,000" not in page


def test_a_live_order_has_the_pill_of_the_lists_and_its_unit(office: Desk, admin: Client) -> None:
    order = office.order()
    Order.objects.filter(pk=order.pk).update(quantity=Decimal(100_000), status="pending_approval")
    page = admin.get(f"/people/{office.trader.public_id}/").content.decode()
    assert '<span class="pill warn"><span aria-hidden="true">?</span>pending approval</span>' in page
    assert '100,000 <span class="muted">BTC</span>' in page
    assert "pending_approval" not in page
