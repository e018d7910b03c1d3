"""The accounts and markets that a person may see, for the API."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal

from django.db.models import Q, QuerySet

from execution.core.types import MarketStatus, Quote
from execution.models import Account, Credential, CredentialState, Market, Role, User
from execution.payloads import catalogue as payloads
from execution.payloads.encode import decimal_str
from execution.selectors.quotes import quote_latest


def accounts_visible(person: User) -> QuerySet[Account]:
    """Return a trader's own active accounts; all for supervisors and admins."""
    if person.role == Role.TRADER:
        return Account.objects.filter(traders=person, is_active=True)
    return Account.objects.all()


def account_facts(*, person: User) -> list[payloads.Account]:
    """Return the accounts that the person may see, sorted by label. Only admins get the states of keys."""
    accounts = list(accounts_visible(person).select_related("venue").order_by("label"))
    keys = _keys(accounts) if person.role == Role.ADMIN else {}
    return [
        payloads.Account(
            id=account.public_id,
            label=account.label,
            venue=account.venue.label,
            exchange=account.venue.exchange,
            environment=account.environment,
            symbols=account.symbols,
            is_active=account.is_active,
            key=keys.get(account.pk),
        )
        for account in accounts
    ]


def _keys(accounts: Sequence[Account]) -> dict[int, payloads.Key]:
    found = Credential.objects.filter(account__in=accounts).exclude(state=CredentialState.RETIRED)
    return {
        key.account_id: payloads.Key(
            state=key.state,
            last_four=key.last_four,
            checked_at=key.checked_at,
            permissions=key.permissions,
        )
        for key in found.defer("sealed").order_by("pk")
    }


def market_facts(*, person: User, symbol: str, account: str, now: datetime) -> list[payloads.Market]:
    """Return the markets that the desk trades at the accounts that the person may see.

    ``symbol`` and ``account`` (public id or label) restrict the result, unless they are empty.
    """
    accounts = accounts_visible(person)
    if account:
        accounts = accounts.filter(Q(public_id=account) | Q(label=account))
    chosen = list(accounts.select_related("venue").order_by("label"))
    wanted = Market.objects.filter(venue__in={row.venue_id for row in chosen}).order_by("symbol")
    markets: dict[int, list[Market]] = defaultdict(list)
    for market in wanted.filter(symbol=symbol) if symbol else wanted:
        markets[market.venue_id].append(market)
    return [
        _market(row, market, now)
        for row in chosen
        for market in markets[row.venue_id]
        if market.symbol in row.symbols
    ]


def _market(account: Account, market: Market, now: datetime) -> payloads.Market:
    return payloads.Market(
        account=account.label,
        account_id=account.public_id,
        venue=account.venue.label,
        symbol=market.symbol,
        base=market.base,
        quote_currency=market.quote,
        tick=decimal_str(market.tick),
        lot=decimal_str(market.lot),
        min_quantity=decimal_str(market.min_quantity),
        min_notional=decimal_str(market.min_notional),
        max_quantity=decimal_str(market.max_quantity),
        max_notional=decimal_str(market.max_notional),
        buy_band_low=decimal_str(market.buy_band_low),
        buy_band_high=decimal_str(market.buy_band_high),
        sell_band_low=decimal_str(market.sell_band_low),
        sell_band_high=decimal_str(market.sell_band_high),
        status=MarketStatus(market.status),
        status_word=market.status_word,
        maker_fee=decimal_str(market.maker_fee),
        taker_fee=decimal_str(market.taker_fee),
        refreshed_at=market.refreshed_at,
        quote=quote_facts(quote_latest(market.venue_id, market.symbol), now),
    )


def quote_facts(quote: Quote | None, now: datetime) -> payloads.Quote | None:
    """Return a quote with its age; None if there is no quote."""
    if quote is None:
        return None
    age = max(0.0, (now - quote.at).total_seconds())
    mid: Decimal | None = quote.mid if quote.is_sane else None
    return payloads.Quote(
        bid=decimal_str(quote.bid),
        ask=decimal_str(quote.ask),
        mid=decimal_str(mid),
        at=quote.at,
        age_seconds=round(age, 3),
    )
