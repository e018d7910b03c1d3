"""The volume that a market usually trades by time of day, learnt from its five-minute candles.

Volumes are in base units, as ``float`` because they are forecasts and not money. Times are in seconds since 1970, UTC.
Buckets are five minutes long and numbered from 1970-01-01 0:00 UTC.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from itertools import accumulate
from math import exp, log
from statistics import median, pvariance

from execution.core.types import Candle

BUCKET = 300  # seconds
DAY = 288  # buckets
WEEK = 7 * DAY
#: Standard deviation of the Gaussian that smooths the profile, and the distance at which it is cut off, in buckets.
SMOOTHING = 24
REACH = 3 * SMOOTHING
#: Share of the mean that is added to every bucket, so that no time of day is expected to trade nothing.
MIN_SHARE = 0.05
#: A market trades rarely if more than THIN_SHARE of its bars are empty. Its holes up to THIN_HOLE buckets count as 0.
THIN_SHARE = 0.02
THIN_HOLE = 24
#: Known days of history from which weekends get a profile of their own.
WEEKEND_DAYS = 13
#: The trader is told if the last day's volume differs by more than this factor from the days before it.
REGIME_FACTOR = 2.0
#: Largest weight in a schedule of the volume after the next slice (``volume_forecast.share_due``). A market has it if
#: the variance of the logarithm of two hours' volume against the usual one is CLUSTERED or more. Below that, the
#: weight falls in proportion, down to 1 where volume neither clusters nor moves prices. CLUSTER is two hours, in
#: buckets.
DEFERRAL = 1.5
CLUSTERED = 0.1
CLUSTER = 24
#: Added to both sides of a ratio before its logarithm, so that a time without a trade has a finite one.
SOFTENING = 0.1


@dataclass(frozen=True)
class VolumeProfile:
    """The expected volume of each five-minute bucket of a UTC day, on weekdays and on weekends.

    ``deferral``, from 1 to DEFERRAL, is the factor by which ``share_due`` multiplies the volume that is still to come.
    """

    weekday: tuple[float, ...]
    weekend: tuple[float, ...]
    deferral: float = 1.0

    @cached_property
    def _week(self) -> tuple[float, ...]:
        """Return the running sums of expected volume over a week's buckets. The week begins on Thursday."""
        days = (self.weekday,) * 2 + (self.weekend,) * 2 + (self.weekday,) * 3
        return tuple(accumulate((volume for day in days for volume in day), initial=0.0))

    def bucket(self, number: int) -> float:
        """Return the expected volume of the five-minute bucket ``number``, counted from 1970-01-01 0:00 UTC."""
        at = number % WEEK
        return self._week[at + 1] - self._week[at]

    def between(self, start: float, end: float) -> float:
        """Return the expected volume from ``start`` to ``end``."""
        return self._until(end) - self._until(start)

    def _until(self, at: float) -> float:
        weeks, inside = divmod(at / BUCKET, WEEK)
        number = int(inside)
        part = (inside - number) * (self._week[number + 1] - self._week[number])
        return weeks * self._week[WEEK] + self._week[number] + part


@dataclass(frozen=True, slots=True)
class History:
    """A learnt ``profile``, the number of bars and days that it was learnt from, and notes for the trader.

    ``profile`` is None if nothing could be learnt.
    """

    profile: VolumeProfile | None
    bars: int = 0
    days: int = 0
    notes: tuple[str, ...] = ()


@lru_cache(maxsize=64)
def profile_of(weekday: tuple[float, ...], weekend: tuple[float, ...], deferral: float) -> VolumeProfile:
    """Return the profile with these values. It is cached, because decisions need the same one every second."""
    return VolumeProfile(weekday, weekend, deferral)


def bars_of(candles: Iterable[Candle], until: float) -> dict[int, float]:
    """Return the volume of each five-minute bucket that has ended by ``until`` (seconds since 1970), from its
    candles.
    """
    bars: dict[int, float] = {}
    for candle in candles:
        number = int(candle.opened_at.timestamp()) // BUCKET
        if (number + 1) * BUCKET <= until:
            bars[number] = bars.get(number, 0.0) + float(candle.volume)
    return bars


def known_bars(bars: Mapping[int, float], first: int, last: int) -> tuple[dict[int, float], float]:
    """Return the known volumes of buckets ``first`` to ``last`` (exclusive), and the share of empty buckets.

    A bucket is empty if its bar is missing or zero. The share is that of all buckets after the first one that has a
    bar.

    In a market that trades rarely, an empty bucket counts as volume 0 in two cases: it lies in a gap of at most two
    hours, or its time of day is empty on at least half of the days. Any other empty bucket is unknown, because the
    venue may have halted or the history may have a gap.
    """
    inside = [number for number in bars if first <= number < last]
    if not inside:
        return {}, 0.0
    begin = min(inside)
    empty = [number for number in range(begin, last) if not bars.get(number)]
    share = len(empty) / (last - begin)
    known = {number: bars[number] for number in inside if bars[number] > 0}
    if share > THIN_SHARE:
        by_time = Counter(number % DAY for number in empty)
        usual = max(2, (last - begin) / DAY / 2)
        known.update((number, 0.0) for number in empty if by_time[number % DAY] >= usual)
        known.update((number, 0.0) for run in _runs(empty) if len(run) <= THIN_HOLE for number in run)
    return known, share


def _runs(numbers: Sequence[int]) -> list[list[int]]:
    """Divide ascending numbers into runs of consecutive numbers."""
    runs: list[list[int]] = []
    for number in numbers:
        if runs and number == runs[-1][-1] + 1:
            runs[-1].append(number)
        else:
            runs.append([number])
    return runs


def learn_volume(bars: Mapping[int, float], until: int, days: int) -> History:
    """Return the profile of the ``days`` before bucket ``until``.

    1. Divide each UTC day's volumes by their mean, so that busy and quiet days weigh the same.
    2. Take the median of these shares for each time of day. If the history is long enough, do so for weekends apart.
    3. Smooth the medians over the hours around, keep them above zero, and multiply by the median of the days' means.
    """
    first = until - days * DAY
    known, empty = known_bars(bars, first, until)
    by_day: dict[int, list[int]] = {}
    for number in known:
        by_day.setdefault(number // DAY, []).append(number)
    levels = {day: sum(known[n] for n in numbers) / len(numbers) for day, numbers in by_day.items()}
    whole = [d for d, numbers in by_day.items() if len(numbers) >= DAY // 2 and levels[d] > 0]
    used = sorted(whole or (day for day, level in levels.items() if level > 0))
    if not used:
        return History(None, notes=("the market's past volume is not known: even slices",))
    halves = [_is_weekend(day) for day in used]
    split = len(used) >= WEEKEND_DAYS and len(set(halves)) == 2

    def learn(group: list[int]) -> tuple[float, ...]:
        level = median(levels[day] for day in group)
        shares: list[list[float]] = [[] for _ in range(DAY)]
        for day in group:
            for number in by_day[day]:
                shares[number % DAY].append(known[number] / levels[day])
        return tuple(level * share for share in smooth_shares(shares))

    weekday = learn([day for day in used if not split or not _is_weekend(day)])
    weekend = learn([day for day in used if _is_weekend(day)]) if split else weekday
    bars_used = sum(len(by_day[day]) for day in used)
    notes = _notes(levels, used, days, until - max(first, min(known)) - len(known), empty)
    scatter = _scatter([(known, levels[d], weekend if _is_weekend(d) else weekday, by_day[d]) for d in used])
    deferral = 1 + (DEFERRAL - 1) * min(scatter / CLUSTERED, 1.0)
    return History(VolumeProfile(weekday, weekend, deferral), bars_used, len(used), notes)


def _scatter(days: Sequence[tuple[Mapping[int, float], float, Sequence[float], Sequence[int]]]) -> float:
    """Return the variance of the logarithm of two hours' volume against the usual volume.

    Each day is a tuple: volume by bucket, mean volume of a bucket, usual volume by time of day, and known buckets.
    """
    found = []
    for volumes, level, usual, numbers in days:
        scale = sum(usual) / len(usual) / level
        sums: dict[int, list[float]] = {}
        for number in numbers:
            block = sums.setdefault(number // CLUSTER, [0.0, 0.0, 0])
            block[0] += volumes[number] * scale
            block[1] += usual[number % DAY]
            block[2] += 1
        full = (block for block in sums.values() if 2 * block[2] >= CLUSTER)
        found += [log((traded / normal + SOFTENING) / (1 + SOFTENING)) for traded, normal, _ in full]
    return pvariance(found) if found else 0.0


def _is_weekend(day: int) -> bool:
    return (day + 3) % 7 >= 5  # 1970-01-01 was a Thursday


def smooth_shares(shares: Sequence[Sequence[float]]) -> list[float]:
    """Return the median of ``shares`` for each time of day, smoothed across midnight and scaled to a mean of 1."""
    middle = [median(values) if values else None for values in shares]
    kernel = _kernel()
    smooth = []
    for slot in range(len(middle)):
        total = weight = 0.0
        for distance in range(-REACH, REACH + 1):
            value = middle[(slot + distance) % len(middle)]
            if value is not None:
                total += kernel[abs(distance)] * value
                weight += kernel[abs(distance)]
        smooth.append(total / weight if weight else None)
    found = [value for value in smooth if value is not None]
    mean = sum(found) / len(found)
    if mean <= 0:
        return [1.0] * len(middle)
    lifted = [(mean if value is None else value) + MIN_SHARE * mean for value in smooth]
    scale = len(lifted) / sum(lifted)
    return [value * scale for value in lifted]


@lru_cache(maxsize=1)
def _kernel() -> tuple[float, ...]:
    return tuple(exp(-0.5 * (distance / SMOOTHING) ** 2) for distance in range(REACH + 1))


def _notes(
    levels: Mapping[int, float], used: Sequence[int], days: int, unknown: int, empty: float
) -> tuple[str, ...]:
    notes = []
    if len(used) < days:
        notes.append(f"the market's history covers {len(used)} of the {days} days of the lookback")
    if unknown > 0:
        notes.append(f"{unknown} five-minute bars are missing (a halt or a gap) and left out")
    if empty > THIN_SHARE:
        notes.append(f"the market trades rarely: {empty:.0%} of its five-minute bars have no trade")
    if len(used) > 1:
        ratio = levels[used[-1]] / median(levels[day] for day in used[:-1])
        if not 1 / REGIME_FACTOR <= ratio <= REGIME_FACTOR:
            notes.append(
                f"the last day's volume is {ratio:.2g} times that of a usual day of the lookback: the profile"
                " keeps its shape, and its level follows the last hours"
            )
    return tuple(notes)
