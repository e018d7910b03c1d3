"""Pages of accounts and keys: an admin's alone, and no secret ever comes back."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from dashboard.present.accounts import moment, permission, sorted_accounts
from execution.models import Account, AuditEntry, Credential, Installation, User, Venue, VenueListing
from execution.selectors.accounts import account_rows
from execution.services.accounts.sessions import (
    UnreadSymbol,
    account_stream_suspected,
    account_symbols_unread,
)
from tests.dashboard.desk_fixture import Desk

MARKED = "marked-secret-0123456789"
OPTIONS = '{"urls": {"api": {"public": "http://127.0.0.1:9"}}}'


@pytest.fixture
def admin(office: Desk) -> Client:
    Installation.objects.create(mark="test", environment="paper", sealing_key="11" * 32)
    return office.client(office.admin)


def form(**changes: Any) -> dict[str, Any]:
    fields: dict[str, Any] = {
        "label": "second",
        "venue": "",
        "exchange": "bybit",
        "options": OPTIONS,
        "symbols": "btc/usdt, ETH/USDT",
        "traders": ["trader"],
        "api_key": "key-12345678",
        "api_secret": MARKED,
        "api_passphrase": "",
    }
    return fields | changes


def act(client: Client, office: Desk, action: str, **fields: str) -> Any:
    return client.post(f"/accounts/{office.account.public_id}/{action}/", fields)


def pill(page: str) -> str:
    found = re.search(r'order-title">.*?</span>(\w[\w ]*)</span>', page)
    assert found is not None
    return found[1]


@pytest.mark.parametrize("name", ["trader", "supervisor"])
def test_accounts_are_an_admins_alone(office: Desk, admin: Client, name: str) -> None:
    client = office.client(getattr(office, name))
    known, unknown = f"/accounts/{office.account.public_id}/", "/accounts/nothere0/"
    for path in ("/accounts/", "/accounts/new/", known, unknown):
        assert client.get(path).status_code == 403, path
    for path in ("/accounts/new/", f"{known}suspend/", f"{unknown}suspend/", f"{known}nothing/"):
        assert client.post(path, form(reason="r")).status_code == 403, path
    assert Credential.objects.get().state == "unchecked"
    assert Account.objects.count() == 1


def test_the_venues_own_symbols_are_proposed(office: Desk, admin: Client) -> None:
    path = f"/accounts/{office.account.public_id}/"
    assert (
        '<script id="listed-symbols" type="application/json">[]</script>' in admin.get(path).content.decode()
    )
    VenueListing.objects.create(
        venue=office.venue, symbols=["BTC/USDT", "XRP/USDT"], changed_at=timezone.now()
    )
    page = admin.get(path).content.decode()
    assert '<script id="listed-symbols" type="application/json">["BTC/USDT", "XRP/USDT"]</script>' in page
    assert "the 2 symbols that paper lists are proposed" in page
    new = admin.get("/accounts/new/")
    assert new.context["listed"] == {"paper": ["BTC/USDT", "XRP/USDT"]}
    assert act(admin, office, "symbols", symbols="btc/usdt, xrp/usdt").status_code == 303
    office.account.refresh_from_db()
    assert office.account.symbols == ["BTC/USDT", "XRP/USDT"]
    assert "BTC/USDT, ETH/USDT → BTC/USDT, XRP/USDT" in admin.get(path).content.decode(), "before and after"


def test_without_a_login_there_is_only_the_login(office: Desk) -> None:
    response = office.client(None).get("/accounts/")
    assert (response.status_code, response.headers["Location"]) == (302, "/login/?next=/accounts/")
    part = office.client(None).get("/accounts/", headers={"HX-Request": "true"})
    assert part.headers["HX-Refresh"] == "true", "the login is not to appear inside a panel"


def test_an_admins_work_begins_on_the_accounts(office: Desk, admin: Client) -> None:
    assert admin.get("/").headers["Location"] == "/accounts/"
    link = '<a href="/accounts/" aria-current="page">Accounts</a>'
    assert link in admin.get("/accounts/").content.decode()
    assert "/accounts/" not in office.client(office.trader).get("/orders/").content.decode()


def test_the_list_says_what_a_key_may_do(office: Desk, admin: Client) -> None:
    permissions = {"read": True, "trade": True, "withdraw": None}
    Credential.objects.update(state="active", permissions=permissions, checked_at=timezone.now())
    page = admin.get("/accounts/").content.decode()
    assert "…1234" in page
    assert re.search(r"active</span>", page)
    said = re.findall(r'<span class="may [a-z]*" title="(\w+: \w+)">', page)
    assert said == ["read: yes", "trade: yes", "withdraw: unknown"]
    Credential.objects.update(permissions={**permissions, "withdraw": False})
    safe = admin.get("/accounts/").content.decode()
    assert re.search(r'class="may good" title="withdraw: no">.*cannot withdraw</span>', safe)
    part = admin.get("/accounts/", headers={"HX-Request": "true"}).content.decode()
    assert part.lstrip().startswith('<div id="account-rows"')
    assert "<html" not in part


def test_an_empty_desk_is_offered_its_first_account(office: Desk, admin: Client) -> None:
    Credential.objects.all().delete()
    office.account.balances.all().delete()
    office.account.delete()
    page = admin.get("/accounts/").content.decode()
    assert "There are no accounts yet. Nobody can trade." in page


def test_an_account_is_added_and_its_secret_is_on_no_page(office: Desk, admin: Client) -> None:
    response = admin.post("/accounts/new/", form())
    assert (response.status_code, response.headers["Location"]) == (303, "/access/")
    for person in (office.admin, office.supervisor):
        assert MARKED not in office.client(person).get("/access/").content.decode()
    assert not Account.objects.filter(label="second").exists()
    assert "<b>second</b> is not there yet" in admin.get("/accounts/").content.decode()
    assert office.confirm() == ["account.add"]
    assert "is not there yet" not in admin.get("/accounts/").content.decode()
    account = Account.objects.get(label="second")
    assert account.symbols == ["BTC/USDT", "ETH/USDT"]
    assert list(account.traders.all()) == [office.trader]
    assert MARKED.encode() not in bytes(account.credentials.get().sealed)
    for path in ("/accounts/", "/accounts/new/", f"/accounts/{account.public_id}/", "/admin/"):
        assert MARKED not in admin.get(path).content.decode(), path
    assert MARKED not in str(list(AuditEntry.objects.values()))


def test_a_refused_form_keeps_what_was_written_but_no_part_of_the_key(office: Desk, admin: Client) -> None:
    response = admin.post("/accounts/new/", form(symbols="BTCUSDT", traders=["trader", "nobody"]))
    page = response.content.decode()
    assert response.status_code == 422
    assert "&#x27;BTCUSDT&#x27; is not a spot symbol" in page
    assert "There is nobody called nobody" in page
    assert 'value="second"' in page
    assert "http://127.0.0.1:9" in page
    assert MARKED not in page
    assert "key-12345678" not in page
    assert not Venue.objects.filter(label="second").exists()


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"options": "{"}, "The options are not JSON"),
        ({"options": "[]"}, "must be a JSON object"),
        ({"options": '{"secret": "x"}'}, "The options may not set secret"),
        (
            {"options": '{"urls": {"api": "http://127.0.0.1:9"}, "urls": {}}'},
            "the key &#x27;urls&#x27; is there more than once",
        ),
        ({"options": "[" * 9000}, "nested too deeply"),
        ({"options": '{"sandbox": false}'}, "sandbox: it must be true"),
        ({"options": '{"httpsProxy": ""}'}, "httpsProxy: &#x27;&#x27; is not an address"),
        ({"options": '{"hostname": "bybit.com"}'}, "it leads to a host of bybit"),
        ({"options": '{"urls": {"api": {"public": "https://api.bybit.com"}}}'}, "https://api.bybit.com"),
        ({"options": '{"proxy_url": "http://127.0.0.1"}'}, "they may set urls, hostname"),
        ({"venue": "nowhere"}, "is not ccxt&#x27;s id of an exchange"),
        ({"api_secret": ""}, "The secret is missing"),
    ],
)
def test_a_bad_form_creates_nothing(
    office: Desk, admin: Client, changes: dict[str, str], message: str
) -> None:
    response = admin.post("/accounts/new/", form(**changes))
    assert message in response.content.decode()
    assert Account.objects.count() == 1
    assert Credential.objects.count() == 1


@pytest.mark.parametrize(
    "options",
    [
        '{"options": {"headers": {"X-MBX-APIKEY": "marked-secret-0123456789"}}}',
        '{"apiKey": "marked-secret-0123456789"',
        '{"urls": {"api": {"public": "http://me:marked-secret-0123456789@127.0.0.1:9"}}}',
    ],
)
def test_a_secret_that_was_written_among_the_options_does_not_come_back(
    office: Desk, admin: Client, options: str
) -> None:
    response = admin.post("/accounts/new/", form(options=options))
    assert response.status_code == 422
    assert MARKED not in response.content.decode()
    assert not Venue.objects.filter(label="second").exists()


def test_secrets_are_asked_for_in_fields_that_remember_nothing(office: Desk, admin: Client) -> None:
    for path in ("/accounts/new/", f"/accounts/{office.account.public_id}/"):
        page = admin.get(path)
        fields = re.findall(r'<input[^>]+name="api_[a-z]+"[^>]*>', page.content.decode())
        assert len(fields) == 3
        assert all('type="password"' in field and 'autocomplete="off"' in field for field in fields)
        assert all("value=" not in field for field in fields)
        assert "no-store" in page.headers["Cache-Control"]


def test_a_key_is_suspended_taken_up_again_and_retired(office: Desk, admin: Client) -> None:
    path = f"/accounts/{office.account.public_id}/"
    for action, state in (("suspend", "suspended"), ("resume", "checking"), ("retire", "retired")):
        response = act(admin, office, action, reason="found on a screen")
        assert (response.status_code, response.headers["Location"]) == (303, path)
        office.confirm()
        assert pill(admin.get(path).content.decode()) == state
    kinds = list(AuditEntry.objects.values_list("kind", flat=True))
    assert kinds == ["key.suspended", "access.asked", "key.resumed", "access.confirmed", "key.retired"]


def test_nothing_stops_without_a_reason(office: Desk, admin: Client) -> None:
    for action in ("suspend", "retire", "close"):
        response = act(admin, office, action, reason=" ")
        assert response.status_code == 422
        assert "A reason is required" in response.content.decode()
    assert Credential.objects.get().state == "unchecked"
    assert Account.objects.get().is_active


def test_a_key_is_replaced_and_the_former_one_stays_in_sight(office: Desk, admin: Client) -> None:
    act(admin, office, "replace", api_key="key-87654321", api_secret=MARKED)
    waiting = admin.get(f"/accounts/{office.account.public_id}/").content.decode()
    assert "Waits for a second admin or supervisor: key …1234 → …4321. admin asked at" in waiting
    assert Credential.objects.count() == 1
    office.confirm()
    page = admin.get(f"/accounts/{office.account.public_id}/").content.decode()
    assert "…4321" in page
    assert "Former keys" in page
    assert "…1234" in page
    response = act(admin, office, "replace", api_key="with space", api_secret=MARKED)
    assert response.status_code == 422
    assert MARKED not in response.content.decode()


def test_traders_are_granted_and_revoked(office: Desk, admin: Client) -> None:
    third = User.objects.create(username="third", role="trader")
    act(admin, office, "grant", trader="third")
    assert third not in office.account.traders.all()
    assert office.confirm() == ["account.grant"]
    assert third in office.account.traders.all()
    act(admin, office, "revoke", trader="trader")
    assert office.trader not in office.account.traders.all()
    assert act(admin, office, "grant", trader="supervisor").status_code == 422


def test_an_account_is_closed_opened_and_given_symbols(office: Desk, admin: Client) -> None:
    act(admin, office, "close", reason="moved")
    path = f"/accounts/{office.account.public_id}/"
    assert pill(admin.get(path).content.decode()) == "closed"
    act(admin, office, "open")
    assert office.confirm() == ["account.open"]
    act(admin, office, "symbols", symbols="sol/usdt")
    account = Account.objects.get()
    assert (account.is_active, account.symbols) == (True, ["SOL/USDT"])


def test_the_dead_mans_switch_is_marked_and_shown(office: Desk, admin: Client) -> None:
    path = f"/accounts/{office.account.public_id}/"
    assert "act-switch" not in admin.get(path).content.decode(), "binance has none"
    Venue.objects.update(exchange="okx")
    page = admin.get(path).content.decode()
    assert "Mark as the desk&#x27;s alone" in page or "Mark as the desk's alone" in page
    assert "off: others may use the account" in page
    assert act(admin, office, "exclusive").status_code == 422, "a reason is required"
    act(admin, office, "exclusive", reason="nobody else has its key")
    page = admin.get(path).content.decode()
    assert "not armed: nothing rests" in page
    assert "Others use it too" in page
    soon = timezone.now() + timedelta(seconds=50)
    for until, error, shown in (
        (soon, "", f"armed until {soon:%H:%M:%S} UTC"),
        (
            soon,
            "it could not be renewed since 12:00:00 UTC: away",
            "could not be renewed since 12:00:00 UTC: away",
        ),
        (soon - timedelta(minutes=2), "", "may have fired at"),
        (None, "it could not be armed since 12:00:00 UTC: away", "not armed"),
    ):
        Account.objects.update(switch_until=until, switch_error=error)
        assert shown in admin.get(path).content.decode()
    act(admin, office, "shared", reason="a bot uses it too")
    assert not Account.objects.get(pk=office.account.pk).is_exclusive


def test_what_is_only_assumed_is_shown_on_a_live_account_and_accepted_there(
    office: Desk, admin: Client
) -> None:
    path = f"/accounts/{office.account.public_id}/"
    assert "Only assumed" not in admin.get(path).content.decode(), "there is no real money"
    Venue.objects.update(exchange="okx")
    Account.objects.update(environment="live")
    page = admin.get(path).content.decode()
    assert "Only assumed about okx" in page
    assert "listing delay" in page
    assert "No new order is sent here before you accept them" in page
    assert act(admin, office, "assumptions").status_code == 422, "a reason is required"
    act(admin, office, "assumptions", reason="tried with small orders")
    page = admin.get(path).content.decode()
    assert "✓ accepted" in page
    assert "No new order is sent here" not in page
    assert "tried with small orders" in page


def test_a_check_is_asked_for(office: Desk, admin: Client) -> None:
    act(admin, office, "check")
    assert Credential.objects.get().check_wanted_at is not None


def test_an_account_or_action_that_is_not_there_is_not_found(office: Desk, admin: Client) -> None:
    assert admin.get("/accounts/nothere0/").status_code == 404
    assert admin.post("/accounts/nothere0/check/").status_code == 404
    assert act(admin, office, "nothing").status_code == 404


def test_the_page_says_which_symbol_cannot_be_read_and_why_the_stream_was_reconnected(
    office: Desk, admin: Client
) -> None:
    account = Account.objects.get(pk=office.account.pk)
    names: dict[str, Any] = {"account_pk": account.pk, "fence": account.fence}
    since = timezone.now()
    unread = {"ETH/USDT": UnreadSymbol("502 Bad Gateway", since, blocks=True)}
    account_symbols_unread(**names, unread=unread)
    account_stream_suspected(**names, words="it did not tell that fill 9 of BTC/USDT", now=since)
    page = admin.get(f"/accounts/{account.public_id}/").content.decode()
    assert (
        f"{since:%H:%M:%S} UTC</time>: 502 Bad Gateway. It gets no new child orders; other symbols do."
        in page
    )
    assert "ETH/USDT cannot be read since" in page
    assert "reconnected at <time datetime" in page
    assert "it did not tell that fill 9 of BTC/USDT." in page
    account_symbols_unread(**names, unread={})
    assert "cannot be read" not in admin.get(f"/accounts/{account.public_id}/").content.decode()


def test_what_needs_a_person_comes_first(office: Desk, admin: Client) -> None:
    admin.post("/accounts/new/", form(label="bad"))
    office.confirm()
    admin.post("/accounts/new/", form(label="void", venue="bad"))
    office.confirm()
    Credential.objects.filter(account__label="bad").update(state="refused", error="the key may withdraw")
    Credential.objects.filter(account__label="void").delete()
    Credential.objects.filter(account__label="alpha").update(state="active")
    shown = sorted_accounts(account_rows(), timezone.now())
    assert [(account.row["label"], account.state.word) for account in shown] == [
        ("void", "no key"),
        ("bad", "refused"),
        ("alpha", "active"),
    ]
    assert [account.trouble for account in shown] == [
        "give it a key",
        "the key may withdraw",
        "no worker trades this account",
    ]


def test_an_exchange_that_ccxt_does_not_know_is_a_state_of_its_own(office: Desk, admin: Client) -> None:
    error = "the account cannot be opened: unknown exchange 'nowhere': ccxt.pro has none of that name"
    Credential.objects.update(state="refused", error=error)
    assert pill(admin.get(f"/accounts/{office.account.public_id}/").content.decode()) == "unknown exchange"


def test_a_permission_is_a_word_and_unknown_is_no_no() -> None:
    assert [permission(allowed).word for allowed in (True, False, None)] == ["yes", "no", "unknown"]
    assert permission(True, is_good=False).tone == "bad"
    assert permission(False, is_good=False).tone == "good"


@pytest.mark.parametrize(
    ("seconds", "age"),
    [(0, "0 s ago"), (59, "59 s ago"), (60, "1 min ago"), (7300, "2 h ago"), (200_000, "2 d ago")],
)
def test_an_age_is_its_largest_unit(seconds: int, age: str) -> None:
    now = timezone.now()
    assert moment(now - timedelta(seconds=seconds), now).age == age
    assert moment(None, now).age == "–"
