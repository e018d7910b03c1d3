"""An order's report and the reports of many, as pages, API and CSV get them. Numbers and times as in payloads.py."""

from __future__ import annotations

from typing import TypedDict

from execution.payloads.orders import CostSplit, Fee, Instant, Number


class MarkoutRow(TypedDict):
    seconds: int
    bp: Number
    #: Of the filled quantity, 0 to 1: fills whose moment has come and was recorded.
    share: Number


class VenueReport(TypedDict):
    """What was done at one venue, against the order's own benchmarks."""

    venue: str
    fills: int
    filled: str
    #: Of what the order filled, 0 to 1.
    share: Number
    average: Number
    cost_bp: Number
    vwap_cost_bp: Number
    twap_cost_bp: Number
    split_bp: CostSplit
    maker_share: Number
    markouts: list[MarkoutRow]


class Predicted(TypedDict):
    """What the order was expected to cost, fees included, when it was sent: by simulation, or by its ``route`` when it
    takes at once."""

    by: str
    cost_bp: Number
    standard_error_bp: Number
    seeds: int | None
    at: str | None


class Report(TypedDict):
    """What an order achieved, by its fills. ``is_final``: it has ended and its last markouts are in."""

    id: str
    is_final: bool
    at: int
    status: str
    outcome: str
    trader: str
    account: str
    symbol: str
    base: str
    quote: str
    tick: Number
    lot: Number
    side: str
    algorithm: str
    created_at: int
    start_at: Instant
    started_at: Instant
    ended_at: Instant
    planned_end_at: Instant
    end_lag_seconds: Number
    mean_lag_seconds: Number
    quantity: str
    filled: str
    unfilled: str
    fills: int
    children: int
    average: Number
    arrival_mid: Number
    market_vwap: Number
    market_twap: Number
    market_volume: Number
    #: Share of the interval's seconds that were recorded at every venue, 0 to 1.
    watched: Number
    participation: Number
    maker_share: Number
    cost_bp: Number
    vwap_cost_bp: Number
    twap_cost_bp: Number
    split: CostSplit
    split_bp: CostSplit
    fees: list[Fee]
    #: Of the traded notional; the split's are of the arrival notional.
    fees_bp: Number
    opportunity: Number
    opportunity_bp: Number
    shortfall_bp: Number
    markouts: list[MarkoutRow]
    venues: list[VenueReport]
    predicted: Predicted | None
    #: Achieved total less predicted.
    predicted_error_bp: Number


class Mean(TypedDict):
    """A figure over orders: ``n`` of them know it. Standard error of the plain mean, from two on."""

    n: int
    mean: Number
    #: By filled notional; None where the quote currencies differ.
    weighted: Number
    standard_error: Number


class GroupRow(TypedDict):
    group: str
    orders: int
    #: Filled notional by quote currency.
    notional: dict[str, str]
    figures: dict[str, Mean]


class AnalysisPage(TypedDict):
    """Reports of ended orders by group, the whole last; ``waiting`` ended and have no report yet."""

    by: str
    groups: list[GroupRow]
    whole: GroupRow | None
    waiting: int
