"""The folder of the installation's state, and readers of environment variables that refuse wrong values."""

from __future__ import annotations

import hashlib
import os
import re
import secrets
from ipaddress import IPv4Network, IPv6Network, ip_network
from pathlib import Path

#: A name, or a number of either kind: no scheme, no port, no path and no star.
HOST = re.compile(r"[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?|[0-9a-f:]*:[0-9a-f:.]*")
#: What an example has where a secret belongs.
PLACEHOLDER = re.compile(
    r"change.?me|replace.?me|your.?(secret|password)|example.?password|<[^<>]*>", re.IGNORECASE
)
#: Characters of a key that signs sessions, and different ones among them: Django's own check asks for as much.
MIN_SECRET = 50
MIN_DIFFERENT = 5
BASE_DIR = Path(__file__).resolve().parent.parent


def var_dir() -> Path:
    """Return the folder of this installation's state: ``TRANCHE_VAR``, else ``var/`` beside manage.py."""
    folder = Path(os.environ.get("TRANCHE_VAR") or BASE_DIR / "var").resolve()
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    return folder


def secret_from_file(path: Path) -> str:
    """Return the secret in the file ``path``. The first call draws it. Only the owner can read the file."""
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        return path.read_text(encoding="ascii").strip()
    with os.fdopen(descriptor, "w", encoding="ascii") as file:
        secret = secrets.token_urlsafe(48)
        file.write(secret)
    return secret


def redis_url(var: Path) -> str:
    """Return ``REDIS_URL``, else the address that the running desk left in ``redis.url``, else the usual port."""
    if url := os.environ.get("REDIS_URL"):
        return url
    note = var / "redis.url"
    if note.exists():
        return note.read_text(encoding="utf-8").strip()
    return "redis://127.0.0.1:6379/0"


def broker_url(url: str) -> str:
    """Return ``url`` in Celery's form: redis-py writes ``unix://`` where kombu wants ``redis+socket://``.

    Over TLS kombu verifies no certificate unless the address says so; redis-py does by itself.
    """
    if url.startswith("unix://"):
        return "redis+socket://" + url.removeprefix("unix://")
    if url.startswith("rediss://") and "ssl_cert_reqs=" not in url:
        return f"{url}{'&' if '?' in url else '?'}ssl_cert_reqs=required&ssl_check_hostname=true"
    return url


def host_names(variable: str, text_parts: list[str]) -> frozenset[str]:
    """Read the hosts of a setting. Raises ``ValueError`` for anything but the name of a host, such as an address."""
    names = frozenset(name.strip().lower() for name in text_parts if name.strip())
    for name in sorted(names):
        if not HOST.fullmatch(name):
            raise ValueError(
                f"{variable} has {name!r}; it takes names of hosts with commas, without port or path"
            )
    return names


def networks(variable: str, text_parts: list[str]) -> tuple[IPv4Network | IPv6Network, ...]:
    """Read addresses and networks of a setting. Raises ``ValueError`` for anything else."""
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
    """Return six hexadecimal digits that differ from one installation of a host to the next."""
    return hashlib.sha256(str(var).encode()).hexdigest()[:6]


def refuse_placeholders(**settings: str) -> None:
    """Raise ``ValueError`` for a setting that still has the text of the example. The message omits the value."""
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
    """Raise ``ValueError`` for Django's debug pages outside of paper, because they show settings and variables."""
    if is_debug and environment != "paper":
        raise ValueError(f"DEBUG is true in this {environment} installation; only a paper one may have it")
