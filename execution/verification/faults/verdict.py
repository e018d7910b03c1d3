"""The outcome of a seed."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field


@dataclass
class Verdict:
    """The outcome of a seed. ``violation`` is empty when nothing was wrong."""

    seed: int
    violation: str = ""
    digest: str = ""
    seconds: float = 0.0
    log: list[str] = field(default_factory=list)
    struck: Counter[tuple[str, str]] = field(default_factory=Counter)
    #: Under mild faults: how many orders there were, and which did not complete on time.
    orders: int = 0
    late: list[str] = field(default_factory=list)
