"""People and roles in the admin's pages: each change is audited, and the last admin stays one."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from django.test import Client

from execution.models import AccessRequest, AuditEntry, User
from tests.dashboard.desk_fixture import Desk

PASSWORD = "another-long-password"


@pytest.fixture
def admin(office: Desk) -> Client:
    return office.client(office.admin)


def change(client: Client, person: User, **changes: str) -> Any:
    """Post the person's form as it is, with ``changes``; an empty text unticks a box."""
    fields = {
        "username": person.username,
        "role": person.role,
        "sees_desk": "on" if person.sees_desk else "",
        "confirm_above": "" if person.confirm_above is None else str(person.confirm_above),
        "first_name": "",
        "last_name": "",
        "email": "",
    } | changes
    return client.post(
        f"/admin/execution/user/{person.pk}/change/", {k: text for k, text in fields.items() if text}
    )


def test_an_admin_changes_what_a_person_may_do(office: Desk, admin: Client) -> None:
    office.trader.confirm_above = Decimal(100_000)
    office.trader.save()
    response = change(admin, office.trader, role="supervisor", confirm_above="5000")
    assert response.status_code == 302
    assert User.objects.get(pk=office.trader.pk).role == "trader", "it waits for a second person"
    assert "Nothing is changed yet" in admin.get("/admin/execution/user/").content.decode()
    assert office.confirm() == ["person.change"]
    person = User.objects.get(pk=office.trader.pk)
    assert (person.role, person.confirm_above, person.is_staff) == (
        "supervisor",
        Decimal(5000),
        False,
    )
    entry = AuditEntry.objects.get(kind="person.changed")
    assert (entry.actor, entry.subject) == ("admin:admin", "trader")
    assert entry.data == {
        "role": {"before": "trader", "after": "supervisor"},
        "confirm_above": {"before": "100000", "after": "5000"},
        "orders_paused": [],
        "children_cancelled": 0,
    }
    assert AuditEntry.objects.get(kind="access.confirmed").actor == "supervisor:supervisor"


def test_a_lower_limit_needs_nobody_else_and_a_higher_one_does(office: Desk, admin: Client) -> None:
    for limit, waits in (("5000", False), ("4000", False), ("4001", True), ("", True)):
        change(admin, office.trader, confirm_above=limit)
        assert office.confirm() == (["person.change"] if waits else [])
    assert User.objects.get(pk=office.trader.pk).confirm_above is None


def test_the_role_alone_opens_and_closes_the_admins_pages(office: Desk, admin: Client) -> None:
    change(admin, office.trader, role="admin")
    office.confirm()
    made = User.objects.get(pk=office.trader.pk)
    assert (made.is_staff, made.is_superuser) == (True, True)
    change(admin, made, role="trader")
    office.confirm()
    made.refresh_from_db()
    assert (made.is_staff, made.is_superuser) == (False, False)


def test_the_last_active_admin_stays(office: Desk, admin: Client) -> None:
    response = change(admin, office.admin, role="trader")
    assert response.status_code == 200
    assert "admin is the last active admin. Make another admin first" in response.content.decode()
    person = User.objects.get(pk=office.admin.pk)
    assert (person.role, person.is_active) == ("admin", True)
    assert not AuditEntry.objects.exists()


def test_one_of_two_admins_may_go(office: Desk, admin: Client) -> None:
    change(admin, office.trader, role="admin")
    office.confirm()
    assert change(admin, office.admin, role="supervisor").status_code == 302
    office.confirm()
    assert User.objects.get(pk=office.admin.pk).role == "supervisor"


def test_a_limit_that_is_not_above_zero_is_refused(office: Desk, admin: Client) -> None:
    page = change(admin, office.trader, confirm_above="-1").content.decode()
    assert "Confirm above is -1. It must be above 0" in page


def test_a_new_person_comes_with_a_password_and_an_entry(office: Desk, admin: Client) -> None:
    fields = {
        "username": "second_trader",
        "role": "trader",
        "confirm_above": "1000",
        "password1": PASSWORD,
        "password2": PASSWORD,
    }
    response = admin.post("/admin/execution/user/add/", fields)
    assert response.status_code == 302, response.content.decode()[:3000]
    person = User.objects.get(username="second_trader")
    assert person.check_password(PASSWORD)
    assert (person.is_staff, person.sees_desk) == (False, False)
    entry = AuditEntry.objects.get()
    assert (entry.kind, entry.subject) == ("person.added", "second_trader")
    assert PASSWORD not in str(entry.data)


def test_a_person_may_have_no_limit(office: Desk, admin: Client) -> None:
    fields = {"username": "third", "role": "trader", "password1": PASSWORD, "password2": PASSWORD}
    assert admin.post("/admin/execution/user/add/", fields | {"confirm_above": ""}).status_code == 302
    assert User.objects.get(username="third").confirm_above is None


def test_another_password_waits_for_a_second_person_and_is_noted(office: Desk, admin: Client) -> None:
    path = f"/admin/execution/user/{office.trader.pk}/password/"
    assert admin.post(path, {"password1": "short", "password2": "short"}).status_code == 200
    response = admin.post(path, {"password1": PASSWORD, "password2": PASSWORD})
    assert response.status_code == 302
    assert not User.objects.get(pk=office.trader.pk).check_password(PASSWORD)
    assert office.confirm() == ["person.password"]
    assert User.objects.get(pk=office.trader.pk).check_password(PASSWORD)
    assert AuditEntry.objects.get(kind="person.password").actor == "admin:admin"
    assert AccessRequest.objects.get().secret is None, "the hash is not kept longer than it waits"
    own = f"/admin/execution/user/{office.admin.pk}/password/"
    admin.post(own, {"password1": PASSWORD, "password2": PASSWORD})
    assert not User.objects.get(pk=office.admin.pk).check_password(PASSWORD)


def test_a_new_supervisor_is_inactive_until_somebody_confirms(office: Desk, admin: Client) -> None:
    fields = {"username": "night", "role": "supervisor", "confirm_above": "1000"}
    admin.post("/admin/execution/user/add/", fields | {"password1": PASSWORD, "password2": PASSWORD})
    assert not User.objects.get(username="night").is_active
    assert office.confirm() == ["person.change"]
    assert User.objects.get(username="night").is_active


def test_the_page_says_which_orders_pause_before_a_person_is_made_inactive(
    office: Desk, admin: Client
) -> None:
    order = office.order()
    path = f"/people/{office.trader.public_id}/"
    page = admin.get(path).content.decode()
    assert "1 live order pauses and what rests is cancelled." in page
    assert page.count(order.public_id) == 2, "in the list and in the question"
    assert admin.post(f"{path}disable/", {"reason": " "}).status_code == 422
    assert admin.post(f"{path}disable/", {"reason": "left the desk"}).status_code == 303
    order.refresh_from_db()
    assert (order.status, order.needs_person) == ("paused", True)
    assert "Make active" in admin.get(path).content.decode()
    admin.post(f"{path}enable/", {"reason": "back"})
    assert not User.objects.get(pk=office.trader.pk).is_active
    assert office.confirm() == ["person.change"]
    assert User.objects.get(pk=office.trader.pk).is_active


def test_people_are_listed_with_what_they_may_do(office: Desk, admin: Client) -> None:
    page = admin.get("/people/").content.decode()
    for name in ("trader", "other", "supervisor", "admin"):
        assert f">{name}</a>" in page
    assert "Nothing waits." in admin.get("/access/").content.decode()


@pytest.mark.parametrize("name", ["tr\u0430der", "Trader", "trad.er", "0ther"])
def test_a_name_that_looks_like_somebody_elses_is_refused(office: Desk, admin: Client, name: str) -> None:
    fields = {"username": name, "role": "trader", "password1": PASSWORD, "password2": PASSWORD}
    page = admin.post("/admin/execution/user/add/", fields, follow=True).content.decode()
    assert any(said in page for said in ("looks like", "must begin with a letter or digit", "already exists"))
    assert not User.objects.filter(username=name).exists()
    response = change(admin, office.supervisor, username=name)
    assert not User.objects.filter(username=name).exists(), response.content.decode()


def test_a_name_that_the_audit_could_not_keep_whole_is_refused(office: Desk, admin: Client) -> None:
    fields = {"username": "x" * 81, "role": "trader", "password1": PASSWORD, "password2": PASSWORD}
    page = admin.post("/admin/execution/user/add/", fields, follow=True).content.decode()
    assert "The name has 81 characters. It may have at most 80." in page
    fields["username"] = "x" * 80
    admin.post("/admin/execution/user/add/", fields, follow=True)
    assert User.objects.filter(username__startswith="xx").values_list("username").get() == ("x" * 80,)


def test_nobody_is_deleted(office: Desk, admin: Client) -> None:
    path = f"/admin/execution/user/{office.trader.pk}/delete/"
    assert admin.post(path, {"post": "yes"}).status_code == 403
    assert User.objects.filter(pk=office.trader.pk).exists()
