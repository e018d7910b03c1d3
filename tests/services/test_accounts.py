"""Venues, accounts and sealed keys: what is taken, what is refused, and that twice is once."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from execution.core.problems import Refused
from execution.engine.keyring import Keyring, keyring_ensure
from execution.models import Account, Credential, CredentialState, User, Venue
from execution.services.accounts import account_add, credential_add, venue_ensure
from execution.services.installation import installation_ensure

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
    with pytest.raises(Refused, match="the venue alpha is at binance; it cannot become kraken"):
        venue_ensure(label="alpha", exchange="kraken", options={})
    assert Venue.objects.get().exchange == "binance"


@pytest.mark.parametrize("label", ["", "x" * 41])
def test_a_bad_label_is_refused(label: str) -> None:
    with pytest.raises(Refused, match=f"1 to 40 characters, this one {len(label)}"):
        venue_ensure(label=label, exchange="binance", options={})


def test_an_account_is_for_its_traders_and_made_once(venue: Venue) -> None:
    trader = User.objects.create(username="trader")
    account = add(venue, traders=[trader])
    assert add(venue, traders=[], symbols=["ETH/USDT"]).pk == account.pk
    account.refresh_from_db()
    assert account.symbols == ["BTC/USDT"], "what people have changed since is not undone"
    assert list(account.traders.all()) == [trader]


def test_an_account_of_another_environment_is_refused(venue: Venue) -> None:
    with pytest.raises(Refused, match="this is a paper installation; it takes no live account"):
        add(venue, environment="live")
    assert not Account.objects.exists()


def test_an_account_needs_an_installation() -> None:
    venue = Venue.objects.create(label="alpha", exchange="binance")
    with pytest.raises(Refused, match="the installation is not set up yet"):
        add(venue)


def test_a_label_does_not_move_to_another_venue(venue: Venue) -> None:
    add(venue)
    beta = venue_ensure(label="beta", exchange="kraken", options={})
    with pytest.raises(Refused, match="the account alpha is at the venue alpha; it cannot move to beta"):
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
        ({"pin": "1"}, "", "'pin' is not a part of a key"),
        (SECRETS, "y-1234", "6 characters of the key to show; at most 4"),
    ],
)
def test_a_bad_key_is_refused(venue: Venue, secrets: dict[str, str], last_four: str, message: str) -> None:
    with pytest.raises(Refused, match=message):
        credential_add(account=add(venue), secrets=secrets, last_four=last_four)
    assert not Credential.objects.exists()
