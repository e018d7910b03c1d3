"""What the ticket's right side shows, and what its script needs beside it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from dashboard.present import sizing
from dashboard.present.account_quotes import account_places
from dashboard.present.numbers import signed
from dashboard.present.plan_data import plan_data, plan_subtitle, route_table
from dashboard.present.ticket_figures import Predicted, figures
from execution import notify
from execution.core.problems import Problem
from execution.core.types import Quote, Side, Unit
from execution.payloads.encode import milliseconds, text
from execution.selectors.tca.market_tape import market_pace
from execution.selectors.ticket import TicketPlace, ticket_place
from execution.services.orders.checks import books_awaited, checks_beside
from execution.services.orders.orders import Preview

if TYPE_CHECKING:
    from execution.models import User

CHECK_MARKS = {"ok": "✓", "warn": "!", "fail": "✕", "unknown": "?"}
CHECK_WORDS = {"ok": "fine", "warn": "warning", "fail": "refused", "unknown": "not known"}


def preview_context(
    *,
    person: User,
    written: Mapping[str, str],
    accounts: Sequence[str],
    preview: Preview | None,
    problems: Sequence[Problem],
    now: datetime,
    predicted: Predicted | None = None,
) -> dict[str, Any]:
    place = ticket_place(person=person, accounts=accounts, symbol=written.get("symbol", ""), now=now)
    market, quote = (place.market, place.quote) if place else (None, None)
    pace = market_pace(place.venues, place.market.symbol, now) if place else None
    if place and preview is None:  # its books are on their way before the quantity is written
        notify.look_at(place.venues, place.market.symbol, now)
    return {
        "preview": preview,
        "market": market,
        "problems": problems,
        "subtitle": plan_subtitle(preview, market),
        "figures": figures(preview, market, quote, pace, predicted),
        "checks": [*(_refusal(problem, preview) for problem in problems), *_checks(preview)],
        "route": route_table(preview),
        # The rows of a route say more than where its first slice would be cheapest.
        "places": [] if preview and preview.takes_at_once else account_places(preview),
        "data": {
            "quote": _quote(quote, now),
            "market": {
                "base": market.base,
                "quote": market.quote,
                "tick": text(market.tick),
                "lot": text(market.lot),
            }
            if market
            else None,
            "helpers": _helpers(written, place),
            "plan": plan_data(preview),
            "plan_waits": _plan_waits(preview),
            "problems": [_problem(problem) for problem in problems],
            "notional": text(preview.notional) if preview else None,
            "quantity": text(preview.quantity) if preview else None,
            "limit_distance": _percent(preview.limit_distance) if preview else None,
        },
    }


def _plan_waits(preview: Preview | None) -> str:
    """What stands where there is no plan yet."""
    if preview is not None and preview.books_awaited:
        return f"{books_awaited(preview)}."
    return "Enter side, quantity and time to see the plan."


def _quote(quote: Quote | None, now: datetime) -> dict[str, Any] | None:
    """The quote with its age on the server's clock: a browser's own clock may be wrong."""
    if quote is None:
        return None
    age = milliseconds(now) - milliseconds(quote.at)
    return {"bid": text(quote.bid), "ask": text(quote.ask), "mid": text(quote.mid), "age": max(0, age)}


def _problem(problem: Problem) -> dict[str, str]:
    return {
        "field": _field(problem),
        "message": problem.message,
        "value": problem.value,
        "limit": problem.limit,
    }


def _refusal(problem: Problem, preview: Preview | None) -> dict[str, str]:
    """A problem as the form writes it. What is only missing is not wrong yet: it waits with a question mark."""
    state = "fail" if preview is not None or problem.value or problem.limit else "unknown"
    return {
        "state": state,
        "mark": CHECK_MARKS[state],
        "word": CHECK_WORDS[state],
        "text": problem.message,
        "field": _field(problem),
    }


def _helpers(written: Mapping[str, str], place: TicketPlace | None) -> dict[str, Any]:
    """Values for the buttons beside quantity and limit price."""
    if place is None or place.quote is None:
        return {"shares": {}, "limit": None}
    market, quote = place.market, place.quote
    side = Side.SELL if written.get("side") == "sell" else Side.BUY
    unit = Unit.QUOTE if written.get("unit") == "quote" else Unit.BASE
    currency = market.quote if side is Side.BUY else market.base
    free = place.free[currency]
    price = quote.aggressive(side)
    return {
        "shares": sizing.quantity_shares(side=side, unit=unit, market=market, free=free, price=price),
        "free": text(free),
        "currency": currency,
        "limit": sizing.limit_beside(side, quote.mid, market.tick),
    }


def _percent(fraction: Decimal | None) -> str | None:
    return None if fraction is None else f"{signed(fraction * 100, 2)} %"


def _field(problem: Problem) -> str:
    return problem.field.removeprefix("parameters.")


def _checks(preview: Preview | None) -> list[dict[str, str]]:
    """What stands beside the problems, where there is a market to check against."""
    checks = checks_beside(preview) if preview and preview.checks else []
    return [
        {
            "state": check.state,
            "mark": CHECK_MARKS.get(check.state, "?"),
            "word": CHECK_WORDS.get(check.state, check.state),
            "text": check.text,
            "confirmed_by": check.confirmed_by,
        }
        for check in checks
    ]
