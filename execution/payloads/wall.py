"""The wall's messages."""

from __future__ import annotations

from typing import Literal

from typing_extensions import TypedDict

from execution.payloads.fields import DecimalStr, EpochMs
from execution.payloads.halts import HaltRow
from execution.payloads.limits import ApprovalRow
from execution.payloads.orders import OrderRow

DeskState = Literal["active", "no_new_orders", "halted"]
Health = Literal["ok", "warn", "down"]
#: Why an account is as well as it is, the first that holds.
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

    #: By ``core.orders.schedule.is_behind``; only what works can be behind.
    behind: bool
    #: When the oldest child whose fate is unknown was sent.
    unknown_since: EpochMs | None


class WallMoney(TypedDict):
    """Sums in one quote currency."""

    currency: str
    #: Open quantity times the mid of now; unknown while one of its orders has no price.
    working: DecimalStr | None
    #: Today's fills, since midnight UTC.
    done: DecimalStr
    #: Today's fills against the arrival mid of their orders; those without an arrival are left out.
    cost_bp: DecimalStr | None


class WallTotals(TypedDict):
    state: DeskState
    #: Halts in force that are narrower than the desk.
    narrow_halts: int
    money: list[WallMoney]
    live: int
    behind: int
    paused: int
    unknown: int
    unknown_since: EpochMs | None
    #: Orders with a fill today whose arrival is not known: their cost is not in the sum.
    without_arrival: int


class WallQuote(TypedDict):
    symbol: str
    at: EpochMs | None
    #: An order lives in it.
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
    #: Since when it is not well: the last good sign.
    since: EpochMs | None
    latency_ms: float | None
    failures: int
    stream_at: EpochMs | None
    polled_at: EpochMs | None
    quotes: list[WallQuote]
    #: What is wrong with the markets that an order lives in, and with their data: each with its reason and start.
    feeds: list[str]
    #: Until when the exchange's dead-man's switch is armed.
    switch_until: EpochMs | None
    #: The kind of a halt in force on this account; empty when there is none.
    halt: str


class WallPerson(TypedDict):
    """A trader's open notional by quote currency."""

    id: str
    name: str
    live: int
    working: dict[str, DecimalStr | None]
    halt: str


class WallUnknown(TypedDict):
    """An unknown child, and the evidence so far."""

    order: str
    child: int
    account: str
    symbol: str
    side: str
    quantity: DecimalStr
    since: EpochMs
    reason: str
    #: Successful polls that did not show it, by kind; ``needed`` of each prove that it never was.
    polls: dict[str, int]
    needed: int
    #: No poll before this moment says anything.
    counts_from: EpochMs | None
    #: The earliest moment at which its absence can be proven.
    earliest: EpochMs | None


class WallAlert(TypedDict):
    """An order that waits for a person, with the last alert or the reason of its pause."""

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
    #: The part that fails, of ``core.faults``.
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
    approvals: list[ApprovalRow]
    halts: list[HaltRow]
