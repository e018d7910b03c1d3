"""A cache for the queries that engines repeat, because most of a simulation's statements are such repetitions.

Only exact repetitions are skipped. At intervals the real query runs anyway, and its answer must be the same.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from datetime import datetime
from functools import partial
from typing import Any, TypeVar

from django.db.models import Model

T = TypeVar("T")

#: Reads whose answer depends only on these tables, and not on the time. It stays the same until somebody writes one of
#: them.
READS: dict[str, tuple[str, ...]] = {
    "unsettled_children": ("execution_childorder",),
    "check_is_wanted": ("execution_credential",),
    "symbols_with_orders": ("execution_order", "execution_order_accounts"),
    "owned": (
        "execution_order",
        "execution_account",
        "execution_credential",
        "execution_childorder",
        "execution_installation",
        "execution_venue",
    ),
}
_DEAD = "w.id IS NULL OR w.stopped_at IS NOT NULL OR w.lease_until <= ?"
#: Verbs that have nothing to do if their query here finds nothing. The question mark stands for the database's time.
NOTHING_TO_DO: dict[str, str] = {
    "accounts_claim": (
        "SELECT 1 FROM execution_account a LEFT JOIN execution_worker w ON w.id = a.owner_id"  # noqa: S608
        f" WHERE a.is_active AND ({_DEAD}) LIMIT 1"
    ),
    "markets_claim": (
        "SELECT 1 FROM execution_venue v LEFT JOIN execution_worker w ON w.id = v.market_owner_id"  # noqa: S608
        f" WHERE ({_DEAD}) LIMIT 1"
    ),
    "orders_claim": (
        "SELECT 1 FROM execution_order o LEFT JOIN execution_worker w ON w.id = o.owner_id"  # noqa: S608
        f" WHERE o.ended_at IS NULL AND ({_DEAD}) LIMIT 1"
    ),
    "halts_tend": "SELECT 1 FROM execution_halt WHERE lifted_at IS NULL AND ? LIMIT 1",
}
#: One poll of this many is really run, even if nothing can have changed.
ASKED_ANYWAY = 6
#: The columns of each table that no decision reads.
UNREAD = {
    "execution_account": ("latency_ms", "polled_at", "stream_at", "error", "reconciled_until"),
    "execution_installation": ("last_alive_at",),
}


class Polls:
    """The cached queries of all processes on one database.

    If a cached answer turns out to be wrong, ``fail`` is called.
    """

    def __init__(
        self, raw: sqlite3.Connection, now: Callable[[], datetime], fail: Callable[[str], None]
    ) -> None:
        self._raw = raw
        self._now = now
        self._fail = fail
        self._written: dict[str, int] = {}
        self._said: dict[Any, tuple[list[int], Any]] = {}
        self._asked = 0

    def wrote(self, sql: str) -> None:
        """Count a writing statement for its table, so that cached answers about that table expire."""
        table, _, rest = sql.partition('"')[2].partition('"')
        if rest.startswith(tuple(f' SET "{name}"' for name in UNREAD.get(table, ()))):
            return
        self._written[table] = self._written.get(table, 0) + 1

    def ask(self, query: Callable[[], T]) -> T:
        name = name_of(query)
        self._asked += 1
        anyway = self._asked % ASKED_ANYWAY == 0
        if name in NOTHING_TO_DO:
            return self._tend(name, query, anyway)
        tables = READS.get(name)
        if tables is None or not isinstance(query, partial):
            return query()
        key = (name, query.args, query.keywords.get("worker_pk"))
        written = [self._written.get(table, 0) for table in tables]
        known = self._said.get(key)
        if known is None or known[0] != written or anyway:
            answer = query()
            if known is not None and known[0] == written and known[1] != answer:
                self._fail(f"the simulation's short cut for {name} was wrong: {known[1]} and {answer}")
            known = self._said[key] = (written, answer)
        said: T = known[1]
        return said

    def _tend(self, name: str, query: Callable[[], T], anyway: bool) -> T:
        now = self._now().strftime("%Y-%m-%d %H:%M:%S.%f")
        nothing: Any = None if name == "halts_tend" else []
        idle = self._raw.execute(NOTHING_TO_DO[name], (now,)).fetchone() is None
        if idle and not anyway:
            said: T = nothing
            return said
        answer = query()
        if idle and answer != nothing:
            self._fail(f"I9: {name} took {_named(answer)}, and all have a living owner")
        return answer


def name_of(call: Callable[..., Any]) -> str:
    """Return the name of a function, or of the function inside a ``partial``."""
    while isinstance(call, partial):
        call = call.func
    return getattr(call, "__name__", str(call))


def _named(answer: Any) -> str:
    return ", ".join(str(row.pk if isinstance(row, Model) else row) for row in answer)
