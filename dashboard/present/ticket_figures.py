"""The ticket's row of figures. What is not known is a dash, and beside it stands why."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import ROUND_HALF_EVEN, Decimal

from dashboard.present.numbers import points
from execution.core.numbers import grouped
from execution.core.tca import costs
from execution.core.types import BASIS_POINT, Market, Quote
from execution.selectors.tca.market_tape import Pace
from execution.services.orders.orders import Preview

DASH = "–"


@dataclass(frozen=True, slots=True)
class Figure:
    label: str
    value: str
    hint: str
    title: str = ""


@dataclass(frozen=True, slots=True)
class Predicted:
    """What the order is expected to cost against arrival, in bp with fees; + is cost. ``pending``: it is being
    simulated, and the numbers are None. ``hint`` stands beside a figure that no simulation made."""

    cost_bp: Decimal | None = None
    error_bp: Decimal | None = None
    markets: int = 0
    pending: bool = False
    #: Words beside the figure, or why there is none.
    hint: str = ""


def figures(
    preview: Preview | None,
    market: Market | None,
    quote: Quote | None,
    pace: Pace | None,
    predicted: Predicted | None = None,
) -> list[Figure]:
    currency = market.quote if market else ""
    return [
        _notional(preview, currency),
        _expected(preview, predicted),
        _participation(preview, market, pace),
        _spread(quote, market),
        _worst(preview, currency),
        _least(preview, market),
    ]


def _notional(preview: Preview | None, currency: str) -> Figure:
    notional = preview.notional if preview else None
    return Figure("notional", DASH if notional is None else f"{notional:,.2f}", currency)


def _expected(preview: Preview | None, predicted: Predicted | None) -> Figure:
    title = (
        "Cost against arrival with fees, + is cost: the mean of simulated markets and its standard error,"
        " or the price of the route for an order that takes at once"
    )
    label = "expected cost"
    if preview is None or not preview.slices:
        return Figure(label, DASH, "no plan yet", title)
    if predicted is not None and predicted.pending:
        return Figure(label, DASH, "being simulated", title)
    if predicted is None or predicted.cost_bp is None:
        return Figure(label, DASH, predicted.hint if predicted and predicted.hint else "not simulated", title)
    if predicted.hint:
        return Figure(label, f"{points(predicted.cost_bp)} bp", predicted.hint, title)
    error = "" if predicted.error_bp is None else f"± {predicted.error_bp:.1f} bp, "
    return Figure(
        label, f"{points(predicted.cost_bp)} bp", f"{error}{predicted.markets:,} simulated markets", title
    )


def _participation(preview: Preview | None, market: Market | None, pace: Pace | None) -> Figure:
    """The order's quantity an hour against the market's of the last five minutes."""
    title = (
        "The order's quantity an hour as a share of what the market traded an hour, by its last five minutes"
    )
    if market is None or pace is None:
        return Figure("participation", DASH, "the market was not watched", title)
    volume = f"{grouped(_three_digits(pace.per_hour))} {market.base}/h"
    share = None
    if preview and preview.quantity is not None and preview.start_at and preview.end_at:
        duration = preview.end_at - preview.start_at
        share = costs.planned_participation(preview.quantity, duration, pace.volume, pace.watched)
    if share is None:
        return Figure("participation", DASH, f"market {volume}", title)
    return Figure("participation", f"{share * 100:,.1f} %", f"of {volume}", title)


def _three_digits(number: Decimal) -> Decimal:
    """Rounded to three digits: a pace is an estimate. Nothing before the point is rounded away."""
    places = min(0, number.adjusted() - 2) if number else 0
    return number.quantize(Decimal(1).scaleb(places), ROUND_HALF_EVEN)


def _spread(quote: Quote | None, market: Market | None) -> Figure:
    """Of the venues together; their reference may be finer than a tick, and is shown with one digit more."""
    if quote is None:
        return Figure("spread now", DASH, "no quote")
    spread = (quote.ask - quote.bid) / quote.mid / BASIS_POINT
    bid, ask = (grouped(_to_tick(price, market)) for price in (quote.bid, quote.ask))
    return Figure("spread now", f"{spread:.2f} bp", f"{bid} / {ask}")


def _to_tick(price: Decimal, market: Market | None) -> Decimal:
    if market is None:
        return price
    return price.quantize(market.tick.normalize() / 10, ROUND_HALF_EVEN)


def _worst(preview: Preview | None, currency: str) -> Figure:
    """What the order costs at most against the mid of now: everything at the limit."""
    limit = preview.request.limit_price if preview else None
    notional = preview.notional if preview else None
    worst = preview.worst_cost_bp if preview else None
    if worst is None or notional is None:
        return Figure("worst at limit", DASH, "no limit price" if limit is None else "no quote")
    amount = f"{notional * worst * BASIS_POINT:z,.0f} {currency}"
    return Figure("worst at limit", f"{worst:z,.0f} bp".replace("-", "−"), amount.replace("-", "−"))


def _least(preview: Preview | None, market: Market | None) -> Figure:
    least = preview.minimum if preview else None
    most = preview.max_slices if preview else None
    title = "The exchange's minimum for a child order, and how many slices it allows"
    if least is None or market is None:
        return Figure("least child", DASH, "", title)
    slices = f", at most {most:,} slice{'' if most == 1 else 's'}" if most is not None else ""
    return Figure("least child", grouped(least), f"{market.base}{slices}", title)
