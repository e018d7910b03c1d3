"""The preview panel of the ticket, and the data for its script."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from dashboard.present import sizing
from dashboard.present.account_quotes import account_places
from dashboard.present.numbers import signed
from dashboard.present.plan_data import plan_data, plan_subtitle, route_table
from dashboard.present.risk_table import risk_table
from dashboard.present.ticket_figures import Predicted, figures, participation_warning
from execution import notify
from execution.core.market_data.freshness import is_fresh
from execution.core.numbers import NumberRefused, decimal_number, grouped
from execution.core.orders.parameters import AlgorithmParameters
from execution.core.orders.reservation import spent_currency, worst_price
from execution.core.problems import Problem
from execution.core.types import Market, Quote, Side, Unit
from execution.payloads.encode import decimal_str, epoch_ms
from execution.payloads.problems import problem_row
from execution.selectors.orders.schedules import has_schedule
from execution.selectors.tca.market_tape import Pace, market_pace
from execution.selectors.ticket import TicketPlace, ticket_place
from execution.services.orders.checks import books_awaited, checks_beside
from execution.services.orders.stages import Preview

if TYPE_CHECKING:
    from execution.models import User

CHECK_MARKS = {"ok": "✓", "warn": "!", "alarm": "!!", "fail": "✕", "unknown": "?"}
CHECK_WORDS = {"ok": "fine", "warn": "warning", "alarm": "warning", "fail": "refused", "unknown": "not known"}


def preview_context(
    *,
    person: User,
    form: Mapping[str, str],
    accounts: Sequence[str],
    preview: Preview | None,
    problems: Sequence[Problem],
    now: datetime,
    predicted: Predicted | None = None,
) -> dict[str, Any]:
    place = ticket_place(person=person, accounts=accounts, symbol=form.get("symbol", ""), now=now)
    market, quote = (place.market, place.quote) if place else (None, None)
    pace = market_pace(place.venues, place.market.symbol, now) if place else None
    if place and preview is None:  # its books are on their way before the quantity is written
        notify.request_books(place.venues, place.market.symbol, now)
    return {
        "preview": preview,
        "market": market,
        "problems": problems,
        "subtitle": plan_subtitle(preview, market),
        "figures": figures(preview, market, quote, pace, predicted),
        "estimated_from": _market_words(quote, now),
        "checks": [*(_refusal(problem, preview) for problem in problems), *_checks(preview, pace)],
        "route": route_table(preview),
        "risks": risk_table(preview),
        # The rows of a route say more than where its first slice would be cheapest.
        "places": [] if preview and preview.takes_at_once else account_places(preview),
        "data": {
            "quote": _quote(quote, now),
            "market": {
                "base": market.base,
                "quote": market.quote,
                "tick": decimal_str(market.tick),
                "lot": decimal_str(market.lot),
            }
            if market
            else None,
            "helpers": _helpers(form, place),
            "watch": _watch(form, accounts, preview),
            "plan": plan_data(preview),
            "plan_waits": _plan_waits(preview),
            "problems": [problem_row(problem) for problem in problems],
            "notional": decimal_str(preview.terms.notional) if preview else None,
            "quantity": decimal_str(preview.terms.quantity) if preview else None,
            "size": _size(form, preview, market),
            "limit_distance": _percent(preview.limit_distance) if preview else None,
        },
    }


def _size(form: Mapping[str, str], preview: Preview | None, market: Market | None) -> dict[str, str] | None:
    """Return the quantity in words, with the text and unit it was read from. Unreadable text has no size."""
    if preview is None or market is None:
        return None
    request = preview.request
    currency = market.quote if request.unit is Unit.QUOTE else market.base
    return {
        "written": form.get("quantity", ""),
        "unit": request.unit.value,
        "words": f"{grouped(request.quantity)} {currency}",
    }


def _plan_waits(preview: Preview | None) -> str:
    if preview is not None and preview.books_awaited:
        return f"{books_awaited(preview)}."
    return "Enter side, quantity and time to see the plan."


def _market_words(quote: Quote | None, now: datetime) -> str:
    """Return the text that says whether the estimate is from current, old or no market data."""
    if quote is None:
        return "no market data yet"
    is_old = not is_fresh(quote.at, now)
    return (
        f"from the market of {quote.at:%H:%M:%S} UTC, which is old" if is_old else "from the current market"
    )


def _quote(quote: Quote | None, now: datetime) -> dict[str, Any] | None:
    """Return the quote with its age by the server's clock, because a browser's clock may be wrong."""
    if quote is None:
        return None
    age = epoch_ms(now) - epoch_ms(quote.at)
    return {
        "bid": decimal_str(quote.bid),
        "ask": decimal_str(quote.ask),
        "mid": decimal_str(quote.mid),
        "age": max(0, age),
    }


def _refusal(problem: Problem, preview: Preview | None) -> dict[str, Any]:
    """Return the row of a problem. A value that is only missing gets a question mark, because it is not wrong yet."""
    state = "fail" if preview is not None or problem.value or problem.limit else "unknown"
    return _check_row(state, problem.message, field=problem.field.removeprefix("parameters."))


def _helpers(form: Mapping[str, str], place: TicketPlace | None) -> dict[str, Any]:
    if place is None or place.quote is None:
        return {"shares": {}, "limit": None}
    market, quote = place.market, place.quote
    side = _side(form)
    unit = Unit.QUOTE if form.get("unit") == "quote" else Unit.BASE
    free, worst = place.available(side), _worst_price(form, side, quote)
    return {
        "shares": sizing.quantity_shares(
            side=side, unit=unit, market=market, free=free, price=quote.mid, worst=worst
        ),
        "free": decimal_str(free),
        "currency": spent_currency(market.symbol, side),
        "limit": sizing.limit_beside(side, quote.mid, market.tick),
    }


def _watch(form: Mapping[str, str], accounts: Sequence[str], preview: Preview | None) -> dict[str, Any]:
    """Return the request for the market beside the ticket. The page sends it to the websocket unchanged."""
    terms = preview.terms if preview else None
    return {
        "symbol": form.get("symbol", ""),
        "accounts": list(accounts),
        "side": _side(form).value,
        "slice": decimal_str(_first_slice(preview)),
        "quantity": decimal_str(terms.quantity) if terms else None,
        "limit": decimal_str(_limit(preview)),
        "collar_bp": decimal_str(_collar_bp(form)),
    }


def _limit(preview: Preview | None) -> Decimal | None:
    limit = preview.request.limit_price if preview else None
    return limit if limit and limit > 0 else None


def _first_slice(preview: Preview | None) -> Decimal | None:
    if preview is None or not preview.slices or not has_schedule(preview.request.algorithm):
        return None
    return preview.slices[0].quantity


def _side(form: Mapping[str, str]) -> Side:
    return Side.SELL if form.get("side") == "sell" else Side.BUY


def _collar_bp(form: Mapping[str, str]) -> Decimal:
    default: Decimal = AlgorithmParameters.model_fields["collar_bp"].default
    return _number(form.get("collar_bp", "")) or default


def _worst_price(form: Mapping[str, str], side: Side, quote: Quote) -> Decimal | None:
    """Return the worst price that the form allows. An empty collar field stands for the default collar."""
    limit = _number(form.get("limit_price", ""))
    return worst_price(side, limit_price=limit, collar_bp=_collar_bp(form), mid=quote.mid)


def _number(text: str) -> Decimal | None:
    try:
        number = decimal_number(text)
    except NumberRefused:
        return None
    return number if number > 0 else None


def _percent(fraction: Decimal | None) -> str | None:
    return None if fraction is None else f"{signed(fraction * 100, 2)} %"


def _checks(preview: Preview | None, pace: Pace | None) -> list[dict[str, Any]]:
    checks = checks_beside(preview) if preview else []
    participation = participation_warning(preview, pace)
    first = [] if participation is None else [_check_row(*participation)]
    return first + [
        _check_row(check.state, check.text, confirmed_by=check.confirmed_by, orders=check.orders)
        for check in checks
    ]


def _check_row(state: str, text: str, **more: str | Sequence[str]) -> dict[str, Any]:
    mark, word = CHECK_MARKS.get(state, "?"), CHECK_WORDS.get(state, state)
    return {"state": state, "mark": mark, "word": word, "text": text, **more}
