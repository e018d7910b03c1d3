"""Reads for the ticket: accounts and markets that a trader may use, and what is free there."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal

from execution.core import types
from execution.core.orders.terms import OrderRequest
from execution.core.quantities import combined_market
from execution.core.routing.account_selection import reference_quote
from execution.models import Account, Market, Order, User
from execution.payloads.encode import text
from execution.payloads.orders import TicketAccount, TicketMarket
from execution.selectors.markets import balances_free, balances_sum, markets_of
from execution.selectors.orders.visibility import orders_visible
from execution.selectors.quotes import quote_latest

#: How long an order is held against the next one like it.
LOOKALIKE_WITHIN = timedelta(seconds=30)


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


@dataclass(frozen=True, slots=True)
class Lookalike:
    """An order of the same person, symbol, side and quantity, sent a moment ago."""

    public_id: str
    seconds: int

    @property
    def words(self) -> str:
        return f"order {self.public_id} asks for the same and was sent {self.seconds} s ago"


def lookalike_find(*, person: User, request: OrderRequest, now: datetime) -> Lookalike | None:
    """The newest look-alike of the last 30 s, whatever became of it; quantities are compared in their unit."""
    recent = Order.objects.filter(
        trader=person,
        symbol=request.symbol,
        side=request.side,
        unit=request.unit,
        created_at__gt=now - LOOKALIKE_WITHIN,
    ).order_by("-created_at", "-pk")
    for public_id, quantity, created_at in recent.values_list("public_id", "quantity_asked", "created_at"):
        if quantity == request.quantity:
            return Lookalike(public_id, max(0, round((now - created_at).total_seconds())))
    return None


@dataclass(frozen=True, slots=True)
class OrderAsked:
    """An order as it was asked for, to be asked for again."""

    symbol: str
    side: str
    quantity: Decimal
    unit: str
    algorithm: str
    parameters: dict[str, object]
    limit_price: Decimal | None
    #: Label by public id.
    accounts: dict[str, str]
    duration: timedelta


def order_asked(*, person: User, public_id: str) -> OrderAsked | None:
    """What an order that the person sees was asked for, by its newest terms; None is "there is no such order"."""
    found = orders_visible(person).select_related("terms").prefetch_related("accounts")
    order = found.filter(public_id=public_id).first()
    if order is None or order.terms is None:
        return None
    return OrderAsked(
        symbol=order.symbol,
        side=order.side,
        quantity=order.quantity_asked,
        unit=order.unit,
        algorithm=order.algorithm,
        parameters=order.terms.parameters,
        limit_price=order.terms.limit_price,
        accounts={account.public_id: account.label for account in order.accounts.all()},
        duration=order.terms.end_at - order.terms.start_at,
    )
