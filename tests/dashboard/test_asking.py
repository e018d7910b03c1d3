"""Acts that nobody can take back ask first: the button opens a dialog, and only the form of the dialog acts."""

from __future__ import annotations

import re

import pytest
from django.test import Client

from execution.models import SecondFactor
from tests.dashboard.desk_fixture import Desk
from tests.dashboard.test_second_factor import factor_of

DIALOG = re.compile(r'<dialog id="([^"]+)".*?</dialog>', re.DOTALL)
OPENS = re.compile(r'data-open="([^"]+)"')
ACTION = re.compile(r'action="([^"]+)"')


def forms_of(page: str) -> tuple[dict[str, str], set[str]]:
    """Return the action of each dialog that a button opens, and the actions of the forms outside of dialogs."""
    dialogs = {found[1]: found[0] for found in DIALOG.finditer(page)}
    opened = set(OPENS.findall(DIALOG.sub("", page)))
    assert opened <= dialogs.keys(), "a button opens nothing"
    actions = {name: ACTION.findall(dialogs[name])[0] for name in opened}
    return actions, set(ACTION.findall(DIALOG.sub("", page))) - {"/logout/"}


def acting(client: Client, path: str) -> tuple[set[str], set[str]]:
    """Return the last words of the actions: those that a dialog asks about, and those that act at once."""
    asked, at_once = forms_of(client.get(path).content.decode())
    return {url.split("/")[-2] for url in asked.values()}, {url.split("/")[-2] for url in at_once}


def test_an_admin_is_asked_before_somebodys_access_sessions_or_factor_go(office: Desk) -> None:
    admin = office.client(office.admin)
    office.client(office.trader)
    factor_of(office.trader)
    asked, at_once = acting(admin, f"/people/{office.trader.public_id}/")
    assert {"revoke", "logout", "factor", "disable"} <= asked
    assert not {"revoke", "logout", "factor", "disable"} & at_once
    asked, at_once = acting(admin, f"/accounts/{office.account.public_id}/")
    assert {"revoke", "close"} <= asked
    assert not {"revoke", "close"} & at_once


def test_a_person_is_asked_before_their_tokens_sessions_and_codes_go(office: Desk) -> None:
    client = office.client(office.trader)
    office.client(office.trader)
    client.post("/me/", {"name": "nightly", "days": "30", "scopes": ["read"]})
    asked, at_once = acting(client, "/me/")
    assert {"revoke", "end"} <= asked
    assert "revoke" not in at_once
    factor_of(office.trader)
    assert SecondFactor.objects.filter(person=office.trader).exists()
    asked, at_once = acting(client, "/me/factor/")
    assert {"codes", "remove"} <= asked
    assert not {"codes", "remove"} & at_once


@pytest.mark.parametrize("field", ["account", "trader"])
def test_the_dialog_sends_the_account_and_the_trader_that_it_names(office: Desk, field: str) -> None:
    subject = office.trader if field == "account" else office.account
    folder = "people" if field == "account" else "accounts"
    page = office.client(office.admin).get(f"/{folder}/{subject.public_id}/").content.decode()
    value = office.account.public_id if field == "account" else office.trader.username
    label = office.account.label if field == "account" else office.trader.username
    (dialog,) = [found[0] for found in DIALOG.finditer(page) if found[1] == f"revoke-{value}"]
    assert f'name="{field}" value="{value}"' in dialog
    assert f"<b>{label}</b>" in dialog
