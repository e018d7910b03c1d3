"""The charts of the analysis of many orders. Means are weighted by filled notional, in basis points; + is cost."""

from __future__ import annotations

from typing import Annotated

from typing_extensions import TypedDict

from execution.payloads.fields import DecimalStr, about


class CostQuartiles(TypedDict):
    """Three costs: a quarter, a half and three quarters of the orders do not cost more. Each order counts once."""

    lower: DecimalStr
    median: DecimalStr
    upper: DecimalStr


class CostSummary(TypedDict):
    """The cost of some orders, against the arrival mid and before fees unless its name says otherwise."""

    orders: Annotated[int, about("number of orders with a known cost")]
    unknown: Annotated[int, about("number of orders that are left out because their cost is unknown")]
    is_few: Annotated[bool, about("true if the orders are too few for a mean that can be relied on")]
    notional: Annotated[DecimalStr, about("filled notional of the orders with a known cost")]
    mean: Annotated[DecimalStr | None, about("weighted by filled notional")]
    standard_error: Annotated[DecimalStr | None, about("of the weighted mean; needs two orders")]
    quartiles: CostQuartiles | None


class WeekCost(TypedDict):
    """The cost of the orders that began in a week."""

    week: Annotated[str, about("its Monday, UTC, such as 2026-03-02")]
    cost: CostSummary


class HourCost(TypedDict):
    """The cost of the orders that began in an hour of the day."""

    hour: Annotated[int, about("0 to 23, UTC")]
    cost: CostSummary


class SizeCost(TypedDict):
    """The cost of the orders whose ordered notional at arrival is from lower up to upper."""

    lower: DecimalStr
    upper: Annotated[DecimalStr, about("not included")]
    cost: CostSummary


class CostBin(TypedDict):
    """The orders with a cost from lower up to upper."""

    lower: Annotated[DecimalStr | None, about("null: every cost below upper")]
    upper: Annotated[DecimalStr | None, about("not included; null: every cost from lower on")]
    orders: int
    notional: DecimalStr


class VenueCost(TypedDict):
    """The costs of orders at one venue."""

    venue: str
    figures: Annotated[
        dict[str, CostSummary], about("cost_bp, spread_bp, fees_bp and markout_60_bp at this venue")
    ]


class PredictedOrder(TypedDict):
    """An order's predicted and achieved cost, both with fees."""

    order: str
    notional: DecimalStr
    predicted_bp: DecimalStr
    achieved_bp: DecimalStr


class PredictionStep(TypedDict):
    """A fifth of the orders, with similar predictions."""

    predicted: CostSummary
    achieved: CostSummary


class PredictionCheck(TypedDict):
    """Predicted costs against achieved ones, both with fees."""

    orders: Annotated[list[PredictedOrder], about("the newest 500, the smallest prediction first")]
    left_out: Annotated[int, about("number of older orders with both costs that are not listed")]
    error: Annotated[
        CostSummary, about("achieved less predicted; above 0 the orders cost more than predicted")
    ]
    absolute_error: Annotated[CostSummary, about("size of the error")]
    steps: Annotated[
        list[PredictionStep], about("fifths of all orders by prediction; empty for fewer than 25")
    ]


class AnalysisCharts(TypedDict):
    """The charts of the orders with one quote currency, because notionals in different currencies do not add up."""

    currency: Annotated[str, about("quote currency of most of the orders; empty without an order")]
    other_currencies: Annotated[
        int, about("number of orders with another quote currency, which are left out")
    ]
    whole: CostSummary
    recent: Annotated[CostSummary, about("the newest four weeks, up to the newest order")]
    before: Annotated[CostSummary, about("the four weeks before these")]
    weeks: list[WeekCost]
    hours: list[HourCost]
    sizes: list[SizeCost]
    unsized: Annotated[int, about("number of orders whose size at arrival is unknown")]
    distribution: list[CostBin]
    venues: list[VenueCost]
    predictions: PredictionCheck
