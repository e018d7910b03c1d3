"""Accounts and keys in words: states with their signs, permissions and ages."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from dashboard.present.numbers import DASH
from dashboard.present.people import audit_rows
from execution.selectors.accounts import AccountFacts, AccountRow, KeyRow

#: The longest time between two polls of an account by its session.
POLLED_WITHIN = timedelta(seconds=45)


@dataclass(frozen=True, slots=True)
class Pill:
    """A label for a state, with its sign, word and colour."""

    sign: str
    word: str
    tone: str


@dataclass(frozen=True, slots=True)
class Moment:
    """A past time: its age in words, and the time itself."""

    age: str
    at: datetime | None


@dataclass(frozen=True, slots=True)
class KeyShown:
    """An API key as the pages show it."""

    state: Pill
    name: str
    last_four: str
    read: Pill
    trade: Pill
    withdraw: Pill
    checked: Moment
    created_at: datetime
    error: str
    is_being_checked: bool
    is_in_use: bool


@dataclass(frozen=True, slots=True)
class AccountShown:
    """An account as the pages show it."""

    row: AccountRow
    state: Pill
    key: KeyShown | None
    #: Text about what a person should know or do; empty if all is well.
    trouble: str
    polled: Moment
    stream: Moment
    error: Moment
    latency: str
    is_stale: bool
    #: The state of the dead-man's switch at the account's exchange.
    switch: Pill


STATES = {
    "unchecked": Pill("◌", "unchecked", "warn"),
    "active": Pill("●", "active", "good"),
    "refused": Pill("✕", "refused", "bad"),
    "suspended": Pill("‖", "suspended", "warn"),
    "retired": Pill("○", "retired", ""),
}
CLOSED = Pill("○", "closed", "")
NO_KEY = Pill("∅", "no key", "bad")
CHECKING = Pill("◍", "checking", "plain")
UNKNOWN_EXCHANGE = Pill("✕", "unknown exchange", "bad")
#: States of a key that last until a person acts, with the text that tells the person so.
STATE_HINTS = {
    "suspended": "its key is suspended: use it again, or replace it",
    "retired": "its key is retired: add another one",
}
#: The order of states in lists: first those that need a person.
ORDER = ("no key", "unknown exchange", "refused", "suspended", "unchecked", "checking", "retired", "active")


def moment(at: datetime | None, now: datetime) -> Moment:
    return Moment(DASH if at is None else f"{largest_unit(max(now - at, timedelta(0)))} ago", at)


def largest_unit(age: timedelta) -> str:
    """Return an age in its largest unit, such as ``6 min``, for a column. The tooltip shows the exact time."""
    seconds = int(age.total_seconds())
    for size, unit in ((172_800, "d"), (3600, "h"), (60, "min")):
        if seconds >= size:
            return f"{seconds // (86_400 if unit == 'd' else size)} {unit}"
    return f"{seconds} s"


def permission(allowed: bool | None, *, is_good: bool = True) -> Pill:
    """Return the label for a permission of a key.

    ``is_good`` is False for a permission that is dangerous, such as to withdraw.
    """
    if allowed is None:
        return Pill("?", "unknown", "")
    good = allowed is is_good
    return Pill("✓" if allowed else "✕", "yes" if allowed else "no", "good" if good else "bad")


def key_shown(key: KeyRow, now: datetime) -> KeyShown:
    state = STATES.get(key["state"], Pill("?", key["state"], "warn"))
    if key["error"].startswith("the account cannot be opened: unknown exchange"):
        state = UNKNOWN_EXCHANGE
    checking = key["check_wanted_at"] is not None
    return KeyShown(
        state=CHECKING if checking and key["state"] == "unchecked" else state,
        name=key["state"],
        last_four=key["last_four"] or "••••",
        read=permission(key["read"]),
        trade=permission(key["trade"]),
        withdraw=permission(key["withdraw"], is_good=False),
        checked=moment(key["checked_at"], now),
        created_at=key["created_at"],
        error=key["error"],
        is_being_checked=checking,
        is_in_use=key["state"] in {"unchecked", "active"},
    )


def account_shown(row: AccountRow, now: datetime) -> AccountShown:
    key = key_shown(row["key"], now) if row["key"] else None
    state = CLOSED if not row["is_active"] else key.state if key else NO_KEY
    polled_at = row["polled_at"]
    is_stale = bool(row["is_active"] and key and key.is_in_use) and (
        polled_at is None or now - polled_at > POLLED_WITHIN
    )
    return AccountShown(
        row=row,
        state=state,
        key=key,
        trouble=trouble_of(row, key),
        polled=moment(polled_at, now),
        stream=moment(row["stream_at"], now),
        error=moment(row["error_at"], now),
        latency=DASH if row["latency_ms"] is None else f"{row['latency_ms']:,.0f} ms",
        is_stale=is_stale,
        switch=switch_shown(row, now),
    )


def switch_shown(row: AccountRow, now: datetime) -> Pill:
    """Return the label that says whether the exchange would cancel open orders if the desk stopped now."""
    until = row["switch_until"]
    if not row["has_switch"]:
        return Pill("○", f"{row['exchange']} has none", "")
    if until is not None and until > now:
        return Pill("●", f"armed until {until:%H:%M:%S} UTC", "warn" if row["switch_error"] else "good")
    if until is not None:
        return Pill("⚠", f"may have fired at {until:%H:%M:%S} UTC", "bad")
    if not row["is_exclusive"]:
        return Pill("○", "off: others may use the account", "")
    return (
        Pill("⚠", "not armed", "warn") if row["switch_error"] else Pill("○", "not armed: nothing rests", "")
    )


def trouble_of(row: AccountRow, key: KeyShown | None) -> str:
    if not row["is_active"]:
        return ""
    if key is None:
        return "give it a key"
    if key.name in STATE_HINTS:
        waiting = f"; {row['live_orders']} live orders wait" if row["live_orders"] else ""
        return STATE_HINTS[key.name] + waiting
    if row["faults"]:
        return row["faults"][0]
    if key.error:
        return key.error
    if key.is_in_use and row["failures"]:
        errors = "1 error" if row["failures"] == 1 else f"{row['failures']} errors"
        return f"{errors} since the last successful poll: {row['error']}"
    if key.is_in_use and not row["is_held"]:
        return "no worker trades this account"
    if row["switch_error"]:
        return f"dead-man's switch: {row['switch_error']}"
    if row["open_assumptions"]:
        return "an admin has to accept what is assumed about the exchange"
    if key.name == "unchecked":
        return "waiting for a worker to check its key"
    if key.name == "active" and row["unlisted"]:
        return f"not listed at the venue: {', '.join(row['unlisted'])}"
    return ""


def sorted_accounts(rows: list[AccountRow], now: datetime) -> list[AccountShown]:
    """Return the accounts sorted by label. Those that need a person come first, closed ones last."""
    shown = [account_shown(row, now) for row in rows]

    def rank(account: AccountShown) -> tuple[bool, int, bool, str]:
        word = account.state.word
        place = ORDER.index(word) if word in ORDER else len(ORDER)
        return not account.row["is_active"], place, not account.trouble, account.row["label"]

    return sorted(shown, key=rank)


KINDS = {
    "access.alone": "done alone: nobody could confirm it",
    "access.asked": "asked for",
    "access.confirmed": "confirmed by a second person",
    "access.expired": "request expired",
    "access.refused": "refused by a second person",
    "access.withdrawn": "request withdrawn",
    "account.added": "account added",
    "account.granted": "granted",
    "account.revoked": "revoked",
    "account.closed": "account closed",
    "account.opened": "account opened",
    "account.symbols": "symbols changed",
    "account.exclusive": "marked as the desk's alone",
    "account.shared": "no longer the desk's alone",
    "account.assumptions": "assumptions accepted",
    "key.added": "key added",
    "key.replaced": "key replaced",
    "key.check": "check asked for",
    "key.active": "key checked: active",
    "key.refused": "key refused",
    "key.suspended": "key suspended",
    "key.resumed": "key resumed",
    "key.retired": "key retired",
}


def audit_shown(facts: AccountFacts) -> list[dict[str, object]]:
    return audit_rows(facts["audit"], KINDS)
