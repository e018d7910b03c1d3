"""``manage.py account``: what it makes, what it refuses, and that a secret is never an argument."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.core.management.base import BaseCommand

from execution.core.types import KeyPermissions
from execution.engine.keyring import Keyring, keyring_ensure
from execution.launcher.environments import django_environment
from execution.management.commands import account as command
from execution.models import Account, AuditEntry, Credential, Installation, User, Venue
from execution.services.accounts.credentials import (
    credential_check_failed,
    credential_checked,
    credential_refused,
)
from execution.services.desk.installation import installation_ensure
from tests.factories import make_worker

pytestmark = pytest.mark.django_db
MARKED = "marked-secret-0123456789"
OPTIONS = json.dumps({"urls": {"api": {"public": "http://127.0.0.1:9"}}, "options": {"defaultType": "spot"}})


@pytest.fixture
def keyring(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Keyring:
    """Set up an installation, a trader, and a shell that holds a key."""
    now = datetime.now(UTC)
    installation_ensure(environment="paper", sealing_key=keyring_ensure(tmp_path / "keyring"), now=now)
    User.objects.create(username="trader")
    monkeypatch.setenv("TRANCHE_API_KEY", "key-12345678")
    monkeypatch.setenv("TRANCHE_API_SECRET", MARKED)
    monkeypatch.delenv("TRANCHE_API_PASSPHRASE", raising=False)
    return Keyring.load(tmp_path / "keyring")


def account(*arguments: str) -> str:
    output = StringIO()
    call_command("account", *arguments, stdout=output)
    return output.getvalue()


def add(**changes: str) -> str:
    options = {
        "label": "second",
        "exchange": "bybit",
        "environment": "paper",
        "options": OPTIONS,
        "symbols": "BTC/USDT,ETH/USDT",
        "grant": "trader",
    } | changes
    return account("add", *(part for name, text in options.items() for part in (f"--{name}", text)))


def test_an_account_is_added_sealed_and_said(keyring: Keyring, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TRANCHE_API_PASSPHRASE", "phrase")
    said = add()
    made = Account.objects.get()
    assert (made.label, made.venue.label, made.venue.exchange) == ("second", "second", "bybit")
    assert made.venue.options == json.loads(OPTIONS), "they reach ccxt as they are"
    assert made.symbols == ["BTC/USDT", "ETH/USDT"]
    assert [person.username for person in made.traders.all()] == ["trader"]
    secrets = keyring.open(bytes(made.credentials.get().sealed), bound_to=made.public_id)
    assert secrets == {"apiKey": "key-12345678", "secret": MARKED, "password": "phrase"}
    assert "…5678, sealed, unchecked" in said
    assert MARKED not in said
    assert "key-12345678" not in said
    assert AuditEntry.objects.get().actor == "desk"


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"exchange": "nowhere"}, "knows no exchange 'nowhere'"),
        ({"exchange": "zaif"}, "ccxt has no websockets for zaif"),
        ({"options": "{"}, "The options are not JSON"),
        ({"options": "[1]"}, "must be a JSON object, such as {}"),
        ({"options": "{}"}, "ccxt would reach the real bybit"),
        ({"environment": "live"}, "This paper installation takes no live account"),
        ({"symbols": "BTC-USDT"}, "'BTC-USDT' is not a spot symbol"),
        ({"grant": "trader,nobody"}, "There is nobody called nobody"),
        ({"label": "x" * 41}, "has 41 characters. It may have from 1 to 40"),
    ],
)
def test_what_cannot_be_added_creates_nothing_and_ends_with_a_failure(
    keyring: Keyring, changes: dict[str, str], message: str
) -> None:
    with pytest.raises(CommandError) as failed:
        add(**changes)
    assert message in str(failed.value)
    assert failed.value.returncode == 1
    assert not Venue.objects.exists()
    assert not Account.objects.exists()
    assert not AuditEntry.objects.exists()


@pytest.mark.parametrize(
    ("environment", "exchange", "options", "message"),
    [
        ("live", "okx", {"hostname": "example.com"}, "'https://example.com' is refused in this live"),
        ("live", "binance", {"urls": {"api": {"private": "https://api.binance.example.com"}}}, "example.com"),
        ("testnet", "binance", {"urls": {"api": {"private": "https://api.binance.com"}}}, "as a test host"),
        ("testnet", "okx", {"urls": {"api": {"rest": "https://www.okx.com"}}}, "told apart by a header"),
        ("testnet", "kraken", {"sandbox": True}, "exchange kraken has no test network in ccxt"),
        ("live", "bitfinex", {}, "no way is known to look an order up by our client id"),
    ],
)
def test_what_ccxt_would_resolve_to_another_environment_is_refused_before_it_is_added(
    keyring: Keyring, environment: str, exchange: str, options: dict[str, Any], message: str
) -> None:
    Installation.objects.update(environment=environment)
    with pytest.raises(CommandError) as failed:
        add(environment=environment, exchange=exchange, options=json.dumps(options))
    assert message in str(failed.value)
    assert not Venue.objects.exists()
    assert not AuditEntry.objects.exists()


@pytest.mark.parametrize(("environment", "options"), [("live", "{}"), ("testnet", '{"sandbox": true}')])
def test_an_account_of_the_exchange_itself_is_added(keyring: Keyring, environment: str, options: str) -> None:
    Installation.objects.update(environment=environment)
    assert f", {environment}" in add(environment=environment, options=options)


def test_a_second_account_joins_a_venue(keyring: Keyring) -> None:
    add()
    add(label="third", venue="second")
    assert Venue.objects.count() == 1
    with pytest.raises(CommandError, match="exists with other options"):
        add(label="fourth", venue="second", options='{"urls": {}}')


def test_without_a_key_and_a_terminal_nothing_is_added(
    keyring: Keyring, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("TRANCHE_API_KEY", "TRANCHE_API_SECRET"):
        monkeypatch.delenv(name)
    monkeypatch.setattr("sys.stdin", StringIO())
    with pytest.raises(CommandError, match="no terminal to ask for the key: set TRANCHE_API_KEY"):
        add()
    assert not Account.objects.exists()


def test_at_a_terminal_the_key_is_asked_for(keyring: Keyring, monkeypatch: pytest.MonkeyPatch) -> None:
    answers = {"API key: ": " asked-12345678\n", "Secret: ": MARKED, "Passphrase (empty for none): ": ""}
    monkeypatch.setattr(command, "getpass", answers.__getitem__)
    monkeypatch.setattr("sys.stdin.isatty", lambda: True, raising=False)
    assert command.read_secrets({}) == {"apiKey": "asked-12345678", "secret": MARKED}


def test_no_argument_takes_a_secret() -> None:
    parser = command.Command().create_parser("manage.py", "account")
    ours = {action.dest for action in BaseCommand().create_parser("manage.py", "account")._actions}
    verbs: Any = next(action for action in parser._actions if action.dest == "verb")
    names = {option.dest for verb in verbs.choices.values() for option in verb._actions}
    expected = {"label", "exchange", "environment", "options", "venue", "symbols", "grant", "within"}
    expected |= {"reason", "off"}
    assert names - ours == expected


def test_no_process_of_the_desk_inherits_a_key_of_the_shell(
    keyring: Keyring, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TRANCHE_ENVIRONMENT", "paper")
    inherited = django_environment(var="/nowhere")
    assert inherited["TRANCHE_ENVIRONMENT"] == "paper"
    assert MARKED not in inherited.values()


# --- check ------------------------------------------------------------------------------------------


def answer_with(monkeypatch: pytest.MonkeyPatch, answer: Any) -> None:
    """Set up a worker that makes the check while the command sleeps."""
    monkeypatch.setattr("time.sleep", lambda _seconds: answer(Credential.objects.latest("pk").pk))


def test_a_check_says_what_the_key_may_do(keyring: Keyring, monkeypatch: pytest.MonkeyPatch) -> None:
    add()
    permissions = KeyPermissions(read=True, trade=True, withdraw=None)
    answer_with(
        monkeypatch,
        lambda pk: credential_checked(credential_pk=pk, permissions=permissions, now=datetime.now(UTC)),
    )
    said = account("check", "second")
    assert "second: key …5678 is active; it may: read yes, trade yes, withdraw unknown" in said


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        (
            lambda pk: credential_checked(
                credential_pk=pk, permissions=KeyPermissions(True, True, True), now=datetime.now(UTC)
            ),
            "the key may withdraw",
        ),
        (
            lambda pk: credential_refused(credential_pk=pk, error="no such key", now=datetime.now(UTC)),
            "no such key",
        ),
        (
            lambda pk: credential_check_failed(credential_pk=pk, error="the exchange is unreachable"),
            "the exchange is unreachable",
        ),
    ],
)
def test_a_check_that_ends_badly_is_a_failure(
    keyring: Keyring, monkeypatch: pytest.MonkeyPatch, answer: Any, message: str
) -> None:
    add()
    answer_with(monkeypatch, answer)
    with pytest.raises(CommandError, match=message) as failed:
        account("check", "second")
    assert failed.value.returncode == 1


def test_without_a_worker_the_check_says_so(keyring: Keyring) -> None:
    add()
    with pytest.raises(CommandError, match="no worker runs") as failed:
        account("check", "second", "--within", "0.1")
    assert failed.value.returncode == 3
    make_worker("boot-1")
    with pytest.raises(CommandError, match="no worker has checked the key of second within"):
        account("check", "second", "--within", "0.1")
    assert Credential.objects.get().check_wanted_at is not None


def test_an_account_that_is_not_there_cannot_be_checked(keyring: Keyring) -> None:
    with pytest.raises(CommandError, match="there is no account nowhere") as failed:
        account("check", "nowhere")
    assert failed.value.returncode == 1


# --- exclusive --------------------------------------------------------------------------------------


def test_an_account_is_marked_as_the_desks_alone_and_shared_again(keyring: Keyring) -> None:
    add()
    said = account("exclusive", "second", "--reason", "nobody else has its key")
    assert said.splitlines() == [
        "second: the desk's alone: yes",
        "bybit has no dead-man's switch, so nothing is armed",
    ]
    assert Account.objects.get().is_exclusive
    assert (
        account("exclusive", "second", "--off", "--reason", "a bot too") == "second: the desk's alone: no\n"
    )
    assert not Account.objects.get().is_exclusive
    with pytest.raises(CommandError, match="there is no account nowhere"):
        account("exclusive", "nowhere", "--reason", "r")


def test_what_is_only_assumed_is_accepted(keyring: Keyring) -> None:
    add()
    assert account("assumptions", "second", "--reason", "r") == "second: accepted: nothing was open\n"
    Account.objects.update(environment="live")
    said = account("assumptions", "second", "--reason", "tried with small orders")
    assert said == "second: accepted: listing_delay\n"
    assert Account.objects.get().accepted_assumptions == ["listing_delay"]
    with pytest.raises(CommandError, match="there is no account nowhere"):
        account("assumptions", "nowhere", "--reason", "r")


# --- list -------------------------------------------------------------------------------------------


def test_the_list_is_a_table_of_what_keys_may_do(keyring: Keyring) -> None:
    assert account("list") == "no accounts\n"
    add()
    Credential.objects.update(state="active", permissions={"read": True, "trade": True, "withdraw": False})
    heading, line = account("list").splitlines()
    assert heading.split() == [*command.COLUMNS, "symbols", "traders"]
    words = ["second", "second", "bybit", "paper", "…5678", "active", "yes", "yes", "no", "never"]
    assert line.split() == [*words, "BTC/USDT,ETH/USDT", "trader"]
