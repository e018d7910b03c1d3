"""The plan of a ticket, as data for its chart and as a line of text."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from dashboard.present.numbers import DASH, amount, price
from dashboard.present.risk_table import risk_options_of
from execution.core.durations import as_words
from execution.core.numbers import grouped
from execution.core.orders.parameters import IcebergParameters
from execution.core.orders.terms import ALGORITHMS
from execution.core.routing.sor import RouteRow, route_rows
from execution.core.routing.split import Split
from execution.core.types import Market
from execution.payloads.encode import decimal_str, epoch_ms
from execution.services.orders.stages import Preview


def plan_data(preview: Preview | None) -> dict[str, Any] | None:
    """Return the start, end and quantity of each slice, with the algorithm's forecast.

    Return None without a plan. Return None too while an order that trades at once waits for order books.
    """
    if preview is None or preview.planned.plan is None or not preview.slices or preview.books_awaited:
        return None
    market = preview.limits
    parameters = preview.terms.parameters
    return {
        "algorithm": preview.request.algorithm,
        "base": market.base if market else "",
        "side": preview.request.side.value,
        "slices": [
            (epoch_ms(part.starts_at), epoch_ms(part.ends_at), decimal_str(part.quantity))
            for part in preview.slices
        ],
        "notes": list(preview.planned.plan.notes),
        "profile": preview.planned.plan.forecast.get("profile", []),
        "visible": decimal_str(parameters.visible_quantity)
        if isinstance(parameters, IcebergParameters)
        else None,
        "route": None
        if preview.split is None
        else [_route(row, market) for row in route_rows(preview.split)],
        "risks": [
            {"words": option.level.value, "left": option.left}
            for option in risk_options_of(preview)
            if option.level is not getattr(parameters, "risk", None)
        ],
        "unfilled": "0" if preview.split is None else decimal_str(preview.split.unfilled),
    }


def _route(row: RouteRow, market: Market | None) -> dict[str, Any]:
    base, tick = (market.base, market.tick) if market else ("", None)
    at = "" if row.part_price is None else f" @ {price(row.part_price, tick)}"
    return {
        "label": row.label,
        "quantity": decimal_str(row.part),
        "words": f"{grouped(row.part)} {base}{at}",
        "trouble": row.trouble,
    }


def route_table(preview: Preview | None) -> dict[str, Any] | None:
    """Return the router's split over the accounts, with its saving against the best single account; None for
    an order that is not routed at once.
    """
    if preview is None or preview.split is None:
        return None
    tick = preview.limits.tick if preview.limits else None
    return {
        "rows": [
            {
                "label": row.label,
                "full": price(row.price, tick),
                "takes": grouped(row.takes),
                "part": grouped(row.part) if row.part else DASH,
                "price": price(row.part_price, tick),
                "limit": amount(row.child_limit),
                "trouble": row.trouble,
                "is_best_alone": row.is_best_alone,
            }
            for row in route_rows(preview.split)
        ],
        "saving": _saving(preview.split),
        "why": preview.split.why,
    }


def _saving(allocation: Split) -> str:
    best = allocation.best_alone
    if allocation.saved_bp is None or best is None:
        return "no single account can fill as much"
    if [part.venue for part in allocation.parts] == [best]:
        return f"all at {best.label}, the best single account"
    return f"saves {allocation.saved_bp:z,.2f} bp against {best.label} alone".replace("-", "−")


def plan_subtitle(preview: Preview | None, market: Market | None) -> str:
    """Return the plan as a line: ``60 slices × 0.0416 to 0.0417 BTC, one every 1 min, exact total 2.5``."""
    if preview is None or not preview.slices or market is None:
        return "no plan yet"
    quantities = [part.quantity for part in preview.slices]
    total = sum(quantities, Decimal(0))
    if isinstance(preview.terms.parameters, IcebergParameters):
        visible = preview.terms.parameters.visible_quantity
        parts = int(-(-total // visible))
        return f"at least {parts} × {grouped(visible)} {market.base} shown, of {grouped(total)} in all"
    if preview.books_awaited:
        return f"{grouped(total)} {market.base} at once; the accounts are not known yet"
    if preview.split is not None:
        into = sum(1 for row in preview.split.parts if row.quantity)
        places = f"{into} account{'' if into == 1 else 's'}"
        return f"{grouped(preview.split.filled)} of {grouped(total)} {market.base} now, at {places}"
    if not ALGORITHMS[preview.request.algorithm].is_sliced:
        return f"{grouped(total)} {market.base} as soon as it starts"
    low, high = min(quantities), max(quantities)
    size = grouped(low) if low == high else f"{grouped(low)} to {grouped(high)}"
    each = as_words(preview.slices[0].ends_at - preview.slices[0].starts_at)
    count = f"{len(quantities)} slice{'s' if len(quantities) > 1 else ''}"
    return f"{count} × {size} {market.base}, one every {each}, exact total {grouped(total)}"
