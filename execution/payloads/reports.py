"""Reports of one order and of many. Costs are in basis points unless the name says otherwise; + is cost."""

from __future__ import annotations

from typing import Annotated, Literal, get_args

from typing_extensions import TypedDict

from execution.payloads.analysis_charts import AnalysisCharts
from execution.payloads.fields import DecimalStr, EpochMs, OptionalText, PageOnly, SideText, StatusText, about
from execution.payloads.orders import Fee

GroupBy = Literal["algorithm", "symbol", "venue", "trader"]
GROUPS: tuple[GroupBy, ...] = get_args(GroupBy)


class CostSplit(TypedDict):
    """The parts of a cost. Spread + drift + delay + fees = total."""

    spread: Annotated[DecimalStr | None, about("fills against the mid at that time; below 0 is earned")]
    drift: Annotated[
        DecimalStr | None, about("mid at the fills against the mid when the order began to work")
    ]
    delay: Annotated[DecimalStr | None, about("the mid when the order began to work against the arrival mid")]
    fees: DecimalStr | None
    total: Annotated[DecimalStr | None, about("against the arrival mid, with fees")]


class ShownSplit(CostSplit):
    """A split rounded for display, so that the parts add up. Spread + drift + delay = arrival."""

    arrival: DecimalStr | None


class MarkoutRow(TypedDict):
    """The distance of the fills' prices from their venue's mid ``seconds`` later, in basis points of that mid."""

    seconds: int
    bp: DecimalStr | None
    share: Annotated[
        DecimalStr, about("share of the filled quantity whose markout time has passed and was recorded")
    ]


class VenueReport(TypedDict):
    """The part of an order that was filled at one venue, against the benchmarks of the whole order."""

    venue: str
    fills: int
    filled: DecimalStr
    share: Annotated[DecimalStr | None, about("share of the order's fills, 0 to 1")]
    average: DecimalStr | None
    cost_bp: DecimalStr | None
    vwap_cost_bp: DecimalStr | None
    twap_cost_bp: DecimalStr | None
    split_bp: CostSplit
    maker_share: DecimalStr | None
    markouts: list[MarkoutRow]


class Predicted(TypedDict):
    """The cost expected when the order was sent, fees included.

    A prediction from a simulation has a standard error; one from a route has none.
    """

    by: Literal["simulation", "route"]
    cost_bp: DecimalStr | None
    standard_error_bp: DecimalStr | None
    seeds: int | None
    at: str | None


class Report(TypedDict):
    """The performance of an order, computed only from its fills. It is final, or as of now."""

    id: str
    is_final: Annotated[bool, about("the order has ended and its last markouts are recorded")]
    at: EpochMs
    status: StatusText
    outcome: OptionalText
    trader: str
    account: str
    symbol: str
    base: str
    quote: str
    tick: PageOnly[DecimalStr | None]
    lot: PageOnly[DecimalStr | None]
    side: SideText
    algorithm: str
    quantity: DecimalStr
    filled: DecimalStr
    unfilled: DecimalStr
    fills: int
    children: int
    average: DecimalStr | None
    arrival_mid: DecimalStr | None
    cost_bp: Annotated[DecimalStr | None, about("against the arrival mid, before fees")]
    market_volume: Annotated[
        DecimalStr | None,
        about("market volume at all of its venues while the order worked, as far as it is known"),
    ]
    watched: Annotated[
        DecimalStr | None, about("share of the interval whose volume is known at every venue, 0 to 1")
    ]
    market_vwap: DecimalStr | None
    vwap_cost_bp: Annotated[DecimalStr | None, about("against the market's VWAP")]
    market_twap: DecimalStr | None
    twap_cost_bp: Annotated[DecimalStr | None, about("against the mean of the market's mids")]
    participation: Annotated[
        DecimalStr | None, about("the order's share of the known volume, 0 to 1; at most this of the whole")
    ]
    maker_share: Annotated[DecimalStr | None, about("share of the filled quantity that was maker, 0 to 1")]
    split: Annotated[CostSplit, about("in quote currency")]
    split_bp: Annotated[CostSplit, about("in bp of the arrival notional")]
    fees: list[Fee]
    fees_bp: Annotated[DecimalStr | None, about("of the traded notional")]
    opportunity: Annotated[DecimalStr | None, about("of the unfilled quantity, in quote currency")]
    opportunity_bp: Annotated[DecimalStr | None, about("of the whole order at arrival")]
    shortfall_bp: Annotated[
        DecimalStr | None, about("total and opportunity cost, of the whole order at arrival")
    ]
    markouts: list[MarkoutRow]
    venues: list[VenueReport]
    predicted: Predicted | None
    predicted_error_bp: Annotated[DecimalStr | None, about("achieved total less predicted")]
    created_at: EpochMs
    start_at: EpochMs | None
    started_at: EpochMs | None
    planned_end_at: EpochMs | None
    ended_at: EpochMs | None
    end_lag_seconds: Annotated[
        DecimalStr | None, about("how much later it ended than planned; below 0 is earlier")
    ]
    mean_lag_seconds: Annotated[
        DecimalStr | None, about("how much later the average unit filled than planned")
    ]


class Mean(TypedDict):
    """The mean of a figure over several orders."""

    n: Annotated[int, about("number of orders that have the figure")]
    mean: DecimalStr | None
    weighted: Annotated[
        DecimalStr | None, about("mean weighted by notional; null if the quote currencies differ")
    ]
    standard_error: Annotated[DecimalStr | None, about("standard error of the plain mean; needs two orders")]


class GroupRow(TypedDict):
    group: str
    orders: int
    notional: Annotated[dict[str, DecimalStr], about("filled notional by quote currency")]
    figures: dict[str, Mean]


class AnalysisPage(TypedDict):
    """The reports of ended orders, by group and for all of them together."""

    by: GroupBy
    groups: list[GroupRow]
    whole: GroupRow | None
    waiting: Annotated[int, about("number of ended orders whose report is not ready")]
    left_out: Annotated[int, about("number of older reports beyond the newest 5,000, which are not counted")]
    charts: AnalysisCharts
