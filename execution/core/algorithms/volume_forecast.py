"""The forecast of volume, from the usual volume by time of day and the volume that was just traded.

Time is divided into buckets of five minutes. A bucket's surprise is the logarithm of its volume over its usual
volume. A regression for each distance ahead forecasts a bucket's surprise from those of the last 5, 15 and 30
minutes, and of the last 2 and 12 hours. Volume clusters: the last minutes say most about the next minutes, and the
last half day says most about the next hours. ``docs/explanation/volume.md`` has the method, the files and the
commands that calculate the constants.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from math import exp, log

from execution.core.algorithms.volume_profile import BUCKET, SOFTENING, VolumeProfile

#: Lengths of the windows before now whose surprises are used, in buckets.
WINDOWS = (1, 3, 6, 24, 144)
#: Distances ahead, in buckets, that have coefficients. Between them, interpolate by the logarithm of the distance.
HORIZONS = (1, 2, 3, 6, 12, 24, 48, 96, 192, 288)
#: For each of HORIZONS: a coefficient for each of WINDOWS, then the constant, which also turns a median into a mean.
#: Fitted on the tuning half of the files by ``tests/benchmarks/volume_fit.py``.
COEFFICIENTS: tuple[tuple[float, ...], ...] = (
    (0.282, 0.187, 0.163, 0.169, 0.114, 0.057),
    (0.19, 0.16, 0.173, 0.21, 0.152, 0.074),
    (0.164, 0.128, 0.161, 0.232, 0.178, 0.082),
    (0.127, 0.062, 0.158, 0.239, 0.232, 0.095),
    (0.086, 0.067, 0.103, 0.214, 0.29, 0.105),
    (0.076, 0.059, 0.043, 0.163, 0.347, 0.11),
    (0.059, -0.021, 0.07, 0.134, 0.367, 0.11),
    (0.047, -0.028, 0.02, 0.015, 0.485, 0.102),
    (0.018, 0.012, -0.003, 0.101, 0.394, 0.117),
    (0.036, 0.034, 0.032, 0.069, 0.245, 0.145),
)

#: Start, end (seconds since 1970) and volume of a stretch of time.
Stretch = tuple[float, float, float]


def surprises(profile: VolumeProfile, past: Sequence[Stretch], now: float) -> tuple[float, ...]:
    """Return, for each of WINDOWS, the logarithm of the traded volume over the usual volume.

    A window is the time from some buckets ago until ``now``. ``past`` has stretches of time with their traded volume,
    oldest first. If the volume is known for less than half of a window, the next longer known window gives the value,
    else the next shorter one. If no window is known, every value is 0.
    """
    sums: list[tuple[float, float, float]] = []
    edges = [now - window * BUCKET for window in WINDOWS]
    volume = usual = known = 0.0
    top = bottom = now  # the stretches without a gap between them, of which the usual volume is not yet added
    for start, end, traded in reversed(past):
        upper = min(end, now)
        if upper <= start:
            continue
        if upper != bottom:
            usual += profile.between(bottom, top)
            top = upper
        while len(sums) < len(edges) and start <= edges[len(sums)]:
            lower = min(edges[len(sums)], upper)
            volume += traded * (upper - lower) / (end - start)
            known += upper - lower
            usual += profile.between(lower, top)
            sums.append((volume, usual, known))
            top = upper = lower
        if len(sums) == len(edges):
            break
        volume += traded * (upper - start) / (end - start)
        known += upper - start
        bottom = start
    else:
        usual += profile.between(bottom, top)
    sums += [(volume, usual, known)] * (len(edges) - len(sums))
    return _filled([_surprise(*found, window * BUCKET) for found, window in zip(sums, WINDOWS, strict=True)])


def _surprise(volume: float, usual: float, known: float, length: float) -> float | None:
    if known < length / 2 or usual <= 0:
        return None
    return log((volume / usual + SOFTENING) / (1 + SOFTENING))


def _filled(values: list[float | None]) -> tuple[float, ...]:
    found: list[float] = []
    for number, value in enumerate(values):
        longer = next((other for other in values[number:] if other is not None), None)
        shorter = found[-1] if found else 0.0
        found.append(value if value is not None else longer if longer is not None else shorter)
    return tuple(found)


@lru_cache(maxsize=HORIZONS[-1])
def coefficients(ahead: int) -> tuple[float, ...]:
    """Return the regression's coefficients for one five-minute bucket, ``ahead`` buckets from now.

    The next one is 1.
    """
    if ahead >= HORIZONS[-1]:
        return COEFFICIENTS[-1]
    above = next(number for number, horizon in enumerate(HORIZONS) if horizon > ahead)
    near, far = HORIZONS[above - 1], HORIZONS[above]
    part = (log(ahead) - log(near)) / (log(far) - log(near))
    pairs = zip(COEFFICIENTS[above - 1], COEFFICIENTS[above], strict=True)
    return tuple(low + part * (high - low) for low, high in pairs)


def growth(fitted: tuple[float, ...], buckets: int) -> list[float]:
    """Return the factors by which the next ``buckets`` are expected to trade more than usual.

    A factor is expected over usual volume. ``fitted`` comes from ``surprises``. Beyond the forecast's horizon there
    are no factors.
    """
    x1, x2, x3, x4, x5 = fitted
    factors = []
    for ahead in range(1, min(buckets, HORIZONS[-1]) + 1):
        c1, c2, c3, c4, c5, constant = coefficients(ahead)
        factors.append(exp(constant + c1 * x1 + c2 * x2 + c3 * x3 + c4 * x4 + c5 * x5))
    return factors


def expected_volume(
    profile: VolumeProfile, factors: Sequence[float], now: float, start: float, end: float
) -> float:
    """Return the volume expected from ``start`` (at or after ``now``) to ``end``. ``factors`` come from ``growth``."""
    total, last = 0.0, len(factors) - 1
    number = int(start // BUCKET)
    while number * BUCKET < end:
        lower, upper = max(number * BUCKET, start), min((number + 1) * BUCKET, end)
        ahead = int(((lower + upper) / 2 - now) // BUCKET)
        total += (upper - lower) / BUCKET * profile.bucket(number) * factors[min(max(ahead, 0), last)]
        number += 1
    return total


def share_due(traded: float, following: float, rest: float, deferral: float) -> float:
    """Return the share of an order that should be filled when the next slice ends.

    ``traded`` is the market's volume since the order's start. ``following`` is the volume expected in the slice, and
    ``rest`` the volume expected after it. The order should trade at the market's average price, so the best share is
    the market's expected share of its volume (Frei and Westray, 2015).

    Errors count most around large price moves, and more volume comes after such a move than before it. So ``rest`` is
    multiplied by ``deferral``, which is 1 or more, and the share becomes a little lower.
    """
    due = traded + following
    whole = due + deferral * rest
    return due / whole if whole > 0 else 0.0
