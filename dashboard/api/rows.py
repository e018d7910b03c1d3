"""What the services and selectors give as the API's rows, where the two differ in form."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from execution.core.orders.plans import SlicePlan
from execution.core.problems import Problem
from execution.core.routing.sor import route_rows
from execution.core.routing.split import Split
from execution.payloads.encode import rounded, text
from execution.selectors.catalogue import quote_facts
from execution.services.orders.amend_preview import Amendment
from execution.services.orders.orders import Preview


def preview_row(preview: Preview, missing: Sequence[Problem] = ()) -> dict[str, Any]:
    """A preview; what is ``missing`` to be confirmed would refuse the order as its problems do."""
    return {
        "quantity": text(preview.quantity),
        "notional": text(preview.notional),
        "minimum": text(preview.minimum),
        "max_slices": preview.max_slices,
        "worst_cost_bp": rounded(preview.worst_cost_bp, 2),
        "start_at": preview.start_at,
        "end_at": preview.end_at,
        "quote": quote_facts(preview.quote, preview.now),
        "slices": [_slice_row(part) for part in preview.slices],
        "route": None if preview.route is None else _route(preview.route),
        "checks": [asdict(check) for check in preview.checks],
        "problems": [asdict(problem) for problem in (*preview.problems, *missing)],
    }


def _slice_row(part: SlicePlan) -> dict[str, Any]:
    return {
        "number": part.number,
        "starts_at": part.starts_at,
        "ends_at": part.ends_at,
        "quantity": text(part.quantity),
    }


def amendment_row(amended: Amendment, missing: Sequence[Problem] = ()) -> dict[str, Any]:
    """An amendment; what is ``missing`` to be confirmed would refuse it as its problems do."""
    return {
        "terms_version": amended.terms.version,
        "changes": [asdict(change) for change in amended.changes],
        "quantity": text(amended.quantity),
        "done": text(amended.done),
        "remaining": text(amended.remaining),
        "least": text(amended.least),
        "notional": text(amended.notional),
        "limit_price": text(amended.limit_price),
        "end_at": amended.end_at,
        "slices": [_slice_row(part) for part in amended.slices],
        "notes": list(amended.plan.notes) if amended.plan else [],
        "problems": [asdict(problem) for problem in (*amended.problems, *missing)],
    }


def _route(found: Split) -> dict[str, Any]:
    return {
        "filled": text(found.filled),
        "unfilled": text(found.unfilled),
        "net_cash": text(found.cash),
        "average_price": text(found.average_price),
        "saved_bp": rounded(found.saved_bp, 2),
        "why": found.why,
        "accounts": [
            {
                "account": row.account,
                "label": row.label,
                "full_price": text(row.price),
                "full_cash": text(row.cash),
                "takes": text(row.takes),
                "quantity": text(row.part),
                "price": text(row.child_limit),
                "average_price": text(row.part_price),
                "net_cash": text(row.part_cash),
                "trouble": row.trouble,
                "is_best_alone": row.is_best_alone,
            }
            for row in route_rows(found)
        ],
    }
