"""Coinbase's request signatures: a JSON web token for each request, signed with an EC key on P-256 (ES256)."""

from __future__ import annotations

import base64
import functools
import hashlib
import json
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature

from execution.paper.accounts import Accounts
from execution.paper.coinbase.refusals import unauthorized
from execution.paper.records import Account

#: The longest lifetime of a token.
LIFETIME_SECONDS = 120
#: A token may begin at most this long after now, because clocks differ. Assumed.
AHEAD_SECONDS = 5
ISSUERS = ("cdp", "coinbase-cloud")
#: The order of the curve P-256, which is the number of its points.
_ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
_WORDS = 32


@functools.cache
def private_key(secret: str) -> ec.EllipticCurvePrivateKey:
    """Return the EC key of an account.

    If ``secret`` is PEM, it contains the key. Otherwise the key is derived from ``secret``, always the same.
    """
    if secret.startswith("-----BEGIN"):
        read = serialization.load_pem_private_key(secret.encode(), password=None)
        if not isinstance(read, ec.EllipticCurvePrivateKey):
            raise ValueError("the secret is no EC private key")
        return read
    digest = hashlib.sha256(b"coinbase:" + secret.encode()).digest()
    return ec.derive_private_key(int.from_bytes(digest) % (_ORDER - 1) + 1, ec.SECP256R1())


def private_pem(secret: str) -> str:
    """Return the EC key of an account as PEM, the form in which ccxt takes a secret."""
    return (
        private_key(secret)
        .private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.TraditionalOpenSSL,
            serialization.NoEncryption(),
        )
        .decode()
    )


def claimed_key(token: str) -> str | None:
    """Return the key that a token names, whether the token is valid or not."""
    try:
        return str(_part(token.split(".")[0])["kid"])
    except (ValueError, KeyError, TypeError):
        return None


def signer_of(token: str, accounts: Accounts, now: float, uri: str | None) -> Account:
    """Return the account whose key signed ``token``, which must be valid now (seconds) for ``uri``.

    A websocket has no ``uri``.

    Key and signature are checked first, then the token's claims. If a check fails, raise a Refusal that does not say
    which.
    """
    try:
        head, body, signed = token.split(".")
        header, claims = _part(head), _part(body)
        if header["alg"] != "ES256":
            raise unauthorized()
        account = accounts.find(str(header["kid"]))
        public = private_key(account.secret).public_key()
        public.verify(_signature(signed), f"{head}.{body}".encode(), ec.ECDSA(hashes.SHA256()))
        _check_claims(claims, account.key, now, uri)
    except (ValueError, KeyError, TypeError, InvalidSignature):
        raise unauthorized() from None
    return account


def _check_claims(claims: dict[str, Any], key: str, now: float, uri: str | None) -> None:
    begins, ends = int(claims["nbf"]), int(claims["exp"])
    is_ours = claims["sub"] == key and claims["iss"] in ISSUERS
    is_current = begins - AHEAD_SECONDS <= now <= ends <= begins + LIFETIME_SECONDS
    # ccxt takes off https:// alone, which is not what loopback speaks.
    is_here = uri is None or str(claims["uri"]).replace("http://", "") == uri
    if not (is_ours and is_current and is_here):
        raise unauthorized()


def _part(text: str) -> dict[str, Any]:
    read = json.loads(_bytes(text))
    if not isinstance(read, dict):
        raise TypeError("a part of a token is no object")
    return read


def _bytes(text: str) -> bytes:
    return base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)


def _signature(text: str) -> bytes:
    """Return a token's signature, two numbers, in the DER form that the library ``cryptography`` takes."""
    raw = _bytes(text)
    if len(raw) != 2 * _WORDS:
        raise ValueError("a signature of another length")
    return encode_dss_signature(int.from_bytes(raw[:_WORDS]), int.from_bytes(raw[_WORDS:]))
