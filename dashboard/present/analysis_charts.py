"""The charts of the analysis in words: a title, and a sentence that says what a reader can take from the chart."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from decimal import Decimal

from dashboard.present.numbers import amount, points
from execution.core.tca.buckets import MIN_ORDERS, difference_is_clear
from execution.payloads.analysis_charts import AnalysisCharts, CostSummary

FEW = f"Fewer than {MIN_ORDERS} orders have a known cost."
NOTHING = "No order has a known cost."
#: Powers of ten for the bounds of sizes.
_UNITS = ((9, " G"), (6, " M"), (3, " k"))


@dataclass(frozen=True, slots=True)
class ChartPanel:
    """A chart on the page.

    ``unknown`` is the number of orders that the chart leaves out. If the chart is empty, there is nothing to draw.
    """

    name: str
    title: str
    unit: str
    sentence: str
    unknown: int
    is_empty: bool


def chart_panels(charts: AnalysisCharts) -> list[ChartPanel]:
    """Return the six charts in the sequence in which the page shows them."""
    whole, error = charts["whole"], charts["predictions"]["error"]
    is_empty = not whole["orders"]
    against = "bp against arrival, + is cost"

    def panel(name: str, title: str, unit: str, sentence: Callable[[AnalysisCharts], str]) -> ChartPanel:
        return ChartPanel(
            name, title, unit, NOTHING if is_empty else sentence(charts), whole["unknown"], is_empty
        )

    without_prediction = not error["orders"]
    return [
        panel("weeks", "Cost by week", against, _trend),
        ChartPanel(
            "predictions",
            "Predicted against achieved",
            "bp with fees, + is cost",
            "No order has both a prediction and a known cost."
            if without_prediction
            else _prediction(error, charts),
            error["unknown"],
            without_prediction,
        ),
        panel("venues", "Venues side by side", "bp, + is cost", _venues),
        panel("hours", "Cost by hour", f"of the start, UTC · {against}", _hours),
        panel("sizes", "Cost by size", f"ordered {charts['currency']} · {against}", _sizes),
        panel("distribution", "Distribution of slippage", "orders · bp, + is cost", _distribution),
    ]


def cost_words(cost: CostSummary) -> str:
    """Return a cost with its error and its number of orders, such as ``+3.1 ± 0.4 bp (n 12)``."""
    error = "" if cost["standard_error"] is None else f" ± {amount(cost['standard_error'], 1)}"
    return f"{points(cost['mean'])}{error} bp (n {cost['orders']})"


def _trend(charts: AnalysisCharts) -> str:
    recent, before = charts["recent"], charts["before"]
    if recent["is_few"]:
        return f"The newest 4 weeks have fewer than {MIN_ORDERS} orders."
    said = f"Newest 4 weeks {cost_words(recent)}"
    if before["is_few"]:
        return f"{said}. The 4 weeks before have fewer than {MIN_ORDERS} orders."
    return f"{said}, the 4 before {cost_words(before)}: {_change(recent, before)}."


def _change(recent: CostSummary, before: CostSummary) -> str:
    now, then = Decimal(recent["mean"] or 0), Decimal(before["mean"] or 0)
    errors = Decimal(recent["standard_error"] or 0), Decimal(before["standard_error"] or 0)
    if not difference_is_clear(now, errors[0], then, errors[1]):
        return "no clear change"
    return "cheaper" if now < then else "dearer"


def _prediction(error: CostSummary, charts: AnalysisCharts) -> str:
    if error["is_few"]:
        return f"Fewer than {MIN_ORDERS} orders have a prediction."
    size = amount(charts["predictions"]["absolute_error"]["mean"], 1)
    return f"Achieved − predicted is {cost_words(error)}. The size of the error is {size} bp on average."


def _hours(charts: AnalysisCharts) -> str:
    return _extremes([(f"{row['hour']:02}:00", row["cost"]) for row in charts["hours"]], "hour")


def _venues(charts: AnalysisCharts) -> str:
    return _extremes([(row["venue"], row["figures"]["cost_bp"]) for row in charts["venues"]], "venue")


def _extremes(rows: Sequence[tuple[str, CostSummary]], word: str) -> str:
    """Return a sentence about the dearest and the cheapest of the rows that have enough orders."""
    ranked = sorted(
        (
            (Decimal(cost["mean"]), name, cost)
            for name, cost in rows
            if cost["mean"] is not None and not cost["is_few"]
        ),
        key=lambda row: row[:2],
    )
    if not ranked:
        return f"No {word} has {MIN_ORDERS} orders."
    (_, cheapest, low), (_, dearest, high) = ranked[0], ranked[-1]
    if len(ranked) == 1:
        return f"Only {cheapest} has {MIN_ORDERS} orders: {cost_words(low)}."
    return f"Dearest {dearest}, {cost_words(high)}. Cheapest {cheapest}, {cost_words(low)}."


def _sizes(charts: AnalysisCharts) -> str:
    rows = [row for row in charts["sizes"] if not row["cost"]["is_few"]]
    if not rows:
        return f"No size has {MIN_ORDERS} orders."
    small, large = rows[0], rows[-1]
    said = f"{size_words(small['lower'], small['upper'])} {cost_words(small['cost'])}"
    if small is large:
        return f"Only one size has {MIN_ORDERS} orders: {said}."
    return (
        f"Smallest {said}, largest {size_words(large['lower'], large['upper'])} {cost_words(large['cost'])}."
    )


def size_words(lower: str, upper: str) -> str:
    """Return the bounds of a size, such as ``3 k to 10 k``."""
    return f"{_short(Decimal(lower))} to {_short(Decimal(upper))}"


def _short(bound: Decimal) -> str:
    for power, unit in _UNITS:
        if bound >= Decimal(1).scaleb(power):
            return f"{amount(bound.scaleb(-power))}{unit}"
    return amount(bound)


def _distribution(charts: AnalysisCharts) -> str:
    middle = charts["whole"]["quartiles"]
    if middle is None:
        return NOTHING
    if charts["whole"]["is_few"]:
        return FEW
    lower, upper = points(middle["lower"]), points(middle["upper"])
    return f"Half of the orders cost from {lower} to {upper} bp. The median is {points(middle['median'])}."
