"""The cost of a simulated order in parts, and the mean cost of several."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields
from statistics import fmean, stdev

from execution.core.simulation.kinds import MarketKind
from execution.core.simulation.runner import Run
from execution.core.types import Liquidity


@dataclass(frozen=True, slots=True)
class Cost:
    """The cost of one order, in basis points of the mid at its arrival; + is cost.

    It has three parts that sum to ``cost_bp``. ``spread_bp`` compares each fill with the mid just before it.
    ``drift_bp`` compares that mid with the mid at arrival. ``fee_bp`` is the fees. An unfilled quantity is charged as
    if it had been taken at the end, with its fee.
    """

    cost_bp: float
    spread_bp: float
    drift_bp: float
    fee_bp: float
    maker_share: float
    completed: float


@dataclass(frozen=True, slots=True)
class Summary:
    """Means over several runs. Fields that end in ``_bp`` are basis points, the others shares."""

    cost_bp: float
    standard_error_bp: float
    spread_bp: float
    drift_bp: float
    fee_bp: float
    maker_share: float
    completed: float

    def to_json(self) -> dict[str, float]:
        return {name: round(value, 4) for name, value in asdict(self).items()}


@dataclass(frozen=True, slots=True)
class Comparison:
    """The desk's cost against the baseline's in the same markets. ``saved_bp`` is + if the desk is cheaper."""

    saved_bp: float
    standard_error_bp: float
    ratio: float

    @property
    def standard_errors(self) -> float:
        return self.saved_bp / self.standard_error_bp if self.standard_error_bp else math.inf


def cost_of(run: Run, kind: MarketKind) -> Cost:
    """Return a run's cost and its parts, weighted by quantity."""
    maker, taker = float(kind.maker_fee), float(kind.taker_fee)
    parts = [
        (fill.price, fill.lots, fill.mid, maker if fill.liquidity is Liquidity.MAKER else taker)
        for fill in run.fills
    ]
    done = sum(fill.lots for fill in run.fills)
    parts += [(price, lots, run.final_mid, taker) for price, lots in run.left]
    counted = sum(lots for _, lots, _, _ in parts)
    scale = 1e4 / run.arrival_mid / counted
    spread = run.side.sign * scale * sum((price - mid) * lots for price, lots, mid, _ in parts)
    drift = run.side.sign * scale * sum((mid - run.arrival_mid) * lots for _, lots, mid, _ in parts)
    fee = scale * sum(price * share * lots for price, lots, _, share in parts)
    made = sum(fill.lots for fill in run.fills if fill.liquidity is Liquidity.MAKER)
    return Cost(
        cost_bp=spread + drift + fee,
        spread_bp=spread,
        drift_bp=drift,
        fee_bp=fee,
        maker_share=made / done if done else 0.0,
        completed=done / run.lots,
    )


def mean_cost(costs: Sequence[Cost]) -> Cost:
    """Return the mean of each part.

    For a buy and a sell in the same market, the effects of the market's own drift cancel each other out.
    """
    names = [field.name for field in fields(Cost)]
    return Cost(**{name: fmean(getattr(cost, name) for cost in costs) for name in names})


def standard_error(values: Sequence[float]) -> float:
    return stdev(values) / math.sqrt(len(values)) if len(values) > 1 else 0.0


def summary(costs: Sequence[Cost]) -> Summary:
    return Summary(
        cost_bp=fmean(cost.cost_bp for cost in costs),
        standard_error_bp=standard_error([cost.cost_bp for cost in costs]),
        spread_bp=fmean(cost.spread_bp for cost in costs),
        drift_bp=fmean(cost.drift_bp for cost in costs),
        fee_bp=fmean(cost.fee_bp for cost in costs),
        maker_share=fmean(cost.maker_share for cost in costs),
        completed=fmean(cost.completed for cost in costs),
    )


def compare(ours: Sequence[Cost], baseline: Sequence[Cost]) -> Comparison:
    """Return the mean saving against the baseline.

    The n-th cost of ``ours`` is compared with the n-th of ``baseline``.
    """
    saved = [theirs.cost_bp - mine.cost_bp for mine, theirs in zip(ours, baseline, strict=True)]
    theirs = fmean(cost.cost_bp for cost in baseline)
    return Comparison(
        saved_bp=fmean(saved),
        standard_error_bp=standard_error(saved),
        ratio=fmean(cost.cost_bp for cost in ours) / theirs if theirs else math.inf,
    )
