"""The folder of the installation's state, and readers of environment variables that refuse wrong values."""

from __future__ import annotations

import hashlib
import os
import re
import secrets
from ipaddress import IPv4Network, IPv6Network, ip_network
from pathlib import Path

#: The name of a host, or an IP address: no scheme, no port, no path and no ``*``.
HOST = re.compile(r"[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?|[0-9a-f:]*:[0-9a-f:.]*")
#: A public key of X25519 in hex.
PUBLIC_KEY = re.compile(r"[0-9a-f]{64}")
#: The text that an example file has in place of a secret.
PLACEHOLDER = re.compile(
    r"change.?me|replace.?me|your.?(secret|password)|example.?password|<[^<>]*>", re.IGNORECASE
)
#: The minimum of characters, and of different characters, in the key that signs sessions. Django's check asks for as
#: much.
MIN_SECRET = 50
MIN_DIFFERENT = 5
BASE_DIR = Path(__file__).resolve().parent.parent


def var_dir() -> Path:
    """Return the folder of this installation's state: ``TRANCHE_VAR``, else ``var/`` beside manage.py."""
    folder = Path(os.environ.get("TRANCHE_VAR") or BASE_DIR / "var").resolve()
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    return folder


def secret_from_file(path: Path) -> str:
    """Return the secret in the file ``path``. The first call creates the file with a new secret. Only the owner can
    read the file.
    """
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        return path.read_text(encoding="ascii").strip()
    with os.fdopen(descriptor, "w", encoding="ascii") as file:
        secret = secrets.token_urlsafe(48)
        file.write(secret)
    return secret


def redis_url(var: Path) -> str:
    """Return ``REDIS_URL``, else the address that the running desk wrote to ``redis.url``, else the default."""
    if url := os.environ.get("REDIS_URL"):
        return url
    note = var / "redis.url"
    if note.exists():
        return note.read_text(encoding="utf-8").strip()
    return "redis://127.0.0.1:6379/0"


def broker_url(url: str) -> str:
    """Return ``url`` in the form of Celery's kombu, which writes ``redis+socket://`` for redis-py's ``unix://``.

    For TLS, also add the option that makes kombu check the server's certificate. redis-py checks it by default.
    """
    if url.startswith("unix://"):
        return "redis+socket://" + url.removeprefix("unix://")
    if url.startswith("rediss://") and "ssl_cert_reqs=" not in url:
        return f"{url}{'&' if '?' in url else '?'}ssl_cert_reqs=required&ssl_check_hostname=true"
    return url


def host_names(variable: str, text_parts: list[str]) -> frozenset[str]:
    """Return the host names in the value of a setting.

    Raises ``ValueError`` for other text, such as a host with a port.
    """
    return _all_matching(HOST, variable, text_parts, "names of hosts with commas, without port or path")


def public_keys(variable: str, text_parts: list[str]) -> frozenset[str]:
    """Return the public keys in a setting, in lower case. Raises ``ValueError`` for anything but 64 hex digits."""
    return _all_matching(PUBLIC_KEY, variable, text_parts, "keys of 64 hex digits, with commas")


def _all_matching(
    pattern: re.Pattern[str], variable: str, text_parts: list[str], takes: str
) -> frozenset[str]:
    """Return the parts in lower case, without empty ones. Raises ``ValueError`` for a part that does not match
    ``pattern``.
    """
    found = frozenset(part.strip().lower() for part in text_parts if part.strip())
    for part in sorted(found):
        if not pattern.fullmatch(part):
            raise ValueError(f"{variable} has {part!r}; it takes {takes}")
    return found


def networks(variable: str, text_parts: list[str]) -> tuple[IPv4Network | IPv6Network, ...]:
    """Return the IP addresses and networks in a setting. Raises ``ValueError`` for anything else."""
    found = []
    for part in text_parts:
        try:
            found.append(ip_network(part.strip()))
        except ValueError:
            raise ValueError(
                f"{variable} has {part!r}; it takes addresses and networks with commas"
            ) from None
    return tuple(found)


def cookie_suffix(var: Path) -> str:
    """Return six hexadecimal digits that differ between the installations on one host."""
    return hashlib.sha256(str(var).encode()).hexdigest()[:6]


def refuse_placeholders(**settings: str) -> None:
    """Raise ``ValueError`` if a setting still has the placeholder from the example file.

    The message does not contain the value.
    """
    for name, value in settings.items():
        if found := PLACEHOLDER.search(value):
            raise ValueError(f"{name} still has {found[0]!r} of the example; put a secret of your own there")


def refuse_weak_secret(secret: str) -> None:
    """Raise ``ValueError`` for a ``SECRET_KEY`` that could be guessed."""
    if len(secret) < MIN_SECRET or len(set(secret)) < MIN_DIFFERENT:
        raise ValueError(
            f"SECRET_KEY has {len(secret)} characters, {len(set(secret))} different ones; it needs at least "
            f"{MIN_SECRET} and {MIN_DIFFERENT}. Leave it out to have one drawn into VAR/secret_key"
        )


def refuse_debug(environment: str, *, is_debug: bool) -> None:
    """Raise ``ValueError`` if ``DEBUG`` is on outside a paper installation. Django's debug pages show
    settings and variables.
    """
    if is_debug and environment != "paper":
        raise ValueError(f"DEBUG is true in this {environment} installation; only a paper one may have it")
