"""The expected cost of the order in the ticket."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any

from dashboard.present.ticket_figures import Predicted
from execution.core.numbers import grouped
from execution.services.orders.estimates import estimate_wanted, route_json
from execution.services.orders.stages import Preview


def predicted_now(preview: Preview | None, now: datetime) -> Predicted | None:
    """Return the newest expected cost of the order.

    Until the first one is calculated, the result has ``pending``. Return None if there cannot be one.
    """
    if preview is None or preview.problems:
        return None
    if preview.takes_at_once:
        return _by_route(preview, now)
    found = estimate_wanted(preview=preview, now=now)
    if found is None:
        return None
    return Predicted(pending=True, key=found.key) if found.result is None else predicted_of(found.result)


def predicted_of(result: Mapping[str, Any]) -> Predicted:
    """Return the expected cost that a simulation found, or the reason why it found none."""
    if "cost_bp" not in result:
        return Predicted(hint=result.get("problem", ""))
    return Predicted(
        cost_bp=Decimal(result["cost_bp"]),
        error_bp=Decimal(result["standard_error_bp"]),
        markets=result["seeds"],
    )


def _by_route(preview: Preview, now: datetime) -> Predicted:
    """Return the expected cost from the prices of the route. They come from the real order books, which a
    simulated market does not have.
    """
    if preview.split is None:
        return Predicted(hint="waiting for the order books")
    found = route_json(preview, now)
    if found is None:
        return Predicted(
            hint="nothing is available" if not preview.split.parts else "a fee or a price is not known"
        )
    base = preview.limits.base if preview.limits else ""
    part = "its route now, after fees"
    if preview.split.unfilled:
        part = f"for the {grouped(preview.split.filled)} {base} available"
    return Predicted(cost_bp=Decimal(found["cost_bp"]), hint=part)
