"""Recordings that tests make: small markets on a grid of whole prices."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from decimal import Decimal
from pathlib import Path

from execution.core.market_model.recording import (
    SECOND,
    Event,
    RecordedBook,
    RecordedTrade,
    RecordingRules,
)
from execution.core.types import Level, Market, Side
from execution.recordings.folder import RecordingWriter

SYMBOL = "BTC/USDT"
#: 12 o'clock, 2026-03-02.
BEGAN = 1_772_452_800 * SECOND
MARKET = Market(
    symbol=SYMBOL,
    base="BTC",
    quote="USDT",
    tick=Decimal("0.1"),
    lot=Decimal("0.001"),
    min_quantity=Decimal("0.001"),
    min_notional=Decimal(5),
    maker_fee=Decimal("0.0002"),
    taker_fee=Decimal("0.0005"),
)

Pairs = Sequence[tuple[object, object]]


def levels(pairs: Pairs) -> tuple[Level, ...]:
    return tuple((Decimal(str(price)), Decimal(str(size))) for price, size in pairs)


def book(
    number: int, at: float, bids: Pairs | None, asks: Pairs | None, *, symbol: str = SYMBOL, note: str = ""
) -> RecordedBook:
    """Return a book. ``at`` is in seconds since the recording began; None sides are an unknown book."""
    known = None if bids is None else levels(bids), None if asks is None else levels(asks)
    return RecordedBook(number, symbol, BEGAN + round(at * SECOND), *known, note=note)


def trade(
    number: int, at: float, side: Side | None, price: object, size: object, *, symbol: str = SYMBOL
) -> RecordedTrade:
    moment = BEGAN + round(at * SECOND)
    return RecordedTrade(
        number, symbol, moment, str(number), side, Decimal(str(price)), Decimal(str(size)), moment
    )


def rules(*markets: Market, levels: int = 20) -> RecordingRules:
    listed = {market.symbol: market for market in markets or (MARKET,)}
    return RecordingRules("alpha", "binance", "paper", BEGAN, levels, listed)


def written(folder: Path, events: Iterable[Event], given: RecordingRules | None = None) -> Path:
    """Return the folder of a recording that holds ``events``, in parts of seven."""
    writer = RecordingWriter(folder, given or rules())
    last = BEGAN
    for place, event in enumerate(events, start=1):
        writer.add(event)
        last = event.received
        if place % 7 == 0:
            writer.write(writer.take_part())
    writer.close(last)
    return folder
