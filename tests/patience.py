"""The time for which tests wait on a machine of any speed.

A wait ends as soon as what it waits for is there, so it may be long. A promise of the desk is a limit in seconds
of the machine named in docs/results/benchmarks.md; a slower or busier one gets more of them.
"""

from __future__ import annotations

import time

#: Seconds that `_ADDITIONS` take on that machine while it does nothing else.
_USUAL = 0.06
_ADDITIONS = 1_000_000
#: Waits are this much longer than what is usual: they cost time only when a test fails.
PATIENCE = 3
#: Milliseconds for what a page is to show: the browser tests' time for every expectation.
SOON = 20_000 * PATIENCE


def slowness() -> float:
    """Return how many times as long as usual this machine takes now, at least 1."""
    begun, total = time.perf_counter(), 0
    for number in range(_ADDITIONS):
        total += number
    return max(1.0, (time.perf_counter() - begun) / _USUAL)
