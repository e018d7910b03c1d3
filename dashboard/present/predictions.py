"""What the order that stands in the ticket is expected to cost."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal

from dashboard.present.ticket_figures import Predicted
from execution.core.numbers import grouped
from execution.services.orders.estimates import estimate_wanted, route_json
from execution.services.orders.orders import Preview


def predicted_now(preview: Preview | None, now: datetime) -> Predicted | None:
    """The newest expected cost, pending while the first one is worked out; None where nothing can be expected."""
    if preview is None or preview.problems:
        return None
    if preview.takes_at_once:
        return _by_route(preview, now)
    found = estimate_wanted(preview=preview, now=now)
    if found is None:
        return None
    if found.result is None:
        return Predicted(pending=True)
    if "cost_bp" not in found.result:
        return Predicted(hint=found.result.get("problem", ""))
    return Predicted(
        cost_bp=Decimal(found.result["cost_bp"]),
        error_bp=Decimal(found.result["standard_error_bp"]),
        markets=found.result["seeds"],
    )


def _by_route(preview: Preview, now: datetime) -> Predicted:
    """The price of the route itself: simulated markets say nothing of the books that it takes from."""
    if preview.route is None:
        return Predicted(hint="the books are still coming")
    found = route_json(preview, now)
    if found is None:
        return Predicted(
            hint="nothing can be had" if not preview.route.parts else "a fee or a price is not known"
        )
    base = preview.market.base if preview.market else ""
    part = "its route now, after fees"
    if preview.route.unfilled:
        part = f"for the {grouped(preview.route.filled)} {base} that can be had"
    return Predicted(cost_bp=Decimal(found["cost_bp"]), hint=part)
