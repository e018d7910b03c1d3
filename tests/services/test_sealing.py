"""Sealed keys open for their account alone, with the key they were sealed to, and only unchanged."""

from __future__ import annotations

import json
import stat
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from execution.engine.keyring import Keyring, KeyringError, keyring_ensure, keyring_rotate
from execution.services.accounts.sealing import SealingError, seal, sealed_key_id

ACCOUNT = "a1b2c3d4"
SECRETS = {"apiKey": "key", "secret": "hush"}
#: One keyring for the property tests: hypothesis calls a test many times.
PUBLIC_IDS = st.text("abcdefghijklmnopqrstuvwxyz0123456789", min_size=8, max_size=8)


@pytest.fixture(scope="module")
def keyring(tmp_path_factory: pytest.TempPathFactory) -> Keyring:
    path = tmp_path_factory.mktemp("keys") / "keyring"
    keyring_ensure(path)
    return Keyring.load(path)


@given(secrets=st.dictionaries(st.text(), st.text()), account=PUBLIC_IDS)
def test_what_is_sealed_opens(keyring: Keyring, secrets: dict[str, str], account: str) -> None:
    sealed = seal(secrets, public_key_hex=keyring.public_key_hex, bound_to=account)
    assert keyring.open(sealed, bound_to=account) == secrets


@given(secret=st.binary())
def test_bytes_open_as_bytes(keyring: Keyring, secret: bytes) -> None:
    sealed = seal(secret, public_key_hex=keyring.public_key_hex, bound_to=ACCOUNT)
    assert keyring.open_bytes(sealed, bound_to=ACCOUNT) == secret


@given(account=PUBLIC_IDS, other=PUBLIC_IDS)
def test_it_opens_for_no_other_account(keyring: Keyring, account: str, other: str) -> None:
    sealed = seal(SECRETS, public_key_hex=keyring.public_key_hex, bound_to=account)
    if account != other:
        with pytest.raises(KeyringError, match=f"does not open for {other}"):
            keyring.open(sealed, bound_to=other)


@given(data=st.data())
def test_one_changed_bit_is_noticed(keyring: Keyring, data: st.DataObject) -> None:
    sealed = bytearray(seal(SECRETS, public_key_hex=keyring.public_key_hex, bound_to=ACCOUNT))
    position = data.draw(st.integers(0, len(sealed) - 1))
    sealed[position] ^= 1 << data.draw(st.integers(0, 7))
    with pytest.raises(KeyringError):
        keyring.open(bytes(sealed), bound_to=ACCOUNT)


@given(data=st.data())
def test_a_cut_secret_is_noticed(keyring: Keyring, data: st.DataObject) -> None:
    sealed = seal(SECRETS, public_key_hex=keyring.public_key_hex, bound_to=ACCOUNT)
    length = data.draw(st.integers(0, len(sealed) - 1))
    with pytest.raises(KeyringError):
        keyring.open(sealed[:length], bound_to=ACCOUNT)


def test_the_same_secret_is_sealed_differently_each_time(keyring: Keyring) -> None:
    once, again = (seal(SECRETS, public_key_hex=keyring.public_key_hex, bound_to=ACCOUNT) for _ in range(2))
    assert once != again
    assert b"hush" not in once


def test_an_unknown_key_is_named(keyring: Keyring, tmp_path: Path) -> None:
    sealed = seal(SECRETS, public_key_hex=keyring_ensure(tmp_path / "other"), bound_to=ACCOUNT)
    assert not keyring.holds(sealed)
    key_id = sealed_key_id(sealed)
    assert key_id is not None
    with pytest.raises(
        KeyringError, match=f"sealed to the key {key_id.hex()}, which this keyring does not hold"
    ):
        keyring.open(sealed, bound_to=ACCOUNT)


def test_after_a_rotation_old_secrets_open_and_new_ones_use_the_new_key(tmp_path: Path) -> None:
    path = tmp_path / "keyring"
    first = keyring_ensure(path)
    old = seal(SECRETS, public_key_hex=first, bound_to=ACCOUNT)
    second = keyring_rotate(path)
    assert second != first
    assert keyring_ensure(path) == second
    new = seal(SECRETS, public_key_hex=second, bound_to=ACCOUNT)
    assert [Keyring.load(path).open(sealed, bound_to=ACCOUNT) for sealed in (old, new)] == [SECRETS, SECRETS]


def test_a_keyring_is_private_and_made_once(tmp_path: Path) -> None:
    path = tmp_path / "keyring"
    assert keyring_ensure(path) == keyring_ensure(path)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert [file.name for file in tmp_path.iterdir()] == ["keyring"]


def test_a_keyring_that_others_can_read_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "keyring"
    keyring_ensure(path)
    path.chmod(0o640)
    with pytest.raises(KeyringError, match="has mode 640"):
        Keyring.load(path)


@pytest.mark.parametrize("text", ["", "{}", '{"private_keys": ["zz"]}', '{"private_keys": ["00"]}', "[1]"])
def test_a_damaged_keyring_is_refused_without_quoting_it(tmp_path: Path, text: str) -> None:
    path = tmp_path / "keyring"
    path.touch(0o600)
    path.write_text(text)
    with pytest.raises(KeyringError, match="is not a list of X25519 keys"):
        Keyring.load(path)


def test_a_missing_and_an_empty_keyring_are_refused(tmp_path: Path) -> None:
    with pytest.raises(KeyringError, match="cannot be read"):
        Keyring.load(tmp_path / "nowhere")
    path = tmp_path / "keyring"
    path.touch(0o600)
    path.write_text(json.dumps({"private_keys": []}))
    with pytest.raises(KeyringError, match="holds no key"):
        Keyring.load(path)


@pytest.mark.parametrize(
    ("public_key", "message"), [("zz", "not hexadecimal"), ("00ff", "has 2 bytes; it must have 32")]
)
def test_a_bad_sealing_key_is_refused(public_key: str, message: str) -> None:
    with pytest.raises(SealingError, match=message):
        seal(SECRETS, public_key_hex=public_key, bound_to=ACCOUNT)


def test_nothing_is_sealed_for_nobody(keyring: Keyring) -> None:
    with pytest.raises(SealingError, match="id is empty"):
        seal(SECRETS, public_key_hex=keyring.public_key_hex, bound_to="")


@pytest.mark.real_process
def test_the_module_that_seals_loads_no_keyring() -> None:
    program = (
        "import sys, execution.services.accounts.sealing as sealing\n"
        "assert not [name for name in sys.modules if name.startswith('execution.engine')]\n"
        "assert not [name for name in vars(sealing) if 'Private' in name]\n"
    )
    subprocess.run([sys.executable, "-c", program], check=True, cwd=Path(__file__).resolve().parents[2])
