"""Rates between currencies, and mids of symbols, from live quotes of any venue."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime, timedelta
from decimal import Decimal

from django.conf import settings

from execution.core.limits.money import Conversion
from execution.core.market_data.freshness import is_fresh
from execution.core.types import Quote
from execution.models import Market
from execution.selectors.quotes import quotes_latest

#: A rate between currencies that is older than this is not used.
RATE_LASTS = timedelta(minutes=5)


def conversion(currencies: Collection[str], now: datetime) -> Conversion:
    """Return the rates of some currencies into the reporting currency, from live quotes of any venue."""
    into = settings.TRANCHE_REPORTING_CURRENCY
    wanted = sorted(set(currencies) - {into})
    if not wanted:
        return Conversion(into, {})
    symbols = [f"{name}/{into}" for name in wanted] + [f"{into}/{name}" for name in wanted]
    rates: dict[str, Decimal | None] = {}
    newest: dict[str, datetime] = {}
    for symbol, quote in newest_quotes(symbols, now).items():
        base, _, quoted = symbol.partition("/")
        currency, rate = (base, quote.mid) if quoted == into else (quoted, 1 / quote.mid)
        if currency not in newest or quote.at > newest[currency]:
            rates[currency], newest[currency] = rate, quote.at
    return Conversion(into, rates)


def newest_quotes(symbols: Collection[str], now: datetime) -> dict[str, Quote]:
    """Return the newest quote of each symbol at any venue.

    Crossed quotes and quotes too old for a rate are left out.
    """
    pairs = sorted(Market.objects.filter(symbol__in=symbols).values_list("venue_id", "symbol"))
    found: dict[str, Quote] = {}
    for (_, symbol), quote in quotes_latest(pairs).items():
        is_newer = symbol not in found or quote.at > found[symbol].at
        if quote.is_sane and is_fresh(quote.at, now, RATE_LASTS) and is_newer:
            found[symbol] = quote
    return found
