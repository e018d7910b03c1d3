"""The payloads of limits with their used amounts, and of requests for approval."""

from __future__ import annotations

from typing import Annotated

from typing_extensions import TypedDict

from execution.payloads.fields import DecimalStr, EpochMs, OptionalText, SideText, about


class LimitRow(TypedDict):
    """A limit in force."""

    id: str
    kind: str
    label: Annotated[str, about("the kind in words")]
    scope: str
    subject: Annotated[str, about("a trader's name, an account's label or a symbol; empty for the desk")]
    level: Annotated[str, about("hard refuses, approval waits for another person, soft wants a reason")]
    value: DecimalStr
    unit: Annotated[str, about("a currency, %, bp, a second, or empty for a count")]
    used: Annotated[
        DecimalStr | None,
        about("of open or daily notional, in the same unit; null: not known, or judged order by order"),
    ]
    reason: str
    set_by: Annotated[OptionalText, about("null: one of the limits that the installation began with")]
    set_at: EpochMs


class LimitChange(TypedDict):
    """One change of a limit that a request for a wider limit would make."""

    name: Annotated[str, about("the limit in words")]
    before: str
    after: str


class LimitWaiting(TypedDict):
    """A request for a wider limit that waits for a second person, who decides on the page Access."""

    id: str
    about: Annotated[str, about("the kind of limit and whom it bounds")]
    changes: list[LimitChange]
    reason: str
    requested_by: str
    requested_at: EpochMs
    expires_at: EpochMs


class Limits(TypedDict):
    limits: list[LimitRow]
    waiting: Annotated[
        list[LimitWaiting], about("wider limits that a second person has to confirm; none for traders")
    ]


class ApprovalFacts(TypedDict):
    """A request that another person approves an order above limits, or an amendment of one."""

    id: str
    order: str
    trader: str
    symbol: str
    side: SideText
    quantity: Annotated[DecimalStr, about("of the order as it is, in base currency")]
    algorithm: str
    changes: Annotated[str, about("of an amendment, in words; empty for a new order")]
    state: Annotated[str, about("waiting, approved, refused, expired or withdrawn")]
    kinds: Annotated[list[str], about("kinds of limits that it exceeds; send back those that you have seen")]
    requested_by: str
    requested_at: EpochMs
    expires_at: EpochMs
    decided_by: OptionalText
    decided_at: EpochMs | None
    reason: Annotated[str, about("of whoever decided")]


class ApprovalRow(ApprovalFacts):
    """A request in a list where people decide."""

    halted: Annotated[str, about("the halt under which it cannot be approved now, in words; empty: none")]


class ApprovalDetail(ApprovalRow):
    """A request for approval, with the limits that the order exceeds now."""

    exceeded: Annotated[list[str], about("each limit that it exceeds, in words")]
    refused: Annotated[list[str], about("hard limits that keep it from being approved now, in words")]


class Approvals(TypedDict):
    approvals: list[ApprovalRow]
