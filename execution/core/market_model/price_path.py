"""A price as a function of time: the same seed and symbol always give the same price.

It is Brownian motion by Lévy's construction. The middle of an interval is the mean of its ends plus a draw of
variance σ² × length / 4. Every draw is a hash of the seed and of the draw's place in the construction. So the price
at any moment costs a few dozen draws, the price just after it one or two, and no state is needed. At both ends of
each ``PERIOD`` the price is the reference price. That keeps it within a few percent of the reference price for ever.
"""

from __future__ import annotations

import hashlib
import math
from decimal import Decimal
from statistics import NormalDist

MINUTE = 60
#: Seconds after which the path is tied to the reference price: 91 days. Minutes lie on the grid.
PERIOD = MINUTE * 2**17
#: Halvings of the period; the finest interval is 0.12 s, within which the path is a straight line.
LEVELS = 26
FINEST = PERIOD / 2.0**LEVELS

_MASK = 2**64 - 1
_STANDARD = NormalDist()


class Draws:
    """Random numbers that are computed from a whole number, their place. The same place always gives the same one."""

    def __init__(self, name: str) -> None:
        self._key = int.from_bytes(hashlib.sha256(name.encode()).digest()[:8], "big")

    def bits(self, place: int) -> int:
        """Return the 64 random bits of a place, by SplitMix64 (Steele, Lea, Flood 2014)."""
        bits = (self._key + (place + 1) * 0x9E3779B97F4A7C15) & _MASK
        bits = ((bits ^ (bits >> 30)) * 0xBF58476D1CE4E5B9) & _MASK
        bits = ((bits ^ (bits >> 27)) * 0x94D049BB133111EB) & _MASK
        return bits ^ (bits >> 31)

    def normal(self, place: int) -> float:
        """Return the random number of a place, from the standard normal distribution."""
        return _STANDARD.inv_cdf(((self.bits(place) >> 12) + 0.5) / 2**52)

    def quartet(self, place: int) -> tuple[float, float, float, float]:
        """Return four random numbers between 0 and 1 for a place, from one draw, in steps of 2^-16."""
        bits = self.bits(place)
        one, two, three, four = ((bits >> shift & 0xFFFF) + 0.5 for shift in (0, 16, 32, 48))
        return one / 65_536, two / 65_536, three / 65_536, four / 65_536


class PricePath:
    """A driftless random walk around ``mid``; ``volatility`` is the standard deviation over one second, in bp."""

    def __init__(
        self, seed: int, symbol: str, mid: Decimal, volatility: float, *, mid_at: float | None = None
    ) -> None:
        """Set up the path.

        Its price is ``mid`` at the time ``mid_at``. Without ``mid_at`` it is ``mid`` at both ends of each ``PERIOD``.
        """
        self._mid = float(mid)
        self._draws = Draws(f"{seed}:{symbol}:path")
        deviation = volatility * 1e-4
        self._reach = [deviation * math.sqrt(PERIOD / 2.0**level) / 2 for level in range(LEVELS)]
        # The intervals of the last answer, one a level: the next answer mostly lies in the same ones.
        self._numbers: list[int | None] = [None] * (LEVELS + 1)
        self._ends = [(0.0, 0.0)] * (LEVELS + 1)
        if mid_at is not None:
            self._mid /= math.exp(self._offset(mid_at))

    def price(self, at: float) -> float:
        """Return the price at ``at``, in seconds since the epoch."""
        return self._mid * math.exp(self._offset(at))

    def _offset(self, at: float) -> float:
        """Return the logarithm of the price divided by ``mid``."""
        position = at / FINEST
        number = math.floor(position)
        level = LEVELS
        while level and self._numbers[level] != number >> (LEVELS - level):
            level -= 1
        if not level:
            self._numbers[0], self._ends[0] = number >> LEVELS, (0.0, 0.0)
        left, right = self._ends[level]
        whole = position == number
        while level < LEVELS:
            if whole and not number & ((1 << (LEVELS - level)) - 1):
                return left  # where an interval begins, as minutes do, its halves tell nothing more
            left, right = self._half(number, level, left, right)
            level += 1
            self._numbers[level], self._ends[level] = number >> (LEVELS - level), (left, right)
        return left + (right - left) * (position - number)

    def _half(self, number: int, level: int, left: float, right: float) -> tuple[float, float]:
        """Return the values at both ends of the half-interval that contains the finest interval ``number``.

        ``left`` and ``right`` are the values at the ends of the whole interval on ``level``.
        """
        interval = number >> (LEVELS - level)
        place = interval * (LEVELS + 1) + level
        middle = (left + right) / 2 + self._reach[level] * self._draws.normal(place)
        in_second_half = (number >> (LEVELS - level - 1)) & 1
        return (middle, right) if in_second_half else (left, middle)
