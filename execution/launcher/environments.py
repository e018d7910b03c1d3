"""The environment variables that each process of the desk inherits: those that it needs, and no others."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable
from pathlib import Path

SYSTEM = ("PATH", "HOME", "USER", "LOGNAME", "LANG", "LANGUAGE", "TZ", "TMPDIR", "VIRTUAL_ENV")
SYSTEM_PREFIXES = ("LC_", "PYTHON")
#: Variables that the settings and libpq read.
SETTINGS = (
    *("SECRET_KEY", "DEBUG", "ALLOWED_HOSTS", "CSRF_TRUSTED_ORIGINS", "DATABASE_URL", "REDIS_URL"),
    *(
        "SECURE_TLS",
        "SESSION_COOKIE_NAME",
        "SESSION_HOURS",
        "SESSION_IDLE_MINUTES",
        "TRUSTED_PROXIES",
        "CSRF_COOKIE_NAME",
        "LOG_LEVEL",
        "LOG_FORMAT",
        "DJANGO_SETTINGS_MODULE",
    ),
    "API_RATE",
    *("SSL_CERT_FILE", "SSL_CERT_DIR"),  # of a Redis over TLS, and of exchanges
)
SETTINGS_PREFIXES = ("TRANCHE_", "PG")
#: Variables with an exchange key for ``manage.py account add`` in this shell. No process inherits them.
NEVER_PREFIX = "TRANCHE_API_"
#: Engines talk to exchanges on the internet.
NETWORK = (
    *("HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "ALL_PROXY"),
    *("http_proxy", "https_proxy", "no_proxy", "all_proxy"),
)


def _take(names: Iterable[str], prefixes: tuple[str, ...] = ()) -> dict[str, str]:
    wanted = frozenset(names)
    return {
        name: text
        for name, text in os.environ.items()
        if (name in wanted or name.startswith(prefixes)) and not name.startswith(NEVER_PREFIX)
    }


def keep_bytecode(folder: Path) -> None:
    """Store compiled modules in ``folder`` for this process and its children, if they must not be beside the sources.

    ``PYTHONDONTWRITEBYTECODE`` forbids that. Without compiled modules, each process would compile a thousand modules
    at its start, which takes four seconds of five.
    """
    if os.environ.pop("PYTHONDONTWRITEBYTECODE", ""):
        os.environ["PYTHONPYCACHEPREFIX"] = sys.pycache_prefix = str(folder)
        sys.dont_write_bytecode = False


def plain_environment() -> dict[str, str]:
    """Return the environment of processes without Django: Redis and the paper exchange."""
    return _take(SYSTEM, SYSTEM_PREFIXES) | {"PYTHONUNBUFFERED": "1"}


def django_environment(*, var: str) -> dict[str, str]:
    """Return the environment of web and beat. Their keyrings are the null device, so they can open no secret.

    So processes that need no keyring do not know the keyrings' paths. That is no protection, because here all
    processes run as one user, who can read the files.
    """
    settings = _take(SETTINGS, SETTINGS_PREFIXES)
    # Celery's own checks would load all pages in every worker; the tests run them.
    checked = {"SKIP_CHECKS": "1"}
    keyrings = {"TRANCHE_KEYRING": os.devnull, "TRANCHE_ALERT_KEYRING": os.devnull}
    return plain_environment() | settings | checked | {"TRANCHE_VAR": var} | keyrings


def worker_environment(
    *, var: str, keyring: str = os.devnull, alert_keyring: str = os.devnull, ready_file: str
) -> dict[str, str]:
    """Return the environment of Celery workers.

    Engines open exchange keys with ``keyring``. The sender of alerts opens the secrets of alert channels with
    ``alert_keyring``.
    """
    return (
        django_environment(var=var)
        | _take(NETWORK)
        | {"PYTHONWARNINGS": "ignore:You're running the worker with superuser"}  # the desk says so, once
        | {"TRANCHE_KEYRING": keyring, "TRANCHE_ALERT_KEYRING": alert_keyring}
        | {"TRANCHE_READY_FILE": ready_file, "REMAP_SIGTERM": "SIGQUIT"}
    )
