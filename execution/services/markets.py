"""What an account session learns of markets and balances, into rows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from datetime import datetime

from django.db import transaction

from execution.core import types
from execution.models import Balance, Market, MarketSample


@transaction.atomic
def markets_record(*, venue_pk: int, markets: Mapping[str, types.Market], now: datetime) -> None:
    """Refresh the limits and fees that pages and plans use."""
    for market in markets.values():
        Market.objects.update_or_create(
            venue_id=venue_pk,
            symbol=market.symbol,
            defaults={**asdict(market), "refreshed_at": now},
        )


@transaction.atomic
def balances_record(*, account_pk: int, balances: Mapping[str, types.BalanceAmounts], now: datetime) -> None:
    """Replace what the account is known to hold; a currency no longer listed is gone."""
    Balance.objects.filter(account_id=account_pk).exclude(currency__in=balances).delete()
    for currency, amounts in balances.items():
        Balance.objects.update_or_create(
            account_id=account_pk,
            currency=currency,
            defaults={"free": amounts.free, "locked": amounts.locked, "at": now},
        )


@transaction.atomic
def samples_record(*, samples: list[MarketSample]) -> None:
    """Keep the seconds of markets in which orders live; a second that is there already stays."""
    MarketSample.objects.bulk_create(samples, ignore_conflicts=True)
