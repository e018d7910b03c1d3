"""The expected cost of an order, from a few simulated runs in a market like the present one."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from datetime import timedelta
from decimal import Decimal
from statistics import fmean
from typing import Any

from execution.core.numbers import grouped
from execution.core.orders.parameters import AlgorithmParameters
from execution.core.problem_codes import Code
from execution.core.problems import Problem, refuse_if
from execution.core.quantities import ceil_to, floor_to, minimum_quantity
from execution.core.simulation.kinds import ONE_TICK, WIDE, MarketKind
from execution.core.simulation.measures import cost_of, mean_cost, standard_error, summary
from execution.core.simulation.setting import SLICES, Setting, usual_parameters
from execution.core.simulation.trials import simulate
from execution.core.types import BASIS_POINT, Market, Side

#: Longest simulated time, in minutes. A longer order is replaced by one of this length with the same participation.
MAX_WINDOW = 5.0
SEEDS = 8
#: Least number of simulated ticks in the spread, unless it is one tick. A finer tick would change nothing.
SPREAD_TICKS = 8
#: Two ratios in the markets of docs/explanation/simulation.md: the median size at the best price to the mean size of a
#: limit order, and the spread to the makers' half spread.
TOUCH_SHARES = {ONE_TICK.name: 1.2, WIDE.name: 0.41}
SPREAD_SHARE = 3.1


@dataclass(frozen=True, slots=True)
class MarketNow:
    """The current facts of a market.

    An unknown fact is None. The prediction then uses the fact of the simulated kind of market that is most like this
    one (``kind_like``). ``touch`` is the usual size at the best price of a side. ``volume_rate`` is the volume per
    second. Both are in quote units. ``volatility`` is in basis points per square root of a second.
    """

    market: Market
    mid: Decimal
    spread: Decimal
    touch: float | None = None
    volatility: float | None = None
    volume_rate: float | None = None


@dataclass(frozen=True, slots=True)
class Prediction:
    """The expected cost against the arrival price, with fees, in basis points. It has three parts (see ``Cost``).

    ``window_minutes`` is the simulated time. ``participation`` is the order's share of the traded volume.
    """

    cost_bp: float
    standard_error_bp: float
    spread_bp: float
    drift_bp: float
    fee_bp: float
    maker_share: float
    completed: float
    runs: int
    window_minutes: float
    participation: float


def predict_cost(
    now: MarketNow,
    *,
    algorithm: str,
    quantity: Decimal,
    minutes: float,
    parameters: AlgorithmParameters | None = None,
    seeds: int = SEEDS,
) -> Prediction:
    """Return the mean cost of a buy and a sell of ``quantity`` in several simulated markets, one for each seed.

    1. Scale a kind of market to the facts in ``now``.
    2. Replace a long order by a shorter one with the same participation and slice length.
    3. Work both sides in each seed's market.

    The cost excludes the permanent impact of a long order beyond the simulated window. The same input gives the same
    result. Raise ``Refused`` for facts from which no market can be made, or for an order that cannot be planned.
    """
    kind = kind_like(now)
    window = min(minutes, MAX_WINDOW)
    share = window / minutes
    least = minimum_quantity(kind.market, kind.mid)
    part = max(floor_to(quantity * Decimal(str(share)), kind.lot), ceil_to(min(least, quantity), kind.lot))
    terms = _scaled(kind, algorithm, parameters, part, minutes, window)
    costs = []
    for seed in range(seeds):
        runs = [
            simulate(Setting(kind, algorithm, side, part, window, terms), seed, algorithm) for side in Side
        ]
        costs.append(mean_cost([cost_of(run, kind) for run in runs]))
    mean = summary(costs)
    return Prediction(
        cost_bp=mean.cost_bp,
        standard_error_bp=standard_error([cost.cost_bp for cost in costs]),
        spread_bp=mean.spread_bp,
        drift_bp=mean.drift_bp,
        fee_bp=mean.fee_bp,
        maker_share=mean.maker_share,
        completed=fmean(cost.completed for cost in costs),
        runs=2 * seeds,
        window_minutes=window,
        participation=float(part * kind.mid) / (kind.volume_rate * window * 60),
    )


def kind_like(now: MarketNow) -> MarketKind:
    """Return a kind of market scaled to the facts.

    It is ``ONE_TICK`` if the spread is one tick and the tick is large in basis points, else ``WIDE``.
    """
    _check(now)
    tick_bp = float(now.market.tick / now.mid / BASIS_POINT)
    one_tick = now.spread < now.market.tick * Decimal("1.5") and tick_bp >= ONE_TICK.tick_bp / 3
    base = ONE_TICK if one_tick else WIDE
    tick = now.market.tick
    if not one_tick:
        tick = max(floor_to(now.spread / SPREAD_TICKS, tick), tick)
    ticks = float(now.spread / tick)
    scale = base.tick_bp / (float(tick / now.mid / BASIS_POINT))
    volatility = base.volatility if now.volatility is None else max(now.volatility, 0.01)
    limit_size = base.limit_size if now.touch is None else now.touch / TOUCH_SHARES[base.name]
    volume = base.volume_rate if now.volume_rate is None else now.volume_rate
    taker_size = max(base.taker_size * limit_size / base.limit_size, float(now.mid * now.market.lot))
    rate = min(max(volume / taker_size, 0.02), 2 * base.taker_rate)
    return replace(
        base,
        mid=floor_to(now.mid, tick),
        tick=tick,
        lot=now.market.lot,
        min_notional=now.market.min_notional,
        volatility=volatility,
        half_spread=base.half_spread if one_tick else ticks / SPREAD_SHARE,
        depth_ticks=base.depth_ticks if one_tick else max(ticks * 2, 1.0),
        limit_size=limit_size,
        taker_rate=rate,
        taker_size=volume / rate,
        flow_drift=base.flow_drift * scale * volatility / base.volatility,
        impact=base.impact * (1.0 if one_tick else ticks / 11),
        maker_fee=base.maker_fee if now.market.maker_fee is None else now.market.maker_fee,
        taker_fee=base.taker_fee if now.market.taker_fee is None else now.market.taker_fee,
    )


def _check(now: MarketNow) -> None:
    problems = [
        Problem(name, f"{words} is {value}. It must be above 0.", str(value), 0, code=Code.VALUE_OUT_OF_RANGE)
        for name, words, value in (
            ("mid", "The mid", now.mid),
            ("spread", "The spread", now.spread),
            ("touch", "The size at the touch", now.touch),
            ("volume_rate", "The traded volume", now.volume_rate),
        )
        if value is not None and not (math.isfinite(value) and value > 0)
    ]
    if not problems and now.spread >= now.mid:
        message = f"The spread {grouped(now.spread)} is as large as the mid {grouped(now.mid)}."
        problems.append(Problem("spread", message, now.spread, now.mid, code=Code.VALUE_OUT_OF_RANGE))
    refuse_if(problems)


def _scaled(
    kind: MarketKind,
    algorithm: str,
    parameters: AlgorithmParameters | None,
    part: Decimal,
    minutes: float,
    window: float,
) -> AlgorithmParameters:
    """Return the order's parameters for the simulated window, without its times and I-would price.

    Slices keep their length.
    """
    if parameters is None:
        return usual_parameters(algorithm, part, window, kind.lot)
    given: dict[str, Any] = parameters.model_dump(
        exclude={
            "duration",
            "end_at",
            "start_at",
            "i_would_price",
            "slices",
            "slice_length",
            "visible_quantity",
        }
    )
    given["duration"] = timedelta(minutes=window)
    known: dict[str, Any] = dict(parameters)
    share = window / minutes
    if "slices" in known:
        wanted = known["slices"] or max(1, round(minutes))
        given["slices"] = max(1, round(wanted * share))
    if known.get("slice_length") is not None:
        given["slice_length"] = min(known["slice_length"], given["duration"])
    elif "slice_length" in known:
        given["slice_length"] = given["duration"] / SLICES
    if "visible_quantity" in known:
        given["visible_quantity"] = min(known["visible_quantity"], part)
    return type(parameters)(**given)
