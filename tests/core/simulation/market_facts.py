"""The facts of a market from its book and its trades, recorded or simulated: the same figures for both."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import correlation, fmean, median, pstdev

from execution.core.simulation.kinds import MarketKind
from execution.core.simulation.market import SimulatedMarket

LEVELS = 10
Levels = list[tuple[float, float]]


@dataclass(frozen=True, slots=True)
class Snapshot:
    """The best levels at a time in seconds, best first, as (price, base quantity)."""

    at: float
    bids: Levels
    asks: Levels

    @property
    def mid(self) -> float:
        return (self.bids[0][0] + self.asks[0][0]) / 2

    @property
    def imbalance(self) -> float:
        """Return the imbalance of the touch: -1 only asks, +1 only bids."""
        bid, ask = self.bids[0][1], self.asks[0][1]
        return (bid - ask) / (bid + ask)


@dataclass(frozen=True, slots=True)
class Taken:
    """A trade: seconds, the taker's sign, price and base quantity."""

    at: float
    sign: int
    price: float
    quantity: float


@dataclass(frozen=True, slots=True)
class BookFacts:
    """Spreads in ticks and basis points, sizes in quote units; None where the sample does not say it."""

    seconds: float
    tick_bp: float
    spread_ticks: float
    spread_bp: float
    touch: float
    depth5: float
    level_gap: float | None  #: ticks between two of the best five levels
    volatility: float | None  #: of the mid over one second, basis points
    volatility30: float | None  #: of the mid over thirty seconds, basis points by the square root of a second
    imbalance_correlation: float | None  #: of the touch's imbalance with the mid's move over the next second
    imbalance_right: float | None  #: how often an imbalance above 0.3 named the side of the next move


@dataclass(frozen=True, slots=True)
class TradeFacts:
    """Trades of one side within five milliseconds are one. Sizes in quote units."""

    per_second: float
    mean: float
    median: float
    same_side: float | None  #: correlation of a trade's side with the one before it


def book_facts(snapshots: Sequence[Snapshot], tick: float) -> BookFacts:
    """Return the medians over the snapshots."""
    mid = median(snapshot.mid for snapshot in snapshots)
    spreads = [snapshot.asks[0][0] - snapshot.bids[0][0] for snapshot in snapshots]
    sides = [side for snapshot in snapshots for side in (snapshot.bids, snapshot.asks)]
    gaps = [abs(side[4][0] - side[0][0]) / 4 / tick for side in sides if len(side) > 4]
    pairs = _pairs(snapshots, 1.0)
    moves = [later.mid - first.mid for first, later in pairs]
    told = [
        first.imbalance * move
        for (first, _), move in zip(pairs, moves, strict=True)
        if move and abs(first.imbalance) > 0.3
    ]
    varies = len(moves) >= 20 and pstdev(moves) > 0
    return BookFacts(
        seconds=snapshots[-1].at - snapshots[0].at,
        tick_bp=tick / mid * 1e4,
        spread_ticks=median(spreads) / tick,
        spread_bp=median(spreads) / mid * 1e4,
        touch=median(side[0][1] for side in sides) * mid,
        depth5=median(sum(size for _, size in side[:5]) for side in sides) * mid,
        level_gap=median(gaps) if gaps else None,
        volatility=_deviation_bp(snapshots, 1.0),
        volatility30=_deviation_bp(snapshots, 30.0),
        imbalance_correlation=(
            correlation([first.imbalance for first, _ in pairs], moves) if varies else None
        ),
        imbalance_right=sum(value > 0 for value in told) / len(told) if len(told) >= 10 else None,
    )


def trade_facts(trades: Sequence[Taken]) -> TradeFacts | None:
    """Return the facts of the trades; None where there are too few."""
    merged: list[Taken] = []
    for trade in sorted(trades, key=lambda trade: trade.at):
        last = merged[-1] if merged else None
        if last is not None and last.sign == trade.sign and trade.at - last.at < 0.005:
            merged[-1] = Taken(last.at, last.sign, trade.price, last.quantity + trade.quantity)
        else:
            merged.append(trade)
    if len(merged) < 10 or merged[-1].at <= merged[0].at:
        return None
    amounts = [trade.price * trade.quantity for trade in merged]
    signs = [trade.sign for trade in merged]
    varies = len(set(signs[:-1])) > 1 and len(set(signs[1:])) > 1
    return TradeFacts(
        per_second=len(merged) / (merged[-1].at - merged[0].at),
        mean=fmean(amounts),
        median=median(amounts),
        same_side=correlation(signs[:-1], signs[1:]) if varies else None,
    )


def simulated_facts(
    kind: MarketKind, seeds: int, seconds: float = 300.0
) -> tuple[BookFacts, TradeFacts | None]:
    """Return the same figures of a simulated market, read four times a second, without an order of the desk.

    The markets stand one after the other, far apart in time.
    """
    tick, lot = float(kind.tick), float(kind.lot)
    snapshots: list[Snapshot] = []
    trades: list[Taken] = []
    for seed in range(seeds):
        market, offset = SimulatedMarket(kind, seed), seed * (seconds + 60)
        for number in range(int(seconds * 4)):
            market.run_to(number / 4)
            sides = [
                [(price * tick, lots * lot) for price, lots in side.levels(LEVELS)]
                for side in (market.bids, market.asks)
            ]
            snapshots.append(Snapshot(offset + number / 4, *sides))
        trades += [
            Taken(offset + at, sign, price * tick, lots * lot) for at, sign, price, lots in market.trades
        ]
    return book_facts(snapshots, tick), trade_facts(trades)


def _pairs(snapshots: Sequence[Snapshot], seconds: float) -> list[tuple[Snapshot, Snapshot]]:
    """Return each snapshot with the first that is as much later, where there is one about then."""
    pairs, later = [], 0
    for snapshot in snapshots:
        while later < len(snapshots) and snapshots[later].at < snapshot.at + seconds:
            later += 1
        if later == len(snapshots):
            break
        if snapshots[later].at < snapshot.at + 2 * seconds:
            pairs.append((snapshot, snapshots[later]))
    return pairs


def _deviation_bp(snapshots: Sequence[Snapshot], seconds: float) -> float | None:
    """Return the root mean square of the mid's moves over ``seconds``, by the square root of a second."""
    moves = [(later.mid / first.mid - 1) * 1e4 for first, later in _pairs(snapshots, seconds)]
    return math.sqrt(fmean(move * move for move in moves) / seconds) if len(moves) >= 10 else None
