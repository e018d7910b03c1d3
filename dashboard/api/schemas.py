"""What the API takes and gives. Numbers are strings, what is unknown is null, times are ISO 8601 in UTC."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Any, Literal

from ninja import Schema
from pydantic import BeforeValidator, ConfigDict, Field, StrictBool

from dashboard.forms.filters import LAST_PAGE
from execution.core.orders.parameters import WholeNumber
from execution.core.orders.terms import ALGORITHMS, MAX_REFERENCE
from execution.core.states import OrderStatus
from execution.core.types import Side, Unit
from execution.selectors.orders.blotter import STATES
from execution.services.orders.confirmation import Confirmation

#: Longer than any reason that a person would read.
MAX_REASON = 500


def _moment(value: Any) -> Any:
    """The payloads count milliseconds since 1970."""
    return datetime.fromtimestamp(value / 1000, UTC) if isinstance(value, int) else value


def _known(value: Any) -> Any:
    """The payloads write an unknown text as an empty one."""
    return None if value == "" else value


Moment = Annotated[datetime, BeforeValidator(_moment)]
Number = Annotated[str, Field(description="a decimal number, exactly")]
Known = Annotated[str | None, BeforeValidator(_known)]
#: A group of states, or one of them.
ORDER_STATES = (*STATES, *OrderStatus)
Text = Annotated[str, Field(max_length=80, pattern=r"^[^\x00]*$")]


class Problem(Schema):
    """One thing that is wrong."""

    field: str = Field(description="the field of the body, a parameter, or empty: the whole")
    message: str
    value: str
    limit: str


class Problems(Schema):
    """An error, as RFC 9457 has it."""

    type: str
    title: str
    status: int
    detail: str
    problems: list[Problem]


# --- orders --------------------------------------------------------------------------------------


def one_of(names: list[str]) -> dict[str, Any]:
    # Said in the document; judged where the ticket's fields are judged, too.
    return {"enum": names}


class ConfirmsPrices(Schema):
    """The prices of a body that are meant though they are far on the wrong side of the market."""

    confirm_limit: StrictBool = Field(
        default=False,
        description="a limit price on the wrong side of the mid by more than the collar is meant",
    )
    confirm_i_would: StrictBool = Field(
        default=False,
        description="an I-would price on the wrong side of the mid by more than the collar is meant",
    )

    def confirmation(self) -> Confirmation:
        return Confirmation(limit=self.confirm_limit, i_would=self.confirm_i_would, on_ticket=False)


class OrderBody(ConfirmsPrices):
    model_config = ConfigDict(extra="forbid")

    symbol: str = Field(description="such as BTC/USDT", examples=["BTC/USDT"])
    side: str = Field(json_schema_extra=one_of([side.value for side in Side]))
    quantity: str = Field(description="a decimal number as a string, above 0", examples=["0.25"])
    unit: str = Field(
        description="what the quantity counts: base or quote currency",
        json_schema_extra=one_of([unit.value for unit in Unit]),
    )
    algorithm: str = Field(json_schema_extra=one_of(list(ALGORITHMS)))
    parameters: dict[str, Any] = Field(
        default={},
        description="those of the algorithm; durations in seconds, numbers as strings",
    )
    accounts: list[str] = Field(description="public ids or labels", min_length=1, max_length=20)
    limit_price: str | None = Field(default=None, description="null: no limit")
    client_reference: str = Field(
        default="", description=f"your own words, at most {MAX_REFERENCE} characters"
    )


class ActionBody(Schema):
    model_config = ConfigDict(extra="forbid")

    reason: str = Field(default="", max_length=MAX_REASON, description="stands in the order's journal")


class ResumeBody(ActionBody):
    mode: Literal["catch_up", "shift"] = Field(
        description="catch_up keeps the schedule's times, shift moves them by the time lost"
    )


class Fee(Schema):
    currency: str
    amount: Number


class Order(Schema):
    id: str
    version: int = Field(description="grows by one with each entry of the journal")
    status: OrderStatus
    outcome: Known = Field(description="what it will be, or is, when it is final")
    reason: str
    waits: str = Field(description="why a working order cannot be filled now; empty when it can")
    needs_person: bool
    trader: str
    account: str
    symbol: str
    base: str
    quote: str
    side: Side
    algorithm: str
    quantity: Number
    filled: Number
    average: Number | None
    arrival_mid: Number | None
    cost_bp: Number | None = Field(description="against the arrival mid; + is cost")
    start_at: Moment | None
    end_at: Moment | None
    created_at: Moment
    ended_at: Moment | None
    last_fill_at: Moment | None
    unsettled: int = Field(description="children whose fate or fills are not complete")


class OrderDetail(Order):
    why: str = Field(description="what it does or waits for now")
    paused_at: Moment | None
    due_at: Moment | None
    limit_price: Number | None
    end_is_fixed: bool
    quantity_asked: Number
    unit: Unit
    client_reference: str
    plan_version: int
    terms_version: int
    tick: Number | None
    lot: Number | None
    fees: list[Fee]
    fees_bp: Number | None
    maker_share: Number | None = Field(description="of the filled quantity, 0 to 1")


class OrdersAsked(Schema):
    """Which orders to list: read and judged by the blotter's filter; this is what the document says of it."""

    state: str = Field(default="all", json_schema_extra={"enum": list(ORDER_STATES)})
    side: str = Field(default="", json_schema_extra={"enum": ["", *Side]})
    symbol: str = ""
    algorithm: str = Field(default="", json_schema_extra={"enum": ["", *ALGORITHMS]})
    account: str = Field(default="", description="label")
    trader: str = Field(default="", description="name; for those who see more than their own orders")
    q: str = Field(default="", description="in the order's id or client reference")
    since: str = Field(default="", alias="from", description="day, UTC, such as 2026-03-01")
    until: str = Field(default="", alias="to", description="day, UTC, included")
    page: WholeNumber = Field(default=1, ge=1, le=LAST_PAGE)


class Orders(Schema):
    orders: list[Order]
    page: int
    pages: int
    total: int


class Slice(Schema):
    number: int
    starts_at: Moment
    ends_at: Moment
    quantity: Number
    filled: Number


class Slices(Schema):
    slices: list[Slice]


class Child(Schema):
    sequence: int
    at: Moment
    ended_at: Moment | None
    account: str
    slice: int | None
    type: str
    time_in_force: str
    purpose: str
    why: str
    price: Number | None
    quantity: Number
    filled: Number
    average: Number | None
    status: str
    reason: str
    settled: bool = Field(description="it is final and its fills are complete")


class Children(Schema):
    children: list[Child]


class Fill(Schema):
    at: Moment
    account: str
    child: int | None = Field(description="the sequence of the child; null: not known yet")
    trade: str = Field(description="the exchange's id of the trade")
    price: Number
    quantity: Number
    fee: Number | None
    fee_currency: Known
    fee_in_quote: Number | None
    liquidity: Known = Field(description="maker, taker, or null: not known")


class Fills(Schema):
    fills: list[Fill]


class Entry(Schema):
    version: int
    at: Moment
    kind: str
    actor: str
    reason: str
    data: dict[str, Any]


class Journal(Schema):
    journal: list[Entry]


# --- a preview -----------------------------------------------------------------------------------


class Quote(Schema):
    bid: Number
    ask: Number
    mid: Number
    at: datetime
    age_seconds: float


class Check(Schema):
    state: Literal["ok", "warn", "fail", "unknown"]
    text: str


class PlannedSlice(Schema):
    number: int
    starts_at: datetime
    ends_at: datetime
    quantity: Number


class RouteAccount(Schema):
    """What the router makes of one account; prices and cash are after fees."""

    account: str
    label: str
    full_price: Number | None = Field(description="of the full quantity there alone; null: it cannot do it")
    full_cash: Number | None
    takes: Number = Field(description="the most that it can do")
    quantity: Number = Field(description="what it gets")
    price: Number | None = Field(description="the limit of its child, before fees")
    average_price: Number | None = Field(description="of its part, after fees; null: its fee is not known")
    net_cash: Number | None = Field(description="what its part costs or brings")
    trouble: str = Field(description="why it is out, or empty")
    is_best_alone: bool = Field(description="the saving is measured against it")


class Route(Schema):
    """Where a router would send the quantity at this moment, within limit and collar, and why."""

    filled: Number
    unfilled: Number
    net_cash: Number | None
    average_price: Number | None = Field(description="of what is filled, after fees")
    saved_bp: Number | None = Field(description="against the best single account; + is a saving")
    why: str
    accounts: list[RouteAccount]


class Preview(Schema):
    """What the order would be if it were sent now. With problems it would be refused."""

    quantity: Number | None = Field(description="in base currency, on the lot")
    notional: Number | None
    minimum: Number | None = Field(description="the least quantity of a child")
    max_slices: int | None
    worst_cost_bp: Number | None = Field(description="everything at the limit, against the mid of now")
    start_at: datetime | None
    end_at: datetime | None
    quote: Quote | None
    slices: list[PlannedSlice]
    route: Route | None = Field(
        description="null: the order does not take at once, or the books are still coming (see checks)"
    )
    checks: list[Check]
    problems: list[Problem]


# --- the desk ------------------------------------------------------------------------------------


class Key(Schema):
    state: str
    last_four: str
    checked_at: datetime | None
    permissions: dict[str, Any]


class Account(Schema):
    id: str
    label: str
    venue: str
    exchange: str
    environment: str
    symbols: list[str]
    is_active: bool
    key: Key | None = Field(description="for admins; null for everybody else, and without a key")


class Accounts(Schema):
    accounts: list[Account]


class MarketsAsked(Schema):
    """Which markets to list; empty is all."""

    symbol: Text = ""
    account: Text = Field(default="", description="public id or label")


class Market(Schema):
    account: str
    account_id: str
    venue: str
    symbol: str
    base: str
    quote_currency: str
    tick: Number
    lot: Number
    min_quantity: Number
    min_notional: Number
    max_quantity: Number | None
    maker_fee: Number | None = Field(description="a fraction: 0.001 is ten basis points")
    taker_fee: Number | None
    refreshed_at: datetime
    quote: Quote | None


class Markets(Schema):
    markets: list[Market]
