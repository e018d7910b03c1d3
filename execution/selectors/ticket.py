"""Reads for the ticket: the accounts and markets that a trader may use, and the free balances of these accounts."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal

from execution.core import types
from execution.core.orders.reservation import spent_currency
from execution.core.orders.terms import OrderRequest
from execution.core.quantities import combined_market
from execution.core.routing.account_selection import reference_quote
from execution.core.states import ORDER_FINAL
from execution.models import Account, Credential, CredentialState, Market, Order, User
from execution.payloads.encode import decimal_str
from execution.payloads.orders import TicketAccount, TicketMarket
from execution.selectors.decisions.spending import spending_of
from execution.selectors.markets import markets_of
from execution.selectors.orders.visibility import orders_visible
from execution.selectors.quotes import quote_latest

#: A new order is compared with earlier ones for this long.
LOOKALIKE_WITHIN = timedelta(seconds=30)
#: An account trades while its key has one of these states.
KEY_IN_USE = (CredentialState.UNCHECKED, CredentialState.ACTIVE)


def ticket_accounts(*, person: User) -> list[TicketAccount]:
    """Return the active accounts of a trader, each with the markets in which the desk trades on it.

    An account whose key is not in use is left out. ``accounts_left_out`` returns those accounts.
    """
    theirs = Account.objects.filter(traders=person, is_active=True, credentials__state__in=KEY_IN_USE)
    accounts = list(theirs.order_by("label"))
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


def accounts_left_out(person: User) -> list[tuple[str, str]]:
    """Return the label of each active account of a trader that cannot trade now, and the reason."""
    theirs = Account.objects.filter(traders=person, is_active=True)
    without = list(theirs.exclude(credentials__state__in=KEY_IN_USE).order_by("label"))
    newest: dict[int, str] = {}
    keys = Credential.objects.filter(account__in=without).order_by("pk") if without else ()
    for credential in keys:
        newest[credential.account_id] = f"its key is {CredentialState(credential.state).value}"
    return [(account.label, newest.get(account.pk, "it has no key")) for account in without]


def account_ids(person: User) -> dict[str, str]:
    """Return the public id of each active account of a trader, by its label."""
    return dict(Account.objects.filter(traders=person, is_active=True).values_list("label", "public_id"))


def _market(market: Market) -> TicketMarket:
    return TicketMarket(
        symbol=market.symbol,
        base=market.base,
        quote=market.quote,
        tick=decimal_str(market.tick),
        lot=decimal_str(market.lot),
    )


@dataclass(frozen=True, slots=True)
class TicketPlace:
    """A symbol at some of a trader's accounts, with the market limits, fees and reference quote for all of them."""

    accounts: tuple[Account, ...]
    market: types.Market
    quote: types.Quote | None

    @property
    def venues(self) -> frozenset[int]:
        return frozenset(account.venue_id for account in self.accounts)

    def available(self, side: types.Side) -> Decimal | None:
        """Return the amount that a new order may spend, after the reserves of live orders; None if it is unknown."""
        found = spending_of(self.accounts, spent_currency(self.market.symbol, side)).available
        return None if found is None else found.amount


def accounts_trading(
    *, person: User, accounts: Collection[str], symbol: str
) -> tuple[list[Account], types.Market] | None:
    """Return those of ``accounts`` that the trader may use and that trade the symbol.

    Also return market rules that suit all of them.

    ``accounts`` are public ids or labels. None if there is no such account.
    """
    theirs = Account.objects.filter(traders=person, is_active=True).order_by("label")
    named = [account for account in theirs if account.public_id in accounts or account.label in accounts]
    listings = markets_of(named, symbol)
    found = [account for account in named if account.pk in listings]
    return (found, combined_market([listings[account.pk] for account in found])) if found else None


def ticket_place(
    *, person: User, accounts: Collection[str], symbol: str, now: datetime
) -> TicketPlace | None:
    """Return the facts of a symbol at those of ``accounts`` that trade it; None if no account does.

    ``accounts`` are public ids or labels.
    """
    there = accounts_trading(person=person, accounts=accounts, symbol=symbol)
    if there is None:
        return None
    found, market = there
    venues = sorted({account.venue_id for account in found})
    quotes = [quote for venue in venues if (quote := quote_latest(venue, symbol)) is not None]
    return TicketPlace(
        accounts=tuple(found),
        market=market,
        quote=reference_quote(quotes, now) or next(iter(quotes), None),
    )


@dataclass(frozen=True, slots=True)
class Lookalike:
    """An order that the same person sent a moment ago, with the same symbol, side and quantity."""

    public_id: str
    seconds: int

    @property
    def words(self) -> str:
        return f"order {self.public_id} asks for the same and was sent {self.seconds} s ago"


def lookalike_find(*, person: User, request: OrderRequest, now: datetime) -> Lookalike | None:
    """Return the newest look-alike of the last 30 s, in any state; None if there is none.

    Quantities are compared in the unit of the request.
    """
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
    """The values that a person asked for with an earlier order, to fill a new ticket with them."""

    symbol: str
    side: str
    quantity: Decimal
    unit: str
    algorithm: str
    parameters: dict[str, object]
    limit_price: Decimal | None
    #: The accounts' labels by public id.
    accounts: dict[str, str]
    duration: timedelta
    #: The base quantity that is not filled, and whether that may still change.
    left: Decimal
    is_final: bool


def order_asked(*, person: User, public_id: str) -> OrderAsked | None:
    """Return the request of an order that the person sees, from the order's newest terms; None if not found."""
    found = orders_visible(person).select_related("terms").prefetch_related("accounts")
    order = found.filter(public_id=public_id).first()
    return None if order is None or order.terms is None else asked_of(order)


def asked_of(order: Order) -> OrderAsked:
    """Return the request of an order with its newest terms."""
    terms = order.terms
    if terms is None:
        raise RuntimeError(f"order {order.public_id} has no terms")
    return OrderAsked(
        symbol=order.symbol,
        side=order.side,
        quantity=order.quantity_asked,
        unit=order.unit,
        algorithm=order.algorithm,
        parameters=terms.parameters,
        limit_price=terms.limit_price,
        accounts={account.public_id: account.label for account in order.accounts.all()},
        duration=terms.end_at - terms.start_at,
        left=order.quantity - order.filled,
        is_final=order.status in ORDER_FINAL,
    )
