"""Books of venues that somebody wrote down, and what the router would do with them: ``manage.py route``.

In: ``{"venues": [{"name", "fee", "lot", "min_notional", "balance", "bids", "asks"}]}``. Fees are fractions of the
quote amount, lots in base, minimums in quote; a balance is in what the side spends, null is no bound.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from itertools import pairwise
from typing import Any

from execution.core.numbers import FINEST_NUMBER, NumberRefused, decimal_number, plain, shortened
from execution.core.orders.view import AccountView
from execution.core.problems import Problem, Refused
from execution.core.routing.account_selection import after_fee
from execution.core.routing.split import Split, split
from execution.core.types import ZERO, Book, Level, Market, Side

ONE = Decimal(1)
MAX_VENUES, MAX_LEVELS = 20, 5_000
#: What is written down has no age: all books are of one moment.
MOMENT = datetime(2000, 1, 1, tzinfo=UTC)


def route_books(raw: Any, side: Side, quantity: Decimal) -> Split:
    """The split of ``quantity`` over the books in ``raw``, exactly as given: minimums without a margin.

    Raises ``Refused`` that names every venue's fields, values and limits that cannot be used.
    """
    venues = [_venue_view(written, side) for written in read_venues(raw)]
    return split(side, quantity, venues, None, now=MOMENT, notional_margin=ONE)


def route_answer(found: Split) -> dict[str, Any]:
    """The split as the command prints it. ``average_price`` is ``net_cash`` by what is filled, after fees."""
    return {
        "allocation": {part.venue.label: plain(part.quantity) for part in found.parts},
        "filled": plain(found.filled),
        "unfilled": plain(found.unfilled),
        "net_cash": plain(found.cash or ZERO),
        "average_price": None if found.average_price is None else plain(found.average_price),
        "single_venue": {
            each.venue.label: None if each.cash is None else plain(each.cash) for each in found.alone
        },
    }


def _venue_view(written: AccountView, side: Side) -> AccountView:
    """No bound on the balance is one that pays for all there is: a balance that is not known would rank last."""
    if written.free is not None or written.book is None:
        return written
    levels = written.book.to_take(side)
    if side is Side.SELL:
        enough = sum((size for _, size in levels), ZERO)
    else:
        enough = sum((price * size for price, size in levels), ZERO)
        enough = after_fee(side, enough, written.market.taker_fee or ZERO)
    return replace(written, free=2 * enough + 1)


# --- reading ---------------------------------------------------------------------------------------


def read_venues(raw: Any) -> tuple[AccountView, ...]:
    """The venues in ``raw``; raises ``Refused`` with every problem."""
    listed = raw.get("venues") if isinstance(raw, Mapping) else None
    if not isinstance(listed, list) or not listed:
        raise Refused([Problem("venues", "there is no list of venues under the name 'venues'")])
    if len(listed) > MAX_VENUES:
        message = f"there are {len(listed)} venues; at most {MAX_VENUES}"
        raise Refused([Problem("venues", message, str(len(listed)), str(MAX_VENUES))])
    problems: list[Problem] = []
    found: list[AccountView] = []
    for place, written in enumerate(listed):
        try:
            found.append(_read_venue(f"venues[{place}]", written))
        except Refused as refused:
            problems.extend(refused.problems)
    names = [venue.label for venue in found]
    twice = sorted({name for name in names if names.count(name) > 1})
    problems.extend(Problem("name", f"venue {name!r} is there more than once", name) for name in twice)
    if problems:
        raise Refused(problems)
    return tuple(found)


def _read_venue(where: str, raw: Any) -> AccountView:
    if not isinstance(raw, Mapping):
        raise _refused(where, "is no object with a venue's fields", raw)
    name = raw.get("name")
    if not isinstance(name, str) or not name.strip():
        raise _refused(f"{where}.name", "must be a text", name)
    bids, asks = _levels(name, "bids", raw), _levels(name, "asks", raw)
    if bids and asks and bids[0][0] >= asks[0][0]:
        message = f"the book is crossed: bid {plain(bids[0][0])} is not under the ask {plain(asks[0][0])}"
        raise Refused([Problem(name, f"{name}: {message}", plain(bids[0][0]), plain(asks[0][0]))])
    fee = read_number(f"{name}: fee", raw.get("fee"))
    if fee >= ONE:
        raise Refused(
            [Problem("fee", f"{name}: fee is {plain(fee)}; it must be a fraction under 1", plain(fee), "1")]
        )
    balance = raw.get("balance")
    market = Market(
        symbol="",
        base="",
        quote="",
        tick=FINEST_NUMBER,
        lot=read_number(f"{name}: lot", raw.get("lot"), may_be_zero=False),
        min_quantity=ZERO,
        min_notional=read_number(f"{name}: min_notional", raw.get("min_notional", "0")),
        taker_fee=fee,
    )
    free = None if balance is None else read_number(f"{name}: balance", balance)
    return AccountView(name, name, market, None, Book(bids, asks, MOMENT), free)


def _levels(name: str, field: str, raw: Mapping[str, Any]) -> tuple[Level, ...]:
    """A side of a book, best first; a side may be empty, and not be missing."""
    listed = raw.get(field)
    where = f"{name}: {field}"
    if not isinstance(listed, list):
        raise _refused(where, "must be a list of [price, size]", listed)
    if len(listed) > MAX_LEVELS:
        message = f"{where} has {len(listed)} levels; at most {MAX_LEVELS}"
        raise Refused([Problem(field, message, str(len(listed)), str(MAX_LEVELS))])
    levels = tuple(_level(f"{where}[{place}]", pair) for place, pair in enumerate(listed))
    falls = 1 if field == "bids" else -1
    for place, (better, worse) in enumerate(pairwise(levels), start=1):
        if (better[0] - worse[0]) * falls < ZERO:
            message = (
                f"{where}[{place}] {plain(worse[0])} is better than the level before, {plain(better[0])}"
            )
            raise Refused([Problem(field, message, plain(worse[0]), plain(better[0]))])
    return levels


def _level(where: str, pair: Any) -> Level:
    if not isinstance(pair, Sequence) or isinstance(pair, str) or len(pair) != 2:
        raise _refused(where, "must be [price, size]", pair)
    return (
        read_number(f"{where} price", pair[0], may_be_zero=False),
        read_number(f"{where} size", pair[1], may_be_zero=False),
    )


def read_number(where: str, value: Any, *, may_be_zero: bool = True) -> Decimal:
    """Return a decimal that is not negative; raises ``Refused`` with value and limit."""
    if value is None:
        raise Refused([Problem(where, f"{where} is missing")])
    try:
        number = decimal_number(value)
    except NumberRefused as refused:
        raise Refused([Problem(where, f"{where} is {shortened(value)}: {refused}", str(value))]) from None
    if number < ZERO or (number == ZERO and not may_be_zero):
        limit = "at least 0" if may_be_zero else "above 0"
        raise Refused([Problem(where, f"{where} is {plain(number)}; it must be {limit}", plain(number), "0")])
    return number


def _refused(where: str, what: str, value: Any) -> Refused:
    if value is None:
        return Refused([Problem(where, f"{where} is missing; it {what}")])
    return Refused([Problem(where, f"{where} {what}; it is {shortened(repr(value))}", str(value))])
