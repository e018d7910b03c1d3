"""The accounts and their current markets, as an algorithm would see them, for an order that does not exist yet."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from decimal import Decimal

from execution.core import types
from execution.core.market_data.freshness import is_fresh
from execution.core.orders.view import AccountView
from execution.core.routing.account_selection import MAX_BOOK_AGE
from execution.core.types import Book, Quote, Side
from execution.models import Account
from execution.selectors.decisions.blocks import child_block
from execution.selectors.quotes import book_standing


def account_views(
    accounts: Sequence[Account],
    symbol: str,
    side: Side,
    *,
    markets: Mapping[str, types.Market],
    quotes: Mapping[str, Quote],
    balances: Mapping[str, Decimal | None],
    now: datetime,
) -> tuple[AccountView, ...]:
    """Return the views of the accounts, in the given order. Markets, quotes and balances are by public id.

    A book is included only while it is fresh. Engines read books only of markets in which somebody trades or plans to.
    So a first preview has no book, and uses the quote's best bid and ask.
    """
    return tuple(
        AccountView(
            account=account.public_id,
            label=account.label,
            market=markets[account.public_id],
            quote=quotes.get(account.public_id),
            book=_fresh(book_standing(account.venue_id, symbol), now),
            free=balances.get(account.public_id),
            blocked=child_block(account, markets[account.public_id], side),
        )
        for account in accounts
    )


def _fresh(book: Book | None, now: datetime) -> Book | None:
    return book if book is not None and is_fresh(book.at, now, MAX_BOOK_AGE) else None
