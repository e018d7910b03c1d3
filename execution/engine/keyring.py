"""The workers' private keys, in a file outside the database that only its owner can read.

New secrets are sealed to the first key of the file. Older keys stay in it, so that secrets from before a rotation
can still be opened.
"""

from __future__ import annotations

import json
import os
import stat
import tempfile
from dataclasses import dataclass
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

from execution.services.accounts.sealing import (
    FORMAT,
    KEY_ID_LENGTH,
    SUITE,
    binding,
    key_id_of,
    sealed_key_id,
)

#: The names of files that are written beside a keyring begin with this.
PREFIX = ".keyring-"


class KeyringError(Exception):
    """The keyring cannot be used, or a sealed secret cannot be opened with it."""


@dataclass(frozen=True, slots=True)
class Keyring:
    """Private keys by the id of their public key, the current one first."""

    keys: dict[bytes, X25519PrivateKey]

    @classmethod
    def load(cls, path: Path) -> Keyring:
        """Read ``path``. Raises ``KeyringError`` when it is missing, malformed or readable by others."""
        try:
            mode = stat.S_IMODE(path.stat().st_mode)
            text = path.read_text(encoding="ascii")
        except OSError as error:
            raise KeyringError(f"the keyring {path} cannot be read: {error.strerror}") from error
        if mode & 0o077:
            raise KeyringError(f"the keyring {path} has mode {mode:o}; others must not read it (chmod 600)")
        try:
            private_keys = [bytes.fromhex(key) for key in json.loads(text)["private_keys"]]
            keys = [X25519PrivateKey.from_private_bytes(key) for key in private_keys]
        except (ValueError, KeyError, TypeError):
            # The cause is left out: it could quote the file.
            raise KeyringError(f"the keyring {path} is not a list of X25519 keys") from None
        if not keys:
            raise KeyringError(f"the keyring {path} holds no key")
        return cls({key_id_of(_public_bytes(key)): key for key in keys})

    @property
    def public_key_hex(self) -> str:
        """Return the public key for new secrets, in hex."""
        return _public_bytes(next(iter(self.keys.values()))).hex()

    @property
    def current_id(self) -> bytes:
        """Return the id of the key for new secrets."""
        return next(iter(self.keys))

    def current_alone(self) -> Keyring:
        """Return a keyring with the current key only."""
        return Keyring({self.current_id: self.keys[self.current_id]})

    def holds(self, sealed: bytes) -> bool:
        """Return True when the key that ``sealed`` names is in this keyring."""
        return sealed_key_id(sealed) in self.keys

    def open_bytes(self, sealed: bytes, *, bound_to: str) -> bytes:
        """Return the plain secret. Raises ``KeyringError`` when the key is unknown, the bytes were tampered with,
        or the secret was sealed for another account than ``bound_to``."""
        key_id = sealed_key_id(sealed)
        if key_id is None:
            raise KeyringError("these bytes are not a sealed secret")
        if key_id not in self.keys:
            raise KeyringError(f"sealed to the key {key_id.hex()}, which this keyring does not hold")
        ciphertext = sealed[len(FORMAT) + KEY_ID_LENGTH :]
        try:
            return SUITE.decrypt(ciphertext, self.keys[key_id], info=binding(bound_to))
        except (InvalidTag, ValueError):
            raise KeyringError(
                f"the secret does not open for {bound_to}: sealed for another, or changed"
            ) from None

    def open(self, sealed: bytes, *, bound_to: str) -> dict[str, str]:
        """Return the plain secrets by ccxt's names, such as apiKey and secret. Raises as ``open_bytes`` does."""
        try:
            secrets = json.loads(self.open_bytes(sealed, bound_to=bound_to))
        except ValueError:
            raise KeyringError(f"the secret of {bound_to} is not a JSON object") from None
        if not isinstance(secrets, dict) or not all(isinstance(text, str) for text in secrets.values()):
            raise KeyringError(f"the secret of {bound_to} is not a JSON object of texts")
        return secrets


class KeyringFile:
    """A keyring that reads its file again when a secret is sealed to a key that it does not hold.

    So a running process can open new secrets after a rotation.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._keyring = Keyring.load(path)

    def open(self, sealed: bytes, *, bound_to: str) -> dict[str, str]:
        """Return the plain secrets by name. Raises as ``Keyring.open`` does."""
        if not self._keyring.holds(sealed):
            self._keyring = Keyring.load(self._path)
        return self._keyring.open(sealed, bound_to=bound_to)


def keyring_ensure(path: Path) -> str:
    """Return the public key (hex) of the keyring at ``path``. A missing keyring is made, with one key."""
    if not path.exists():
        _write(path, [X25519PrivateKey.generate()], replace=False)
    return Keyring.load(path).public_key_hex


def keyring_rotate(path: Path) -> str:
    """Put a new key first and return its public part (hex). The former keys still open their secrets."""
    former = Keyring.load(path)
    _write(path, [X25519PrivateKey.generate(), *former.keys.values()], replace=True)
    return Keyring.load(path).public_key_hex


def keyring_forget(path: Path) -> None:
    """Remove all keys but the current one from the file. Secrets that are sealed to others no longer open."""
    _write(path, list(Keyring.load(path).current_alone().keys.values()), replace=True)


def leftovers_remove(path: Path) -> None:
    """Remove the half-written files of a killed process, which contain private keys.

    Call it only while no other process writes the keyring.
    """
    for name in path.parent.glob(f"{PREFIX}*"):
        name.unlink(missing_ok=True)


def _write(path: Path, keys: list[X25519PrivateKey], *, replace: bool) -> None:
    """Write the keys to a new file and move it to ``path``, because half a keyring would lose every secret.

    Without ``replace`` an existing file stays.
    """
    text = json.dumps({"private_keys": [key.private_bytes_raw().hex() for key in keys]})
    descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=PREFIX)  # mode 0600
    try:
        with os.fdopen(descriptor, "w", encoding="ascii") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
            if replace:
                _keep_owner(file.fileno(), path)
        if replace:
            os.replace(name, path)
            _sync_folder(path.parent)
            return
        try:
            os.link(name, path)  # unlike a rename it fails when another process was first
        except FileExistsError:
            return
    finally:
        Path(name).unlink(missing_ok=True)


def _keep_owner(descriptor: int, path: Path) -> None:
    """Give the new file to the owner of the former one. So root may rotate a keyring that the workers' user reads."""
    former, made = path.stat(), os.fstat(descriptor)
    if (former.st_uid, former.st_gid) != (made.st_uid, made.st_gid):
        os.fchown(descriptor, former.st_uid, former.st_gid)


def _sync_folder(folder: Path) -> None:
    """Write the folder to the disk. Otherwise a power cut may bring the former file back."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _public_bytes(key: X25519PrivateKey) -> bytes:
    return key.public_key().public_bytes_raw()
