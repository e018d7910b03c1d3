"""The report of a day: its ended orders with their costs, and its open orders, halts and alerts. + is a cost."""

from __future__ import annotations

from typing import Annotated

from typing_extensions import TypedDict

from execution.payloads.analysis_charts import CostSummary
from execution.payloads.fields import DecimalStr, EpochMs, OptionalText, SideText, StatusText, about
from execution.payloads.reports import CostSplit


class DayGroup(TypedDict):
    """The costs of a group of the day's orders."""

    name: str
    orders: int
    notional: Annotated[DecimalStr, about("filled notional")]
    arrival: Annotated[CostSummary, about("against the arrival mid, before fees")]
    vwap: Annotated[CostSummary, about("against the market's VWAP, before fees")]


class DayCurrency(TypedDict):
    """The costs of the orders with one quote currency."""

    currency: str
    paid: Annotated[
        DecimalStr, about("cost against arrival in this currency, of the orders with a known cost")
    ]
    whole: DayGroup
    algorithms: list[DayGroup]
    accounts: Annotated[list[DayGroup], about("an order counts at each account with what it filled there")]


class DayOrder(TypedDict):
    """One of the day's dearest or cheapest orders."""

    id: str
    status: StatusText
    trader: str
    symbol: str
    side: SideText
    algorithm: str
    notional: DecimalStr
    currency: str
    cost_bp: DecimalStr
    vwap_cost_bp: DecimalStr | None
    split_bp: Annotated[CostSplit, about("in bp of the arrival notional; says what the cost came from")]
    reason: Annotated[OptionalText, about("why the order ended or stopped, if there is a reason")]


class OpenOrder(TypedDict):
    """An order that had not ended at the end of the report."""

    id: str
    trader: str
    symbol: str
    side: SideText
    algorithm: str
    quantity: DecimalStr
    filled: Annotated[DecimalStr, about("by the end of the report")]
    status: Annotated[OptionalText, about("its state now; empty in the report of a day that is over")]
    created_at: EpochMs


class DayHalt(TypedDict):
    """A halt that was in force on the day."""

    id: str
    kind: str
    subject: str
    reason: str
    set_by: str
    set_at: EpochMs
    lifted_at: Annotated[EpochMs | None, about("null: not lifted by the end of the report")]


class DayAlert(TypedDict):
    """An alert that was raised on the day."""

    id: str
    label: str
    severity: str
    text: Annotated[str, about("its newest subject by the end of the report")]
    raised_at: EpochMs


class DayReport(TypedDict):
    """A day of the desk, or of a trader's own orders. It begins at midnight UTC."""

    day: Annotated[str, about("such as 2026-03-01")]
    until: Annotated[EpochMs, about("the end of the day; of today, now")]
    is_over: bool
    of: Annotated[OptionalText, about("the trader whose own orders it has; null for the whole desk")]
    orders: Annotated[int, about("number of orders that ended on the day and have a final report")]
    unfilled: Annotated[int, about("number of these that were not filled at all")]
    waiting: Annotated[int, about("number of orders that ended on the day and have no final report yet")]
    left_out: Annotated[int, about("number of orders beyond the newest 5,000, which are not counted")]
    currencies: list[DayCurrency]
    dearest: list[DayOrder]
    cheapest: list[DayOrder]
    open: Annotated[
        list[OpenOrder], about("the oldest 20 orders that had not ended at the end of the report")
    ]
    open_count: int
    halts: list[DayHalt]
    alerts: Annotated[list[DayAlert], about("critical ones first, at most 15")]
    alert_count: int
