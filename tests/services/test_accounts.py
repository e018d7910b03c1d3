"""Venues, accounts and sealed keys: what is taken, what is refused, and that twice is once."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from execution.core.problem_codes import Code
from execution.core.problems import Refused
from execution.engine.keyring import Keyring, keyring_ensure
from execution.models import Account, AuditEntry, Credential, CredentialState, User, Venue
from execution.services.accounts.accounts import (
    AccountNotFound,
    NewAccount,
    account_add,
    account_create,
    credential_add,
    venue_ensure,
)
from execution.services.accounts.changes import (
    account_close,
    account_exclusive,
    account_grant,
    account_open,
    account_revoke,
    account_symbols,
)
from execution.services.accounts.markets import listing_record
from execution.services.desk.installation import installation_ensure

pytestmark = pytest.mark.django_db
NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
SECRETS = {"apiKey": "key-1234", "secret": "hush"}


@pytest.fixture
def keyring(tmp_path: Path) -> Keyring:
    public_key = keyring_ensure(tmp_path / "keyring")
    installation_ensure(environment="paper", sealing_key=public_key, now=NOW)
    return Keyring.load(tmp_path / "keyring")


@pytest.fixture
def venue(keyring: Keyring) -> Venue:
    return venue_ensure(label="alpha", exchange="binance", options={"urls": {}})


def add(venue: Venue, **changes: Any) -> Account:
    fields = {"label": "alpha", "environment": "paper", "symbols": ["BTC/USDT"], "traders": []} | changes
    return account_add(venue=venue, **fields)


def test_a_venue_is_made_once_and_takes_new_options(venue: Venue) -> None:
    again = venue_ensure(label="alpha", exchange="binance", options={"urls": {"api": "elsewhere"}})
    assert again.pk == venue.pk
    assert Venue.objects.get().options == {"urls": {"api": "elsewhere"}}


def test_a_venue_does_not_change_its_exchange(venue: Venue) -> None:
    with pytest.raises(Refused, match=r"The venue alpha is at binance\. It cannot become kraken"):
        venue_ensure(label="alpha", exchange="kraken", options={})
    assert Venue.objects.get().exchange == "binance"


@pytest.mark.parametrize(
    ("label", "words"),
    [
        ("", "is missing. It may have from 1 to 40 char"),
        ("x" * 41, "has 41 characters. It may have from 1 to 40"),
    ],
)
def test_a_bad_label_is_refused(label: str, words: str) -> None:
    with pytest.raises(Refused, match=words):
        venue_ensure(label=label, exchange="binance", options={})


def test_an_account_is_for_its_traders_and_made_once(venue: Venue) -> None:
    trader = User.objects.create(username="trader")
    account = add(venue, traders=[trader])
    assert add(venue, traders=[], symbols=["ETH/USDT"]).pk == account.pk
    account.refresh_from_db()
    assert account.symbols == ["BTC/USDT"], "what people have changed since is not undone"
    assert list(account.traders.all()) == [trader]


def test_an_account_of_another_environment_is_refused(venue: Venue) -> None:
    with pytest.raises(Refused, match="This paper installation takes no live account"):
        add(venue, environment="live")
    assert not Account.objects.exists()


def test_an_account_needs_an_installation() -> None:
    venue = Venue.objects.create(label="alpha", exchange="binance")
    with pytest.raises(Refused, match="The installation is not set up yet"):
        add(venue)


def test_a_label_does_not_move_to_another_venue(venue: Venue) -> None:
    add(venue)
    beta = venue_ensure(label="beta", exchange="kraken", options={})
    with pytest.raises(Refused, match=r"The account alpha is at the venue alpha\. It cannot move to beta"):
        add(beta)


@pytest.mark.parametrize(
    ("symbols", "message"),
    [
        ([], "at least one symbol"),
        (["BTCUSDT"], "'BTCUSDT' is not a spot symbol"),
        (["BTC/USDT:USDT"], "'BTC/USDT:USDT' is not a spot symbol"),
    ],
)
def test_bad_symbols_are_refused(venue: Venue, symbols: list[str], message: str) -> None:
    with pytest.raises(Refused, match=message):
        add(venue, symbols=symbols)
    assert not Account.objects.exists()


def test_a_key_is_sealed_for_its_account(venue: Venue, keyring: Keyring) -> None:
    account = add(venue)
    credential = credential_add(account=account, secrets=SECRETS, last_four="1234")
    credential.refresh_from_db()
    assert b"hush" not in bytes(credential.sealed)
    assert keyring.open(bytes(credential.sealed), bound_to=account.public_id) == SECRETS
    assert credential.state == CredentialState.UNCHECKED


def test_a_second_key_retires_the_first(venue: Venue) -> None:
    account = add(venue)
    first = credential_add(account=account, secrets=SECRETS, last_four="1234")
    second = credential_add(account=account, secrets=SECRETS, last_four="1234")
    states = dict(Credential.objects.values_list("pk", "state"))
    assert states == {first.pk: CredentialState.RETIRED, second.pk: CredentialState.UNCHECKED}


def test_a_new_key_ends_the_session_that_signs_with_the_former_one(venue: Venue) -> None:
    account = add(venue)
    credential_add(account=account, secrets=SECRETS, last_four="1234")
    fence = Account.objects.get().fence
    credential_add(account=account, secrets=SECRETS, last_four="5678")
    assert Account.objects.get().fence == fence + 1


@pytest.mark.parametrize(
    ("secrets", "last_four", "message"),
    [
        ({}, "", "at least one part"),
        ({"apiKey": ""}, "", "apiKey is empty"),
        ({"pin": "1"}, "", "ccxt knows no part of a key called 'pin'"),
        (SECRETS, "y-1234", "has 6 characters. It may have at most 4"),
    ],
)
def test_a_bad_key_is_refused(venue: Venue, secrets: dict[str, str], last_four: str, message: str) -> None:
    with pytest.raises(Refused, match=message):
        credential_add(account=add(venue), secrets=secrets, last_four=last_four)
    assert not Credential.objects.exists()


# --- what an admin does -----------------------------------------------------------------------------


@pytest.fixture
def admin() -> User:
    return User.objects.create(username="admin", role="admin")


@pytest.fixture
def trader() -> User:
    return User.objects.create(username="trader")


def asked(**changes: Any) -> NewAccount:
    fields: dict[str, Any] = {
        "label": "second",
        "venue": "second",
        "exchange": "bybit",
        "environment": "paper",
        "options": {"urls": {"api": {"public": "http://127.0.0.1:9"}}},
        "symbols": ["BTC/USDT"],
        "traders": ["trader"],
        "secrets": {"apiKey": "key-12345678", "secret": "hush"},
    }
    return NewAccount(**(fields | changes))


def test_an_account_comes_with_its_venue_its_sealed_key_and_its_traders(
    keyring: Keyring, admin: User, trader: User
) -> None:
    account = account_create(person=admin, new_account=asked(), now=NOW)
    assert (account.venue.label, account.venue.exchange) == ("second", "bybit")
    assert account.venue.options == asked().options
    assert list(account.traders.all()) == [trader]
    credential = account.credentials.get()
    assert (credential.state, credential.last_four) == ("unchecked", "5678")
    assert keyring.open(bytes(credential.sealed), bound_to=account.public_id) == asked().secrets
    entry = AuditEntry.objects.get()
    assert (entry.kind, entry.actor, entry.subject) == ("account.added", "admin:admin", "second")
    assert "hush" not in str(entry.data)
    assert "hush" not in str(asked())


def test_a_second_account_joins_a_venue_as_it_is(venue: Venue, admin: User, trader: User) -> None:
    here = {"urls": {"api": {"public": "http://127.0.0.1:7"}}}
    Venue.objects.update(options=here)
    account = account_create(
        person=admin, new_account=asked(venue="alpha", exchange="", options=None), now=NOW
    )
    assert account.venue_id == venue.pk
    assert account.venue.options == here


def test_no_account_joins_a_venue_whose_options_are_refused_now(
    venue: Venue, admin: User, trader: User
) -> None:
    Venue.objects.update(options={"sandbox": False})
    with pytest.raises(Refused, match="sandbox: it must be true"):
        account_create(person=admin, new_account=asked(venue="alpha", exchange="", options=None), now=NOW)
    assert not Account.objects.exists()


def test_a_paper_installation_may_have_its_exchange_on_a_host_that_its_settings_name(
    venue: Venue, admin: User, trader: User, settings: Any
) -> None:
    options = {"urls": {"api": {"public": "https://paper.example.com/api"}}}
    with pytest.raises(Refused, match="TRANCHE_PAPER_HOSTS"):
        account_create(person=admin, new_account=asked(options=options), now=NOW)
    settings.TRANCHE_PAPER_HOSTS = {"paper.example.com"}
    assert account_create(person=admin, new_account=asked(options=options), now=NOW).venue.options == options


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"label": ""}, "is missing. It may have from 1 to 40"),
        ({"venue": ""}, "needs a venue"),
        ({"exchange": "By bit"}, "'By bit' is not ccxt's id"),
        ({"environment": "live"}, "takes no live account"),
        ({"symbols": ["BTCUSDT"]}, "'BTCUSDT' is not a spot symbol"),
        ({"traders": ["nobody"]}, "There is nobody called nobody"),
        ({"traders": ["admin"]}, "admin is admin. Accounts are granted to active traders only"),
        ({"options": {"apiKey": "open"}}, "The options may not set apiKey"),
        ({"options": {"options": {"headers": {"X-MBX-APIKEY": "open"}}}}, "keys go in sealed"),
        ({"options": {}}, "ccxt would reach the real bybit"),
        ({"options": {"sandbox": False}}, "sandbox: it must be true"),
        ({"options": {"httpsProxy": ""}}, "httpsProxy: '' is not an address"),
        ({"options": {"hostname": "bybit.com"}}, "it leads to a host of bybit"),
        ({"options": {"urls": {"api": {"ws": "wss://stream.bybit.com"}}}}, "'wss://stream.bybit.com'"),
        ({"options": {"verbose": True}}, "may not set verbose"),
        ({"venue": "alpha", "exchange": "kraken"}, "It cannot become kraken"),
        ({"venue": "alpha", "exchange": "binance"}, "exists with other options"),
        ({"secrets": {"apiKey": "key-12345678"}}, "The secret is missing"),
    ],
)
def test_an_account_that_cannot_be_creates_nothing(
    venue: Venue, admin: User, trader: User, changes: dict[str, Any], message: str
) -> None:
    if changes.get("exchange") == "kraken":
        Venue.objects.update(options=asked().options)
    with pytest.raises(Refused, match=message):
        account_create(person=admin, new_account=asked(**changes), now=NOW)
    assert not Account.objects.exists()
    assert not Credential.objects.exists()
    assert not AuditEntry.objects.exists()
    assert Venue.objects.count() == 1


def test_an_accounts_label_is_taken_once(keyring: Keyring, admin: User, trader: User) -> None:
    account_create(person=admin, new_account=asked(), now=NOW)
    with pytest.raises(Refused, match="There is an account second already"):
        account_create(person=admin, new_account=asked(), now=NOW)
    assert Credential.objects.count() == 1


@pytest.mark.parametrize("role", ["trader", "supervisor"])
def test_only_an_admin_adds_and_changes_accounts(venue: Venue, trader: User, role: str) -> None:
    person = User.objects.create(username="someone", role=role)
    account = add(venue)
    before = AuditEntry.objects.count()
    for verb, more in (
        (account_create, {"new_account": asked()}),
        (account_grant, {"account_id": account.public_id, "trader": "trader"}),
        (account_revoke, {"account_id": account.public_id, "trader": "trader"}),
        (account_close, {"account_id": account.public_id, "reason": "over"}),
        (account_open, {"account_id": account.public_id}),
        (account_symbols, {"account_id": account.public_id, "symbols": ["ETH/USDT"]}),
    ):
        with pytest.raises(Refused, match="changes accounts and keys"):
            verb(person=person, now=NOW, **more)
    assert Account.objects.count() == 1
    assert AuditEntry.objects.count() == before


def test_granting_and_revoking_say_who_may_trade(venue: Venue, admin: User, trader: User) -> None:
    account = add(venue)
    for verb, traders in ((account_grant, [trader]), (account_revoke, [])):
        for _ in range(2):
            verb(person=admin, account_id=account.public_id, trader="trader", now=NOW)
        assert list(account.traders.all()) == traders
    assert list(AuditEntry.objects.values_list("kind", flat=True)) == ["account.granted", "account.revoked"]


def test_an_account_is_closed_with_a_reason_and_opened_again(venue: Venue, admin: User) -> None:
    account = add(venue)
    with pytest.raises(Refused, match="A reason is required"):
        account_close(person=admin, account_id=account.public_id, reason="", now=NOW)
    account_close(person=admin, account_id=account.public_id, reason="moved", now=NOW)
    assert not Account.objects.get().is_active
    account_open(person=admin, account_id=account.public_id, now=NOW)
    assert Account.objects.get().is_active
    kinds = list(AuditEntry.objects.values_list("kind", "reason"))
    assert kinds == [("account.closed", "moved"), ("account.opened", "")]


def test_an_account_that_is_not_there_is_not_found(keyring: Keyring, admin: User, trader: User) -> None:
    with pytest.raises(AccountNotFound):
        account_grant(person=admin, account_id="nothere0", trader="trader", now=NOW)


def test_other_symbols_start_the_session_again(venue: Venue, admin: User) -> None:
    account = add(venue)
    changed = account_symbols(
        person=admin, account_id=account.public_id, symbols=["ETH/USDT", "ETH/USDT"], now=NOW
    )
    assert (changed.symbols, changed.fence) == (["ETH/USDT"], account.fence + 1)
    entry = AuditEntry.objects.get()
    assert entry.data == {"before": ["BTC/USDT"], "after": ["ETH/USDT"]}


def test_a_symbol_that_the_venue_does_not_list_is_refused(venue: Venue, admin: User) -> None:
    account = add(venue)
    given: dict[str, Any] = {"person": admin, "account_id": account.public_id, "now": NOW}
    listing_record(venue_pk=venue.pk, symbols=["ETH/USDT"], now=NOW)
    with pytest.raises(Refused) as refused:
        account_symbols(symbols=["BTC/USDT", "ETH/USDT", "FOO/BAR"], **given)
    (problem,) = refused.value.problems
    assert (problem.code, problem.value) == (Code.SYMBOL_NOT_LISTED, "FOO/BAR")
    account.refresh_from_db()
    assert account.symbols == ["BTC/USDT"]
    kept = account_symbols(symbols=["BTC/USDT", "ETH/USDT"], **given)
    assert kept.symbols == ["BTC/USDT", "ETH/USDT"], "what it had before may have been delisted"


def test_only_an_admin_marks_an_account_as_the_desks_alone_and_the_audit_keeps_why(venue: Venue) -> None:
    account = add(venue)
    admin = User.objects.create_user("boss", role="admin")
    given: dict[str, Any] = {"account_id": account.public_id, "now": NOW}
    for person, reason in ((User.objects.create_user("some_trader"), "r"), (admin, "  ")):
        with pytest.raises(Refused):
            account_exclusive(person=person, is_exclusive=True, reason=reason, **given)
    for _ in range(2):
        assert account_exclusive(person=admin, is_exclusive=True, reason="ours", **given).is_exclusive
    assert not account_exclusive(person=admin, is_exclusive=False, reason="a bot", **given).is_exclusive
    kept = AuditEntry.objects.filter(kind__in=["account.exclusive", "account.shared"]).order_by("pk")
    assert list(kept.values_list("kind", "actor", "reason")) == [
        ("account.exclusive", "admin:boss", "ours"),
        ("account.shared", "admin:boss", "a bot"),
    ]
