"""Grouping: what is wrong now, and what that changes in the alerts that are open."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from execution.core.alerts.kinds import EVENT_ENDS_AFTER, QUIET, AlertKind

MAX_TEXT = 300


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is wrong. Findings of one kind and scope share an alert.

    ``subject`` names it within the alert. ``scope`` is a trader, a venue or an account, or empty for the desk.
    ``since`` is None where nobody knows since when.
    """

    kind: AlertKind
    subject: str
    text: str
    scope: str = ""
    order_pk: int | None = None
    trader_pk: int | None = None
    since: datetime | None = None

    @property
    def group_key(self) -> str:
        return f"{self.kind}:{self.scope}" if self.scope else str(self.kind)


@dataclass(frozen=True, slots=True)
class Moves:
    """The changes that one look makes to an alert, by subject."""

    appeared: tuple[Finding, ...] = ()
    returned: tuple[str, ...] = ()
    left: tuple[str, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.appeared or self.returned or self.left)


def by_group(findings: Iterable[Finding]) -> dict[str, list[Finding]]:
    """Return the findings by the key of their alert."""
    groups: defaultdict[str, list[Finding]] = defaultdict(list)
    for finding in findings:
        groups[finding.group_key].append(finding)
    return dict(groups)


def moves_of(known: Mapping[str, datetime | None], findings: Iterable[Finding]) -> Moves:
    """Compare an alert's subjects with what is wrong now. ``known`` has the time at which each left, or None."""
    found = {finding.subject: finding for finding in findings}
    return Moves(
        appeared=tuple(finding for subject, finding in found.items() if subject not in known),
        returned=tuple(subject for subject in found if known.get(subject) is not None),
        left=tuple(subject for subject, gone_at in known.items() if gone_at is None and subject not in found),
    )


def ends_at(
    kind: AlertKind,
    gone: Iterable[datetime | None],
    acknowledged_at: datetime | None,
    last_at: datetime,
) -> datetime | None:
    """Return when an alert ends by itself; None while it does not.

    ``gone`` has the time at which each subject left. A condition ends ``QUIET`` after the last one. An event ends
    after its acknowledgement, or after the newest event if that came later.
    """
    if kind.is_event:
        if acknowledged_at is None:
            return None
        return max(acknowledged_at, last_at) + EVENT_ENDS_AFTER
    latest: datetime | None = None
    for moment in gone:
        if moment is None:
            return None
        latest = moment if latest is None else max(latest, moment)
    return None if latest is None else latest + QUIET


class Patience:
    """Holds each finding back until it has lasted as long as its kind asks for."""

    def __init__(self) -> None:
        self._first: dict[tuple[str, str], datetime] = {}

    def lasting(self, findings: Iterable[Finding], now: datetime) -> list[Finding]:
        """Return those that have lasted: since they say so themselves, else since they were first found."""
        found = {(finding.group_key, finding.subject): finding for finding in findings}
        self._first = {key: self._first.get(key, now) for key in found}
        return [
            finding
            for key, finding in found.items()
            if now - min(self._first[key], finding.since or now) >= finding.kind.patience
        ]
