"""The walk forward over recorded candles: what it reads, what it measures, and that it never looks ahead."""

from __future__ import annotations

from array import array
from dataclasses import replace
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from execution.core.algorithms.volume_profile import DAY, learn_volume
from execution.core.algorithms.vwap_replay import (
    LOOKBACK_DAYS,
    Bars,
    MinuteRow,
    adaptive_weights,
    bars_from_minutes,
    hourly_weights,
    replay,
)
from execution.core.problems import Refused

FIRST = 20_000 * DAY


def bars_of_days(days: int, seed: int = 1, *, empty: float = 0.0) -> Bars:
    """Return random bars whose price walks."""
    random, price = Random(seed), 100.0
    volumes, prices = array("d"), array("d")
    for _ in range(days * DAY):
        price *= 1 + random.gauss(0, 0.001)
        volumes.append(0.0 if random.random() < empty else random.lognormvariate(0, 1))
        prices.append(price)
    turnovers = array("d", (v * p for v, p in zip(volumes, prices, strict=True)))
    known = {FIRST + n: v for n, v in enumerate(volumes) if v > 0}
    return Bars(FIRST, days, volumes, turnovers, prices, known)


def minutes(days: int) -> list[MinuteRow]:
    start = FIRST * 300
    return [(start + 60 * n, 101.0, 99.0, 100.0, 1.0) for n in range(days * 1440)]


def test_minutes_become_bars_of_whole_days() -> None:
    rows = minutes(9)
    rows[0] = (rows[0][0], 110.0, 104.0, 107.0, 3.0)
    bars = bars_from_minutes(
        [(rows[0][0] - 60, 1.0, 1.0, 1.0, 50.0), *rows, (rows[-1][0] + 60, 1.0, 1.0, 1.0, 9.0)]
    )
    assert (bars.first, bars.days) == (FIRST, 9)
    assert bars.volumes[0] == 7
    assert bars.prices[0] == pytest.approx((107 + 4 * 100) / 5)  # the mean of its minutes' typical prices
    assert bars.turnovers[0] == pytest.approx(3 * 107 + 4 * 100)
    assert bars.volumes[1] == 5


def test_a_bar_without_a_candle_has_no_volume_and_the_price_before_it() -> None:
    rows = [row for row in minutes(9) if not FIRST * 300 + 600 <= row[0] < FIRST * 300 + 900]
    rows[9] = (rows[9][0], 60.0, 60.0, 60.0, 1.0)
    bars = bars_from_minutes(rows)
    assert bars.volumes[2] == 0
    assert bars.prices[2] == pytest.approx((4 * 100 + 60) / 5)
    assert FIRST + 2 not in bars.known


@pytest.mark.parametrize(("days", "value"), [(0, "0"), (7, "7")])
def test_too_little_history_is_refused_with_what_there_is(days: int, value: str) -> None:
    with pytest.raises(Refused) as exception:
        bars_from_minutes(minutes(days))
    (problem,) = exception.value.problems
    assert (problem.field, problem.value) == ("candles", value)


def test_where_every_bar_is_alike_nobody_errs() -> None:
    found = replay(bars_from_minutes(minutes(9)), 8)
    assert found.windows == 6
    assert found.even == pytest.approx(0, abs=1e-9)
    assert found.hourly_profile == pytest.approx(0, abs=1e-9)
    assert found.adaptive == pytest.approx(0, abs=1e-9)


def test_the_even_schedules_error_is_the_mean_prices_distance_from_the_vwap() -> None:
    bars = bars_of_days(8)
    prices, volumes = bars.prices[-DAY:], bars.volumes[-DAY:]
    vwap = sum(p * v for p, v in zip(prices, volumes, strict=True)) / sum(volumes)
    found = replay(bars, 24)
    assert found.windows == 1
    assert found.even == pytest.approx(abs(sum(prices) / DAY / vwap - 1) * 10_000)
    assert found.mean_absolute["even"] == pytest.approx(found.even)


def test_a_window_without_a_trade_is_left_out() -> None:
    bars = bars_of_days(8)
    volumes, turnovers = array("d", bars.volumes), array("d", bars.turnovers)
    volumes[-DAY // 3 :] = turnovers[-DAY // 3 :] = array("d", bytes(8 * (DAY // 3)))
    assert replay(replace(bars, volumes=volumes, turnovers=turnovers), 8).windows == 2


def test_the_hourly_profile_is_the_mean_of_seven_days_by_hour() -> None:
    bars = bars_of_days(9)
    weights = hourly_weights(bars, FIRST + 8 * DAY, DAY)
    of_hour_3 = [bars.volumes[day * DAY + n] for day in range(1, 8) for n in range(36, 48)]
    assert weights[36:48] == [pytest.approx(sum(of_hour_3))] * 12


@settings(max_examples=10, deadline=None)
@given(st.integers(0, 2**32), st.integers(0, 23), st.sampled_from([0.0, 0.3, 0.95]))
def test_what_comes_later_changes_nothing_that_is_done_before(seed: int, at: int, empty: float) -> None:
    bars, start = bars_of_days(8, seed, empty=empty), FIRST + LOOKBACK_DAYS * DAY + 100
    later = array("d", bars.volumes)
    for number in range(start + at - FIRST, 8 * DAY):
        later[number] = later[number] * 50 + 7
    profile = learn_volume(bars.known, start // DAY * DAY, LOOKBACK_DAYS).profile
    known = {n: v for n, v in bars.known.items() if n < start}
    known |= {n: later[n - FIRST] for n in range(start, FIRST + 8 * DAY)}
    changed = replace(bars, volumes=later, known=known)
    assert learn_volume(changed.known, start // DAY * DAY, LOOKBACK_DAYS).profile == profile
    weights = adaptive_weights(bars, profile, start, 24)
    assert adaptive_weights(changed, profile, start, 24)[: at + 1] == weights[: at + 1]
    assert hourly_weights(changed, start, 24) == hourly_weights(bars, start, 24)
    assert sum(weights) == pytest.approx(1)
    assert all(weight >= 0 for weight in weights)


def test_without_a_history_the_schedule_is_even() -> None:
    assert adaptive_weights(bars_of_days(8), None, FIRST + 7 * DAY, 5) == [1.0] * 5
