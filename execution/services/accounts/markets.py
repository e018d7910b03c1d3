"""The recording of the markets, balances, candles and market samples that an engine reads."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict
from datetime import date, datetime
from typing import Any, TypeVar

from django.db import models, transaction

from execution.core import types
from execution.core.days import midnight_of
from execution.core.numbers import plain
from execution.models import Balance, CandleDay, Market, MarketSample, VenueListing
from execution.models.prepared import rows_merge
from execution.selectors.candles import CANDLE_LENGTH, CANDLE_SECONDS

#: The most characters stored of an exchange's word for a market's status.
MAX_WORD = 60

M = TypeVar("M", bound=models.Model)


@transaction.atomic
def markets_record(
    *, venue_pk: int, markets: Mapping[str, types.Market], now: datetime, asked: Collection[str] = ()
) -> None:
    """Update the stored rules and fees of markets, which pages and plans use.

    A symbol in ``asked`` that ``markets`` does not have is stored as no longer listed.
    """
    gone = Market.objects.filter(venue_id=venue_pk, symbol__in=set(asked) - set(markets))
    gone.update(status=types.MarketStatus.NOT_LISTED, status_word="", refreshed_at=now)
    rows = [
        Market(venue_id=venue_pk, refreshed_at=now, **_columns(market))
        # By name: two sessions of a venue would otherwise lock its rows in different orders.
        for _, market in sorted(markets.items())
    ]
    _keep(rows, ["venue", "symbol"])


@transaction.atomic
def listing_record(*, venue_pk: int, symbols: Collection[str], now: datetime) -> None:
    """Store the symbols that a venue lists. An equal list is not written again."""
    names = sorted(symbols)
    before = VenueListing.objects.filter(venue_id=venue_pk).values_list("symbols", flat=True).first()
    if before != names:
        values = {"symbols": names, "changed_at": now}
        VenueListing.objects.update_or_create(venue_id=venue_pk, defaults=values)


def _columns(market: types.Market) -> dict[str, Any]:
    """Return a market's columns. The exchange's word for the status is cut to ``MAX_WORD`` characters."""
    return asdict(market) | {"status_word": market.status_word[:MAX_WORD]}


@transaction.atomic
def balances_record(*, account_pk: int, balances: Mapping[str, types.BalanceAmounts], now: datetime) -> None:
    """Replace the account's stored balances. A currency that the exchange no longer lists is removed."""
    Balance.objects.filter(account_id=account_pk).exclude(currency__in=balances).delete()
    rows = [
        Balance(account_id=account_pk, currency=currency, free=amounts.free, locked=amounts.locked, at=now)
        for currency, amounts in sorted(balances.items())
    ]
    _keep(rows, ["account", "currency"])


def _keep(rows: Sequence[M], known_by: list[str]) -> None:
    """Insert rows, or replace those that exist, in one statement.

    An exchange has thousands of markets. One statement keeps SQLite's only write lock for a short time.
    """
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
def candles_record(*, venue_pk: int, symbol: str, history: types.CandleHistory) -> None:
    """Store five-minute candles, in one row for each day. A candle that is stored already is replaced.

    ``known_until`` becomes the end of the last candle, and not the present time, because an exchange may list
    its newest candles late. Without a candle nothing is written.
    """
    if not history.candles:
        return
    known_until = max(candle.opened_at for candle in history.candles) + CANDLE_LENGTH
    days: dict[date, dict[int, list[int | str]]] = {}
    unknown: dict[date, set[int]] = {}
    for candle in history.candles:
        day, seconds = _place(candle.opened_at)
        numbers = (candle.open, candle.high, candle.low, candle.close, candle.volume)
        days.setdefault(day, {})[seconds] = [seconds, *(plain(number) for number in numbers)]
    for opened_at in history.unknown:
        day, seconds = _place(opened_at)
        unknown.setdefault(day, set()).add(seconds)
    for day in sorted(days.keys() | unknown.keys()):
        row, _ = CandleDay.objects.select_for_update(no_key=True).get_or_create(
            venue_id=venue_pk,
            symbol=symbol,
            seconds=CANDLE_SECONDS,
            day=day,
            defaults={"bars": [], "known_until": known_until},
        )
        before = (row.bars, row.unknown, row.known_until)
        merged = {bar[0]: bar for bar in row.bars} | days.get(day, {})
        row.bars = [merged[seconds] for seconds in sorted(merged)]
        row.unknown = sorted((set(row.unknown) | unknown.get(day, set())) - merged.keys())
        row.known_until = max(row.known_until, known_until)
        if (row.bars, row.unknown, row.known_until) != before:
            row.save()


def _place(opened_at: datetime) -> tuple[date, int]:
    """Return the day of a bar and its seconds after midnight."""
    midnight = midnight_of(opened_at)
    return opened_at.date(), int((opened_at - midnight).total_seconds())


@transaction.atomic
def samples_record(*, samples: list[MarketSample]) -> None:
    """Store samples of markets with live orders, one for each second of a market.

    A second sample is merged into the stored one.

    The merged sample has the newer volume, and the quote that was stored first. An unknown value never replaces a
    known one.
    """
    seconds: dict[tuple[int, str, datetime], MarketSample] = {}
    for sample in samples:
        key = (sample.venue_id, sample.symbol, sample.second)
        seconds[key] = sample if key not in seconds else _merged(seconds[key], sample)
    # In one order everywhere: two engines that write the same seconds wait for each other's rows.
    rows_merge([seconds[key] for key in sorted(seconds)], known_by=("venue", "symbol", "second"))


def _merged(earlier: MarketSample, later: MarketSample) -> MarketSample:
    """Return ``later``, with the values of ``earlier`` where ``later`` has none."""
    for name in ("bid", "ask", "volume", "notional"):
        if getattr(later, name) is None:
            setattr(later, name, getattr(earlier, name))
    return later
