"""Fit the constants of ``execution/core/algorithms/volume_forecast.py`` on the tuning half of one-minute candle files.

``uv run python -m tests.benchmarks.volume_fit FILE.csv.gz ...`` prints the coefficients and, for several deferrals,
the tracking errors against the hourly profile's. Pure and slow: a minute for five files.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from math import exp, log
from pathlib import Path

from execution.core.algorithms import volume_forecast, volume_profile
from execution.core.algorithms.volume_forecast import HORIZONS, surprises
from execution.core.algorithms.volume_profile import BUCKET, DAY, SOFTENING, learn_volume
from execution.core.algorithms.vwap_replay import LOOKBACK_DAYS, Bars, replay
from execution.verification.candle_files import read_bars

Row = tuple[tuple[float, ...], float]


def samples(bars: Bars) -> dict[int, list[Row]]:
    """Return by horizon the regressors, and the volume of that bucket against its usual one."""
    found: dict[int, list[Row]] = {horizon: [] for horizon in HORIZONS}
    for day in range(LOOKBACK_DAYS, bars.days):
        begin = bars.first + day * DAY
        profile = learn_volume(bars.known, begin, LOOKBACK_DAYS).profile
        if profile is None:
            continue
        for now in range(begin, begin + DAY):
            x = (*surprises(profile, bars.stretches(now), now * BUCKET), 1.0)
            for horizon in HORIZONS:
                ahead = now + horizon - 1
                if ahead < bars.first + bars.days * DAY:
                    found[horizon].append((x, bars.volume(ahead) / profile.bucket(ahead)))
    return found


def regress(rows: Sequence[Row]) -> list[float]:
    """Fit least squares of the logarithm, and move the constant so that the mean of the volumes is met."""
    size = len(rows[0][0])
    system = [[0.0] * (size + 1) for _ in range(size)]
    for x, traded in rows:
        y = log((traded + SOFTENING) / (1 + SOFTENING))
        for i in range(size):
            for j in range(size):
                system[i][j] += x[i] * x[j]
            system[i][size] += x[i] * y
    for i in range(size):
        system[i][i] += 1e-3 * len(rows)
    found = solve(system)
    ratio = sum(v / exp(sum(c * z for c, z in zip(found, x, strict=True))) for x, v in rows) / len(rows)
    return [*found[:-1], found[-1] + log(ratio)]


def solve(system: list[list[float]]) -> list[float]:
    """Solve by Gauss and Jordan. The system is positive definite, so that no pivot is zero."""
    size = len(system)
    for i in range(size):
        system[i] = [value / system[i][i] for value in system[i]]
        for j in range(size):
            if j != i:
                system[j] = [a - system[j][i] * b for a, b in zip(system[j], system[i], strict=True)]
    return [row[size] for row in system]


def main(paths: Sequence[str]) -> None:
    files = [read_bars(Path(path)) for path in paths]
    rows: dict[int, list[Row]] = {horizon: [] for horizon in HORIZONS}
    for bars in files:
        for horizon, more in samples(bars).items():
            rows[horizon] += more
    fitted = tuple(tuple(round(value, 3) for value in regress(rows[horizon])) for horizon in HORIZONS)
    print("COEFFICIENTS = (")
    for line in fitted:
        print(f"    {line},")
    print(")")
    volume_forecast.COEFFICIENTS = fitted
    volume_forecast.coefficients.cache_clear()
    for deferral in (1.0, 1.25, 1.5, 1.75, 2.0):
        volume_profile.DEFERRAL = deferral
        for hours in (8, 2):
            errors = [replay(bars, hours) for bars in files]
            ratios = [e.adaptive / e.hourly_profile for e in errors]
            typical = [e.mean_absolute["adaptive"] / e.mean_absolute["hourly_profile"] for e in errors]
            print(
                f"deferral {deferral}, {hours} h: RMS {sum(ratios) / len(ratios):.3f} of the hourly profile's, "
                f"mean absolute {sum(typical) / len(typical):.3f}; by file {[round(r, 3) for r in ratios]}"
            )


if __name__ == "__main__":
    main(sys.argv[1:])
