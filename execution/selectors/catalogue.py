"""Accounts and markets that a person may see, for programs."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any, TypedDict

from django.db.models import Q, QuerySet

from execution.core.types import Quote
from execution.models import Account, Credential, CredentialState, Market, Role, User
from execution.payloads.encode import text
from execution.payloads.orders import Number
from execution.selectors.quotes import quote_latest


class KeyFacts(TypedDict):
    """What may be known of an account's key; the key itself may not."""

    state: str
    last_four: str
    checked_at: datetime | None
    permissions: Mapping[str, Any]


class AccountFacts(TypedDict):
    id: str
    label: str
    venue: str
    exchange: str
    environment: str
    symbols: Sequence[str]
    is_active: bool
    key: KeyFacts | None


class QuoteFacts(TypedDict):
    bid: Number
    ask: Number
    mid: Number
    at: datetime
    age_seconds: float


class MarketFacts(TypedDict):
    """Limits and fees of a symbol at an account, and its newest quote however old."""

    account: str
    account_id: str
    venue: str
    symbol: str
    base: str
    quote_currency: str
    tick: Number
    lot: Number
    min_quantity: Number
    min_notional: Number
    max_quantity: Number
    maker_fee: Number
    taker_fee: Number
    refreshed_at: datetime
    quote: QuoteFacts | None


def accounts_visible(person: User) -> QuerySet[Account]:
    """A trader's own active ones; all for supervisors and admins."""
    if person.role == Role.TRADER:
        return Account.objects.filter(traders=person, is_active=True)
    return Account.objects.all()


def account_facts(*, person: User) -> list[AccountFacts]:
    """The accounts that the person may see, by label; keys' states for admins only."""
    accounts = list(accounts_visible(person).select_related("venue").order_by("label"))
    keys = _keys(accounts) if person.role == Role.ADMIN else {}
    return [
        AccountFacts(
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


def _keys(accounts: Sequence[Account]) -> dict[int, KeyFacts]:
    """The newest key of each account that is not retired."""
    found = Credential.objects.filter(account__in=accounts).exclude(state=CredentialState.RETIRED)
    return {
        key.account_id: KeyFacts(
            state=key.state,
            last_four=key.last_four,
            checked_at=key.checked_at,
            permissions=key.permissions,
        )
        for key in found.defer("sealed").order_by("pk")
    }


def market_facts(*, person: User, symbol: str, account: str, now: datetime) -> list[MarketFacts]:
    """The markets that the desk trades at the accounts that the person may see.

    ``symbol`` and ``account`` (public id or label) choose; empty chooses all.
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


def _market(account: Account, market: Market, now: datetime) -> MarketFacts:
    return MarketFacts(
        account=account.label,
        account_id=account.public_id,
        venue=account.venue.label,
        symbol=market.symbol,
        base=market.base,
        quote_currency=market.quote,
        tick=text(market.tick),
        lot=text(market.lot),
        min_quantity=text(market.min_quantity),
        min_notional=text(market.min_notional),
        max_quantity=text(market.max_quantity),
        maker_fee=text(market.maker_fee),
        taker_fee=text(market.taker_fee),
        refreshed_at=market.refreshed_at,
        quote=quote_facts(quote_latest(market.venue_id, market.symbol), now),
    )


def quote_facts(quote: Quote | None, now: datetime) -> QuoteFacts | None:
    """A quote with its age; None while there is none."""
    if quote is None:
        return None
    age = max(0.0, (now - quote.at).total_seconds())
    mid: Decimal | None = quote.mid if quote.is_sane else None
    return QuoteFacts(
        bid=text(quote.bid), ask=text(quote.ask), mid=text(mid), at=quote.at, age_seconds=round(age, 3)
    )
