"""The charts of the analysis: the orders' costs by week, hour, size and venue, their distribution, and predictions."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Sequence
from decimal import Decimal

from execution.core.tca.buckets import (
    Point,
    Summary,
    by_hour,
    by_size,
    by_week,
    distribution,
    summarise,
    trend,
)
from execution.core.tca.predictions import Pair, calibration
from execution.payloads.analysis_charts import (
    AnalysisCharts,
    CostBin,
    CostQuartiles,
    CostSummary,
    HourCost,
    PredictedOrder,
    PredictionCheck,
    PredictionStep,
    SizeCost,
    VenueCost,
    WeekCost,
)
from execution.payloads.encode import BP_PLACES, decimal_str, moment_of, rounded_str
from execution.selectors.tca.parts import Counted, Part

#: Decimals of basis points, and of notionals.
NOTIONAL_PLACES = 2
#: The most orders that the chart of predictions shows each by itself.
MAX_PAIRS = 500

#: What venues are compared by.
VENUE_FIGURES: dict[str, Callable[[Part], Decimal | None]] = {
    "cost_bp": lambda part: part.number("cost_bp"),
    "spread_bp": lambda part: part.number("split_bp", "spread"),
    "fees_bp": lambda part: part.number("split_bp", "fees"),
    "markout_60_bp": lambda part: part.markout(60),
}


def charts_of(counted: Sequence[Counted]) -> AnalysisCharts:
    """Return the charts of the orders. If a venue is chosen, orders without a fill at that venue are in no chart.

    ``counted`` has the newest order first.
    """
    filled = [found for found in counted if found.chosen is not None]
    currencies = Counter(found.order.quote for found in filled)
    currency = min(currencies, key=lambda name: (-currencies[name], name), default="")
    shown = [found for found in filled if found.order.quote == currency]
    points = [_point(found) for found in shown]
    recent, before = trend(points)
    sizes, unsized = by_size(points)
    return AnalysisCharts(
        currency=currency,
        other_currencies=len(filled) - len(shown),
        whole=summary_row(summarise((point.cost_bp, point.notional) for point in points)),
        recent=summary_row(recent),
        before=summary_row(before),
        weeks=[
            WeekCost(week=day.isoformat(), cost=summary_row(cost)) for day, cost in by_week(points).items()
        ],
        hours=[HourCost(hour=hour, cost=summary_row(cost)) for hour, cost in by_hour(points).items()],
        sizes=[
            SizeCost(
                lower=decimal_str(size.lower), upper=decimal_str(size.upper), cost=summary_row(size.summary)
            )
            for size in sizes
        ],
        unsized=unsized,
        distribution=[
            CostBin(
                lower=decimal_str(one.lower),
                upper=decimal_str(one.upper),
                orders=one.orders,
                notional=rounded_str(one.notional, NOTIONAL_PLACES),
            )
            for one in distribution(points)
        ],
        venues=_venues(shown),
        predictions=_predictions(shown),
    )


def _point(found: Counted) -> Point:
    """Return an order as a point of the charts. Its time is its start, or its acceptance if it never began."""
    part = found.chosen or found.order
    report = found.order.figures
    return Point(
        order=part.order,
        at=moment_of(report["started_at"] or report["created_at"]),
        size=found.order.ordered_notional,
        notional=part.filled_notional,
        cost_bp=part.number("cost_bp"),
    )


def _venues(shown: Iterable[Counted]) -> list[VenueCost]:
    parts: dict[str, list[Part]] = defaultdict(list)
    for found in shown:
        for part in found.venues:
            parts[part.group].append(part)
    return [
        VenueCost(
            venue=venue,
            figures={
                name: summary_row(summarise((read(part), part.filled_notional) for part in parts[venue]))
                for name, read in VENUE_FIGURES.items()
            },
        )
        for venue in sorted(parts)
    ]


def _predictions(shown: Sequence[Counted]) -> PredictionCheck:
    pairs = [_pair(found.chosen or found.order) for found in shown]
    found = calibration(pairs)
    newest = {pair.order for pair in [pair for pair in pairs if pair.error_bp is not None][:MAX_PAIRS]}
    return PredictionCheck(
        orders=[
            PredictedOrder(
                order=pair.order,
                notional=rounded_str(pair.notional, NOTIONAL_PLACES),
                predicted_bp=rounded_str(pair.predicted_bp, BP_PLACES),
                achieved_bp=rounded_str(pair.achieved_bp, BP_PLACES),
            )
            for pair in found.pairs
            if pair.order in newest
            and pair.notional is not None
            and pair.predicted_bp is not None
            and pair.achieved_bp is not None
        ],
        left_out=max(0, len(found.pairs) - MAX_PAIRS),
        error=summary_row(found.error),
        absolute_error=summary_row(found.absolute_error),
        steps=[
            PredictionStep(predicted=summary_row(step.predicted), achieved=summary_row(step.achieved))
            for step in found.steps
        ],
    )


def _pair(part: Part) -> Pair:
    return Pair(
        order=part.order,
        notional=part.filled_notional,
        predicted_bp=part.number("predicted", "cost_bp"),
        achieved_bp=part.number("split_bp", "total"),
    )


def summary_row(summary: Summary) -> CostSummary:
    middle = summary.quartiles
    return CostSummary(
        orders=summary.orders,
        unknown=summary.unknown,
        is_few=summary.is_few,
        notional=rounded_str(summary.notional, NOTIONAL_PLACES),
        mean=rounded_str(summary.mean, BP_PLACES),
        standard_error=rounded_str(summary.standard_error, BP_PLACES),
        quartiles=None
        if middle is None
        else CostQuartiles(
            lower=rounded_str(middle.lower, BP_PLACES),
            median=rounded_str(middle.median, BP_PLACES),
            upper=rounded_str(middle.upper, BP_PLACES),
        ),
    )
