"""The usual volume by time of day and its forecast: holes, halts, thin markets, changes of regime."""

from __future__ import annotations

from math import isclose, isfinite, log
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from execution.core.algorithms.volume_forecast import (
    COEFFICIENTS,
    HORIZONS,
    WINDOWS,
    Stretch,
    coefficients,
    expected_volume,
    growth,
    share_due,
    surprises,
)
from execution.core.algorithms.volume_profile import (
    BUCKET,
    DAY,
    DEFERRAL,
    MIN_SHARE,
    SOFTENING,
    VolumeProfile,
    known_bars,
    learn_volume,
    smooth_shares,
)

MONDAY = 20_000 * DAY - 3 * DAY  # 2024-10-01 is day 19,997, a Tuesday; what matters is the weekday below
MONDAY -= ((MONDAY // DAY + 3) % 7) * DAY

volumes = st.floats(0, 1e9)


def _random_day(seed: int) -> tuple[float, ...]:
    random = Random(seed)
    return tuple(random.uniform(0.01, 50) for _ in range(DAY))


profiles = st.builds(
    lambda seed: VolumeProfile(_random_day(seed), _random_day(seed + 1)), st.integers(0, 2**32)
)


def history(days: int, *, hour: float = 4.0, level: float = 1.0) -> dict[int, float]:
    """Return days before MONDAY in which the twelve hours from noon trade ``hour`` times as much as the others."""
    return {
        number: level * (hour if number % DAY >= DAY // 2 else 1.0)
        for number in range(MONDAY - days * DAY, MONDAY)
    }


def learnt(bars: dict[int, float], days: int = 7) -> VolumeProfile:
    profile = learn_volume(bars, MONDAY, days).profile
    assert profile is not None
    return profile


def test_a_profile_follows_the_time_of_day() -> None:
    profile = learnt(history(7))
    night, day = profile.weekday[DAY // 4], profile.weekday[3 * DAY // 4]
    assert 3 < day / night < 4.5
    assert isclose(sum(profile.weekday) / DAY, 2.5, rel_tol=1e-9)
    assert profile.weekend == profile.weekday


def test_a_day_of_a_hundred_times_the_volume_changes_the_level_little_and_the_shape_not_at_all() -> None:
    bars = history(7)
    wild = {n: v * 100 if n < MONDAY - 6 * DAY else v for n, v in bars.items()}
    assert learnt(wild) == learnt(bars)


def test_a_change_of_regime_is_said_and_the_shape_is_kept() -> None:
    bars = history(7)
    fallen = {n: v / 12 if n >= MONDAY - DAY else v for n, v in bars.items()}
    found = learn_volume(fallen, MONDAY, 7)
    assert any("0.083 times" in note for note in found.notes)
    assert found.profile == learnt(bars)


def test_no_history_gives_no_profile_and_says_so() -> None:
    for bars in ({}, dict.fromkeys(range(MONDAY - DAY, MONDAY), 0.0), {MONDAY + 1: 5.0}):
        found = learn_volume(bars, MONDAY, 7)
        assert found.profile is None
        assert "past volume is not known" in found.notes[0]


def test_a_short_history_is_used_and_said() -> None:
    found = learn_volume(history(2), MONDAY, 7)
    assert found.days == 2
    assert "2 of the 7 days" in found.notes[0]
    assert found.profile == learnt(history(7))


def test_what_is_before_the_lookback_is_not_looked_at() -> None:
    old = dict.fromkeys(range(MONDAY - 14 * DAY, MONDAY - 7 * DAY), 1000000.0)
    assert learnt(old | history(7)) == learnt(history(7))


@pytest.mark.parametrize("value", [None, 0.0])
def test_a_hole_of_a_liquid_market_is_unknown(value: float | None) -> None:
    bars = history(7)
    halt = range(MONDAY - 100, MONDAY - 70)
    for number in halt:
        bars.pop(number)
        if value is not None:
            bars[number] = value
    known, _ = known_bars(bars, MONDAY - 7 * DAY, MONDAY)
    assert not known.keys() & set(halt)
    assert any("30 five-minute bars are missing" in note for note in learn_volume(bars, MONDAY, 7).notes)


def test_a_hole_of_a_thin_market_is_no_trade_unless_it_is_long() -> None:
    bars = {n: v for n, v in history(7).items() if n % 5}
    for number in range(MONDAY - 100, MONDAY - 60):
        bars.pop(number, None)
    known, share = known_bars(bars, MONDAY - 7 * DAY, MONDAY)
    assert share > 0.2
    assert known[MONDAY // 5 * 5 - 300] == 0.0
    assert not known.keys() & set(range(MONDAY - 100, MONDAY - 60))
    assert any("trades rarely" in note for note in learn_volume(bars, MONDAY, 7).notes)


def test_hours_that_never_trade_keep_a_small_share() -> None:
    profile = learnt(history(7, hour=0.0))
    assert 0 < profile.weekday[3 * DAY // 4] < 0.15 * profile.weekday[DAY // 4]
    assert min(profile.weekday) >= 0.99 * MIN_SHARE / (1 + MIN_SHARE) * sum(profile.weekday) / DAY


def test_volume_that_clusters_defers_the_schedule_and_volume_that_does_not_leaves_it() -> None:
    random = Random(1)
    even = {n: random.uniform(0.5, 1.5) for n in history(7)}
    clustered = {n: v * (4 if n // 30 % 3 == 0 else 1) for n, v in even.items()}
    assert learnt(clustered).deferral == DEFERRAL
    assert 1 <= learnt(even).deferral < 1.1
    assert learnt(history(7, hour=1.0)).deferral == pytest.approx(1)


def test_two_weeks_of_history_give_weekends_a_shape_of_their_own() -> None:
    bars = {n: v * (0.25 if (n // DAY + 3) % 7 >= 5 else 1.0) for n, v in history(14).items()}
    profile = learnt(bars, 14)
    assert isclose(sum(profile.weekend) / sum(profile.weekday), 0.25, rel_tol=1e-9)
    assert profile.bucket(MONDAY) == pytest.approx(profile.weekday[0])
    assert profile.bucket(MONDAY + 5 * DAY + 7) == pytest.approx(profile.weekend[7])
    assert profile.bucket(MONDAY + 7 * DAY - 1) == pytest.approx(profile.weekend[-1])


@settings(max_examples=20)
@given(st.integers(0, 2**32), st.sampled_from([0.01, 0.5, 1.0]), st.sampled_from([0.0, 1e-6, 1.0, 1e9]))
def test_smoothed_shares_are_positive_and_their_mean_is_one(seed: int, known: float, most: float) -> None:
    random = Random(seed)
    shares = [[random.uniform(0, most)] * 3 if random.random() < known else [] for _ in range(DAY - 1)]
    smooth = smooth_shares([*shares, [most]])
    assert all(isfinite(share) and share > 0 for share in smooth)
    assert sum(smooth) / DAY == pytest.approx(1)


@given(profiles, st.floats(0, 1e9), st.floats(0, 1e6), st.floats(0, 1e6))
def test_the_volume_between_times_adds_up(profile: VolumeProfile, start: float, a: float, b: float) -> None:
    whole = profile.between(start, start + a + b)
    parts = profile.between(start, start + a) + profile.between(start + a, start + a + b)
    assert whole == pytest.approx(parts, rel=1e-6, abs=1e-3)
    assert whole >= -1e-3


@st.composite
def pasts(draw: st.DrawFn) -> tuple[float, list[Stretch]]:
    """Draw a time, and stretches of about twelve hours before it, with holes, the last one perhaps running."""
    random = Random(draw(st.integers(0, 2**32)))
    now = MONDAY * BUCKET + random.uniform(0, 1e6)
    share, at = random.choice([0.0, 0.3, 0.9, 1.0]), now - 43_200 - random.uniform(0, BUCKET)
    past = []
    while at < now:
        if random.random() < share:
            past.append((at, min(at + BUCKET, now + random.choice([0, 60])), random.expovariate(0.05)))
        at += BUCKET
    return now, past


def plainly(profile: VolumeProfile, past: list[Stretch], now: float, window: int) -> float | None:
    """Return the surprise of one window by its definition."""
    cut = [(max(s, now - window * BUCKET), min(e, now), v / (e - s)) for s, e, v in past]
    cut = [part for part in cut if part[1] > part[0]]
    if sum(end - start for start, end, _ in cut) < window * BUCKET / 2:
        return None
    traded = sum((end - start) * rate for start, end, rate in cut)
    usual = sum(profile.between(start, end) for start, end, _ in cut)
    return log((traded / usual + SOFTENING) / (1 + SOFTENING))


@settings(max_examples=40)
@given(profiles, pasts())
def test_surprises_are_what_was_traded_against_what_is_usual(
    profile: VolumeProfile, given_past: tuple[float, list[Stretch]]
) -> None:
    now, past = given_past
    found = surprises(profile, past, now)
    for value, window in zip(found, WINDOWS, strict=True):
        expected = plainly(profile, past, now, window)
        assert expected is None or value == pytest.approx(expected, abs=1e-6)
    assert all(isfinite(value) for value in found)
    assert past or found == (0.0,) * len(WINDOWS)


def test_a_window_that_was_not_watched_is_judged_as_the_next_longer_one() -> None:
    profile = VolumeProfile((1.0,) * DAY, (1.0,) * DAY)
    now = MONDAY * BUCKET
    past = [((MONDAY - n) * BUCKET, (MONDAY - n + 1) * BUCKET, 3.0) for n in range(100, 4, -1)]
    assert surprises(profile, past, now) == (pytest.approx(log(3.1 / 1.1)),) * len(WINDOWS)


@given(st.lists(st.floats(-3, 6), min_size=5, max_size=5), st.integers(1, 600))
def test_growth_is_positive_for_every_bucket_up_to_a_day(found: list[float], buckets: int) -> None:
    factors = growth((*found,), buckets)
    assert len(factors) == min(buckets, DAY)
    assert all(0 < factor < float("inf") for factor in factors)


def test_coefficients_meet_the_fitted_ones_and_lie_between_them() -> None:
    assert len(COEFFICIENTS) == len(HORIZONS)
    for horizon, row in zip(HORIZONS, COEFFICIENTS, strict=True):
        assert coefficients(horizon) == pytest.approx(row)
        assert len(row) == len(WINDOWS) + 1
    low, high = sorted((COEFFICIENTS[3][0], COEFFICIENTS[4][0]))
    assert low <= coefficients(9)[0] <= high


@given(profiles, st.floats(0, 5000), st.floats(0, 40_000), st.floats(0, 40_000))
def test_expected_volume_adds_up(profile: VolumeProfile, wait: float, a: float, b: float) -> None:
    now = float(MONDAY * BUCKET)
    factors = [2.0] * DAY
    start, middle, end = now + wait, now + wait + a, now + wait + a + b
    whole = expected_volume(profile, factors, now, start, end)
    assert whole == pytest.approx(2 * profile.between(start, end), rel=1e-6, abs=1e-3)
    parts = expected_volume(profile, factors, now, start, middle) + expected_volume(
        profile, factors, now, middle, end
    )
    assert whole == pytest.approx(parts, rel=1e-6, abs=1e-3)


@given(volumes, volumes, volumes, volumes)
def test_the_share_due_is_a_share_and_grows_with_what_is_traded(
    traded: float, more: float, following: float, rest: float
) -> None:
    share = share_due(traded, following, rest, 1.5)
    assert 0 <= share <= 1
    assert share_due(traded + more, following, rest, 1.5) >= share - 1e-12
    assert share_due(traded, following, rest + more, 1.5) <= share + 1e-12
    assert share_due(traded, following, rest, 1.0) >= share
    assert share_due(traded, following, 0.0, 1.5) == (1 if traded + following > 0 else 0)
