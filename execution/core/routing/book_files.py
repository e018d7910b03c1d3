"""Books of venues in a JSON file, and the router's split over them, for ``manage.py route``.

The input is ``{"venues": [{"name", "fee", "lot", "min_notional", "balance", "bids", "asks"}]}``. Fees are fractions
of the quote amount. Lots are in base units, minimums in quote units. A balance is in the currency that the side
spends; null means that it does not limit the split.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from functools import partial
from itertools import pairwise
from typing import Any, NoReturn

from execution.core.numbers import FINEST_NUMBER, grouped, plain, shortened
from execution.core.orders.view import AccountView
from execution.core.problem_codes import Code
from execution.core.problems import Problem, attempt, checked_number, refuse, refuse_if
from execution.core.routing.account_selection import after_fee
from execution.core.routing.split import Split, split
from execution.core.types import ZERO, Book, Level, Market, Side

ONE = Decimal(1)
MAX_VENUES, MAX_LEVELS = 20, 5_000
#: The time of all books in a file, and also "now", because a file does not say how old they are.
MOMENT = datetime(2000, 1, 1, tzinfo=UTC)


def route_books(raw: Any, side: Side, quantity: Decimal) -> Split:
    """Split ``quantity`` over the books in ``raw``. Minimums apply exactly as given, without the usual margin.

    Raise ``Refused`` if a venue has unusable fields. The problems name each field with its value and limit.
    """
    venues = [_venue_view(written, side) for written in read_venues(raw)]
    return split(side, quantity, venues, None, now=MOMENT, notional_margin=ONE)


def route_answer(allocation: Split) -> dict[str, Any]:
    """Return the split as the command prints it. ``average_price`` is ``net_cash`` divided by the filled quantity,
    after fees.
    """
    return {
        "allocation": {part.venue.label: plain(part.quantity) for part in allocation.parts},
        "filled": plain(allocation.filled),
        "unfilled": plain(allocation.unfilled),
        "net_cash": plain(allocation.cash or ZERO),
        "average_price": None if allocation.average_price is None else plain(allocation.average_price),
        "single_venue": {
            each.venue.label: None if each.cash is None else plain(each.cash) for each in allocation.alone
        },
    }


def _venue_view(account: AccountView, side: Side) -> AccountView:
    """Return the account, with a large balance if the file gives none, because unknown balances would rank last."""
    if account.free is not None or account.book is None:
        return account
    levels = account.book.to_take(side)
    if side is Side.SELL:
        enough = sum((size for _, size in levels), ZERO)
    else:
        enough = sum((price * size for price, size in levels), ZERO)
        enough = after_fee(side, enough, account.market.taker_fee or ZERO)
    return replace(account, free=2 * enough + 1)


# --- reading ---------------------------------------------------------------------------------------


def read_venues(raw: Any) -> tuple[AccountView, ...]:
    """Read the venues in ``raw``; raises ``Refused`` with every problem."""
    listed = raw.get("venues") if isinstance(raw, Mapping) else None
    if not isinstance(listed, list) or not listed:
        refuse("venues", "There is no list of venues under the name 'venues'.", code=Code.VALUE_MISSING)
    if len(listed) > MAX_VENUES:
        message = f"There are {len(listed):,} venues. At most {MAX_VENUES} are allowed."
        refuse("venues", message, len(listed), MAX_VENUES, code=Code.LENGTH_OUT_OF_RANGE)
    problems: list[Problem] = []
    found: list[AccountView] = []
    for place, written in enumerate(listed):
        venue = attempt(problems, partial(_read_venue, f"venues[{place}]", written))
        if venue is not None:
            found.append(venue)
    names = [venue.label for venue in found]
    twice = sorted({name for name in names if names.count(name) > 1})
    problems.extend(
        Problem("name", f"Venue {name!r} is there more than once.", name, code=Code.VALUE_REPEATED)
        for name in twice
    )
    refuse_if(problems)
    return tuple(found)


def _read_venue(where: str, raw: Any) -> AccountView:
    if not isinstance(raw, Mapping):
        _refuse_kind(where, "must be an object with a venue's fields", raw)
    name = raw.get("name")
    if not isinstance(name, str) or not name.strip():
        _refuse_kind(f"{where}.name", "must be a text", name)
    bids, asks = _levels(name, "bids", raw), _levels(name, "asks", raw)
    if bids and asks and bids[0][0] >= asks[0][0]:
        bid, ask = bids[0][0], asks[0][0]
        message = f"{name}: the bid {grouped(bid)} is not below the ask {grouped(ask)}."
        refuse(name, message, bid, ask, code=Code.BOOK_CROSSED)
    fee = read_number(f"{name}: fee", raw.get("fee"))
    if fee >= ONE:
        message = f"{name}: fee is {grouped(fee)}. It must be a fraction below 1."
        refuse("fee", message, fee, 1, code=Code.VALUE_OUT_OF_RANGE)
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
    listed = raw.get(field)
    where = f"{name}: {field}"
    if not isinstance(listed, list):
        _refuse_kind(where, "must be a list of [price, size]", listed)
    if len(listed) > MAX_LEVELS:
        message = f"{where} has {len(listed):,} levels. At most {MAX_LEVELS:,} are allowed."
        refuse(field, message, len(listed), MAX_LEVELS, code=Code.LENGTH_OUT_OF_RANGE)
    levels = tuple(_level(f"{where}[{place}]", pair) for place, pair in enumerate(listed))
    falls = 1 if field == "bids" else -1
    for place, (better, worse) in enumerate(pairwise(levels), start=1):
        if (better[0] - worse[0]) * falls < ZERO:
            message = f"{where}[{place}] {grouped(worse[0])} is better than {grouped(better[0])} before it."
            refuse(field, message, worse[0], better[0], code=Code.BOOK_UNSORTED)
    return levels


def _level(where: str, pair: Any) -> Level:
    if not isinstance(pair, Sequence) or isinstance(pair, str) or len(pair) != 2:
        _refuse_kind(where, "must be [price, size]", pair)
    return (
        read_number(f"{where} price", pair[0], may_be_zero=False),
        read_number(f"{where} size", pair[1], may_be_zero=False),
    )


def read_number(where: str, value: Any, *, may_be_zero: bool = True) -> Decimal:
    """Return ``value`` as a decimal that is not negative. Raise ``Refused`` with value and limit for any other."""
    if value is None:
        refuse(where, f"{where} is missing.", code=Code.VALUE_MISSING)
    return checked_number(where, where, value, may_be_zero=may_be_zero)


def _refuse_kind(where: str, what: str, value: Any) -> NoReturn:
    if value is None:
        refuse(where, f"{where} is missing. It {what}.", code=Code.VALUE_MISSING)
    message = f"{where} {what}. It is {shortened(repr(value))}."
    refuse(where, message, str(value), code=Code.VALUE_WRONG_TYPE)
