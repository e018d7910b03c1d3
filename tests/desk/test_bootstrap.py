"""The effects of a start on the database and the folder, and a second start without more changes."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType

import pytest
from django.core.management import CommandError

from execution.engine.keyring import Keyring, keyring_ensure
from execution.launcher.bootstrap import Bootstrap, paper_key_ensure
from execution.launcher.files import move_single_paper, read_people, usable_paper_port
from execution.models import Account, Credential, Installation, User, Venue

pytestmark = pytest.mark.django_db(transaction=True)  # a bootstrap closes its connections


PORTS = {"alpha": 4000, "beta": 4001, "gamma": 4002}


def bootstrap(
    var: Path, *, environment: str = "paper", ports: Mapping[str, int] = MappingProxyType(PORTS)
) -> Bootstrap:
    for label in ports:
        (var / "paper" / label).mkdir(parents=True, exist_ok=True)
    return Bootstrap(var, var / "keyring", var / "alert_keyring", environment, ports)


def opened(var: Path, account: Account) -> dict[str, str]:
    """Return the account's key as its workers read it."""
    sealed = bytes(account.credentials.get().sealed)
    return dict(Keyring.load(var / "keyring").open(sealed, bound_to=account.public_id))


def test_the_first_start_sets_up_a_desk_that_can_trade(tmp_path: Path) -> None:
    assert bootstrap(tmp_path).run() == ("trader", "supervisor", "admin")
    accounts = list(Account.objects.order_by("label").select_related("venue"))
    assert [account.label for account in accounts] == ["alpha", "beta", "gamma"]
    keys = set()
    for account in accounts:
        assert account.venue.label == account.label
        assert account.environment == Installation.objects.get().environment == "paper"
        assert account.symbols == ["BTC/USDT", "ETH/USDT", "SOL/USDT"]
        assert [trader.username for trader in account.traders.all()] == ["trader"]
        [paper] = json.loads((tmp_path / "paper" / account.label / "accounts.json").read_text())
        assert opened(tmp_path, account) == {"apiKey": paper["key"], "secret": paper["secret"]}
        keys.add(paper["key"])
    assert len(keys) == 3
    for name, password in read_people(tmp_path / "people.txt").items():
        assert User.objects.get(username=name).check_password(password)


def test_a_second_start_changes_nothing_but_the_paper_venues_addresses(tmp_path: Path) -> None:
    bootstrap(tmp_path).run()
    files = {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
    sealed = {key.pk: bytes(key.sealed) for key in Credential.objects.all()}
    assert bootstrap(tmp_path, ports=PORTS | {"beta": 4011}).run() == ()
    assert {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()} == files
    assert {key.pk: bytes(key.sealed) for key in Credential.objects.all()} == sealed
    urls = {venue.label: venue.options["urls"]["api"] for venue in Venue.objects.all()}
    assert urls["beta"]["private"] == "http://127.0.0.1:4011/api/v3"
    assert urls["gamma"]["private"] == "http://127.0.0.1:4002/api/v3"
    assert "4001" not in json.dumps(urls)


def test_the_account_of_a_former_installation_goes_on_and_the_other_venues_are_added(tmp_path: Path) -> None:
    paper = tmp_path / "paper"
    paper.mkdir()
    former = paper_key_ensure(paper)
    (paper / "paper.sqlite3").write_text("its orders")
    (paper / "port").write_text("4000")
    bootstrap(tmp_path, ports={}).run()
    move_single_paper(paper, "alpha")
    bootstrap(tmp_path, ports={"alpha": 4000}).run()
    alpha = Account.objects.get()

    move_single_paper(paper, "alpha")  # a second start finds nothing to move
    bootstrap(tmp_path).run()
    assert opened(tmp_path, alpha) == {"apiKey": former.key, "secret": former.secret}
    assert (paper / "alpha" / "paper.sqlite3").read_text() == "its orders"
    assert sorted(path.name for path in paper.iterdir()) == ["alpha", "beta", "gamma"]
    assert Account.objects.get(label="alpha").pk == alpha.pk
    assert Account.objects.count() == 3


def test_a_venue_keeps_its_port_and_takes_none_of_another(tmp_path: Path) -> None:
    note = tmp_path / "port"
    free = usable_paper_port(note, 0, taken=())
    note.write_text(str(free))
    assert usable_paper_port(note, 0, taken=()) == free
    assert usable_paper_port(note, 0, taken=[free]) != free
    note.write_text("damaged")
    assert usable_paper_port(note, 0, taken=[]) > 0


def test_a_start_that_died_after_writing_the_passwords_uses_them(tmp_path: Path) -> None:
    words = {name: f"{name}-before-the-crash" for name in ("trader", "supervisor", "admin")}
    (tmp_path / "people.txt").write_text("".join(f"{name} {word}\n" for name, word in words.items()))
    bootstrap(tmp_path).run()
    assert User.objects.get(username="trader").check_password(words["trader"])


def test_another_environment_is_refused(tmp_path: Path) -> None:
    bootstrap(tmp_path).run()
    with pytest.raises(CommandError, match="belongs to a paper installation and cannot be started as live"):
        bootstrap(tmp_path, environment="live", ports={}).run()


def test_a_live_desk_gets_no_paper_account(tmp_path: Path) -> None:
    bootstrap(tmp_path, environment="live", ports={}).run()
    assert not Account.objects.exists()
    assert not (tmp_path / "paper").exists()


def test_a_lost_keyring_is_refused_and_no_other_is_made(tmp_path: Path) -> None:
    bootstrap(tmp_path).run()
    (tmp_path / "keyring").unlink()
    with pytest.raises(CommandError, match="is gone and 3 keys need it: restore the keyring"):
        bootstrap(tmp_path).run()
    assert not (tmp_path / "keyring").exists()


def test_a_strange_keyring_is_refused(tmp_path: Path) -> None:
    bootstrap(tmp_path).run()
    before = Installation.objects.get().sealing_key
    (tmp_path / "keyring").unlink()
    keyring_ensure(tmp_path / "keyring")
    with pytest.raises(CommandError, match=r"cannot open the key of (alpha|beta|gamma): restore the keyring"):
        bootstrap(tmp_path).run()
    assert Installation.objects.get().sealing_key == before
