"""Bodies and answers of the reconciliation's operations."""

from __future__ import annotations

from typing import Any

from ninja import Schema
from pydantic import ConfigDict, Field

from dashboard.api.schemas import Moment, Number


class ReasonBody(Schema):
    model_config = ConfigDict(extra="forbid")

    reason: str


class AttachBody(ReasonBody):
    exchange_id: str = Field(description="the exchange's own order id")


class AbsentBody(ReasonBody):
    phrase: str = Field(description="ABSENT and the child's client id")


class Looks(Schema):
    kind: str
    needed: int
    at: list[Moment] = Field(description="when looks that did not show it began")


class UnknownChild(Schema):
    client_id: str
    order: str
    child: int
    account: str
    symbol: str
    side: str
    quantity: Number
    price: Number | None
    reason: str
    since: Moment
    last_possible_send_at: Moment | None
    window_from: Moment = Field(description="looks cover the time from before this")
    counts_from: Moment | None = Field(description="looks that begin earlier prove nothing")
    earliest_proof: Moment | None
    next_look: Moment | None
    looks: list[Looks]
    is_cancel_wanted: bool
    attach: dict[str, str] = Field(description="an order id that a person named, and the exchange's answer")


class Difference(Schema):
    id: str
    kind: str
    words: str
    account: str
    symbol: str
    key: str
    order: str | None
    child: int | None
    evidence: dict[str, Any]
    opened_at: Moment
    last_seen_at: Moment
    resolved_at: Moment | None


class AccountDoubt(Schema):
    account: str
    why: str
    since: Moment | None
    looked_at: Moment | None
    error: str


class Reconciliation(Schema):
    unknown: list[UnknownChild]
    differences: list[Difference]
    doubts: list[AccountDoubt] = Field(
        description="accounts that take no new child now, for supervisors and admins"
    )
