"""Mild faults, as exchanges have them on an ordinary day. Orders must complete on time in spite of them.

Seeds with mild faults test that the desk is useful. Other seeds test safety under every fault. The exchange lists
orders late, sometimes answers 503 or "too many visits", loses answers, fills orders before their cancel, and cuts its
streams.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from random import Random
from typing import Any

from execution.verification.faults.exchange import SYMBOL
from execution.verification.faults.fault_injector import FaultInjector

#: The kinds of faults behind each name, with the chance that each strikes at an opportunity.
KINDS: dict[str, dict[str, float]] = {
    "lists late": {"order listed late": 1.0, "trade listed late": 1.0},
    "503": {"read 5xx": 0.02, "create 5xx after acceptance": 0.02, "cancel 5xx after": 0.02},
    "429": {"read 429": 0.01, "create 429": 0.01, "cancel 429": 0.01},
    "lost answers": {"create answer lost": 0.03},
    "cancel races": {"filled while the cancel is under way": 0.3},
    "streams cut": {"stream cut": 1.0, "market silent": 1.0},
}
#: The longest delay of any kind, in seconds.
LATEST = 0.5
#: Streams are cut every so many seconds, during the half second that follows.
CUT_EVERY = 20.0
CUTS = ("stream cut", "market silent")
SECONDS = (40, 80)  #: the length of an order


class MildInjector(FaultInjector):
    """Decides when the faults in ``kinds`` strike, each at its own rate. All delays are short."""

    def __init__(
        self,
        random: Random,
        states: Callable[[str], Iterable[str]],
        kinds: Sequence[str],
        time: Callable[[], float],
    ) -> None:
        super().__init__(random, states)
        self.rates = {kind: rate for name in kinds for kind, rate in KINDS[name].items()}
        self._time = time

    def strikes(self, kind: str, client_id: str = "") -> bool:
        if kind in CUTS and self._time() % CUT_EVERY >= LATEST:
            return False
        return super().strikes(kind, client_id)

    def seconds(self, most: float, least: float = 0.0) -> float:
        return min(super().seconds(most, least), LATEST)


@dataclass(frozen=True, slots=True)
class Mild:
    """The setting of a seed with mild faults. ``kinds`` are the names of its faults in ``KINDS``."""

    kinds: tuple[str, ...]

    def order(self, random: Random, accounts: list[str]) -> dict[str, Any]:
        """Return a random order that completes on time if no fault strikes."""
        algorithm = random.choice(("twap", "twap", "vwap", "is", "iceberg"))
        seconds = random.randint(*SECONDS)
        parameters: dict[str, Any] = {"duration": str(seconds), "at_end": "cross"}
        if algorithm == "iceberg":
            parameters |= {"visible_quantity": "5"}
        else:
            parameters |= {"urgency": random.choice(("0.3", "0.5", "0.75"))}
        if algorithm in ("twap", "is"):
            parameters["slices"] = seconds // 10
        if algorithm == "is":
            parameters |= {"volatility": "0.03", "impact_bp": "20", "risk_aversion": "0.001"}
        if algorithm == "vwap":
            parameters |= {"lookback_days": 1, "slice_length": "10"}
        return {
            "symbol": SYMBOL,
            "side": random.choice(("buy", "sell")),
            "quantity": str(random.randint(10_000, 40_000) / 1000),
            "unit": "base",
            "algorithm": algorithm,
            "accounts": [random.choice(accounts)],
            "parameters": parameters,
        }
