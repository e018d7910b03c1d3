"""An order's report: computed from its fills and the market's samples, or read as stored after the order's end."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any, cast

from execution.core.states import ORDER_FINAL
from execution.core.tca import costs
from execution.core.tca.analysis import (
    HORIZONS,
    Achieved,
    Analysis,
    Markout,
    Planned,
    Split,
    Subject,
    analyse,
)
from execution.core.types import ZERO, Side
from execution.models import Order, OrderReport, Slice
from execution.payloads.encode import BP_PLACES, decimal_str, epoch_ms, rounded_str
from execution.payloads.orders import Fee
from execution.payloads.reports import CostSplit, MarkoutRow, Predicted, Report, ShownSplit, VenueReport
from execution.selectors.orders.rows import order_rows_of
from execution.selectors.tca.executions import executions_of, record_of, venues_of, working_since

#: The time of a fill's last markout, plus the seconds by which a sample may be late.
SETTLES_AFTER = timedelta(seconds=max(HORIZONS) + 10)
SHOWN_PLACES = 1
AMOUNT_PLACES = 8


def report_read(order_pk: int, now: datetime) -> Report:
    """Return the stored report if no fill or fee was recorded after it. Otherwise compute it from the present rows."""
    kept = OrderReport.objects.filter(order=order_pk).select_related("order").first()
    if kept is None or kept.version != kept.order.version:
        return report_make(order_pk, now)
    report = cast("Report", kept.report)
    # The prediction may have come after the report was kept: it is none of the order's facts.
    predicted = predicted_of(kept.order.predicted)
    total = report["split_bp"]["total"]
    error = _error(None if total is None else Decimal(total), predicted)
    return {**report, "predicted": predicted, "predicted_error_bp": error}


def report_make(order_pk: int, now: datetime) -> Report:
    """Compute the report of an order from its fills and the recorded seconds of its markets."""
    order = Order.objects.select_related("trader", "terms").get(pk=order_pk)
    venues = venues_of(order)
    found = analyse(
        subject_of(order, now),
        list(executions_of(order).values()),
        record_of(order, venues, _start(order) or order.created_at, _until(order, now)),
        venues=len(venues),
    )
    return _report(order, found, now)


def is_settled(order: Order, now: datetime) -> bool:
    """Return True if the order ended at least ``SETTLES_AFTER`` ago.

    By that time the mids are known that the markouts of its last fill need.
    """
    if order.status not in ORDER_FINAL or order.ended_at is None:
        return False
    return now - order.ended_at >= SETTLES_AFTER


def subject_of(order: Order, now: datetime) -> Subject:
    """Return the order as a ``Subject``, the type that the analysis works on, with the order's first plan."""
    plan = Slice.objects.filter(order=order, plan_version=1).order_by("number")
    return Subject(
        side=Side(order.side),
        quantity=order.quantity,
        arrival_mid=costs.middle(order.arrival_bid, order.arrival_ask),
        started_at=_start(order),
        working_at=working_since(order),
        ended_at=order.ended_at,
        plan=[Planned(*values) for values in plan.values_list("starts_at", "ends_at", "quantity")],
        now=now,
    )


def _start(order: Order) -> datetime | None:
    return order.started_at or (order.terms.start_at if order.terms else None)


def _until(order: Order, now: datetime) -> datetime:
    return now if order.ended_at is None else min(now, order.ended_at + SETTLES_AFTER)


def _report(order: Order, analysis: Analysis, now: datetime) -> Report:
    (row,) = order_rows_of([order])
    whole = analysis.whole
    predicted = predicted_of(order.predicted)
    said = {name: value for name, value in row.items() if name in Report.__annotations__}
    made = {
        **said,
        "is_final": is_settled(order, now),
        "at": epoch_ms(now),
        "planned_end_at": epoch_ms(analysis.planned_end),
        "end_lag_seconds": _seconds(analysis.end_lag),
        "mean_lag_seconds": _seconds(analysis.mean_lag),
        "unfilled": decimal_str(analysis.unfilled),
        "children": order.children.count(),
        "market_vwap": rounded_str(analysis.vwap, 12),
        "market_twap": rounded_str(analysis.twap, 12),
        "market_volume": decimal_str(analysis.market_volume),
        "watched": rounded_str(analysis.watched, 4),
        "participation": rounded_str(analysis.participation, 4),
        "split": split_row(whole.split, AMOUNT_PLACES),
        "fees": [
            Fee(currency=name, amount=decimal_str(sum_)) for name, sum_ in sorted(analysis.fees.items())
        ],
        "fees_bp": None
        if whole.split.fees is None
        else _bp(costs.fees_bp([whole.split.fees], whole.notional)),
        "opportunity": rounded_str(analysis.opportunity, AMOUNT_PLACES),
        "opportunity_bp": _bp(analysis.opportunity_bp),
        "shortfall_bp": _bp(analysis.shortfall_bp),
        "venues": [_venue(name, part, whole.quantity) for name, part in analysis.venues.items()],
        "predicted": predicted,
        "predicted_error_bp": _error(whole.split_bp.total, predicted),
        **_achieved(whole),
    }
    return cast("Report", made)


def _achieved(part: Achieved) -> dict[str, Any]:
    return {
        "fills": part.fills,
        "filled": decimal_str(part.quantity),
        "average": rounded_str(part.average, 12),
        "cost_bp": _bp(part.arrival_bp),
        "vwap_cost_bp": _bp(part.vwap_bp),
        "twap_cost_bp": _bp(part.twap_bp),
        "split_bp": split_row(part.split_bp, BP_PLACES),
        "maker_share": rounded_str(part.maker_share, 4),
        "markouts": [_markout(markout) for markout in part.markouts],
    }


def _venue(name: str, part: Achieved, filled: Decimal) -> VenueReport:
    share = part.quantity / filled if filled > ZERO else None
    return cast("VenueReport", {"venue": name, "share": rounded_str(share, 4), **_achieved(part)})


def _markout(markout: Markout) -> MarkoutRow:
    return MarkoutRow(seconds=markout.seconds, bp=_bp(markout.bp), share=rounded_str(markout.share, 4))


def split_row(split: Split, places: int) -> CostSplit:
    return CostSplit(
        spread=rounded_str(split.spread, places),
        drift=rounded_str(split.drift, places),
        delay=rounded_str(split.delay, places),
        fees=rounded_str(split.fees, places),
        total=rounded_str(split.total, places),
    )


def shown_split(row: CostSplit) -> ShownSplit:
    """Return a split in basis points as pages show it: rounded so that the parts add up."""
    exact = (row["spread"], row["drift"], row["delay"], row["fees"], row["total"])
    arrival, split = Split(*(None if part is None else Decimal(part) for part in exact)).shown(SHOWN_PLACES)
    return ShownSplit(arrival=rounded_str(arrival, SHOWN_PLACES), **split_row(split, SHOWN_PLACES))


def predicted_of(estimate: Mapping[str, Any] | None) -> Predicted | None:
    """Return the prediction stored with an order; None without one."""
    if not estimate:
        return None
    return Predicted(
        by=estimate.get("by", "simulation"),
        cost_bp=estimate.get("cost_bp"),
        standard_error_bp=estimate.get("standard_error_bp"),
        seeds=estimate.get("seeds"),
        at=estimate.get("at"),
    )


def _error(total: Decimal | None, predicted: Predicted | None) -> str | None:
    if total is None or predicted is None or predicted["cost_bp"] is None:
        return None
    return _bp(total - Decimal(predicted["cost_bp"]))


def _bp(value: Decimal | None) -> str | None:
    return rounded_str(value, BP_PLACES)


def _seconds(length: timedelta | None) -> str | None:
    return None if length is None else rounded_str(Decimal(str(length.total_seconds())), 1)
