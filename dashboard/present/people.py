"""Audit entries about people, as text."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from dashboard.present.entry_tables import details_of
from execution.core.journal import actor_name
from execution.core.types import Role

#: The roles, each with what it may do.
ROLES = (
    (Role.TRADER, Role.TRADER.label, "launches orders on granted accounts"),
    (Role.SUPERVISOR, Role.SUPERVISOR.label, "watches, stops and approves; cannot launch"),
    (Role.ADMIN, Role.ADMIN.label, "manages accounts, keys and people; cannot trade"),
)
#: The titles of the kinds of requests for access.
TITLES = {
    "account.add": "Add an account with its key",
    "account.open": "Open a closed account",
    "account.grant": "Let a trader use an account",
    "key.replace": "Use another key",
    "key.resume": "Use a suspended key again",
    "limit.set": "Widen a limit",
    "limit.end": "End a limit",
    "person.change": "Change what a person may do",
    "person.password": "Reset a password",
    "person.factor": "Remove a second factor",
}
#: Data of an audit entry that the tables of a person and an account leave out.
ONLY_IN_JOURNAL = frozenset({"request", "what", "hash", "credential"})
KINDS = {
    "person.added": "person added",
    "person.changed": "person changed",
    "person.password": "another password given",
    "person.own_password": "own password changed",
    "login.guessed_at": "20 failed logins from several sides",
    "factor.made": "second factor made",
    "factor.codes": "other recovery codes",
    "factor.recovered": "a recovery code used",
    "factor.removed": "second factor removed",
    "session.ended": "sessions ended",
    "tokens_revoked": "tokens revoked",
    "access.alone": "done alone: nobody could confirm it",
    "access.asked": "asked for",
    "access.confirmed": "confirmed",
    "access.expired": "expired",
    "access.refused": "refused",
    "access.withdrawn": "withdrawn",
}


def person_audit(entries: Sequence[Mapping[str, object]]) -> list[dict[str, object]]:
    return audit_rows(entries, KINDS)


def audit_rows(entries: Sequence[Mapping[str, object]], kinds: Mapping[str, str]) -> list[dict[str, object]]:
    """Return audit entries as rows of a table, each with its actor and what happened as text."""
    return [
        {
            **entry,
            "who": actor_name(str(entry["actor"])),
            "what": said(entry, kinds),
            "change": details_of(_told(entry)),
        }
        for entry in entries
    ]


def _told(entry: Mapping[str, object]) -> dict[str, Any]:
    """Return those data of an entry that say what changed, without ids and hashes. The journal's page shows them
    too.
    """
    data = entry["data"]
    told = data if isinstance(data, dict) else {}
    return {name: value for name, value in told.items() if name not in ONLY_IN_JOURNAL}


def said(entry: Mapping[str, object], kinds: Mapping[str, str]) -> str:
    """Return the text of an audit entry. For a request for access it includes the request's title."""
    kind, what = str(entry["kind"]), entry.get("data__what")
    text = kinds.get(kind, kind)
    return (
        f"{text}: {TITLES.get(str(what), str(what)).lower()}" if kind.startswith("access.") and what else text
    )
