"""The grouping of findings into alerts, and the changes that new findings make to open alerts."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from execution.core.alerts.kinds import EVENT_ENDS_AFTER, QUIET, AlertKind

MAX_TEXT = 300


@dataclass(frozen=True, slots=True)
class Finding:
    """One problem that a round of checks found. Findings of the same kind and scope share an alert.

    ``scope`` says whom the problem concerns: a trader, a venue or an account, or the whole desk if empty. ``subject``
    distinguishes the problem from others of the same kind and scope. ``since`` is the start of the problem; None if it
    is unknown.
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
    """The changes that one round of checks makes to an alert.

    ``appeared`` are findings with a subject that the alert did not have. ``returned`` are subjects of the alert whose
    problem had ended and is back. ``left`` are subjects whose problem has ended.
    """

    appeared: tuple[Finding, ...] = ()
    returned: tuple[str, ...] = ()
    left: tuple[str, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.appeared or self.returned or self.left)


def by_group(findings: Iterable[Finding]) -> dict[str, list[Finding]]:
    """Return the findings by the ``group_key`` of the alert that they belong to."""
    groups: defaultdict[str, list[Finding]] = defaultdict(list)
    for finding in findings:
        groups[finding.group_key].append(finding)
    return dict(groups)


def moves_of(known: Mapping[str, datetime | None], findings: Iterable[Finding]) -> Moves:
    """Compare an alert's ``known`` subjects with the current findings, and return the changes.

    ``known`` maps each subject to the time at which its problem ended, or to None while the problem lasts.
    """
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
    """Return the time at which an alert ends by itself; None if no such time is known yet.

    ``gone`` has the end of each subject's problem, or None while the problem lasts. The alert of a condition ends
    ``QUIET`` after the last problem's end. The alert of an event ends ``EVENT_ENDS_AFTER`` after its acknowledgement,
    or after the newest event if that came later.
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
    """A filter that holds each finding back until its problem has lasted as long as its kind requires."""

    def __init__(self) -> None:
        self._first: dict[tuple[str, str], datetime] = {}

    def lasting(self, findings: Iterable[Finding], now: datetime) -> list[Finding]:
        """Return the findings whose problem has lasted long enough.

        A problem's time begins with the round that first found it, or with the finding's ``since`` if that is
        earlier.
        """
        found = {(finding.group_key, finding.subject): finding for finding in findings}
        self._first = {key: self._first.get(key, now) for key in found}
        return [
            finding
            for key, finding in found.items()
            if now - min(self._first[key], finding.since or now) >= finding.kind.patience
        ]
