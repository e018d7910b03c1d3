"""The settings of a simulated order: its size, length and parameters, and the candles that its plan may need."""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from functools import cache
from random import Random
from typing import Any

from execution.core.algorithms.registry import ALGORITHM_SPECS, plan_order
from execution.core.orders.parameters import AlgorithmParameters
from execution.core.orders.plans import Plan, PlanInput
from execution.core.orders.terms import ALGORITHMS, algorithm_problem
from execution.core.problem_codes import Code
from execution.core.problems import Problem, refuse_if
from execution.core.quantities import floor_to
from execution.core.simulation.kinds import KINDS, MarketKind
from execution.core.types import Candle, Quote, Side

#: The start of every simulated order.
START = datetime(2026, 3, 2, 12, tzinfo=UTC)
MINUTES = 10
SLICES = 10
BAR = timedelta(minutes=5)
MAX_SEEDS = 100_000


@dataclass(frozen=True, slots=True)
class Setting:
    """An order to simulate. It works for ``minutes``."""

    kind: MarketKind
    algorithm: str
    side: Side
    quantity: Decimal
    minutes: float = MINUTES
    parameters: AlgorithmParameters | None = None

    def plan_input(self, quote: Quote) -> PlanInput:
        wants = ALGORITHM_SPECS[self.algorithm].wants_candles
        return PlanInput(
            now=START,
            side=self.side,
            quantity=self.quantity,
            parameters=self.terms,
            limit_price=None,
            start=START,
            end=START + timedelta(minutes=self.minutes),
            market=self.kind.market,
            price=quote.mid,
            quote=quote,
            candles=history(self.kind) if wants else (),
        )

    @property
    def terms(self) -> AlgorithmParameters:
        return self.parameters or usual_parameters(self.algorithm, self.quantity, self.minutes, self.kind.lot)

    def plan(self, quote: Quote) -> Plan:
        """Return the order's plan. Raise ``Refused`` if the algorithm cannot plan it."""
        return plan_order(self.algorithm, self.plan_input(quote))


def usual_setting(kind: MarketKind, algorithm: str, side: Side, minutes: float = MINUTES) -> Setting:
    """Return the usual order for a kind of market.

    Its size is the share ``participation`` of the kind, times the volume expected in ``minutes``.
    """
    amount = kind.participation * kind.volume_rate * minutes * 60
    quantity = floor_to(Decimal(str(amount)) / kind.mid, kind.lot)
    return Setting(kind, algorithm, side, quantity, minutes)


def usual_parameters(algorithm: str, quantity: Decimal, minutes: float, lot: Decimal) -> AlgorithmParameters:
    """Return the algorithm's default parameters with ten slices.

    The visible quantity is a tenth of the order, the participation rate 5 %, and the seed 1.
    """
    model = ALGORITHMS[algorithm].parameters
    length = timedelta(minutes=minutes)
    given: dict[str, Any] = {
        "duration": length,
        "slices": SLICES,
        "slice_length": length / SLICES,
        "visible_quantity": max(floor_to(quantity / SLICES, lot), lot),
        "participation_rate": Decimal("0.05"),
        "seed": 1,
    }
    fields: dict[str, Any] = model.model_fields
    return model(**{name: value for name, value in given.items() if name in fields})


def check_wishes(algorithm: str, kinds: list[str], seeds: int) -> None:
    """Raise ``Refused`` if a simulation of ``algorithm`` in ``kinds`` with this number of seeds is not possible.

    Each problem names the value and its limit.
    """
    problems = []
    if algorithm not in ALGORITHMS:
        problems.append(algorithm_problem(algorithm))
    for kind in kinds:
        if kind not in KINDS:
            known = ", ".join(KINDS)
            message = f"There is no kind of market {kind!r}. It must be one of {known}."
            problems.append(Problem("kind", message, kind, known, code=Code.VALUE_NOT_ALLOWED))
    if not 1 <= seeds <= MAX_SEEDS:
        message = f"Seeds is {seeds:,}. It must be from 1 to {MAX_SEEDS:,}."
        problems.append(Problem("seeds", message, seeds, MAX_SEEDS, code=Code.VALUE_OUT_OF_RANGE))
    refuse_if(problems)


@cache
def history(kind: MarketKind, days: int = 8) -> tuple[Candle, ...]:
    """Return the five-minute candles of ``days`` days before the start.

    They have no daily pattern, because a simulated market has none.
    """
    random = Random(f"{kind.name}:history")
    count = days * 24 * 12
    mean = kind.volume_rate * BAR.total_seconds() / float(kind.mid)
    candles = []
    for number in range(count):
        volume = floor_to(Decimal(str(round(mean * math.exp(random.gauss(-0.08, 0.4)), 6))), kind.market.lot)
        opened = START - (count - number) * BAR
        candles.append(Candle(opened, kind.mid, kind.mid, kind.mid, kind.mid, volume))
    return tuple(candles)
