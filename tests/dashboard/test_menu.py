"""The menu: what each role finds in it, and which of its items is the current one."""

from __future__ import annotations

import re

import pytest
from django.urls import get_resolver, reverse

from dashboard.present.pages import ICONS, PAGES, TABS
from execution.core.types import Role
from execution.models import User
from tests.dashboard.desk_fixture import Desk

ITEM = re.compile(r'<a href="([^"]+)"( aria-current="page")?>([^<]+)')
#: The labels by role. Those behind "|" are under "More" where the header has no room.
MENUS = {
    Role.TRADER: "Home, New order, Orders, Baskets, Balances, Approvals, Analysis, Limits",
    Role.SUPERVISOR: (
        "Home, Wall, Orders, Baskets, Balances, Reconciliation, Approvals, Halts"
        " | Analysis, Limits, Journal, Access"
    ),
    Role.ADMIN: "Limits, Accounts, People, Access, Admin",
}


def menu(office: Desk, person: User, path: str) -> str:
    page = office.client(person).get(path).content.decode()
    found = re.search(r'<nav id="places".*?</nav>', page, re.DOTALL)
    assert found is not None
    return found[0]


def people(office: Desk) -> list[User]:
    return [office.trader, office.supervisor, office.admin]


def current(office: Desk, person: User, path: str) -> list[str]:
    return [label for _, mark, label in ITEM.findall(menu(office, person, path)) if mark]


def test_each_role_has_its_menu(office: Desk) -> None:
    User.objects.filter(pk=office.admin.pk).update(is_staff=True)
    for person in people(office):
        shown, _, more = menu(office, person, "/me/").partition('id="more-places"')
        parts = [", ".join(label for _, _, label in ITEM.findall(part)) for part in (shown, more)]
        assert " | ".join(filter(None, parts)) == MENUS[Role(person.role)], person
        assert current(office, person, "/me/") == []


def test_each_page_of_the_menu_is_the_current_one_when_it_is_open(office: Desk) -> None:
    for person in people(office):
        for path, _, label in ITEM.findall(menu(office, person, "/me/")):
            if path != reverse("admin:index"):
                assert current(office, person, path) == [label]


@pytest.mark.parametrize(
    ("path", "label"),
    [
        ("/orders/{order}/", "Orders"),
        ("/orders/{order}/report/", "Analysis"),
        ("/analysis/day/", "Analysis"),
        ("/baskets/new/", "Baskets"),
        ("/orders/new/", "New order"),
    ],
)
def test_a_page_below_another_marks_the_one_above(office: Desk, path: str, label: str) -> None:
    assert current(office, office.trader, path.format(order=office.order().public_id)) == [label]


def test_pages_of_halts_accounts_and_people_mark_theirs(office: Desk) -> None:
    assert current(office, office.supervisor, "/halts/new/") == ["Halts"]
    assert current(office, office.admin, f"/accounts/{office.account.public_id}/") == ["Accounts"]
    assert current(office, office.admin, "/people/new/") == ["People"]


def test_the_declaration_names_routes_and_only_roles_that_may_use_the_page() -> None:
    names = {name for name in get_resolver().reverse_dict if isinstance(name, str)}
    above: dict[str, str] = {}
    for page in PAGES:
        assert page.menu | page.more <= page.roles, page
        assert not page.menu & page.more, page
        for route in page.parts:
            assert route in names, route
            assert above.setdefault(route, page.route) == page.route, route


def test_a_phone_has_tabs_for_pages_that_the_role_may_use(office: Desk) -> None:
    labels = {page.route: page.label for page in PAGES}
    places = [(person, "/alerts/") for person in people(office)]
    for person, path in [*places, (office.admin, "/alert-channels/")]:
        page = office.client(person).get(path).content.decode()
        found = re.search(r'<nav class="edge-tabs".*?</nav>', page, re.DOTALL)
        assert found is not None
        tabs = re.findall(r'<a href="([^"]+)"( aria-current="page")?>.*?<span>([^<]+)', found[0])
        names = TABS[Role(person.role)]
        assert [path for path, _, _ in tabs] == [reverse(name) for name in names]
        assert [label for _, _, label in tabs] == [labels[name] for name in names]
        assert [label for _, mark, label in tabs if mark] == ["Alerts"]
        assert 'popovertarget="places"' in found[0]
    assert {name for names in TABS.values() for name in names} == set(ICONS)
