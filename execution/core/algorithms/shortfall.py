"""Implementation shortfall: the trajectory that weighs the cost of trading fast against the risk of trading slowly.

The method is that of R. Almgren and N. Chriss, "Optimal execution of portfolio transactions", Journal of Risk 3
(2000), with linear impact. Prices are in quote units, quantities in base units, times in days. Forecasts are
``float``. Quantities of slices are exact.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from itertools import pairwise
from math import acosh, exp, log, sinh, sqrt

from execution.core.numbers import plain
from execution.core.orders.parameters import IsParameters, RiskLevel, narrowed
from execution.core.orders.plans import Plan, PlanInput, SlicePlan, plan_bounds, slice_count, spread_slices
from execution.core.problem_codes import Code
from execution.core.problems import refuse
from execution.core.quantities import split_weighted
from execution.core.types import ZERO, Candle

DAY = timedelta(days=1)
CANDLE = timedelta(minutes=5)
#: Volatility and volume are estimated from this much history.
LOOKBACK = timedelta(days=7)
#: Least number of five-minute returns for a volatility: two hours. Fewer say nothing about a day.
MIN_RETURNS = 24
#: The paper's rules: trading 1 % of a day's volume costs one spread, trading 10 % moves the price by one spread.
SPREADS_OF_A_DAY, PERMANENT_SHARE = 100.0, 0.1
#: κT of each level of risk aversion, where T is the order's whole time. The share that is left at half of the time is
#: sinh(κT/2) / sinh(κT) = 1 / (2 cosh(κT/2)). So the levels plan 61 %, 79 % and 95 % for the first half, in any
#: market, and κT doubles from one to the next. The λ of a level follows from the market (``risk_aversion_of``).
STEEPNESS = {RiskLevel.LOW: 1.5, RiskLevel.MEDIUM: 3.0, RiskLevel.HIGH: 6.0}
#: Largest argument of ``sinh``, which would overflow. Long before, all of the trajectory is in its first slice.
STEEPEST = 300.0


@dataclass(frozen=True, slots=True)
class Impact:
    """The parameters of the cost of trading, in the paper's notation.

    ``sigma`` is the volatility in quote units per square root of a day. ``eta`` times the pace (base units a day) is
    the temporary impact on the price of a unit. ``gamma`` times the traded base units is the permanent move of the
    price. ``epsilon`` is half the spread, which each unit costs at any pace.
    """

    sigma: float
    eta: float
    gamma: float
    epsilon: float


@dataclass(frozen=True, slots=True)
class Trajectory:
    """A plan of how fast to trade, with its expected cost and risk.

    ``holdings`` are the quantities left before each slice and after the last one. ``trades`` are the slices'
    quantities. ``cost`` (E, in quote units) and ``variance`` (V) are measured against the arrival price. ``kappa``
    (per day) says how front-loaded the trajectory is; 0 means even slices.
    """

    kappa: float
    holdings: tuple[float, ...]
    trades: tuple[float, ...]
    cost: float
    variance: float

    @property
    def deviation(self) -> float:
        """Return the standard deviation of the cost."""
        return sqrt(self.variance)

    @property
    def half_life(self) -> float | None:
        """Return 1/κ in days: the time after which 1/e of an order without an end would remain.

        Return None if the slices are even (κ is 0).
        """
        return 1 / self.kappa if self.kappa > 0 else None


def kappa_of(impact: Impact, risk_aversion: float, step: float) -> float:
    """Return κ, the paper's rate of decay per day, for slices of ``step`` (τ) days.

    It solves 2 (cosh κτ - 1) / τ² = κ̃² = λσ² / η̃, with η̃ = η - γτ/2. Raise ``ValueError`` when η̃ is not above 0,
    because no optimum exists in that case.
    """
    eta = impact.eta - impact.gamma * step / 2
    if not eta > 0:
        raise ValueError(
            f"eta {impact.eta} is not above half of gamma {impact.gamma} times the slice of {step} days"
        )
    return acosh(risk_aversion * impact.sigma**2 / eta * step**2 / 2 + 1) / step


def risk_aversion_of(impact: Impact, kappa: float, step: float) -> float | None:
    """Return the λ whose optimal trajectory has this κ, for slices of ``step`` days: the inverse of ``kappa_of``.

    None without volatility or impact, because then no λ is better than another.
    """
    eta = impact.eta - impact.gamma * step / 2
    if not (eta > 0 and impact.sigma > 0) or kappa * step > STEEPEST:
        return None
    # 2 (cosh κτ - 1) as 4 sinh² (κτ/2), which keeps its digits for a small κτ.
    return 4 * sinh(kappa * step / 2) ** 2 / step**2 * eta / impact.sigma**2


def almgren_chriss(
    quantity: float, duration: float, slices: int, impact: Impact, risk_aversion: float
) -> Trajectory:
    """Return the optimal trajectory of ``quantity`` over ``duration`` days, with its expected cost and variance.

    ``risk_aversion`` (λ) is per quote unit.
    """
    return trajectory_of(
        quantity, duration, slices, impact, kappa_of(impact, risk_aversion, duration / slices)
    )


def trajectory_of(quantity: float, duration: float, slices: int, impact: Impact, kappa: float) -> Trajectory:
    """Return the trajectory with this κ, with its expected cost and variance.

    x(t) = X sinh(κ(T - t)) / sinh(κT), E = γX²/2 + εX + η̃/τ Σn², V = σ²τ Σx².
    """
    step = duration / slices
    holdings = tuple(quantity * share_left(kappa * step, slices, number) for number in range(slices + 1))
    trades = tuple(before - after for before, after in pairwise(holdings))
    eta = impact.eta - impact.gamma * step / 2
    cost = (
        impact.gamma * quantity**2 / 2
        + impact.epsilon * quantity
        + eta / step * sum(trade**2 for trade in trades)
    )
    variance = impact.sigma**2 * step * sum(held**2 for held in holdings[1:])
    return Trajectory(kappa, holdings, trades, cost, variance)


def share_left(steepness: float, slices: int, number: int) -> float:
    """Return the share of the order that remains after ``number`` slices: sinh(κ(T - t)) / sinh(κT).

    ``steepness`` is κτ.
    """
    if number == slices:
        return 0.0
    whole, rest = steepness * slices, steepness * (slices - number)
    if whole < 1e-6:  # even; a quotient of two numbers near zero is not
        return 1 - number / slices
    if whole > STEEPEST:
        return exp(rest - whole) * (1 - exp(-2 * rest))
    return sinh(rest) / sinh(whole)


# --- what the market says --------------------------------------------------------------------------


def daily_volatility(candles: Sequence[Candle]) -> float | None:
    """Return the standard deviation of a day's return; None with too few candles.

    It is estimated from the returns between the closes of consecutive five-minute candles. The mean return is not
    subtracted, because over five minutes it is negligible.
    """
    returns = [
        log(later.close / earlier.close)
        for earlier, later in pairwise(candles)
        if later.opened_at - earlier.opened_at == CANDLE and earlier.close > ZERO and later.close > ZERO
    ]
    if len(returns) < MIN_RETURNS:
        return None
    return sqrt(sum(each * each for each in returns) / len(returns) * (DAY / CANDLE))


def daily_volume(candles: Sequence[Candle]) -> float | None:
    """Return the mean volume of a day in base units; None without volume. A missing candle counts as zero volume."""
    if not candles:
        return None
    span = candles[-1].opened_at + CANDLE - candles[0].opened_at
    return float(sum((candle.volume for candle in candles), ZERO)) / (span / DAY) or None


@dataclass(frozen=True, slots=True)
class Assumed:
    """The assumptions of a plan. ``words`` tell the trader each value and its source.

    ``volatility`` is that of a day, as a share of the price. ``impact_bp`` is the temporary impact of trading at the
    market's pace, in basis points. ``volume`` is the market's volume, in base units a day.
    """

    volatility: float
    impact_bp: float
    volume: float
    words: tuple[str, ...]


def assumed(plan_input: PlanInput) -> Assumed:
    """Return the volatility, impact and volume that the trader gave, or estimates from the market.

    Raise ``Refused`` if one is neither given nor known.

    An impact that is not given is the larger of two estimates. The first is the paper's rule, a hundred spreads. The
    second is the volatility of five minutes. This follows from the square-root law: an order as large as the market's
    volume in five minutes moves the price as far as the price usually moves in that time. The second estimate is
    needed in a market whose spread is one tick, because such a spread says nothing about the depth.
    """
    parameters = narrowed(plan_input.parameters, IsParameters)
    candles = [candle for candle in plan_input.candles if candle.opened_at >= plan_input.now - LOOKBACK]
    volatility, volume = daily_volatility(candles), daily_volume(candles)
    words = []
    if parameters.volatility is not None:
        volatility = float(parameters.volatility)
    if volatility is None:
        message = (
            f"{len(candles):,} candles of {plan_input.market.symbol} are too few to estimate the volatility. "
            "Give the volatility yourself, or use TWAP."
        )
        refuse("volatility", message, len(candles), code=Code.VOLATILITY_UNKNOWN)
    words.append(f"volatility {volatility:.2%} a day{_source(parameters.volatility, 'last seven days')}")
    if parameters.impact_bp is not None:
        impact_bp = float(parameters.impact_bp)
    else:
        spread_bp = (
            0.0
            if plan_input.quote is None
            else float((plan_input.quote.ask - plan_input.quote.bid) / plan_input.quote.mid) * 1e4
        )
        impact_bp = max(SPREADS_OF_A_DAY * spread_bp, volatility * sqrt(CANDLE / DAY) * 1e4)
    words.append(
        f"impact {impact_bp:.1f} bp at the market's pace{_source(parameters.impact_bp, 'spread, volatility')}"
    )
    if plan_input.quote is None:
        words.append("the spread is not known: the cost is without it")
    if parameters.impact_bp is None and (volume is None or not impact_bp > 0):
        lacking = "volume" if volume is None else "spread and no move of the price"
        message = (
            f"No {lacking} of {plan_input.market.symbol} is known to estimate the impact. "
            "Give the impact yourself, or use TWAP."
        )
        refuse("impact_bp", message, code=Code.IMPACT_UNKNOWN)
    if volume is None:
        volume = float(plan_input.quantity) / ((plan_input.end - plan_input.start) / DAY)
        words.append("the market's volume is not known: the impact is that of this order worked evenly")
    return Assumed(volatility, impact_bp, volume, tuple(words))


def _source(value: Decimal | None, learnt: str) -> str:
    return " as given" if value is not None else f" ({learnt})"


def impact_of(assumptions: Assumed, price: float, spread: float) -> Impact:
    """Return the assumptions in the paper's units.

    η is such that trading at the market's own pace has a temporary impact of ``impact_bp``. γ is a tenth of η, per
    day.
    """
    eta = assumptions.impact_bp * 1e-4 * price / assumptions.volume
    return Impact(assumptions.volatility * price, eta, PERMANENT_SHARE * eta, spread / 2)


# --- the plan --------------------------------------------------------------------------------------


def plan_is(plan_input: PlanInput) -> Plan:
    """Plan slices along the optimal trajectory, in whole lots, none under the exchange's minimum.

    Raise ``Refused`` where price, volatility or impact is unknown, or for too many slices.
    """
    parameters, market = narrowed(plan_input.parameters, IsParameters), plan_input.market
    if plan_input.price is None:
        message = f"No price of {market.symbol} is known. Give a limit price."
        refuse("limit_price", message, code=Code.PRICE_UNKNOWN)
    count = slice_count(
        parameters.slices, plan_input.quantity, market, plan_input.price, plan_input.start, plan_input.end
    )
    assumptions = assumed(plan_input)
    price, spread = (
        float(plan_input.price),
        0.0 if plan_input.quote is None else float(plan_input.quote.ask - plan_input.quote.bid),
    )
    impact = impact_of(assumptions, price, spread)
    length = (plan_input.end - plan_input.start) / DAY
    best = _chosen(parameters, float(plan_input.quantity), length, count, impact)
    least = plan_bounds(
        plan_input.quantity, market, plan_input.price, plan_input.start, plan_input.end
    ).minimum
    weights = best.trades if best.kappa > 0 else (1.0,) * count
    parts = spread_slices(
        split_weighted(plan_input.quantity, market.lot, weights), plan_input.start, plan_input.end
    )
    slices = merge_small(parts, least)
    return Plan(
        slices,
        _forecast(assumptions, impact, best, plan_input) | {"slices": count},
        _notes(assumptions, best, plan_input, count, slices),
    )


def _chosen(
    parameters: IsParameters, quantity: float, length: float, count: int, impact: Impact
) -> Trajectory:
    if parameters.risk_aversion is not None:
        return almgren_chriss(quantity, length, count, impact, float(parameters.risk_aversion))
    return trajectory_of(quantity, length, count, impact, STEEPNESS[parameters.risk] / length)


def merge_small(slices: Sequence[SlicePlan], least: Decimal) -> tuple[SlicePlan, ...]:
    """Merge neighbouring slices until none is under ``least``. If the total is under ``least``, one slice is left."""
    merged: list[tuple[datetime, datetime, Decimal]] = []
    for part in slices:
        if merged and merged[-1][2] < least:
            start, _, quantity = merged[-1]
            merged[-1] = (start, part.ends_at, quantity + part.quantity)
        else:
            merged.append((part.starts_at, part.ends_at, part.quantity))
    if len(merged) > 1 and merged[-1][2] < least:
        _, end, quantity = merged.pop()
        merged[-1] = (merged[-1][0], end, merged[-1][2] + quantity)
    return tuple(SlicePlan(number, *each) for number, each in enumerate(merged, start=1))


def _forecast(
    assumptions: Assumed, impact: Impact, best: Trajectory, plan_input: PlanInput
) -> dict[str, float | None]:
    notional = float(plan_input.quantity) * float(plan_input.price or 0)
    return {
        "volatility": assumptions.volatility,
        "impact_bp": assumptions.impact_bp,
        "daily_volume": assumptions.volume,
        "sigma": impact.sigma,
        "eta": impact.eta,
        "gamma": impact.gamma,
        "epsilon": impact.epsilon,
        "kappa": best.kappa,
        "risk_aversion": risk_aversion_of(
            impact, best.kappa, (plan_input.end - plan_input.start) / DAY / len(best.trades)
        ),
        "half_life_seconds": None if best.half_life is None else best.half_life * DAY.total_seconds(),
        "expected_cost": best.cost,
        "cost_deviation": best.deviation,
        "expected_cost_bp": best.cost / notional * 1e4,
        "cost_deviation_bp": best.deviation / notional * 1e4,
    }


def _notes(
    assumptions: Assumed, best: Trajectory, plan_input: PlanInput, count: int, slices: Sequence[SlicePlan]
) -> tuple[str, ...]:
    notional, currency = float(plan_input.quantity) * float(plan_input.price or 0), plan_input.market.quote
    notes = [
        f"expected cost before fees {best.cost / notional * 1e4:z.1f} bp ({best.cost:z,.2f} {currency}), "
        f"standard deviation {best.deviation / notional * 1e4:.1f} bp",
        *assumptions.words,
        "even slices: the risk has no weight" if best.kappa == 0 else _loading(slices),
    ]
    if len(slices) < count:
        notes.append(
            f"{len(slices)} slices instead of {count}: the smallest would be under the exchange's minimum"
        )
    return tuple(notes)


def _loading(slices: Sequence[SlicePlan]) -> str:
    """Return words for the share of the order that is planned for the first half of its time."""
    if len(slices) == 1:
        return "one slice: the plan does nothing earlier than the rest"
    middle = slices[0].starts_at + (slices[-1].ends_at - slices[0].starts_at) / 2
    total = sum((part.quantity for part in slices), ZERO)
    early = f"{sum((_by(part, middle) for part in slices), 0.0) / float(total):.0%}"
    word = "nearly even" if early == "50%" else "front-loaded"
    return f"{word}: {early} of {plain(total)} in the first half of the time"


def _by(part: SlicePlan, moment: datetime) -> float:
    share = (moment - part.starts_at) / (part.ends_at - part.starts_at)
    return float(part.quantity) * min(max(share, 0.0), 1.0)
