"""The payloads of orders, their parts, and their changes. An unknown value is null."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from typing_extensions import TypedDict

from execution.payloads.fields import (
    DecimalStr,
    EpochMs,
    OptionalText,
    PageOnly,
    SideText,
    StatusText,
    UnitText,
    about,
)

#: A time, and the share of the order that should be done by then.
SchedulePoint = tuple[int, float]


class OrderRow(TypedDict):
    """An order in a list."""

    id: str
    version: Annotated[int, about("grows by one with each entry of the journal")]
    status: StatusText
    outcome: Annotated[OptionalText, about("its final status, once that is decided")]
    reason: str
    waits: Annotated[str, about("why a working order cannot be filled now; empty when it can")]
    needs_person: bool
    trader: str
    account: str
    symbol: str
    base: str
    quote: str
    tick: DecimalStr | None
    lot: DecimalStr | None
    side: SideText
    algorithm: str
    quantity: DecimalStr
    filled: DecimalStr
    limit_price: DecimalStr | None
    average: DecimalStr | None
    arrival_mid: DecimalStr | None
    notional: Annotated[
        DecimalStr | None,
        about("filled value, and the rest at the arrival mid, else at the limit price; in quote currency"),
    ]
    cost_bp: Annotated[DecimalStr | None, about("against the arrival mid; + is cost")]
    start_at: EpochMs | None
    end_at: EpochMs | None
    end_is_fixed: bool
    #: The time since which a paused or unapproved order loses time, by which its schedule can move.
    lost_since: PageOnly[EpochMs | None]
    #: The time at which the order began to work.
    started_at: PageOnly[EpochMs | None]
    ended_at: EpochMs | None
    created_at: EpochMs
    last_fill_at: EpochMs | None
    #: The plan's line, thinned; between two points it is straight.
    schedule: PageOnly[list[SchedulePoint]]
    unsettled: Annotated[int, about("children that are not settled")]
    #: The number of the order's journal entries that called for a person.
    alerts: PageOnly[int]
    client_reference: str
    basket: Annotated[OptionalText, about("id of the basket that it was sent with; empty: sent alone")]
    tags: PageOnly[list[str]]
    #: The actions that the order's state allows to a person who may act on it.
    actions: PageOnly[list[str]]


class Fee(TypedDict):
    currency: str
    amount: DecimalStr


class Reserved(TypedDict):
    """The amount that an order may still spend on an account, its fee included."""

    account: str
    currency: str
    amount: DecimalStr
    is_known: Annotated[bool, about("false: it is at least this much, since a price or fee is not known")]


class EarlierPlan(TypedDict):
    """A plan of the order that a later plan has replaced. ``until`` is the time at which that happened."""

    until: EpochMs
    line: list[SchedulePoint]


class WaitingApproval(TypedDict):
    """A request for approval of an order, or of an amendment."""

    id: str
    changes: Annotated[str, about("of an amendment, in words; empty for a new order")]
    expires_at: EpochMs
    on_approval: Annotated[str, about("what happens when it is approved, in words")]


class OrderDetail(OrderRow):
    """An order on its own page."""

    why: Annotated[str, about("what the order does or waits for now")]
    due_at: EpochMs | None
    paused_at: EpochMs | None
    plan_version: int
    terms_version: int
    quantity_asked: DecimalStr
    unit: UnitText
    reserves: Annotated[
        list[Reserved], about("what it reserves on each account; empty once it sends nothing new")
    ]
    waiting_approval: Annotated[
        WaitingApproval | None, about("the request that waits for another person's approval")
    ]
    owner: PageOnly[str]
    fees: list[Fee]
    fees_bp: DecimalStr | None
    maker_share: Annotated[DecimalStr | None, about("share of the filled quantity that was maker, 0 to 1")]
    #: The start and end of each pause. A pause that lasts still has no end.
    pauses: PageOnly[list[tuple[EpochMs, EpochMs | None]]]
    earlier_plans: PageOnly[list[EarlierPlan]]
    #: The parameters of the terms in force, as they are stored.
    parameters: PageOnly[dict[str, object]]


class SliceRow(TypedDict):
    key: PageOnly[str]
    number: int
    starts_at: EpochMs
    ends_at: EpochMs
    quantity: DecimalStr
    filled: DecimalStr


class ChildRow(TypedDict):
    key: PageOnly[str]
    sequence: int
    at: EpochMs
    ended_at: EpochMs | None
    account: str
    slice: int | None
    type: str
    time_in_force: str
    purpose: str
    why: str
    price: DecimalStr | None
    quantity: DecimalStr
    filled: DecimalStr
    average: DecimalStr | None
    status: str
    reason: str
    settled: Annotated[bool, about("it is final and its recorded fills add up to the reported quantity")]


class FillRow(TypedDict):
    key: PageOnly[str]
    at: EpochMs
    account: str
    child: Annotated[int | None, about("the sequence of the child; null: not known yet")]
    trade: Annotated[str, about("the exchange's id of the trade")]
    price: DecimalStr
    quantity: DecimalStr
    fee: DecimalStr | None
    fee_currency: OptionalText
    more_fees: Annotated[list[Fee], about("what was charged in other currencies beside")]
    fee_in_quote: Annotated[DecimalStr | None, about("all of it; null: a rate is not known")]
    liquidity: Annotated[OptionalText, about("maker, taker, or null: not known")]


class JournalRow(TypedDict):
    key: PageOnly[str]
    version: int
    at: EpochMs
    kind: str
    actor: str
    reason: str
    data: dict[str, Any]


class Orders(TypedDict):
    """One page of the orders that match a filter."""

    orders: list[OrderRow]
    page: int
    pages: int
    total: int


class OrderPage(TypedDict):
    """One page of the blotter.

    ``counts`` has the number of orders in each group of states, whatever state the filter asks for. ``total`` is the
    number of orders that match all filters.
    """

    rows: list[OrderRow]
    counts: dict[str, int]
    total: int


class Slices(TypedDict):
    slices: list[SliceRow]


class Children(TypedDict):
    children: list[ChildRow]


class Fills(TypedDict):
    fills: list[FillRow]


class Journal(TypedDict):
    journal: list[JournalRow]


class Snapshot(Slices, Children, Fills, Journal):
    """Everything about an order, as of a version."""

    version: int
    order: OrderDetail
    #: Times, each with the market volume that the plan expects from then until the next time. Empty: it expects none.
    profile: list[SchedulePoint]


#: The lists in a ``Snapshot``. Each row of them has a ``key``.
Section = Literal["slices", "children", "fills", "journal"]
SECTIONS: tuple[Section, ...] = ("slices", "children", "fills", "journal")

#: Written as a call because ``from`` is a keyword of Python.
_Since = TypedDict("_Since", {"from": int})


class Delta(Snapshot, _Since):
    """The changes since the version ``from``.

    If the plan is new, its slices and profile replace those of the old plan.
    """

    replan: bool


class OrderParts(Children, Fills):
    """The newest children and fills for an opened row of the blotter, and the total numbers of both."""

    children_total: int
    fills_total: int


class TicketMarket(TypedDict):
    """A market as the ticket shows it."""

    symbol: str
    base: str
    quote: str
    tick: DecimalStr
    lot: DecimalStr


class TicketAccount(TypedDict):
    id: str
    label: str
    venue: int
    markets: list[TicketMarket]
