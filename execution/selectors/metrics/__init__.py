"""The metrics of ``/metrics``, computed from the database at each request.

Nothing is counted in memory. So every web process gives the same answer about the whole desk, and a restart loses
nothing. An unknown figure gets no sample, and never the value zero. docs/reference/metrics.md lists the metrics.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime

from execution.selectors.metrics.accounts import account_families
from execution.selectors.metrics.families import Family
from execution.selectors.metrics.latencies import latency_families
from execution.selectors.metrics.orders import order_families
from execution.selectors.metrics.system import system_families

PARTS: tuple[Callable[[datetime], Iterator[Family]], ...] = (
    order_families,
    latency_families,
    account_families,
    system_families,
)


def desk_families(now: datetime) -> Iterator[Family]:
    """Yield every metric of the desk as of ``now``."""
    for part in PARTS:
        yield from part(now)
