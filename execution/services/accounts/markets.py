"""What an account session learns of markets and balances, into rows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import date, datetime
from typing import TypeVar

from django.db import models, transaction

from execution.core import types
from execution.core.numbers import plain
from execution.models import Balance, CandleDay, Market, MarketSample
from execution.selectors.candles import CANDLE_SECONDS

M = TypeVar("M", bound=models.Model)


@transaction.atomic
def markets_record(*, venue_pk: int, markets: Mapping[str, types.Market], now: datetime) -> None:
    """Refresh the limits and fees that pages and plans use."""
    rows = [
        Market(venue_id=venue_pk, refreshed_at=now, **asdict(market))
        # By name: two sessions of a venue would otherwise lock its rows in different orders.
        for _, market in sorted(markets.items())
    ]
    _keep(rows, ["venue", "symbol"])


@transaction.atomic
def balances_record(*, account_pk: int, balances: Mapping[str, types.BalanceAmounts], now: datetime) -> None:
    """Replace what the account is known to hold; a currency no longer listed is gone."""
    Balance.objects.filter(account_id=account_pk).exclude(currency__in=balances).delete()
    rows = [
        Balance(account_id=account_pk, currency=currency, free=amounts.free, locked=amounts.locked, at=now)
        for currency, amounts in sorted(balances.items())
    ]
    _keep(rows, ["account", "currency"])


def _keep(rows: Sequence[M], known_by: list[str]) -> None:
    """Insert rows, or replace those that are there, in one statement: an exchange has thousands of markets, and
    nobody else writes meanwhile."""
    if not rows:
        return
    model = type(rows[0])
    rest = [field.name for field in model._meta.concrete_fields if not field.primary_key]
    model._default_manager.bulk_create(
        rows,
        update_conflicts=True,
        unique_fields=known_by,
        update_fields=[name for name in rest if name not in known_by],
    )


@transaction.atomic
def candles_record(
    *, venue_pk: int, symbol: str, candles: Sequence[types.Candle], known_until: datetime
) -> None:
    """Keep five-minute candles, a row a day; a bar that is there already is replaced.

    ``known_until`` is up to when the venue was asked, for days without a bar too.
    """
    days: dict[date, dict[int, list[int | str]]] = {known_until.date(): {}}
    for candle in candles:
        midnight = candle.opened_at.replace(hour=0, minute=0, second=0, microsecond=0)
        seconds = int((candle.opened_at - midnight).total_seconds())
        numbers = (candle.open, candle.high, candle.low, candle.close, candle.volume)
        bar: list[int | str] = [seconds, *(plain(number) for number in numbers)]
        days.setdefault(candle.opened_at.date(), {})[seconds] = bar
    for day, bars in sorted(days.items()):
        row, _ = CandleDay.objects.select_for_update(no_key=True).get_or_create(
            venue_id=venue_pk,
            symbol=symbol,
            seconds=CANDLE_SECONDS,
            day=day,
            defaults={"bars": [], "known_until": known_until},
        )
        merged = {bar[0]: bar for bar in row.bars} | bars
        row.bars = [merged[seconds] for seconds in sorted(merged)]
        row.known_until = known_until
        row.save()


@transaction.atomic
@transaction.atomic
def samples_record(*, samples: list[MarketSample]) -> None:
    """Keep the seconds of markets in which orders live; a second that is there already stays."""
    # In one order everywhere: two engines that write the same seconds wait for each other's rows.
    samples = sorted(samples, key=lambda sample: (sample.venue_id, sample.symbol, sample.second))
    MarketSample.objects.bulk_create(samples, ignore_conflicts=True)
