"""What the API says of what orders achieved. Costs are in basis points, + is cost; null is unknown."""

from __future__ import annotations

from typing import Literal

from ninja import Schema
from pydantic import Field

from dashboard.api.schemas import Fee, Known, Moment, Number
from execution.core.orders.terms import ALGORITHMS
from execution.core.states import OrderStatus
from execution.core.types import Side


class Split(Schema):
    """spread + drift + delay + fees = total."""

    spread: Number | None = Field(description="fills against the mid of their moment; below 0 it was earned")
    drift: Number | None = Field(description="that mid against the mid when the order began to work")
    delay: Number | None = Field(description="the mid when the order began to work against the arrival mid")
    fees: Number | None
    total: Number | None = Field(description="against the arrival mid, with fees")


class Markout(Schema):
    """Fills against their venue's mid so many seconds later, in bp of it."""

    seconds: int
    bp: Number | None
    share: Number = Field(description="of the filled quantity: fills whose moment has come and was recorded")


class VenueReport(Schema):
    venue: str
    fills: int
    filled: Number
    share: Number | None = Field(description="of what the order filled, 0 to 1")
    average: Number | None
    cost_bp: Number | None
    vwap_cost_bp: Number | None
    twap_cost_bp: Number | None
    split_bp: Split
    maker_share: Number | None
    markouts: list[Markout]


class Predicted(Schema):
    """What was expected when the order was sent, fees included. A route has a price and no standard error."""

    by: Literal["simulation", "route"]
    cost_bp: Number | None
    standard_error_bp: Number | None
    seeds: int | None
    at: str | None


class Report(Schema):
    """What an order achieved, by its fills alone, so far or finally; null is unknown. + is cost."""

    id: str
    is_final: bool = Field(description="it has ended and its last markouts are in")
    at: Moment
    status: OrderStatus
    outcome: Known
    trader: str
    account: str
    symbol: str
    base: str
    quote: str
    side: Side
    algorithm: str
    quantity: Number
    filled: Number
    unfilled: Number
    fills: int
    children: int
    average: Number | None
    arrival_mid: Number | None
    cost_bp: Number | None = Field(description="against the arrival mid, before fees")
    market_volume: Number | None = Field(
        description="traded at all of its venues while the order worked, as far as it was watched"
    )
    watched: Number | None = Field(
        description="share of the interval that was recorded at every venue, 0 to 1"
    )
    market_vwap: Number | None
    vwap_cost_bp: Number | None = Field(description="against the market's VWAP")
    market_twap: Number | None
    twap_cost_bp: Number | None = Field(description="against the mean of the market's mids")
    participation: Number | None = Field(description="own share of the market's volume, 0 to 1")
    maker_share: Number | None = Field(description="of the filled quantity, 0 to 1")
    split: Split = Field(description="in quote currency")
    split_bp: Split = Field(description="in bp of the arrival notional")
    fees: list[Fee]
    fees_bp: Number | None = Field(description="of the traded notional")
    opportunity: Number | None = Field(description="of the unfilled quantity, in quote currency")
    opportunity_bp: Number | None = Field(description="of the whole order at arrival")
    shortfall_bp: Number | None = Field(
        description="total and opportunity cost, of the whole order at arrival"
    )
    markouts: list[Markout]
    venues: list[VenueReport]
    predicted: Predicted | None
    predicted_error_bp: Number | None = Field(description="achieved total less predicted")
    created_at: Moment
    start_at: Moment | None
    started_at: Moment | None
    planned_end_at: Moment | None
    ended_at: Moment | None
    end_lag_seconds: Number | None = Field(description="the end later than planned; below 0 earlier")
    mean_lag_seconds: Number | None = Field(description="the average unit filled later than planned")


class AnalysisAsked(Schema):
    """Which reports to fold; read and judged by the page's filter."""

    group: str = Field(
        default="algorithm", json_schema_extra={"enum": ["algorithm", "symbol", "venue", "trader"]}
    )
    algorithm: str = Field(default="", json_schema_extra={"enum": ["", *ALGORITHMS]})
    symbol: str = ""
    venue: str = Field(default="", description="label; counts only what was done there")
    side: str = Field(default="", json_schema_extra={"enum": ["", *Side]})
    trader: str = Field(default="", description="name; for those who see more than their own orders")
    since: str = Field(default="", alias="from", description="day, UTC, such as 2026-03-01")
    until: str = Field(default="", alias="to", description="day, UTC, included")


class Mean(Schema):
    n: int = Field(description="orders that know the figure")
    mean: Number | None
    weighted: Number | None = Field(description="by notional; null where the quote currencies differ")
    standard_error: Number | None = Field(description="of the plain mean, from two orders on")


class Group(Schema):
    group: str
    orders: int
    notional: dict[str, Number] = Field(description="filled, by quote currency")
    figures: dict[str, Mean]


class Analysis(Schema):
    by: Literal["algorithm", "symbol", "venue", "trader"]
    groups: list[Group]
    whole: Group | None
    waiting: int = Field(description="orders that have ended and whose report is not ready")
