"""The readiness of the desk: its database, Redis, the engines' leases and the venues."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

import structlog
from django.db import DatabaseError, InterfaceError

from execution.models import Worker
from execution.selectors.metrics.system import redis_answers
from execution.selectors.wall.health import account_rows, accounts_with_key

log = structlog.get_logger(__name__)

OK = "ok"


def readiness(now: datetime) -> dict[str, str]:
    """Return the state of each part of the desk: ``ok``, or the reason why it is not.

    If the database cannot be reached, only its own state and that of Redis are returned.
    """
    found = {"redis": OK if redis_answers() else "Redis does not answer"}
    try:
        engines, accounts = _engines(now), dict(_accounts(now))
    except (DatabaseError, InterfaceError) as error:
        log.warning("the database cannot be reached", error=str(error))
        return {"database": "the database cannot be reached", **found}
    return {"database": OK, **found, "engines": engines, **accounts}


def is_ready(found: dict[str, str]) -> bool:
    """Return True if the database and Redis answer, an engine runs, and at least one account works.

    A desk without any accounts can be ready too.
    """
    if any(found.get(part) != OK for part in ("database", "redis", "engines")):
        return False
    accounts = [state for part, state in found.items() if part.startswith("account ")]
    return not accounts or any(not state.startswith("down") for state in accounts)


def _engines(now: datetime) -> str:
    alive = Worker.objects.filter(stopped_at=None, lease_until__gt=now).count()
    return OK if alive else "no engine has a lease"


def _accounts(now: datetime) -> Iterator[tuple[str, str]]:
    accounts = [account for account in accounts_with_key() if account.is_active]
    for row in account_rows(accounts, {}, set(), {}, now):
        yield f"account {row['label']}", OK if row["health"] == OK else f"{row['health']}: {row['words']}"
