"""What the simulation expects of the order that stands in the ticket."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal

from dashboard.estimates import Predicted
from execution.services.estimates import estimate_wanted
from execution.services.orders import Preview


def predicted_now(preview: Preview | None, now: datetime) -> Predicted | None:
    """The newest expected cost, pending while the first one is worked out; None where nothing can be expected."""
    if preview is None or preview.problems:
        return None
    found = estimate_wanted(preview=preview, now=now)
    if found is None:
        return None
    if found.result is None:
        return Predicted(pending=True)
    if "cost_bp" not in found.result:
        return Predicted(problem=found.result.get("problem", ""))
    return Predicted(
        cost_bp=Decimal(found.result["cost_bp"]),
        error_bp=Decimal(found.result["standard_error_bp"]),
        markets=found.result["seeds"],
    )
