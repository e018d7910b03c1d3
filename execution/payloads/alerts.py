"""The payloads of alerts for pages, the API and messages to the outside."""

from __future__ import annotations

from typing import Annotated

from typing_extensions import TypedDict

from execution.payloads.fields import EpochMs, OptionalText, about
from execution.payloads.halts import HaltNotice


class AlertSubjectRow(TypedDict):
    """One subject of an alert."""

    text: str
    order: Annotated[str | None, about("the order's public id; null when it is about no order")]
    at: EpochMs
    is_over: bool


class AlertRow(TypedDict):
    """An alert. It groups all problems of one kind and scope."""

    id: str
    kind: str
    label: Annotated[str, about("the kind in words")]
    severity: str
    trader: Annotated[OptionalText, about("whose orders it is about; null for the desk's own")]
    text: Annotated[str, about("what the newest of its subjects says")]
    count: Annotated[int, about("subjects that it has had")]
    state: Annotated[str, about("open, acknowledged or ended")]
    raised_at: EpochMs
    waits_since: Annotated[EpochMs, about("since when it waits, or waited, for an acknowledgement")]
    last_at: Annotated[EpochMs, about("when its newest subject came")]
    acknowledged_at: EpochMs | None
    acknowledged_by: OptionalText
    note: OptionalText
    owner: OptionalText
    escalated_at: EpochMs | None
    ended_at: EpochMs | None


class AlertList(TypedDict):
    alerts: list[AlertRow]
    unacknowledged: Annotated[int, about("open alerts that you see and nobody has acknowledged")]
    watched_at: Annotated[EpochMs | None, about("when the desk last looked for alerts; null: never")]


class AlertDetail(TypedDict):
    """An alert with its subjects."""

    alert: AlertRow
    subjects: Annotated[list[AlertSubjectRow], about("the newest first, at most 100")]


class AlertMessage(TypedDict):
    """An event of an alert, in the form in which channels get it."""

    id: str
    event: str
    at: EpochMs
    alert: AlertRow


class AlertNews(TypedDict):
    """The contents of the bell, and the halts that concern the person."""

    unacknowledged: int
    critical: int
    #: Newest first.
    alerts: list[AlertRow]
    watched_at: EpochMs | None
    is_watched: bool
    halts: list[HaltNotice]
