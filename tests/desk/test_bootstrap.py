"""What a start does to the database and the folder, and that a second start changes nothing more."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from django.core.management import CommandError

from execution.engine.keyring import Keyring, keyring_ensure
from execution.management.desk.bootstrap import Bootstrap
from execution.management.desk.files import read_people
from execution.models import Account, Credential, Installation, User, Venue

pytestmark = pytest.mark.django_db(transaction=True)  # a bootstrap closes its connections


def bootstrap(var: Path, *, environment: str = "paper", paper_port: int | None = 4000) -> Bootstrap:
    (var / "paper").mkdir(exist_ok=True)
    return Bootstrap(var, var / "keyring", environment, paper_port)


def test_the_first_start_sets_up_a_desk_that_can_trade(tmp_path: Path) -> None:
    assert bootstrap(tmp_path).run() == ("trader", "supervisor", "admin")
    account = Account.objects.get()
    assert account.environment == Installation.objects.get().environment == "paper"
    assert account.symbols == ["BTC/USDT", "ETH/USDT", "SOL/USDT"]
    assert [trader.username for trader in account.traders.all()] == ["trader"]
    [paper] = json.loads((tmp_path / "paper" / "accounts.json").read_text())
    sealed = bytes(Credential.objects.get().sealed)
    opened = Keyring.load(tmp_path / "keyring").open(sealed, bound_to=account.public_id)
    assert opened == {"apiKey": paper["key"], "secret": paper["secret"]}
    for name, password in read_people(tmp_path / "people.txt").items():
        assert User.objects.get(username=name).check_password(password)


def test_a_second_start_changes_nothing_but_the_paper_exchanges_address(tmp_path: Path) -> None:
    bootstrap(tmp_path).run()
    files = {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
    sealed = bytes(Credential.objects.get().sealed)
    assert bootstrap(tmp_path, paper_port=4001).run() == ()
    assert {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()} == files
    assert bytes(Credential.objects.get().sealed) == sealed
    urls = Venue.objects.get().options["urls"]["api"]
    assert urls["private"] == "http://127.0.0.1:4001/api/v3"
    assert "4000" not in json.dumps(urls)


def test_a_start_that_died_after_writing_the_passwords_uses_them(tmp_path: Path) -> None:
    words = {name: f"{name}-before-the-crash" for name in ("trader", "supervisor", "admin")}
    (tmp_path / "people.txt").write_text("".join(f"{name} {word}\n" for name, word in words.items()))
    bootstrap(tmp_path).run()
    assert User.objects.get(username="trader").check_password(words["trader"])


def test_another_environment_is_refused(tmp_path: Path) -> None:
    bootstrap(tmp_path).run()
    with pytest.raises(CommandError, match="belongs to a paper installation; it cannot be started as live"):
        bootstrap(tmp_path, environment="live", paper_port=None).run()


def test_a_live_desk_gets_no_paper_account(tmp_path: Path) -> None:
    bootstrap(tmp_path, environment="live", paper_port=None).run()
    assert not Account.objects.exists()
    assert not (tmp_path / "paper" / "accounts.json").exists()


def test_a_lost_keyring_is_refused_and_no_other_is_made(tmp_path: Path) -> None:
    bootstrap(tmp_path).run()
    (tmp_path / "keyring").unlink()
    with pytest.raises(CommandError, match="is gone and 1 keys need it: restore the keyring"):
        bootstrap(tmp_path).run()
    assert not (tmp_path / "keyring").exists()


def test_a_strange_keyring_is_refused(tmp_path: Path) -> None:
    bootstrap(tmp_path).run()
    before = Installation.objects.get().sealing_key
    (tmp_path / "keyring").unlink()
    keyring_ensure(tmp_path / "keyring")
    with pytest.raises(CommandError, match="cannot open the key of alpha: restore the keyring"):
        bootstrap(tmp_path).run()
    assert Installation.objects.get().sealing_key == before
