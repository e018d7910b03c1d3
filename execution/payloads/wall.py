"""What the wall is sent. Numbers are decimals as text, ``None`` is unknown; times are milliseconds, UTC."""

from __future__ import annotations

from typing import Literal, TypedDict

from execution.payloads.orders import HaltRow, Instant, Number, OrderRow

DeskState = Literal["active", "no_new_orders", "halted"]
Health = Literal["ok", "warn", "down"]


class WallRow(OrderRow):
    """A live order on the wall."""

    #: By ``core.orders.schedule.is_behind``; only what works can be behind.
    behind: bool
    #: When the oldest child whose fate is unknown was sent.
    unknown_since: Instant


class WallMoney(TypedDict):
    """Sums in one quote currency."""

    currency: str
    #: Open quantity times the mid of now; unknown while one of its orders has no price.
    working: Number
    #: Today's fills, since midnight UTC.
    done: str
    #: Today's fills against the arrival mid of their orders; those without an arrival are left out.
    cost_bp: Number


class WallTotals(TypedDict):
    state: DeskState
    #: Halts in force that are narrower than the desk.
    narrow_halts: int
    money: list[WallMoney]
    live: int
    behind: int
    paused: int
    unknown: int
    unknown_since: Instant
    #: Orders with a fill today whose arrival is not known: their cost is not in the sum.
    without_arrival: int


class WallQuote(TypedDict):
    symbol: str
    at: Instant
    #: An order lives in it.
    wanted: bool


class WallAccount(TypedDict):
    """The health of an account, in words."""

    id: str
    label: str
    exchange: str
    health: Health
    words: str
    error: str
    #: Since when it is not well: the last good sign.
    since: Instant
    latency_ms: float | None
    failures: int
    stream_at: Instant
    looked_at: Instant
    quotes: list[WallQuote]
    #: The kind of a halt in force on this account; empty when there is none.
    halt: str


class WallPerson(TypedDict):
    """A trader's open notional by quote currency."""

    id: str
    name: str
    live: int
    working: dict[str, Number]
    halt: str


class WallUnknown(TypedDict):
    """A child whose fate is unknown, and the evidence so far."""

    order: str
    child: int
    account: str
    symbol: str
    side: str
    quantity: str
    since: int
    reason: str
    #: Successful looks that did not show it, by kind; ``needed`` of each prove that it never was.
    looks: dict[str, int]
    needed: int
    #: No look before this moment says anything.
    counts_from: Instant
    #: The earliest moment at which its absence can be proven.
    earliest: Instant


class WallAlert(TypedDict):
    """An order that waits for a person, with the last alert or the reason of its pause."""

    order: str
    trader: str
    symbol: str
    side: str
    status: str
    at: Instant
    text: str


class WallNotice(TypedDict):
    """Something wrong with the desk itself: a nearly full disk, a part of an engine that keeps failing."""

    where: str
    text: str


class WallPanels(TypedDict):
    """Everything on the wall but the table."""

    notices: list[WallNotice]
    totals: WallTotals
    accounts: list[WallAccount]
    people: list[WallPerson]
    unknown: list[WallUnknown]
    alerts: list[WallAlert]
    halts: list[HaltRow]
