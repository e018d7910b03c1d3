"""The payloads of the reconciliation.

They are children of unknown outcome with their evidence, differences from the venues, and accounts of which the desk
may not know all open orders.
"""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any

from typing_extensions import TypedDict

from execution.payloads.fields import DecimalStr, about


class Polls(TypedDict):
    kind: str
    needed: int
    at: Annotated[list[datetime], about("start times of the polls that did not find it")]


class UnknownChild(TypedDict):
    client_id: str
    order: str
    child: int
    account: str
    symbol: str
    side: str
    quantity: DecimalStr
    price: DecimalStr | None
    reason: str
    since: datetime
    last_possible_send_at: datetime | None
    window_from: Annotated[datetime, about("polls search from before this time")]
    counts_from: Annotated[datetime | None, about("polls that begin earlier prove nothing")]
    earliest_proof: datetime | None
    was_shown: Annotated[bool, about("the exchange has shown it, so it did reach the book")]
    filled: DecimalStr
    next_poll: datetime | None
    polls: list[Polls]
    is_cancel_wanted: bool
    attach: Annotated[
        dict[str, str], about("an exchange order id entered by a person, and the exchange's answer")
    ]


class DifferenceRow(TypedDict):
    id: str
    kind: str
    words: str
    account: str
    symbol: str
    key: str
    order: str | None
    child: int | None
    evidence: dict[str, Any]
    opened_at: datetime
    last_seen_at: datetime
    resolved_at: datetime | None


class AccountDoubt(TypedDict):
    account: str
    why: str
    since: datetime | None
    polled_at: datetime | None
    error: str


class Reconciliation(TypedDict):
    unknown: list[UnknownChild]
    differences: list[DifferenceRow]
    doubts: Annotated[
        list[AccountDoubt], about("accounts that get no new child orders now; for supervisors and admins")
    ]
