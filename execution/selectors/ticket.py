"""Reads for the ticket: accounts and markets that a trader may use, and what is free there."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from execution.core import types
from execution.core.quantities import combined_market
from execution.core.routing import reference_quote
from execution.models import Account, Market, User
from execution.selectors.markets import balances_free, balances_sum, markets_of
from execution.selectors.payloads import TicketAccount, TicketMarket
from execution.selectors.quotes import quote_latest
from execution.selectors.texts import text


def ticket_accounts(*, person: User) -> list[TicketAccount]:
    """The active accounts of a trader with the markets that the desk trades there."""
    accounts = list(Account.objects.filter(traders=person, is_active=True).order_by("label"))
    markets: dict[int, list[Market]] = defaultdict(list)
    for market in Market.objects.filter(venue__in={account.venue_id for account in accounts}).order_by(
        "symbol"
    ):
        markets[market.venue_id].append(market)
    return [
        TicketAccount(
            id=account.public_id,
            label=account.label,
            venue=account.venue_id,
            markets=[
                _market(market)
                for market in markets[account.venue_id]
                if not account.symbols or market.symbol in account.symbols
            ],
        )
        for account in accounts
    ]


def _market(market: Market) -> TicketMarket:
    return TicketMarket(
        symbol=market.symbol,
        base=market.base,
        quote=market.quote,
        tick=text(market.tick) or "",
        lot=text(market.lot) or "",
    )


@dataclass(frozen=True, slots=True)
class TicketPlace:
    """A symbol at some of a trader's accounts: their venues, common limits, fees and reference quote."""

    venues: frozenset[int]
    market: types.Market
    quote: types.Quote | None
    free: dict[str, Decimal | None]  #: base and quote, over the accounts; None where one is unknown


def ticket_place(
    *, person: User, accounts: Collection[str], symbol: str, now: datetime
) -> TicketPlace | None:
    """What the ticket knows of a symbol at the accounts (public ids or labels) that trade it; None when none does."""
    theirs = Account.objects.filter(traders=person, is_active=True).order_by("label")
    named = [account for account in theirs if account.public_id in accounts or account.label in accounts]
    listings = markets_of(named, symbol)
    found = [account for account in named if account.pk in listings]
    if not found:
        return None
    market = combined_market([listings[account.pk] for account in found])
    venues = frozenset(account.venue_id for account in found)
    quotes = [quote for venue in sorted(venues) if (quote := quote_latest(venue, symbol)) is not None]
    return TicketPlace(
        venues=venues,
        market=market,
        quote=reference_quote(quotes, now) or next(iter(quotes), None),
        free={
            currency: balances_sum(balances_free(found, currency).values())
            for currency in (market.base, market.quote)
        },
    )
