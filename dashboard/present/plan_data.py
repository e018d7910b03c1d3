"""The plan of a ticket as its chart draws it, and in a line."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from dashboard.present.sentences import spoken
from execution.core.numbers import grouped
from execution.core.orders.parameters import IcebergParameters
from execution.core.orders.terms import ALGORITHMS
from execution.core.routing.sor import RouteRow, route_rows
from execution.core.routing.split import Split
from execution.core.types import Market
from execution.payloads.encode import milliseconds, text
from execution.services.orders.orders import Preview


def plan_data(preview: Preview | None) -> dict[str, Any] | None:
    """Start, end and quantity of each slice, and what the algorithm plans beside them; None without a plan, and while
    the books of an order that takes at once are still coming."""
    if preview is None or preview.plan is None or not preview.slices or preview.books_awaited:
        return None
    market = preview.market
    parameters = preview.parameters
    return {
        "algorithm": preview.request.algorithm,
        "base": market.base if market else "",
        "side": preview.request.side.value,
        "slices": [
            (milliseconds(part.starts_at), milliseconds(part.ends_at), text(part.quantity))
            for part in preview.slices
        ],
        "notes": list(preview.plan.notes),
        "profile": preview.plan.forecast.get("profile", []),
        "visible": text(parameters.visible_quantity) if isinstance(parameters, IcebergParameters) else None,
        "route": None
        if preview.route is None
        else [_route(row, market) for row in route_rows(preview.route)],
        "unfilled": "0" if preview.route is None else text(preview.route.unfilled),
    }


def _route(row: RouteRow, market: Market | None) -> dict[str, Any]:
    base = market.base if market else ""
    price = "" if row.part_price is None else f" @ {_price(row.part_price, market)}"
    return {
        "label": row.label,
        "quantity": text(row.part),
        "words": f"{grouped(row.part)} {base}{price}",
        "trouble": row.trouble,
    }


def _price(price: Decimal, market: Market | None) -> str:
    """One digit more than the tick: fees are finer than it."""
    return f"{price.quantize(market.tick.normalize() / 10):,f}" if market else grouped(price)


def route_table(preview: Preview | None) -> dict[str, Any] | None:
    """The router's split, account by account, and what it saves; None for what is not routed at once."""
    if preview is None or preview.route is None:
        return None
    market = preview.market
    return {
        "rows": [
            {
                "label": row.label,
                "full": "–" if row.price is None else _price(row.price, market),
                "takes": grouped(row.takes),
                "part": grouped(row.part) if row.part else "–",
                "price": "–" if row.part_price is None else _price(row.part_price, market),
                "limit": "–" if row.child_limit is None else grouped(row.child_limit),
                "trouble": row.trouble,
                "is_best_alone": row.is_best_alone,
            }
            for row in route_rows(preview.route)
        ],
        "saving": _saving(preview.route),
        "why": preview.route.why,
    }


def _saving(found: Split) -> str:
    best = found.best_alone
    if found.saved_bp is None or best is None:
        return "no single account does as much"
    if [part.venue for part in found.parts] == [best]:
        return f"all at {best.label}, the best alone"
    return f"saves {found.saved_bp:z,.2f} bp against {best.label} alone".replace("-", "−")


def plan_subtitle(preview: Preview | None, market: Market | None) -> str:
    """``60 slices × 0.0416 to 0.0417 BTC, one every 1 min, exact total 2.5``"""
    if preview is None or not preview.slices or market is None:
        return "no plan yet"
    quantities = [part.quantity for part in preview.slices]
    total = sum(quantities, Decimal(0))
    if isinstance(preview.parameters, IcebergParameters):
        visible = preview.parameters.visible_quantity
        parts = int(-(-total // visible))
        return f"at least {parts} × {grouped(visible)} {market.base} shown, of {grouped(total)} in all"
    if preview.books_awaited:
        return f"{grouped(total)} {market.base} at once, where is not known yet"
    if preview.route is not None:
        into = sum(1 for row in preview.route.parts if row.quantity)
        places = f"{into} account{'' if into == 1 else 's'}"
        return f"{grouped(preview.route.filled)} of {grouped(total)} {market.base} now, at {places}"
    if not ALGORITHMS[preview.request.algorithm].is_sliced:
        return f"{grouped(total)} {market.base} as soon as it starts"
    low, high = min(quantities), max(quantities)
    size = grouped(low) if low == high else f"{grouped(low)} to {grouped(high)}"
    each = spoken(preview.slices[0].ends_at - preview.slices[0].starts_at)
    count = f"{len(quantities)} slice{'s' if len(quantities) > 1 else ''}"
    return f"{count} × {size} {market.base}, one every {each}, exact total {grouped(total)}"
