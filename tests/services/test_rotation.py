"""A keyring is rotated: everything is sealed again, also after a kill, and the former keys can be forgotten."""

from __future__ import annotations

import json
import os
import signal
import sqlite3
import subprocess
import sys
from io import StringIO
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from pytest_django.fixtures import Settings

from execution.core.problem_codes import Code
from execution.core.problems import Refused
from execution.engine import key_rotation
from execution.engine.key_rotation import forget, rotate
from execution.engine.keyring import Keyring, KeyringError, KeyringFile, keyring_ensure, keyring_rotate
from execution.models import AlertChannel, AuditEntry, Credential, Installation
from execution.services.accounts.accounts import credential_keep, key_seal
from execution.services.accounts.resealing import ACCOUNT_KEYS, ALERT_CHANNELS
from execution.services.accounts.sealing import seal
from tests.checks import REPOSITORY
from tests.factories import NOW, Rows, make_account

KEYS = 3


@pytest.fixture
def path(rows: Rows, tmp_path: Path, settings: Settings) -> Path:
    """Return the keyring of a desk with three keys, one of them retired and one suspended."""
    found = tmp_path / "keys" / "keyring"
    found.parent.mkdir(mode=0o700)
    settings.TRANCHE_KEYRING = str(found)
    Installation.objects.update(sealing_key=keyring_ensure(found))
    other = make_account(rows.venue, "beta", rows.trader)
    Credential.objects.all().delete()
    for account, state in ((rows.account, "retired"), (rows.account, "active"), (other, "suspended")):
        one = Credential.objects.create(account=account, sealed=b"", last_four="1234", state=state)
        secrets = {"apiKey": f"key of {one.pk}", "secret": f"secret of {one.pk}"}
        key = Keyring.load(found).public_key_hex
        one.sealed = seal(secrets, public_key_hex=key, bound_to=account.public_id)
        one.save()
    return found


def opened(path: Path) -> list[str]:
    """Return the secrets of all keys, opened with the current key of the keyring alone."""
    current = Keyring.load(path).current_alone()
    rows = Credential.objects.select_related("account").order_by("pk")
    return [current.open(bytes(one.sealed), bound_to=one.account.public_id)["secret"] for one in rows]


def secrets_of_all() -> list[str]:
    return [f"secret of {pk}" for pk in Credential.objects.order_by("pk").values_list("pk", flat=True)]


def command(*arguments: str) -> str:
    said = StringIO()
    call_command("keyring", *arguments, stdout=said)
    return said.getvalue()


def test_everything_is_sealed_again_and_a_process_that_runs_opens_it(path: Path) -> None:
    running = KeyringFile(path)
    first = Keyring.load(path).public_key_hex
    said = command("rotate")
    assert f"{KEYS} secrets were sealed again" in said
    assert "everything opens with the new key alone" in said
    keyring = Keyring.load(path)
    assert keyring.public_key_hex != first
    assert len(keyring.keys) == 2
    assert Installation.objects.get().sealing_key == keyring.public_key_hex
    assert opened(path) == secrets_of_all()
    one = Credential.objects.select_related("account").latest("pk")
    assert running.open(bytes(one.sealed), bound_to=one.account.public_id)["secret"] == f"secret of {one.pk}"
    entry = AuditEntry.objects.get()
    assert (entry.kind, entry.actor, entry.subject) == ("keyring.rotated", "desk", "keyring")
    assert entry.data["now"] == keyring.current_id.hex()


def test_former_keys_are_forgotten_when_nothing_needs_them(path: Path) -> None:
    command("rotate")
    command("rotate")
    assert "2 former keys are forgotten" in command("forget")
    assert len(Keyring.load(path).keys) == 1
    assert opened(path) == secrets_of_all()
    assert "0 former keys are forgotten" in command("forget")
    kinds = list(AuditEntry.objects.order_by("pk").values_list("kind", flat=True))
    assert kinds == ["keyring.rotated", "keyring.rotated", "keyring.forgotten"]


def test_no_key_is_forgotten_that_something_is_sealed_to(path: Path) -> None:
    command("rotate", "--only-key")
    with pytest.raises(CommandError, match="are not sealed to the keyring's first key yet: rotate first"):
        command("forget")
    Installation.objects.update(sealing_key=Keyring.load(path).public_key_hex)
    with pytest.raises(CommandError, match="3 secrets are sealed to another key, key …1234"):
        command("forget")
    assert len(Keyring.load(path).keys) == 2


def test_the_new_key_alone_is_made_first_for_other_hosts_and_only_once(path: Path) -> None:
    first = Installation.objects.get().sealing_key
    assert "copy the file to the other hosts" in command("rotate", "--only-key")
    made = Keyring.load(path).public_key_hex
    assert Installation.objects.get().sealing_key == first, "nothing is sealed to it before it is everywhere"
    command("rotate", "--only-key")
    assert f"{KEYS} secrets were sealed again" in command("rotate")
    assert (Keyring.load(path).public_key_hex, len(Keyring.load(path).keys)) == (made, 2)


def test_a_secret_that_does_not_open_is_named_and_left_and_the_others_are_sealed_again(path: Path) -> None:
    broken = Credential.objects.get(state="retired")
    lost = seal({"apiKey": "x"}, public_key_hex=keyring_ensure(path.parent / "lost"), bound_to="alpha000")
    Credential.objects.filter(pk=broken.pk).update(sealed=lost)
    with pytest.raises(CommandError, match=rf"key …1234 \(retired, number {broken.pk}\) of alpha"):
        command("rotate")
    current = Keyring.load(path).current_alone()
    rest = Credential.objects.exclude(pk=broken.pk)
    assert all(current.holds(bytes(one.sealed)) for one in rest)
    with pytest.raises(KeyringError, match="1 secrets are sealed to another key"):
        forget(path, ACCOUNT_KEYS, now=NOW)


def test_a_key_that_was_sealed_just_before_is_not_kept_after_it(path: Path, rows: Rows) -> None:
    """Web sealed it to the former key and writes it now; the rotation would not see it, and forget would lose it."""
    key = key_seal({"apiKey": "k", "secret": "s"}, account_id=rows.account.public_id, last_four="")
    command("rotate")
    with pytest.raises(Refused) as refused:
        credential_keep(account=rows.account, key=key)
    assert refused.value.problems[0].code == Code.ACCESS_OUTDATED
    assert Credential.objects.count() == KEYS


def test_a_row_that_somebody_changes_meanwhile_keeps_what_they_wrote(path: Path) -> None:
    row = next(ACCOUNT_KEYS.rows())
    Credential.objects.filter(pk=row.pk).update(sealed=b"another")
    assert not ACCOUNT_KEYS.reseal(row, b"sealed again")
    assert bytes(Credential.objects.get(pk=row.pk).sealed) == b"another"


def test_two_rotations_at_once_are_one(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def and_another(where: Path) -> str:
        with pytest.raises(KeyringError, match="another rotation is at work"):
            rotate(where, ACCOUNT_KEYS, now=NOW)
        return keyring_rotate(where)

    monkeypatch.setattr(key_rotation, "keyring_rotate", and_another)
    assert rotate(path, ACCOUNT_KEYS, now=NOW).resealed == KEYS


def test_the_channels_of_alerts_have_a_keyring_of_their_own(path: Path, settings: Settings) -> None:
    alerts = path.parent / "alerts"
    settings.TRANCHE_ALERT_KEYRING = str(alerts)
    key = keyring_ensure(alerts)
    Installation.objects.update(alert_sealing_key=key)
    AlertChannel.objects.create(
        public_id="channel0",
        label="night",
        type="webhook",
        takes="alerts",
        least="warning",
        shown="x",
        sealed=seal({"url": "https://example.com"}, public_key_hex=key, bound_to="channel0"),
        created_at=NOW,
    )
    before = Keyring.load(path).public_key_hex
    assert "1 secrets were sealed again" in command("rotate", "--alerts")
    assert "1 former keys are forgotten" in command("forget", "--alerts")
    (row,) = ALERT_CHANNELS.rows()
    assert Keyring.load(alerts).open(row.sealed, bound_to="channel0") == {"url": "https://example.com"}
    assert Keyring.load(path).public_key_hex == before


def test_without_a_keyring_nothing_is_made(path: Path, settings: Settings) -> None:
    settings.TRANCHE_KEYRING = str(path.parent / "nowhere" / "keyring")
    with pytest.raises(CommandError, match="cannot be read"):
        command("rotate")
    path.chmod(0o644)
    settings.TRANCHE_KEYRING = str(path)
    with pytest.raises(CommandError, match="others must not read it"):
        command("rotate")


# --- killed --------------------------------------------------------------------------------------------


def _copy_of_the_database(to: Path) -> None:
    connection.ensure_connection()
    with sqlite3.connect(to) as copy:
        connection.connection.backup(copy)
    copy.close()


@pytest.mark.real_process
@pytest.mark.django_db(transaction=True)
def test_killed_before_any_step_it_is_run_again_and_loses_nothing(path: Path, tmp_path: Path) -> None:
    """SIGKILL, for real, before each use of a file and before and after each statement."""
    _copy_of_the_database(tmp_path / "desk.sqlite3")
    folder = tmp_path / "killed"
    folder.mkdir()
    program = "tests.services.rotation_kills"
    done = subprocess.run(
        [sys.executable, "-m", program, tmp_path / "desk.sqlite3", path, folder],
        cwd=REPOSITORY,
        env=os.environ | {"DATABASE_URL": f"sqlite:///{tmp_path / 'desk.sqlite3'}"},
        capture_output=True,
        text=True,
        check=False,
        timeout=150,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    runs = [json.loads(line) for line in done.stdout.splitlines()]
    *killed, whole = runs
    assert len(killed) >= 30, runs
    assert {run["ended"] for run in killed} == {-signal.SIGKILL}, done.stderr[-2000:]
    assert whole["ended"] == 0
    assert [run for run in runs if run["again"] != 0] == [], done.stderr[-2000:]
    assert {run["keys"] for run in killed} == {1, 2}, "kills before and after the new key"


@pytest.mark.parametrize("guard", ["_verify", "_is_unfinished"])
def test_without_a_guard_a_rotation_that_was_interrupted_is_noticed(
    path: Path, monkeypatch: pytest.MonkeyPatch, guard: str
) -> None:
    """Show that the runs above fail without these two."""
    command("rotate", "--only-key")
    if guard == "_is_unfinished":
        monkeypatch.setattr(key_rotation, guard, lambda *_: False)
        command("rotate")
        assert len(Keyring.load(path).keys) == 3, "a second key was made"
        return
    monkeypatch.setattr(key_rotation, "_reseal", lambda *_: False)
    with pytest.raises(CommandError, match="left as they are"):
        command("rotate")
    monkeypatch.setattr(key_rotation, guard, lambda *_: None)
    assert "everything opens" in command("rotate")
