"""The stored reports of many orders, as the analysis reads them: whole orders, and what each did at each venue."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from django.db.models import QuerySet

from execution.models import Order, OrderReport, User
from execution.selectors.orders.blotter import orders_filtered
from execution.selectors.orders.order_filter import AnalysisFilter
from execution.selectors.tca.reports import predicted_of

#: The most reports that an analysis reads, the newest ones. 2,000 take about half a second.
MAX_REPORTS = 5_000


@dataclass(frozen=True, slots=True)
class Part:
    """The contribution of one order to a group of the analysis.

    If the groups are venues, these are the order's figures at one venue, otherwise those of its whole report.
    """

    group: str
    order: str
    quote: str
    figures: Mapping[str, Any]

    def number(self, *path: str) -> Decimal | None:
        """Return a figure by its path in the report. None if it is unknown, or if a venue has no such figure."""
        found: Any = self.figures
        for name in path:
            found = found.get(name) if isinstance(found, Mapping) else None
        return None if found is None else Decimal(found)

    def markout(self, seconds: int) -> Decimal | None:
        """Return the markout after ``seconds``; None unless the mid at that moment is known for every fill.

        A markout that covers only some fills could not be compared with those of other orders.
        """
        for row in self.figures["markouts"]:
            if row["seconds"] == seconds and row["bp"] is not None and Decimal(row["share"]) == 1:
                return Decimal(row["bp"])
        return None

    @property
    def filled_notional(self) -> Decimal | None:
        average, filled = self.number("average"), self.number("filled")
        return None if average is None or filled is None else average * filled

    @property
    def ordered_notional(self) -> Decimal | None:
        quantity, arrival = self.number("quantity"), self.number("arrival_mid")
        return None if quantity is None or arrival is None else quantity * arrival

    @property
    def filled_share(self) -> Decimal | None:
        quantity, filled = self.number("quantity"), self.number("filled")
        return None if quantity is None or filled is None else filled / quantity


@dataclass(frozen=True, slots=True)
class Counted:
    """An order of the analysis.

    ``order`` has the figures of the whole order. ``venues`` has a part for each venue with a fill, or only for the
    filter's venue if there is one. ``chosen`` is the part that the analysis uses: the whole order, or the part at the
    filter's venue. ``chosen`` is None if the order has no fill at the filter's venue.
    """

    order: Part
    venues: Sequence[Part]
    chosen: Part | None

    def parts(self, group: str) -> list[Part]:
        """Return the order's parts, one for each group that the order belongs to.

        If the groups are venues, it belongs to each venue at which it has a fill.
        """
        if group == "venue":
            return list(self.venues)
        if self.chosen is None:
            return []
        name = self.order.figures[group]
        return [Part(name, self.chosen.order, self.chosen.quote, self.chosen.figures)]


def parts_read(person: User, chosen: AnalysisFilter) -> tuple[list[Counted], int]:
    """Return the result of ``reports_read`` for the orders that the person may see and that match the filter."""
    return reports_read(orders_filtered(person, chosen), chosen.venue)


def reports_read(orders: QuerySet[Order], venue: str = "") -> tuple[list[Counted], int]:
    """Return the newest final reports of ``orders``, at most ``MAX_REPORTS``, the newest first.

    The second value is the number of older reports that were left out.
    """
    found = OrderReport.objects.filter(order__in=orders).order_by("-pk")
    rows = list(found.values_list("report", "order__predicted")[: MAX_REPORTS + 1])
    left_out = found.count() - MAX_REPORTS if len(rows) > MAX_REPORTS else 0
    return [_counted(report, predicted, venue) for report, predicted in rows[:MAX_REPORTS]], left_out


def _counted(report: Mapping[str, Any], predicted: Mapping[str, Any] | None, venue: str) -> Counted:
    name, quote = report["id"], report["quote"]
    whole = Part("all", name, quote, {**report, "predicted": predicted_of(predicted)})
    venues = [Part(row["venue"], name, quote, row) for row in report["venues"] if venue in ("", row["venue"])]
    if venue:
        return Counted(whole, venues, venues[0] if venues else None)
    return Counted(whole, venues, whole)
