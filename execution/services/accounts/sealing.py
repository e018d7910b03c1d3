"""The sealing of exchange keys. Anybody with the public key can seal a secret. Only the workers' keyring can open it.

The method is HPKE (RFC 9180) with X25519, HKDF-SHA256 and ChaCha20-Poly1305. HPKE's ``info`` contains the account's
public id. So a sealed key that somebody moves to another account does not open. A sealed secret is::

    b"T1"  +  8 bytes: id of the public key  +  HPKE's encapsulated key and ciphertext
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping

from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PublicKey
from cryptography.hazmat.primitives.hpke import AEAD, KDF, KEM, Suite

FORMAT = b"T1"
KEY_ID_LENGTH = 8
PUBLIC_KEY_LENGTH = 32
SUITE = Suite(KEM.X25519, KDF.HKDF_SHA256, AEAD.CHACHA20_POLY1305)


class SealingError(Exception):
    """The secret cannot be sealed: the public key or the owner's id is not usable."""


def key_id_of(public_key: bytes) -> bytes:
    """Return the id of a public key. Sealed bytes carry this id, so that a keyring finds the key that opens them."""
    return hashlib.sha256(b"tranche key id\0" + public_key).digest()[:KEY_ID_LENGTH]


def sealed_key_id(sealed: bytes) -> bytes | None:
    """Return the id of the key to which ``sealed`` was sealed; None for bytes in another format."""
    if len(sealed) <= len(FORMAT) + KEY_ID_LENGTH or not sealed.startswith(FORMAT):
        return None
    return sealed[len(FORMAT) : len(FORMAT) + KEY_ID_LENGTH]


def binding(bound_to: str) -> bytes:
    """Return the bytes that HPKE binds to a secret: the purpose and the owner's id.

    Raise ``SealingError`` without an id.
    """
    if not bound_to:
        raise SealingError("a secret is sealed for an account; the account's id is empty")
    return b"tranche credential 1\0" + bound_to.encode()


def seal(secret: Mapping[str, str] | bytes, *, public_key_hex: str, bound_to: str) -> bytes:
    """Seal ``secret`` to the public key, for ``bound_to`` alone. A mapping is sealed as JSON.

    Raises ``SealingError`` when the public key is not 32 bytes of hex or ``bound_to`` is empty.
    """
    try:
        public_bytes = bytes.fromhex(public_key_hex)
    except ValueError:
        raise SealingError("the installation's sealing key is not hexadecimal") from None
    if len(public_bytes) != PUBLIC_KEY_LENGTH:
        raise SealingError(f"the sealing key has {len(public_bytes)} bytes; it must have {PUBLIC_KEY_LENGTH}")
    plain = secret if isinstance(secret, bytes) else json.dumps(dict(secret), sort_keys=True).encode()
    public_key = X25519PublicKey.from_public_bytes(public_bytes)
    return FORMAT + key_id_of(public_bytes) + SUITE.encrypt(plain, public_key, info=binding(bound_to))
