"""A replay of recorded candles that measures three schedules against the market's volume-weighted average price.

No schedule uses later data than it would have at the time. At each midnight (UTC) the volume profile is learnt from
the days before. Each slice's size is set before its first minute. Slices are five minutes long and trade at the mean
of their minutes' typical prices. There are no costs, so only the schedule is measured.
"""

from __future__ import annotations

from array import array
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from math import sqrt

from execution.core.algorithms.volume_forecast import Stretch, expected_volume, growth, share_due, surprises
from execution.core.algorithms.volume_profile import BUCKET, DAY, VolumeProfile, learn_volume
from execution.core.problem_codes import Code
from execution.core.problems import refuse
from execution.core.types import BASIS_POINT

MINUTE = 60
LOOKBACK_DAYS = 7
MAX_DAYS = 3_660  # ten years of bars are 60 MB
HOUR = DAY // 24
#: How far back an order sees the traded volume, in buckets: twelve hours.
SEEN = DAY // 2

#: A one-minute candle: start (seconds since 1970), high, low, close, volume.
MinuteRow = tuple[int, float, float, float, float]


@dataclass(frozen=True, slots=True)
class Bars:
    """Five-minute bars of whole UTC days, made from one-minute candles.

    ``turnovers`` sum volume times typical price over a bar's minutes. ``prices`` are the means of the minutes' typical
    prices. ``first`` is the number of the first bucket. A bar without a candle has no volume, and the price of the
    bar before it. ``known`` has the volumes of the bars that have a candle, by bucket.
    """

    first: int
    days: int
    volumes: array[float]
    turnovers: array[float]
    prices: array[float]
    known: Mapping[int, float]

    def volume(self, number: int) -> float:
        return self.volumes[number - self.first]

    def stretches(self, now: int) -> list[Stretch]:
        """Return the bars of the twelve hours before bucket ``now``, each as start, end and volume."""
        begin = max(self.first, now - SEEN)
        return [
            (number * BUCKET, (number + 1) * BUCKET, self.volumes[number - self.first])
            for number in range(begin, now)
        ]


@dataclass(frozen=True, slots=True)
class TrackingErrors:
    """The tracking error of each schedule over all ``windows``, in basis points.

    A window's error is the schedule's average price against the market's VWAP. ``even``, ``hourly_profile`` and
    ``adaptive`` are root mean squares. ``mean_absolute`` has the means of the absolute errors by schedule. ``begins``
    are the starts of the windows in seconds since 1970, and ``by_window`` has the error in each, by schedule.
    """

    windows: int
    even: float
    hourly_profile: float
    adaptive: float
    mean_absolute: Mapping[str, float]
    begins: Sequence[int]
    by_window: Mapping[str, Sequence[float]]


def bars_from_minutes(rows: Iterable[MinuteRow]) -> Bars:
    """Return the bars of all whole UTC days in ``rows``. Raise ``Refused`` for too few or too many days."""
    minutes = sorted(rows)
    if not minutes:
        refuse("candles", "The file has no candle.", 0, 1, code=Code.CANDLES_TOO_FEW)
    first_day = -(-minutes[0][0] // 86400)
    end_day = (minutes[-1][0] + MINUTE) // 86400
    days = max(0, end_day - first_day)
    if days <= LOOKBACK_DAYS:
        message = (
            f"The candles have {days} whole UTC days. At least {LOOKBACK_DAYS + 1} are needed, "
            f"and the first {LOOKBACK_DAYS} serve as history only."
        )
        refuse("candles", message, days, LOOKBACK_DAYS + 1, code=Code.CANDLES_TOO_FEW)
    if days > MAX_DAYS:
        message = f"The candles cover {days:,} days. At most {MAX_DAYS:,} are allowed: is a timestamp wrong?"
        refuse("candles", message, days, MAX_DAYS, code=Code.LENGTH_OUT_OF_RANGE)
    first, size = first_day * DAY, days * DAY
    volumes, turnovers, sums = (array("d", bytes(8 * size)) for _ in range(3))
    counts = array("l", [0]) * size
    before = minutes[0][3]
    for at, high, low, close, volume in minutes:
        number = at // BUCKET - first
        if number < 0:
            before = close
        elif number < size:
            typical = (high + low + close) / 3
            volumes[number] += volume
            turnovers[number] += volume * typical
            sums[number] += typical
            counts[number] += 1
    prices = array("d")
    for total, count in zip(sums, counts, strict=True):
        before = total / count if count else before
        prices.append(before)
    known = {first + number: volumes[number] for number in range(size) if counts[number]}
    return Bars(first, days, volumes, turnovers, prices, known)


def window_starts(bars: Bars, hours: int) -> range:
    """Return the first buckets of the consecutive windows, from the first day with a history on."""
    begin, end, length = bars.first + LOOKBACK_DAYS * DAY, bars.first + bars.days * DAY, hours * HOUR
    return range(begin, end - length + 1, length)


def replay(bars: Bars, hours: int, done: Callable[[], None] = lambda: None) -> TrackingErrors:
    """Return the tracking errors over consecutive windows of ``hours`` hours, from the first day with a history on.

    Call ``done`` after each window. A window without a trade has no VWAP, so it is left out. Raise ``Refused`` if no
    window is left.
    """
    length = hours * HOUR
    errors: dict[str, list[float]] = {"even": [], "hourly_profile": [], "adaptive": []}
    learnt: dict[int, VolumeProfile | None] = {}
    begins: list[int] = []
    for start in window_starts(bars, hours):
        inside = slice(start - bars.first, start - bars.first + length)
        traded = sum(bars.volumes[inside])
        if traded <= 0:
            done()
            continue
        begins.append(start * BUCKET)
        day = start // DAY
        if day not in learnt:
            learnt[day] = learn_volume(bars.known, day * DAY, LOOKBACK_DAYS).profile
        vwap = sum(bars.turnovers[inside]) / traded
        for name, weights in {
            "even": [1.0] * length,
            "hourly_profile": hourly_weights(bars, start, length),
            "adaptive": adaptive_weights(bars, learnt[day], start, length),
        }.items():
            price = sum(w * p for w, p in zip(weights, bars.prices[inside], strict=True)) / sum(weights)
            errors[name].append((price / vwap - 1) / float(BASIS_POINT))
        done()
    windows = len(errors["even"])
    if not windows:
        message = f"There is no window of {hours} h with a trade after the first {LOOKBACK_DAYS} days."
        refuse("hours", message, hours, code=Code.CANDLES_TOO_FEW)
    rms = {name: sqrt(sum(e * e for e in found) / windows) for name, found in errors.items()}
    absolute = {name: sum(map(abs, found)) / windows for name, found in errors.items()}
    return TrackingErrors(windows, **rms, mean_absolute=absolute, begins=begins, by_window=errors)


def hourly_weights(bars: Bars, start: int, length: int) -> list[float]:
    """Return the weights of a plain schedule, as a comparison for the desk's VWAP.

    The weight of a slice is the volume at its hour of the day, over the seven days before the window.
    """
    begin = start // DAY * DAY - LOOKBACK_DAYS * DAY - bars.first
    hours = [0.0] * 24
    for number in range(begin, begin + LOOKBACK_DAYS * DAY):
        hours[number % DAY // HOUR] += bars.volumes[number]
    weights = [hours[number % DAY // HOUR] for number in range(start, start + length)]
    return weights if sum(weights) > 0 else [1.0] * length


def adaptive_weights(bars: Bars, profile: VolumeProfile | None, start: int, length: int) -> list[float]:
    """Return the weights that the desk's VWAP gives to the slices of a window.

    Each slice's weight uses only the recorded volume before it, as in a real order.
    """
    if profile is None:
        return [1.0] * length
    done = traded = 0.0
    weights = []
    for now in range(start, start + length - 1):
        due = max(done, _due(profile, bars.stretches(now), now, start + length, traded))
        weights.append(due - done)
        done = due
        traded += bars.volume(now)
    return [*weights, 1.0 - done]


def _due(profile: VolumeProfile, past: Sequence[Stretch], now: int, end: int, traded: float) -> float:
    at = now * BUCKET
    factors = growth(surprises(profile, past, at), end - now)
    following = expected_volume(profile, factors, at, at, at + BUCKET)
    rest = expected_volume(profile, factors, at, at + BUCKET, end * BUCKET)
    return share_due(traded, following, rest, profile.deferral)
