"""The rotation of a keyring: a new key, all secrets sealed to it, and at last the removal of the former keys.

Each step is done wholly or not at all, and the next run sees which steps are done. So an interrupted rotation is
simply run again. No secret is ever sealed to a key that is not in the file, and no key leaves the file while a secret
is sealed to it.
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from execution.engine.keyring import Keyring, KeyringError, keyring_forget, keyring_rotate, leftovers_remove
from execution.services.accounts.resealing import SealedBook, SealedRow
from execution.services.accounts.sealing import seal, sealed_key_id


@dataclass(frozen=True, slots=True)
class Rotation:
    """The result of a rotation. ``left`` are the secrets that could not be opened, each with the reason."""

    key_id: str
    public_key_hex: str
    made_key: bool
    resealed: int
    left: Sequence[str]


def rotate(path: Path, book: SealedBook, *, now: datetime, only_key: bool = False) -> Rotation:
    """Make a new key, or continue an interrupted rotation, and seal every secret to it.

    1. The new key is put first in the file. The former keys stay in the file, so that secrets that are sealed to them
       still open.
    2. The installation's public key becomes that of the new key. All later secrets are sealed to it.
    3. Each secret is sealed again, one at a time.
    4. Each is opened with the new key alone, as a check.

    With ``only_key`` the function ends after the first step, so that somebody can copy the file to other hosts first.
    """
    with _alone(path):
        leftovers_remove(path)
        keyring = Keyring.load(path)
        makes_key = not _is_unfinished(keyring, book)
        if makes_key:
            keyring_rotate(path)
            keyring = Keyring.load(path)
        if only_key:
            return Rotation(keyring.current_id.hex(), keyring.public_key_hex, makes_key, 0, ())
        book.switch(public_key_hex=keyring.public_key_hex, now=now)
        resealed, left = 0, []
        for row in _not_current(keyring, book):
            try:
                resealed += _reseal(keyring, book, row)
            except KeyringError as error:
                left.append(f"{row.name}: {error}")
        _verify(keyring, book, left)
        return Rotation(keyring.current_id.hex(), keyring.public_key_hex, makes_key, resealed, left)


def forget(path: Path, book: SealedBook, *, now: datetime) -> int:
    """Remove all keys but the current one from the file. Return the number of removed keys.

    Raises ``KeyringError`` while a secret is sealed to one of them, or the installation seals to another key.
    """
    with _alone(path):
        leftovers_remove(path)
        keyring = Keyring.load(path)
        if book.public_key_hex() != keyring.public_key_hex:
            raise KeyringError("new secrets are not sealed to the keyring's first key yet: rotate first")
        if others := [row.name for row in _not_current(keyring, book)]:
            raise KeyringError(
                f"{len(others)} secrets are sealed to another key, {others[0]} first: rotate first"
            )
        former = len(keyring.keys) - 1
        if former:
            book.note_forgotten(keys=former, now=now)
            keyring_forget(path)
        return former


def _is_unfinished(keyring: Keyring, book: SealedBook) -> bool:
    """Return True if an earlier rotation made the first key, but did not seal every secret to it."""
    if book.public_key_hex() != keyring.public_key_hex:
        return len(keyring.keys) > 1
    return any(keyring.holds(row.sealed) for row in _not_current(keyring, book))


def _not_current(keyring: Keyring, book: SealedBook) -> Iterator[SealedRow]:
    return (row for row in book.rows() if sealed_key_id(row.sealed) != keyring.current_id)


def _reseal(keyring: Keyring, book: SealedBook, row: SealedRow) -> bool:
    plain = keyring.open_bytes(row.sealed, bound_to=row.bound_to)
    again = seal(plain, public_key_hex=keyring.public_key_hex, bound_to=row.bound_to)
    return book.reseal(row, again)


def _verify(keyring: Keyring, book: SealedBook, left: list[str]) -> None:
    """Open every secret with the new key alone. Add to ``left`` those that do not open."""
    current = keyring.current_alone()
    known = {line.partition(":")[0] for line in left}
    for row in book.rows():
        try:
            current.open_bytes(row.sealed, bound_to=row.bound_to)
        except KeyringError as error:
            if row.name not in known:
                left.append(f"{row.name}: {error}")


@contextmanager
def _alone(path: Path) -> Iterator[None]:
    """Lock the keyring's folder, or raise ``KeyringError``. Two rotations at once would each make a new first key."""
    try:
        folder = os.open(path.parent, os.O_RDONLY)
    except OSError as error:
        raise KeyringError(f"the keyring {path} cannot be read: {error.strerror}") from error
    try:
        try:
            fcntl.flock(folder, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise KeyringError(f"another rotation is at work in {path.parent}") from None
        yield
    finally:
        os.close(folder)
