"""The ticket's row of figures. An unknown figure is a dash with the reason beside it."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import ROUND_HALF_EVEN, Decimal

from dashboard.present.numbers import DASH, amount, points
from execution.core.numbers import grouped
from execution.core.tca import costs
from execution.core.types import BASIS_POINT, Market, Quote
from execution.selectors.tca.market_tape import Pace
from execution.services.orders.stages import Preview, RequestedTerms

#: Shares of the market's volume above which the ticket warns, and above which the warning is red.
LARGE_SHARE = Decimal("0.15")
ALARMING_SHARE = Decimal("0.5")


@dataclass(frozen=True, slots=True)
class Figure:
    label: str
    value: str
    hint: str
    title: str = ""
    #: The CSS class of the value: "", ``warn`` or ``bad``.
    tone: str = ""


@dataclass(frozen=True, slots=True)
class Predicted:
    """The expected cost of the order against the arrival price, in bp with fees; + is a cost.

    While the cost is being simulated, ``pending`` is True and the numbers are None.
    """

    cost_bp: Decimal | None = None
    error_bp: Decimal | None = None
    markets: int = 0
    pending: bool = False
    #: The text beside a figure that was not simulated, or the reason why there is no figure.
    hint: str = ""
    #: The key by which the page requests a pending cost again.
    key: str = ""


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
    notional = preview.terms.notional if preview else None
    return Figure("notional", amount(notional, 2), currency)


def _expected(preview: Preview | None, predicted: Predicted | None) -> Figure:
    title = (
        "Cost against the arrival price with fees; + is cost. It is the mean of simulated markets with its"
        " standard error, or the price of the route for an order that fills at once"
    )
    label = "expected cost, with fees"
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
    title = (
        "The order's quantity per hour as a share of the market's volume per hour, over the last five minutes"
    )
    if market is None or pace is None:
        return Figure("participation", DASH, "the market's volume is not known", title)
    volume = f"{grouped(_three_digits(pace.per_hour))} {market.base}/h"
    share = planned_share(preview, pace)
    if share is None:
        return Figure("participation", DASH, f"market {volume}", title)
    tone = "bad" if share > ALARMING_SHARE else "warn" if share > LARGE_SHARE else ""
    return Figure("participation", f"{share * 100:,.1f} %", f"of {volume}", title, tone)


def planned_share(preview: Preview | None, pace: Pace | None) -> Decimal | None:
    """Return the order's planned pace as a share of the market's volume; None if one of them is unknown."""
    terms = preview.terms if preview else RequestedTerms()
    if pace is None or terms.quantity is None or not terms.start_at or not terms.end_at:
        return None
    duration = terms.end_at - terms.start_at
    return costs.planned_participation(terms.quantity, duration, pace.volume, pace.watched)


def participation_warning(preview: Preview | None, pace: Pace | None) -> tuple[str, str] | None:
    """Return the state and text of a warning if the order plans a large share of the market's volume, else None."""
    share = planned_share(preview, pace)
    if share is None or share <= LARGE_SHARE:
        return None
    state, limit = ("alarm", ALARMING_SHARE) if share > ALARMING_SHARE else ("warn", LARGE_SHARE)
    words = (
        f"Participation is {share * 100:,.1f} % of the market's recent volume, above {limit * 100:.0f} %: "
        "the order is likely to move the price. Give it more time or make it smaller"
    )
    return state, words


def _three_digits(number: Decimal) -> Decimal:
    places = min(0, number.adjusted() - 2) if number else 0
    return number.quantize(Decimal(1).scaleb(places), ROUND_HALF_EVEN)


def _spread(quote: Quote | None, market: Market | None) -> Figure:
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
    limit = preview.request.limit_price if preview else None
    notional = preview.terms.notional if preview else None
    worst = preview.worst_cost_bp if preview else None
    if worst is None or notional is None:
        return Figure("worst at limit", DASH, "no limit price" if limit is None else "no quote")
    amount = f"{notional * worst * BASIS_POINT:z,.0f} {currency}"
    return Figure("worst at limit", f"{worst:z,.0f} bp".replace("-", "−"), amount.replace("-", "−"))


def _least(preview: Preview | None, market: Market | None) -> Figure:
    bounds = preview.planned.bounds if preview else None
    title = "The exchange's minimum for a child order, and the number of slices it allows"
    if bounds is None or market is None:
        return Figure("min. child size", DASH, "", title)
    slices = f"at most {bounds.max_slices:,} slice{'' if bounds.max_slices == 1 else 's'}"
    return Figure("min. child size", grouped(bounds.minimum), f"{market.base}, {slices}", title)
