"""The replay of a recording or of a file of candles, instead of generated markets."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any

from execution.core.market_model.background_market import MarketParameters
from execution.core.market_model.candle_market import CandleMarket, CandlePast, CandleTape, market_of
from execution.core.market_model.price_path import MINUTE, PricePath
from execution.core.market_model.recorded_market import RecordedMarket
from execution.core.market_model.recording import (
    MAX_SPEED,
    MIN_SPEED,
    SECOND,
    Event,
    RecordedBook,
    RecordedTrade,
    Timeline,
)
from execution.core.market_model.synthetic_candles import UNIT, History
from execution.core.numbers import plain
from execution.core.problem_codes import Code
from execution.core.problems import refuse
from execution.core.types import Market
from execution.paper.profiles import Profile
from execution.paper.sources import STEP_SECONDS, MarketSource, Origin
from execution.recordings.candle_files import read_candles
from execution.recordings.folder import Recording
from execution.recordings.rules_file import iso_time

#: The seconds at a recording's beginning from which the activity of the generated past is estimated.
SAMPLE = 60


def open_replay(
    path: Path, *, speed: float, seed: int, symbol: str | None, start: int | None, profile: Profile
) -> tuple[MarketSource, Profile]:
    """Return the markets of a recording's folder or a file of candles, and the profile.

    The returned profile has the fees of the recording, if there is one. ``symbol`` and ``start`` (seconds since the
    epoch) are used only for candles. Raises ``Refused`` if the replay cannot be played.
    """
    if not MIN_SPEED <= speed <= MAX_SPEED:
        message = f"Speed is {speed:g}. It must be {MIN_SPEED:g} to {MAX_SPEED:g}."
        refuse("speed", message, str(speed), f"{MIN_SPEED:g} to {MAX_SPEED:g}", code=Code.VALUE_OUT_OF_RANGE)
    if path.is_dir():
        if symbol is not None or start is not None:
            message = (
                f"{path} is a recording and names its symbols and times: --symbol and --from are for candles."
            )
            refuse("symbol", message, str(path), code=Code.VALUE_NOT_ALLOWED)
        recording = ReplayedRecording(Recording(path), speed=speed, seed=seed)
        return recording, with_fees(profile, recording.markets)
    return ReplayedCandles(path, symbol=symbol, start=start, speed=speed, seed=seed), profile


def with_fees(profile: Profile, markets: list[Market]) -> Profile:
    """Return the profile with the highest recorded fees, because the exchange has the same fees for all symbols."""
    maker = [market.maker_fee for market in markets if market.maker_fee is not None]
    taker = [market.taker_fee for market in markets if market.taker_fee is not None]
    return replace(
        profile,
        maker_fee=max(maker, default=profile.maker_fee),
        taker_fee=max(taker, default=profile.taker_fee),
    )


class ReplayedRecording:
    """All symbols of a recording, played together from its first event on."""

    #: Shorter than the time between two recorded books (a tenth of a second), so that each of them is published.
    step_seconds = 0.02

    def __init__(self, recording: Recording, *, speed: float, seed: int) -> None:
        self._recording = recording
        self._speed = speed
        self._seed = seed
        self._others: dict[str, RecordedMarket] = {}
        self.markets = list(recording.rules.markets.values())
        for market in self.markets:
            refuse_too_fine(market)
        self.listed = tuple(
            sampled_parameters(market, recording.events(market.symbol)) for market in self.markets
        )
        self._timelines = {each.symbol: Timeline(recording.events(each.symbol)) for each in self.markets}
        firsts = [timeline.next_at for timeline in self._timelines.values() if timeline.next_at is not None]
        self.starts_at = min(firsts)

    @property
    def is_over(self) -> bool:
        return all(others.progress.is_over for others in self._others.values())

    def origin(self, parameters: MarketParameters, now: float) -> Origin:
        """Return the recorded market, played from now on.

        Its past candles are generated such that they end at the first recorded price.
        """
        symbol = parameters.market.symbol
        others = self._others[symbol] = RecordedMarket(
            parameters=parameters,
            timeline=self._timelines[symbol],
            starts_at=self.starts_at,
            depth=self._recording.rules.levels,
            speed=self._speed,
        )
        began = int(now) // MINUTE * MINUTE
        path = PricePath(self._seed, symbol, parameters.mid, parameters.volatility, mid_at=float(began))
        return Origin(others, History(parameters, path, f"{self._seed}:replay"), float(began), began)

    def status(self) -> dict[str, Any]:
        rules = self._recording.rules
        return {
            "kind": "recording",
            "path": str(self._recording.folder),
            "speed": self._speed,
            "venue": rules.venue,
            "exchange": rules.exchange,
            "starts_at": iso_time(self.starts_at),
            "is_over": self.is_over,
            "symbols": {
                symbol: {
                    "state": others.progress.state,
                    "position": iso_time(others.progress.position),
                    "books": others.progress.books,
                    "trades": others.progress.trades,
                    "note": others.progress.note,
                }
                for symbol, others in self._others.items()
            },
        }


class ReplayedCandles:
    """One symbol whose price and volume follow a file of candles."""

    step_seconds = STEP_SECONDS

    def __init__(self, path: Path, *, symbol: str | None, start: int | None, speed: float, seed: int) -> None:
        if symbol is None:
            message = f"{path} holds candles, which do not say of what: --symbol BASE/QUOTE must."
            refuse("symbol", message, code=Code.VALUE_MISSING)
        tape = CandleTape(read_candles(path))
        begins = tape.first if start is None else start // MINUTE * MINUTE
        if not tape.first <= begins < tape.end:
            limit = f"{iso_time(tape.first * SECOND)} to {iso_time(tape.end * SECOND)}"
            message = f"{path} does not have {iso_time(begins * SECOND)}. It has {limit}."
            refuse("from", message, iso_time(begins * SECOND), limit, code=Code.VALUE_OUT_OF_RANGE)
        self._path = path
        self._tape = tape
        self._begins = begins
        self._speed = speed
        self._seed = seed
        self._others: CandleMarket | None = None
        self.listed = (market_of(symbol, tape, begins),)

    @property
    def is_over(self) -> bool:
        return self._others is not None and self._others.is_over

    def origin(self, parameters: MarketParameters, now: float) -> Origin:
        """Return a market that replays the candles from the chosen start on. Earlier candles become its history."""
        self._others = CandleMarket(
            parameters, self._tape, begins=self._begins, speed=self._speed, seed=self._seed
        )
        began = int(now) // MINUTE * MINUTE
        past = CandlePast(self._tape, began - self._begins)
        return Origin(self._others, past, float(began), began)

    def status(self) -> dict[str, Any]:
        others = self._others
        position = self._begins if others is None else others.position
        return {
            "kind": "candles",
            "path": str(self._path),
            "speed": self._speed,
            "starts_at": iso_time(self._begins * SECOND),
            "is_over": self.is_over,
            "symbols": {
                parameters.market.symbol: {
                    "state": "ended" if self.is_over else "playing",
                    "position": iso_time(int(position * SECOND)),
                }
                for parameters in self.listed
            },
        }


def sampled_parameters(market: Market, events: Iterator[Event]) -> MarketParameters:
    """Return a recorded market's parameters: its first price, and its activity in the first minute.

    Raises ``Refused`` for a symbol without recorded data.
    """
    first: int | None = None
    mid: Decimal | None = None
    sizes: list[Decimal] = []
    for event in events:
        first = event.received if first is None else first
        is_sampled = event.received - first > SAMPLE * SECOND
        if is_sampled and mid is not None:
            break
        if isinstance(event, RecordedTrade):
            if not is_sampled:
                sizes.append(event.quantity)
            mid = mid or event.price
        elif isinstance(event, RecordedBook):
            mid = mid or event.mid
    if mid is None:
        message = f"The recording has neither a book with both sides nor a trade of {market.symbol}."
        refuse("recording", message, market.symbol, code=Code.VALUE_MISSING)
    mean = float(sum(sizes) / len(sizes)) if sizes else 0.0
    return MarketParameters(
        market, mid=mid, spacing=market.tick, takers_per_second=len(sizes) / SAMPLE, taker_size=mean
    )


def refuse_too_fine(market: Market) -> None:
    """Raise ``Refused`` for a tick or lot with more than the eight decimals that the exchange writes."""
    for name, step in (("tick", market.tick), ("lot", market.lot)):
        if step % UNIT:
            message = f"The {name} of {market.symbol} is {plain(step)}. The paper exchange's finest is {plain(UNIT)}."
            refuse("recording", message, step, UNIT, code=Code.VALUE_OUT_OF_RANGE)
