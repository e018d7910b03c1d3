"""Reads for the ticket: accounts and markets that a trader may use, and what is free there."""

from __future__ import annotations

from collections import defaultdict
from decimal import Decimal

from execution.core import types
from execution.models import Account, Balance, Market, User
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
    row = Market.objects.filter(venue=found.venue_id, symbol=symbol).first() if found else None
    if row is None:
        return None
    return row.venue_id, types.Market(
        symbol=row.symbol,
        base=row.base,
        quote=row.quote,
        tick=row.tick,
        lot=row.lot,
        min_quantity=row.min_quantity,
        min_notional=row.min_notional,
        max_quantity=row.max_quantity,
        maker_fee=row.maker_fee,
        taker_fee=row.taker_fee,
    )


def balance_free(*, person: User, account: str, currency: str) -> Decimal | None:
    """What is free of a currency at one of the trader's accounts, as the exchange last said."""
    balances = Balance.objects.filter(account__traders=person, account__public_id=account, currency=currency)
    return balances.values_list("free", flat=True).first()
