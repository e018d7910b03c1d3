"""What the pages are sent, shared by the selectors that build it and the consumers that send it.

Numbers are decimals as text, ``None`` is unknown (a dash on the page). Times are milliseconds since 1970, UTC.
"""

from __future__ import annotations

from typing import Literal, TypedDict

Number = str | None
Instant = int | None
#: Time, and the share that should be done by then.
SchedulePoint = tuple[int, float]


class OrderRow(TypedDict):
    """An order in the list."""

    id: str
    version: int
    status: str
    outcome: str
    reason: str
    #: Why a working order cannot be filled now, as of this row; empty when it can.
    waits: str
    needs_person: bool
    trader: str
    account: str
    symbol: str
    base: str
    quote: str
    tick: Number
    lot: Number
    side: str
    algorithm: str
    quantity: str
    filled: str
    limit_price: Number
    average: Number
    arrival_mid: Number
    cost_bp: Number
    start_at: Instant
    end_at: Instant
    end_is_fixed: bool
    #: When it began to work; None before.
    started_at: Instant
    ended_at: Instant
    created_at: int
    last_fill_at: Instant
    #: Thinned; straight lines between.
    schedule: list[SchedulePoint]
    #: Children whose fate or fills are not complete: a pause or an end takes effect when there is none.
    unsettled: int
    #: How often the journal has called for a person.
    alerts: int
    client_reference: str
    tags: list[str]


class OrderPage(TypedDict):
    """One page of the blotter. ``counts`` are by state, of what the other filters leave; ``total`` of all."""

    rows: list[OrderRow]
    counts: dict[str, int]
    total: int


class Fee(TypedDict):
    currency: str
    amount: str


class EarlierPlan(TypedDict):
    """A plan that a later one replaced at ``until``."""

    until: int
    line: list[SchedulePoint]


class OrderFacts(OrderRow):
    """An order on its own page."""

    why: str
    due_at: Instant
    paused_at: Instant
    plan_version: int
    terms_version: int
    quantity_asked: str
    unit: str
    owner: str
    fees: list[Fee]
    fees_bp: Number
    maker_share: Number
    #: Start and end of each pause; an open one has no end.
    pauses: list[tuple[int, Instant]]
    earlier_plans: list[EarlierPlan]
    #: Of the terms in force, as the records keep them.
    parameters: dict[str, object]


class SliceRow(TypedDict):
    key: str
    number: int
    starts_at: int
    ends_at: int
    quantity: str
    filled: str


class ChildRow(TypedDict):
    key: str
    sequence: int
    at: int
    ended_at: Instant
    account: str
    slice: int | None
    type: str
    time_in_force: str
    purpose: str
    why: str
    price: Number
    quantity: str
    filled: str
    average: Number
    status: str
    reason: str
    settled: bool


class FillRow(TypedDict):
    key: str
    at: int
    account: str
    child: int | None
    trade: str
    price: str
    quantity: str
    fee: Number
    fee_currency: str
    fee_in_quote: Number
    liquidity: str


class JournalRow(TypedDict):
    key: str
    version: int
    at: int
    kind: str
    actor: str
    reason: str
    data: dict[str, object]


class Snapshot(TypedDict):
    """Everything of an order at a version."""

    version: int
    order: OrderFacts
    slices: list[SliceRow]
    children: list[ChildRow]
    fills: list[FillRow]
    journal: list[JournalRow]
    #: Times, and the market's volume that the plan expects from each until the next; empty: it expects none.
    profile: list[SchedulePoint]


class OrderParts(TypedDict):
    """What an opened row of the blotter shows: the newest children and fills, and how many there are."""

    children: list[ChildRow]
    children_total: int
    fills: list[FillRow]
    fills_total: int


#: What ``Snapshot`` holds in lists, each row with its ``key``.
Section = Literal["slices", "children", "fills", "journal"]
SECTIONS: tuple[Section, ...] = ("slices", "children", "fills", "journal")

#: ``from`` is a keyword of Python, hence the form of a call.
Delta = TypedDict(
    "Delta",
    {
        "from": int,
        "version": int,
        "order": OrderFacts,
        #: A new plan: its slices replace all of the old one's.
        "replan": bool,
        "slices": list[SliceRow],
        "children": list[ChildRow],
        "fills": list[FillRow],
        "journal": list[JournalRow],
        #: With a new plan that plan's; empty without one.
        "profile": list[SchedulePoint],
    },
)

#: Time, bid, ask, volume, notional of a second (or of a longer bucket in the past).
Sample = tuple[int, Number, Number, str, str]


class CostSplit(TypedDict):
    """The parts of a cost (core/tca/analysis.py Split), in bp of the arrival notional or in quote units; + is cost."""

    spread: Number
    drift: Number
    delay: Number
    fees: Number
    total: Number


class MarketUpdate(TypedDict):
    """The market while the order lived: samples since the last update, and what they say of the order."""

    samples: list[Sample]
    volume: Number
    vwap: Number
    vwap_bp: Number
    participation: Number
    split_bp: CostSplit
    #: ``OrderRow.waits`` of now.
    waits: str


class TicketMarket(TypedDict):
    """A market as the ticket shows it."""

    symbol: str
    base: str
    quote: str
    tick: str
    lot: str


class TicketAccount(TypedDict):
    id: str
    label: str
    venue: int
    markets: list[TicketMarket]


class HaltChild(TypedDict):
    """A child that a halt has still to get off the book, and what stands in its way."""

    order: str
    account: str
    symbol: str
    side: str
    quantity: str
    filled: str
    status: str
    #: Why it is not cancelled yet: an unknown fate, an error of the venue; empty while the cancel is under way.
    reason: str


class HaltCount(TypedDict):
    """What a halt would cancel on an account, or has still to cancel there."""

    account: str
    orders: int
    children: int
    #: Open quantity times price, in quote units by currency; None where a price is unknown.
    notional: dict[str, Number]


class HaltPreview(TypedDict):
    """What a halt would do now. ``phrase`` is what the supervisor types to confirm it."""

    kind: str
    scope: str
    subject: str
    phrase: str
    orders: int
    children: int
    accounts: list[HaltCount]


class HaltRow(TypedDict):
    """A halt in force, or a former one, with its progress."""

    id: str
    kind: str
    scope: str
    #: "the desk", an account's label, a trader's name, a symbol.
    subject: str
    reason: str
    set_by: str
    set_at: int
    swept_at: Instant
    flat_at: Instant
    #: Milliseconds from the click until the exchanges confirmed that nothing is open; None until then.
    time_to_flat: int | None
    lifted_by: str
    lifted_at: Instant
    lift_reason: str
    orders: int
    children: int
    settled: int
    #: What is still open, and why.
    open: list[HaltChild]
