"""VWAP: slices in proportion to the expected volume, and a target that follows the traded volume."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from itertools import accumulate, pairwise
from typing import Any

from execution.core.algorithms.volume_forecast import (
    WINDOWS,
    Stretch,
    expected_volume,
    growth,
    share_due,
    surprises,
)
from execution.core.algorithms.volume_profile import (
    BUCKET,
    DAY,
    VolumeProfile,
    bars_of,
    known_bars,
    learn_volume,
    profile_of,
)
from execution.core.durations import as_clock
from execution.core.numbers import grouped, plain
from execution.core.orders.parameters import MAX_SLICES, MIN_SLICE, VwapParameters, narrowed
from execution.core.orders.plans import Plan, PlanInput, plan_bounds, spread_slices
from execution.core.orders.slices import SliceTask
from execution.core.orders.view import OrderView
from execution.core.orders.volume_gaps import gaps_note, unknown_since, volume_trouble
from execution.core.problem_codes import Code
from execution.core.problems import refuse
from execution.core.quantities import common_step, floor_to, split_weighted
from execution.core.types import ZERO

DEFAULT_SLICE = timedelta(minutes=5)
#: Least number of slices when no slice length is given.
MIN_SLICES = 12
#: Factor by which the number of slices is reduced until every slice reaches the exchange's minimum.
FEWER = 0.9
#: Significant digits of the volumes in a stored forecast.
DIGITS = 6


def plan_vwap(plan_input: PlanInput) -> Plan:
    """Plan slices in proportion to the expected volume, or even slices where the market has no history.

    If a slice would be under the exchange's minimum, plan fewer and longer slices. Raise ``Refused`` when the person
    asked for a slice length that this minimum or the maximum number of slices does not allow. The problem names the
    shortest length allowed.
    """
    parameters = narrowed(plan_input.parameters, VwapParameters)
    now = plan_input.now.timestamp()
    bars = bars_of(plan_input.candles, now)
    history = learn_volume(bars, int(now // BUCKET), parameters.lookback_days)
    forecast: dict[str, Any] = {
        "lookback_days": parameters.lookback_days,
        "days": history.days,
        "bars": history.bars,
    }
    curve = None
    if history.profile is not None:
        curve = _Curve(history.profile, _recent(bars, int(now // BUCKET)), now)
        forecast |= _kept(history.profile, curve, plan_input.start, plan_input.end)
    quantities, notes = _split(plan_input, parameters, curve)
    return Plan(
        spread_slices(quantities, plan_input.start, plan_input.end), forecast, (*history.notes, *notes)
    )


class _Curve:
    """The volume expected at each time from ``now`` on."""

    def __init__(self, profile: VolumeProfile, past: Sequence[Stretch], now: float) -> None:
        self._profile, self._now = profile, now
        self._factors = growth(surprises(profile, past, now), DAY)

    def volume(self, start: float, end: float) -> float:
        return expected_volume(self._profile, self._factors, self._now, max(start, self._now), end)

    def weights(self, start: datetime, end: datetime, count: int) -> list[float]:
        """Return each of ``count`` slices' share of the order, if the market trades as expected."""
        first, length = start.timestamp(), (end - start).total_seconds() / count
        edges = [first + number * length for number in range(count + 1)]
        until = list(accumulate(self.volume(lower, upper) for lower, upper in pairwise(edges)))
        due = [0.0, *(share_due(0.0, volume, until[-1] - volume, self._profile.deferral) for volume in until)]
        return [max(after - before, 0.0) for before, after in pairwise(due)]


def _recent(bars: Mapping[int, float], now: int) -> list[Stretch]:
    """Return the known bars of the last twelve hours."""
    known, _ = known_bars(bars, now - DAY, now)
    return [
        (number * BUCKET, (number + 1) * BUCKET, known[number])
        for number in sorted(known)
        if number >= now - WINDOWS[-1]
    ]


def _kept(profile: VolumeProfile, curve: _Curve, start: datetime, end: datetime) -> dict[str, Any]:
    """Return the part of the forecast that is stored for decisions and pages, as JSON.

    It has the usual volume by time of day, and ``profile`` over the order's time. ``profile`` is a list of pairs: a
    time (ms), and the volume expected from that time until the next pair's.
    """
    first, last = start.timestamp(), end.timestamp()
    inner = range(int(first // BUCKET) + 1, int(-(-last // BUCKET)))
    edges = [first, *(float(number * BUCKET) for number in inner), last]
    kept = {
        "weekday": _rounded(profile.weekday),
        "deferral": round(profile.deferral, 3),
        "profile": [
            [int(lower * 1000), *_rounded([curve.volume(lower, upper)])] for lower, upper in pairwise(edges)
        ],
    }
    return kept if profile.weekend == profile.weekday else kept | {"weekend": _rounded(profile.weekend)}


def _rounded(volumes: Sequence[float]) -> list[float]:
    return [float(f"{volume:.{DIGITS}g}") for volume in volumes]


def _split(
    plan_input: PlanInput, parameters: VwapParameters, curve: _Curve | None
) -> tuple[list[Decimal], tuple[str, ...]]:
    span = plan_input.end - plan_input.start
    asked = parameters.slice_length
    length = asked or max(MIN_SLICE, min(DEFAULT_SLICE, span / MIN_SLICES))
    wanted = max(1, round(span / length))
    bounds = plan_bounds(
        plan_input.quantity, plan_input.market, plan_input.price, plan_input.start, plan_input.end
    )
    count = min(wanted, bounds.max_slices, MAX_SLICES)
    while True:
        weights = [1.0] * count if curve is None else curve.weights(plan_input.start, plan_input.end, count)
        quantities = split_weighted(plan_input.quantity, plan_input.market.lot, weights)
        if count == 1 or min(quantities) >= bounds.minimum:
            break
        count = min(count - 1, int(count * FEWER)) or 1
    if count == wanted:
        return quantities, ()
    if asked is not None:
        message = (
            f"Slices of {as_clock(asked)} are too short: {grouped(plan_input.quantity)} {plan_input.market.base} over "
            f"{as_clock(span)} allows {count:,} of {as_clock(span / count)} (min. child size "
            f"{grouped(bounds.minimum)} {plan_input.market.base}, at most {MAX_SLICES:,} slices)."
        )
        refuse("slice_length", message, asked, span / count, code=Code.SLICES_TOO_SHORT)
    minimum = f"{plain(bounds.minimum)} {plan_input.market.base}"
    note = f"{count} slices instead of {wanted}: the smallest child is {minimum}"
    return quantities, (note,)


def vwap_target(view: OrderView, work: SliceTask) -> Decimal:
    """Return the quantity that should be done when the slice ends, by traded and expected volume since the start.

    Both volumes include the order's own, because the market's average price does too. The target is computed as of the
    slice's start, and again every five minutes in a longer slice. In between it does not change. It is never less than
    the order's filled quantity, and never more than its full quantity. For a gap in the market's volume an estimate is
    used, because zero would keep the order behind the market.

    In the last slice, and without a profile, the plan's target is used instead. It is also used while the volume is
    unknown or too old, and while a gap in the volume cannot be estimated.
    """
    profile, known, missing = _profile(view.forecast), view.traded_since_start, view.volume_gaps.estimate
    if work.is_last or profile is None or known is None or missing is None or unknown_since(view):
        return work.target
    now, slice_start = view.now.timestamp(), work.part.starts_at.timestamp()
    at = min(now, slice_start + max(0.0, (now - slice_start) // BUCKET) * BUCKET)
    past = [
        (part.starts_at.timestamp(), part.ends_at.timestamp(), float(part.volume))
        for part in view.traded
        if part.ends_at > part.starts_at
    ]
    traded = max(float(known + missing) - _after(past, at), 0.0)
    slice_end, end = work.part.ends_at.timestamp(), view.slices[-1].ends_at.timestamp()
    factors = growth(surprises(profile, past, at), int((end - at) // BUCKET) + 1)
    following = expected_volume(profile, factors, at, at, slice_end)
    rest = expected_volume(profile, factors, at, slice_end, end)
    share = Decimal(f"{share_due(traded, following, rest, profile.deferral):.9f}")
    lot = common_step(venue.market.lot for venue in view.accounts)
    return min(max(floor_to(view.quantity * share, lot), view.done, ZERO), view.quantity)


def vwap_note(view: OrderView) -> str:
    """Return words that say which part of the market's volume is missing, and how the order goes on.

    The text is empty if nothing is missing.
    """
    if _profile(view.forecast) is None:
        return ""
    if trouble := volume_trouble(view):
        has_cap = narrowed(view.parameters, VwapParameters).participation_cap is not None
        return "" if has_cap else f"goes by its plan: {trouble}"  # a cap waits for the volume, and says so
    if view.volume_gaps.estimate is None:
        return f"goes by its plan: {gaps_note(view, treated='too much to estimate')}"
    return gaps_note(view, treated="estimated")


def _after(past: Sequence[Stretch], at: float) -> float:
    """Return the volume in ``past`` after ``at``.

    Of a stretch that began before ``at``, a proportional part is included.
    """
    return sum(volume * (end - max(start, at)) / (end - start) for start, end, volume in past if end > at)


def _profile(forecast: Mapping[str, Any]) -> VolumeProfile | None:
    weekday = forecast.get("weekday")
    if not weekday:
        return None
    return profile_of(tuple(weekday), tuple(forecast.get("weekend", weekday)), forecast.get("deferral", 1.0))
