"""The API's rows whose form differs from that of the services' and selectors' results."""

from __future__ import annotations

from collections.abc import Sequence

from execution.core.orders.plans import SlicePlan
from execution.core.problems import Problem
from execution.core.routing.sor import route_rows
from execution.core.routing.split import Split
from execution.payloads import previews as payloads
from execution.payloads.encode import decimal_str, rounded_str
from execution.payloads.problems import problem_row
from execution.selectors.catalogue import quote_facts
from execution.services.orders.amend_preview import Amendment
from execution.services.orders.stages import Preview


def preview_row(preview: Preview, missing: Sequence[Problem] = ()) -> payloads.OrderPreview:
    """Return a preview as a row of the API. Its problems include the ``missing`` confirmations."""
    bounds = preview.planned.bounds
    return {
        "quantity": decimal_str(preview.terms.quantity),
        "notional": decimal_str(preview.terms.notional),
        "minimum": decimal_str(bounds.minimum if bounds else None),
        "max_slices": bounds.max_slices if bounds else None,
        "worst_cost_bp": rounded_str(preview.worst_cost_bp, 2),
        "start_at": preview.terms.start_at,
        "end_at": preview.terms.end_at,
        "quote": quote_facts(preview.quote, preview.now),
        "slices": [_slice_row(part) for part in preview.slices],
        "route": None if preview.split is None else _route(preview.split),
        "checks": [
            payloads.Check(state=check.state, text=check.text, orders=list(check.orders))
            for check in preview.checks
        ],
        "approvals": [breach.message for breach in preview.verdict.approvals],
        "problems": [problem_row(problem) for problem in (*preview.problems, *missing)],
    }


def unread_row() -> payloads.OrderPreview:
    """Return the preview of an order that cannot be read. All of its figures are unknown."""
    return {
        "quantity": None,
        "notional": None,
        "minimum": None,
        "max_slices": None,
        "worst_cost_bp": None,
        "start_at": None,
        "end_at": None,
        "quote": None,
        "slices": [],
        "route": None,
        "checks": [],
        "approvals": [],
        "problems": [],
    }


def _slice_row(part: SlicePlan) -> payloads.PlannedSlice:
    return {
        "number": part.number,
        "starts_at": part.starts_at,
        "ends_at": part.ends_at,
        "quantity": decimal_str(part.quantity),
    }


def amendment_row(amended: Amendment, missing: Sequence[Problem] = ()) -> payloads.AmendPreview:
    """Return an amendment as a row of the API. Its problems include the ``missing`` confirmations."""
    return {
        "terms_version": amended.terms.version,
        "changes": [
            payloads.TermsChange(
                name=change.name, label=change.label, before=change.before, after=change.after
            )
            for change in amended.changes
        ],
        "quantity": decimal_str(amended.quantity),
        "done": decimal_str(amended.done),
        "remaining": decimal_str(amended.remaining),
        "least": decimal_str(amended.least),
        "notional": decimal_str(amended.notional),
        "limit_price": decimal_str(amended.limit_price),
        "end_at": amended.end_at,
        "slices": [_slice_row(part) for part in amended.slices],
        "notes": list(amended.plan.notes) if amended.plan else [],
        "approvals": [breach.message for breach in amended.verdict.approvals],
        "problems": [problem_row(problem) for problem in (*amended.problems, *missing)],
    }


def _route(allocation: Split) -> payloads.Route:
    return {
        "filled": decimal_str(allocation.filled),
        "unfilled": decimal_str(allocation.unfilled),
        "net_cash": decimal_str(allocation.cash),
        "average_price": decimal_str(allocation.average_price),
        "saved_bp": rounded_str(allocation.saved_bp, 2),
        "why": allocation.why,
        "accounts": [
            {
                "account": row.account,
                "label": row.label,
                "full_price": decimal_str(row.price),
                "full_cash": decimal_str(row.cash),
                "takes": decimal_str(row.takes),
                "quantity": decimal_str(row.part),
                "price": decimal_str(row.child_limit),
                "average_price": decimal_str(row.part_price),
                "net_cash": decimal_str(row.part_cash),
                "trouble": row.trouble,
                "is_best_alone": row.is_best_alone,
            }
            for row in route_rows(allocation)
        ],
    }
