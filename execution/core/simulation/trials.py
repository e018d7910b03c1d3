"""Trials: a buy and a sell in the market of one seed, worked by an algorithm or by the baseline."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from execution.core.algorithms.decide import decide
from execution.core.simulation.baseline import PLAIN, plain_decide
from execution.core.simulation.exchange import LadderMarket
from execution.core.simulation.kinds import MarketKind
from execution.core.simulation.market import SimulatedMarket
from execution.core.simulation.measures import Cost, cost_of, mean_cost
from execution.core.simulation.recorded import RecordedWindow
from execution.core.simulation.runner import Run, Runner
from execution.core.simulation.setting import Setting, usual_setting
from execution.core.types import Side

OpenMarket = Callable[[MarketKind, int], LadderMarket]


def simulate(setting: Setting, seed: int, policy: str, open_market: OpenMarket = SimulatedMarket) -> Run:
    """Work the order in the seed's market, by its algorithm or by the baseline ``plain``.

    The baseline always has even slices, whichever algorithm it is compared with.
    """
    if policy == PLAIN:
        plain = replace(setting, algorithm="twap", parameters=None)
        return Runner(plain, seed, plain_decide, open_market).run()
    return Runner(setting, seed, decide, open_market).run()


def trial(kind: MarketKind, algorithm: str, seed: int, policy: str) -> Cost:
    """Return the mean cost of a buy and a sell, each worked alone in the seed's market."""
    runs = [simulate(usual_setting(kind, algorithm, side), seed, policy) for side in Side]
    return mean_cost([cost_of(run, kind) for run in runs])


def recorded_trial(window: RecordedWindow, number: int, algorithm: str) -> tuple[Cost, Cost]:
    """Return the costs of the algorithm and of the baseline in the same stretch of a recording.

    Each cost is the mean of a buy and a sell.
    """
    kind, minutes = window.kind, window.seconds / 60

    def costs(policy: str) -> Cost:
        settings = [usual_setting(kind, algorithm, side, minutes) for side in Side]
        runs = [simulate(setting, number, policy, window.open_market) for setting in settings]
        return mean_cost([cost_of(run, kind) for run in runs])

    return costs(algorithm), costs(PLAIN)


def paired_trial(kind: MarketKind, algorithm: str, seed: int) -> tuple[Cost, Cost]:
    """Return the costs of the algorithm and of the baseline in the same market."""
    return trial(kind, algorithm, seed, algorithm), trial(kind, algorithm, seed, PLAIN)
