"""The verdict on the simulation of one seed."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

from execution.verification.late_orders import Punctuality


@dataclass
class Verdict:
    """The outcome of a seed. ``violation`` is empty when no rule was broken."""

    seed: int
    violation: str = ""
    digest: str = ""
    seconds: float = 0.0
    log: list[str] = field(default_factory=list)
    struck: Counter[tuple[str, str]] = field(default_factory=Counter)
    #: Under mild faults: the number of orders, and those that completed on time.
    orders: int = 0
    punctuality: Punctuality = field(default_factory=Punctuality)
