"""The results of many orders, grouped by algorithm, symbol, venue or trader, from the stored reports."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from decimal import Decimal

from execution.core.states import ORDER_FINAL
from execution.core.tca.aggregates import MeanOf, mean_of
from execution.core.types import ZERO
from execution.models import User
from execution.payloads.encode import rounded_str
from execution.payloads.reports import AnalysisPage, GroupRow, Mean
from execution.selectors.orders.blotter import orders_filtered
from execution.selectors.orders.order_filter import AnalysisFilter
from execution.selectors.tca.charts import charts_of
from execution.selectors.tca.parts import Part, parts_read

PLACES = 4


@dataclass(frozen=True, slots=True)
class Figure:
    """A figure that is averaged over orders. ``read`` gets the figure from an order's report.

    If ``of_whole`` is True, the average is weighted by the ordered notional, and otherwise by the filled notional.
    """

    label: str
    read: Callable[[Part], Decimal | None]
    of_whole: bool = False


def _at(*path: str) -> Callable[[Part], Decimal | None]:
    return lambda part: part.number(*path)


FIGURES: dict[str, Figure] = {
    "cost_bp": Figure("Against arrival", _at("cost_bp")),
    "vwap_cost_bp": Figure("Against VWAP", _at("vwap_cost_bp")),
    "twap_cost_bp": Figure("Against TWAP", _at("twap_cost_bp")),
    "spread_bp": Figure("Spread", _at("split_bp", "spread")),
    "drift_bp": Figure("Drift", _at("split_bp", "drift")),
    "delay_bp": Figure("Delay", _at("split_bp", "delay")),
    "fees_bp": Figure("Fees", _at("split_bp", "fees")),
    "total_bp": Figure("Total", _at("split_bp", "total")),
    "predicted_bp": Figure("Predicted", _at("predicted", "cost_bp")),
    "predicted_error_bp": Figure("Actual − predicted", _at("predicted_error_bp")),
    "markout_10_bp": Figure("Markout 10 s", lambda part: part.markout(10)),
    "markout_60_bp": Figure("Markout 1 min", lambda part: part.markout(60)),
    "markout_300_bp": Figure("Markout 5 min", lambda part: part.markout(300)),
    "opportunity_bp": Figure("Opportunity", _at("opportunity_bp"), of_whole=True),
    "shortfall_bp": Figure("Shortfall", _at("shortfall_bp"), of_whole=True),
    "maker_share": Figure("Maker share", _at("maker_share")),
    "participation": Figure("Participation", _at("participation")),
    "filled_share": Figure("Filled", lambda part: part.filled_share, of_whole=True),
    "end_lag_seconds": Figure("Finished later than planned", _at("end_lag_seconds")),
}


def analysis_page(*, person: User, chosen: AnalysisFilter) -> AnalysisPage:
    """Return the reports that the person may see, by group and as charts.

    It takes two queries for any number of orders, and one more if reports are left out.
    """
    visible = orders_filtered(person, chosen).filter(status__in=ORDER_FINAL)
    waiting = visible.filter(report=None).count()
    counted, left_out = parts_read(person, chosen)
    groups: dict[str, list[Part]] = defaultdict(list)
    orders: list[Part] = []
    for found in counted:
        parts = found.parts(chosen.group)
        for part in parts:
            groups[part.group].append(part)
        if parts:
            orders.append(found.chosen or found.order)
    return AnalysisPage(
        by=chosen.group,
        groups=[_row(name, groups[name]) for name in sorted(groups)],
        whole=_row("all", orders) if orders else None,
        waiting=waiting,
        left_out=left_out,
        charts=charts_of(counted),
    )


def _row(name: str, parts: Sequence[Part]) -> GroupRow:
    filled = [part.filled_notional for part in parts]
    notional: dict[str, Decimal] = defaultdict(Decimal)
    for part, value in zip(parts, filled, strict=True):
        notional[part.quote] += value or ZERO
    weights = {False: filled, True: [part.ordered_notional for part in parts]}
    if len(notional) > 1:  # they do not add up
        weights = dict.fromkeys(weights, [None] * len(parts))
    return GroupRow(
        group=name,
        orders=len({part.order for part in parts}),
        notional={currency: rounded_str(amount, 2) for currency, amount in sorted(notional.items())},
        figures={
            key: _mean_row(mean_of(zip(map(figure.read, parts), weights[figure.of_whole], strict=True)))
            for key, figure in FIGURES.items()
        },
    )


def _mean_row(mean: MeanOf) -> Mean:
    return Mean(
        n=mean.n,
        mean=rounded_str(mean.mean, PLACES),
        weighted=rounded_str(mean.weighted, PLACES),
        standard_error=rounded_str(mean.standard_error, PLACES),
    )
