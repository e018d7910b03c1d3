"""The other participants' actions and their times. They depend on the seed alone, never on the desk's orders."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from enum import IntEnum
from functools import lru_cache
from random import Random

from execution.core.simulation.kinds import MarketKind

STEP = 0.2  #: seconds between two moves of the efficient price


class Happening(IntEnum):
    MOVE = (
        0  #: the efficient price moves; ``first`` is by how many ticks, ``second`` the pressure of the flow
    )
    LIMIT = 1
    CANCEL = 2
    TAKER = 3
    INFORMED = 4


@dataclass(frozen=True, slots=True)
class Event:
    """An event at ``at`` seconds, with three random numbers.

    They are uniform in [0, 1), except in a move of the price.
    """

    at: float
    what: Happening
    first: float
    second: float
    third: float


class Tape:
    """The stored events of one market, so that several orders can be worked in the same market."""

    def __init__(self, kind: MarketKind, seed: int) -> None:
        self._coming = events(kind, seed)
        self._known: list[Event] = []

    def event(self, number: int) -> Event:
        while len(self._known) <= number:
            self._known.append(next(self._coming))
        return self._known[number]


#: A small cache of tapes, because a tape of ten minutes has ten thousand events.
tape_of = lru_cache(maxsize=2)(Tape)


def events(kind: MarketKind, seed: int) -> Iterator[Event]:
    """Yield a market's events in time order, without end. The same kind and seed give the same events."""
    random = Random(f"{kind.name}:{seed}")
    rates = (kind.limit_rate, kind.cancel_rate, kind.taker_rate, kind.informed_rate)
    total = sum(rates)
    edges = [sum(rates[: number + 1]) / total for number in range(len(rates))]
    trend = kind.trend if seed % 2 == 0 else -kind.trend
    moves = _moves(kind, trend, Random(f"{kind.name}:{seed}:price"))
    at = random.expovariate(total)
    next_move = STEP
    while True:
        while at < next_move:
            place = random.random()
            what = next(number for number, edge in enumerate(edges, start=1) if place <= edge)
            yield Event(at, Happening(what), random.random(), random.random(), random.random())
            at += random.expovariate(total)
        ticks, pressure = next(moves)
        yield Event(next_move, Happening.MOVE, ticks, pressure, 0.0)
        next_move += STEP


def _moves(kind: MarketKind, per_minute: float, random: Random) -> Iterator[tuple[float, float]]:
    """Yield for each step the efficient price's move, in ticks, and the order flow's pressure after it.

    ``per_minute`` is the trend in basis points a minute. The pressure is an Ornstein-Uhlenbeck process with standard
    deviation 1, in its exact discretisation. A trend adds 1 in its direction. A pressure above 0 is one to buy.
    """
    deviation = kind.volatility * math.sqrt(STEP) / kind.tick_bp
    trend = per_minute / 60 * STEP / kind.tick_bp
    kept = math.exp(-STEP / kind.flow_memory)
    pressure = random.gauss(0.0, 1.0)
    lean = math.copysign(1.0, trend) if trend else 0.0
    while True:
        pressure = kept * pressure + math.sqrt(1 - kept * kept) * random.gauss(0.0, 1.0)
        ticks = random.gauss(0.0, deviation) + trend + kind.flow_drift * STEP * pressure
        if random.random() < kind.jump_rate * STEP:
            ticks += random.choice((-1, 1)) * random.expovariate(1.0) * kind.jump_bp / kind.tick_bp
        yield ticks, pressure + lean
