"""The paper exchange that follows a file of candles, over the wire: its past, its prices and its volume."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from execution.core.problems import Refused
from execution.paper.exchange import Exchange
from execution.paper.profiles import ALONE
from execution.paper.replay import open_replay
from execution.paper.store import Store
from tests.paper.running import eventually, running

SYMBOL = "ADA/USDT"
MINUTE = 60
FIRST = 1_679_004_900
FROM = FIRST + 30 * MINUTE
#: A whole minute, on which the replay begins.
NOW = 1_800_000_000.0


def price(number: int) -> Decimal:
    return Decimal("0.3200") + Decimal(number % 17) / 10_000


def file_of(folder: Path, minutes: int = 60) -> Path:
    """Write candles each of which opens where the one before closed; the tenth is missing."""
    lines = ["timestamp,open,high,low,close,volume"]
    for number in range(minutes):
        opening, close = price(number), price(number + 1)
        high, low = max(opening, close) + Decimal("0.0004"), min(opening, close) - Decimal("0.0003")
        if number != 10:
            start = (FIRST + number * MINUTE) * 1000
            lines.append(f"{start},{opening},{high},{low},{close},{44_000 + number}.5")
    path = folder / "candles.csv"
    path.write_text("\n".join(lines))
    return path


def opened(path: Path, **more: Any) -> Any:
    given = {"speed": 1.0, "seed": 7, "symbol": SYMBOL, "start": FROM, "profile": ALONE, **more}
    return open_replay(path, **given)[0]


async def test_the_candles_before_are_the_past_and_the_market_goes_on_from_them(tmp_path: Path) -> None:
    now = NOW
    source = opened(file_of(tmp_path), speed=20.0)
    async with running(tmp_path / "paper", source=source, clock=lambda: now) as paper:
        client: Any = await paper.client()
        assert client.markets[SYMBOL]["precision"] == {
            **client.markets[SYMBOL]["precision"],
            "price": 0.0001,
            "amount": 0.1,
        }
        past = await client.fetch_ohlcv(SYMBOL, "1m", int(NOW - 30 * MINUTE) * 1000, 30)
        book = await client.fetch_order_book(SYMBOL)
    assert len(past) == 30
    for number, (start, opening, high, low, close, volume) in enumerate(past):
        assert start == int(NOW - (30 - number) * MINUTE) * 1000
        if number == 10:
            assert (opening, close, volume) == (float(price(10)), float(price(10)), 0), "it stands still"
            continue
        assert (opening, close) == (float(price(number)), float(price(number + 1)))
        assert (high, low) == pytest.approx((max(opening, close) + 0.0004, min(opening, close) - 0.0003))
        assert volume == 44_000.5 + number
    assert book["bids"][0][0] < book["asks"][0][0]
    assert book["bids"][0][0] <= float(price(30)) <= book["asks"][0][0]


def test_a_minute_of_the_exchange_is_a_minute_of_the_file(tmp_path: Path) -> None:
    now = NOW
    store = Store(tmp_path / "paper.sqlite3")
    source = opened(file_of(tmp_path))
    exchange = Exchange(store, ALONE, seed=7, clock=lambda: now, history_minutes=90, source=source)
    exchange.open_books()
    for step in range(1, 3 * MINUTE * 10):
        now = NOW + step / 10
        exchange.advance()
    market = exchange.symbols["ADAUSDT"]
    for number, bar in enumerate(market.candles.folded(MINUTE, int(NOW), None, 2), start=30):
        assert bar.volume == pytest.approx(Decimal(44_000 + number), rel=Decimal("0.05"))
        for found, expected in (
            (bar.open, price(number)),
            (bar.close, price(number + 1)),
            (bar.high, max(price(number), price(number + 1)) + Decimal("0.0004")),
            (bar.low, min(price(number), price(number + 1)) - Decimal("0.0003")),
        ):
            assert abs(found - expected) <= Decimal("0.0003"), "within the spread and a tick"
    store.close()


async def test_after_the_last_candle_the_market_is_closed(tmp_path: Path) -> None:
    source = opened(file_of(tmp_path), speed=100.0, start=FIRST + 58 * MINUTE)
    async with running(tmp_path / "paper", source=source, frozen=False) as paper:
        client: Any = await paper.client()

        async def has_ended() -> bool:
            return bool((await paper.control("GET", "status"))["replay"]["is_over"])

        await eventually(has_ended)
        found = await client.fetch_order_book(SYMBOL)
        assert (found["bids"], found["asks"]) == ([], [])
        replay = (await paper.control("GET", "status"))["replay"]
    assert replay["kind"] == "candles"
    assert replay["symbols"][SYMBOL]["state"] == "ended"


def test_a_start_that_the_file_does_not_have_is_refused_with_what_it_has(tmp_path: Path) -> None:
    path = file_of(tmp_path)
    for start in (FIRST - 1, FIRST + 60 * MINUTE):
        with pytest.raises(Refused, match=r"It has 2023-03-16T22:15:00.* to 2023-03-16T23:15:00"):
            opened(path, start=start)
    assert opened(path, start=None).status()["starts_at"].startswith("2023-03-16T22:15:00")
