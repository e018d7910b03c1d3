"""Reads for the ticket: accounts and markets that a trader may use, and what is free there."""

from __future__ import annotations

from collections import defaultdict
from decimal import Decimal

from execution.core import types
from execution.models import Account, Balance, Market, User
from execution.selectors.markets import market_of
from execution.selectors.payloads import TicketAccount, TicketMarket
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


def ticket_market(*, person: User, account: str, symbol: str) -> tuple[int, types.Market] | None:
    """Venue and limits of a symbol at one of the trader's accounts; None when there is no such market."""
    found = Account.objects.filter(traders=person, is_active=True, public_id=account).first()
    market = market_of(found, symbol) if found else None
    return (found.venue_id, market) if found and market else None


def balance_free(*, person: User, account: str, currency: str) -> Decimal | None:
    """What is free of a currency at one of the trader's accounts, as the exchange last said."""
    balances = Balance.objects.filter(account__traders=person, account__public_id=account, currency=currency)
    return balances.values_list("free", flat=True).first()
