"""The market, the balances and the time by which a new or amended order is judged."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal

from execution.core.algorithms.registry import ALGORITHM_SPECS
from execution.core.market_data.feeds import feeds_words
from execution.core.market_data.freshness import is_fresh
from execution.core.orders.parameters import MAX_LOOKBACK, AlgorithmParameters
from execution.core.orders.plans import PlanInput
from execution.core.orders.reservation import (
    AccountTerms,
    Cost,
    Reserve,
    fees_on_top,
    reserved_within,
    reserves,
    spent_currency,
    worst_price,
)
from execution.core.quantities import combined_market
from execution.core.routing.account_selection import reference_quote
from execution.core.types import Candle, Market, Quote, Side
from execution.models import Account
from execution.selectors.candles import candles_of
from execution.selectors.decisions.spending import Spending, spending_of
from execution.selectors.markets import balances_sum
from execution.selectors.quotes import feeds_latest, quote_latest


@dataclass(frozen=True, slots=True)
class OrderMarket:
    """The facts for judging an order, read once before any row is locked.

    The keys of ``markets`` and ``quotes`` are the accounts' public ids. ``spending`` has the free amount of the
    currency that the order spends, and the reserves of other orders. ``limits`` are market rules that hold for every
    account. ``quote`` is the best bid and ask among the accounts' fresh quotes (``reference_quote``). If there is
    none, it is the first known quote, however old. ``candles`` are read only for an algorithm that needs them.
    """

    side: Side
    now: datetime
    accounts: tuple[Account, ...]
    markets: Mapping[str, Market]
    limits: Market
    quotes: Mapping[str, Quote]
    quote: Quote | None
    spending: Spending
    candles: tuple[Candle, ...]
    #: Words about the problems of the market data feeds, by the account's label.
    feeds: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    @property
    def fresh_quote(self) -> Quote | None:
        return self.quote if self.quote and is_fresh(self.quote.at, self.now) else None

    @property
    def sane_quote(self) -> Quote | None:
        """Return the quote, however old, unless it is crossed or empty."""
        return self.quote if self.quote and self.quote.is_sane else None

    @property
    def mid(self) -> Decimal | None:
        """Return the mid of the quote, however old; None if the quote is unknown, crossed or empty."""
        return None if self.sane_quote is None else self.sane_quote.mid

    @property
    def by_label(self) -> dict[str, Market]:
        """Return the markets by their accounts' labels."""
        return {account.label: self.markets[account.public_id] for account in self.accounts}

    @property
    def spends(self) -> str:
        """Return the currency that the order spends."""
        return spent_currency(self.limits.symbol, self.side)

    @property
    def balances(self) -> Mapping[str, Decimal | None]:
        """Return each account's free balance as its exchange reported it, by public id."""
        return self.spending.told

    @property
    def free(self) -> Decimal | None:
        """Return the sum of the accounts' free amounts of the spent currency; None when one is unknown."""
        return balances_sum(self.balances.values())

    def price(self, limit_price: Decimal | None) -> Decimal | None:
        """Return the price at which quantities are valued: the mid, however old, or else the limit price."""
        return self.sane_quote.mid if self.sane_quote else limit_price

    def needs(
        self, quantity: Decimal, limit_price: Decimal | None, parameters: AlgorithmParameters | None
    ) -> Cost:
        """Return the most of the currency ``spends`` that a quantity may cost, with fees.

        A purchase is priced at the limit price, or else at the mid plus the collar.
        """
        reserve = self.reserve(quantity, limit_price, parameters)
        return reserved_within(reserve, reserve)

    def reserve(
        self, quantity: Decimal, limit_price: Decimal | None, parameters: AlgorithmParameters | None
    ) -> Mapping[str, Reserve]:
        """Return the amount that a quantity would reserve on each account, by the account's public id."""
        collar_bp = None if parameters is None else parameters.collar_bp
        terms = {
            name: AccountTerms(
                worst_price(self.side, limit_price=limit_price, collar_bp=collar_bp, mid=self._mid_of(name)),
                fees_on_top(market),
            )
            for name, market in self.markets.items()
        }
        return reserves(self.side, unsent=quantity, accounts=terms)

    def _mid_of(self, account: str) -> Decimal | None:
        quote = self.quotes.get(account)
        return self.mid if quote is None or not quote.is_sane else quote.mid

    def plan_input(
        self,
        parameters: AlgorithmParameters,
        quantity: Decimal,
        limit_price: Decimal | None,
        start: datetime,
        end: datetime,
        *,
        is_rest: bool = False,
    ) -> PlanInput:
        return PlanInput(
            now=self.now,
            side=self.side,
            quantity=quantity,
            parameters=parameters,
            limit_price=limit_price,
            start=start,
            end=end,
            market=self.limits,
            price=self.price(limit_price),
            quote=self.fresh_quote,
            candles=self.candles,
            is_rest=is_rest,
        )


def order_market(
    *,
    accounts: Sequence[Account],
    markets: Mapping[str, Market],
    symbol: str,
    side: Side,
    algorithm: str,
    now: datetime,
    order_pk: int | None = None,
) -> OrderMarket:
    """Read the current market of these accounts.

    ``markets`` are the market rules that apply, with the accounts' public ids as keys. ``order_pk`` is the primary
    key of the order if it exists already. The order's own reserve is then left out.
    """
    limits = combined_market(tuple(markets.values()))
    latest = {account.public_id: quote_latest(account.venue_id, symbol) for account in accounts}
    quotes = {public_id: quote for public_id, quote in latest.items() if quote is not None}
    known = tuple(quotes.values())
    spending = spending_of(accounts, spent_currency(symbol, side))
    candles: tuple[Candle, ...] = ()
    if ALGORITHM_SPECS[algorithm].wants_candles:
        venues, since = [account.venue_id for account in accounts], now - timedelta(days=MAX_LOOKBACK)
        candles = candles_of(venues, symbol, since=since, until=now)
    return OrderMarket(
        side=side,
        now=now,
        accounts=tuple(accounts),
        markets=markets,
        limits=limits,
        quotes=quotes,
        feeds=_feeds(accounts, symbol),
        quote=reference_quote(known, now) or next(iter(known), None),
        spending=spending if order_pk is None else spending.without(order_pk),
        candles=candles,
    )


def _feeds(accounts: Sequence[Account], symbol: str) -> dict[str, tuple[str, ...]]:
    told = feeds_latest([(account.venue_id, symbol) for account in accounts])
    return {
        account.label: feeds_words(feeds)
        for account in accounts
        if (feeds := told.get((account.venue_id, symbol)))
    }
