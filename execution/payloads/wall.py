"""The messages to the supervisors' wall."""

from __future__ import annotations

from typing import Literal

from typing_extensions import TypedDict

from execution.payloads.fields import DecimalStr, EpochMs
from execution.payloads.halts import HaltRow
from execution.payloads.limits import ApprovalFacts
from execution.payloads.orders import OrderRow

DeskState = Literal["active", "no_new_orders", "halted"]
Health = Literal["ok", "warn", "down"]
#: The reasons for an account's health. If several apply, the first one counts.
Cause = Literal[
    "closed",
    "no_key",
    "not_held",
    "failing",
    "error",
    "down",
    "not_reconciled",
    "not_polled",
    "stream_down",
    "switch",
    "stale",
    "ok",
]


class WallRow(OrderRow):
    """A live order on the wall."""

    #: As ``core.orders.schedule.is_behind`` computes it. Only a working order can be behind.
    behind: bool
    #: The time at which the oldest child of unknown fate was sent.
    unknown_since: EpochMs | None


class WallMoney(TypedDict):
    """The wall's sums in one quote currency."""

    currency: str
    #: The open quantity times the mid, or times the arrival mid without a usable quote. Null if an order has neither.
    working: DecimalStr | None
    #: The same of the orders that wait for approval. ``working`` does not include them.
    waiting: DecimalStr | None
    #: The notional of today's fills, since midnight UTC.
    done: DecimalStr
    #: The cost of today's fills against their orders' arrival mids. Fills of orders without an arrival are left out.
    cost_bp: DecimalStr | None


class WallTotals(TypedDict):
    state: DeskState
    #: The number of halts in force that cover less than the whole desk.
    narrow_halts: int
    money: list[WallMoney]
    live: int
    behind: int
    paused: int
    unknown: int
    unknown_since: EpochMs | None
    #: The number of orders with a fill today but no known arrival. Their cost is not in the sum.
    without_arrival: int


class WallQuote(TypedDict):
    symbol: str
    at: EpochMs | None
    #: True if the market has a live order.
    wanted: bool


class WallAccount(TypedDict):
    """The health of an account, in words."""

    id: str
    label: str
    exchange: str
    health: Health
    cause: Cause
    words: str
    error: str
    #: The time since which the account has been unwell, which is that of the last good sign.
    since: EpochMs | None
    latency_ms: float | None
    failures: int
    stream_at: EpochMs | None
    polled_at: EpochMs | None
    quotes: list[WallQuote]
    #: The faults of markets with a live order, and of their data, each with its reason and start.
    feeds: list[str]
    #: The time until which the exchange's dead-man's switch is armed.
    switch_until: EpochMs | None
    #: The kind of a halt in force on this account; empty if there is none.
    halt: str


class WallPerson(TypedDict):
    """A trader's open notional by quote currency."""

    id: str
    name: str
    live: int
    working: dict[str, DecimalStr | None]
    halt: str


class WallUnknown(TypedDict):
    """A child of unknown outcome, and the evidence so far."""

    order: str
    child: int
    account: str
    symbol: str
    side: str
    quantity: DecimalStr
    since: EpochMs
    reason: str
    #: The number of successful polls that did not show the child, by kind. ``needed`` of each kind are proof.
    polls: dict[str, int]
    needed: int
    #: The time before which a poll proves nothing.
    counts_from: EpochMs | None
    #: The earliest time at which the child's absence can be proven.
    earliest: EpochMs | None


class WallAlert(TypedDict):
    """An order that waits for a person, with its last alert or the reason of its pause."""

    order: str
    trader: str
    symbol: str
    side: str
    status: str
    at: EpochMs | None
    text: str


class WallNotice(TypedDict):
    """A problem of the desk itself: a nearly full disk, or a part of an engine that keeps failing."""

    where: str
    #: The name of the failing part, from ``core.faults``.
    part: str
    text: str


class WallPanels(TypedDict):
    """Everything on the wall except the table of orders."""

    notices: list[WallNotice]
    totals: WallTotals
    accounts: list[WallAccount]
    people: list[WallPerson]
    unknown: list[WallUnknown]
    alerts: list[WallAlert]
    approvals: list[ApprovalFacts]
    halts: list[HaltRow]
