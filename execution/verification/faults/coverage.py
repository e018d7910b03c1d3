"""The table in docs/results/reliability.md: the faults that struck, in which states, and how often."""

from __future__ import annotations

from collections import Counter

from execution.core.states import CHILD_FINAL, ChildStatus, OrderStatus
from execution.verification.faults.fault_injector import ANOTHER_PROGRAM, CANCELLED_TOGETHER, PEOPLE, RATES

CHILD_COLUMNS = [f"child {status}" for status in ChildStatus if status not in CHILD_FINAL]
ORDER_COLUMNS = [
    f"order {status}"
    for status in (OrderStatus.SCHEDULED, OrderStatus.WORKING, OrderStatus.PAUSED, OrderStatus.CLOSING)
]


def covered(struck: Counter[tuple[str, str]]) -> dict[str, dict[str, int]]:
    """Return how often each fault struck in each state. "Over" is a final child, and "none" no live child."""
    columns = [*CHILD_COLUMNS, "child over", *ORDER_COLUMNS, "none"]
    folded: Counter[tuple[str, str]] = Counter()
    for (kind, state), times in struck.items():
        folded[kind, _column(state)] += times
    kinds = [*RATES, *PEOPLE, ANOTHER_PROGRAM, CANCELLED_TOGETHER]
    return {kind: {column: folded[kind, column] for column in columns} for kind in kinds}


def coverage_table(struck: Counter[tuple[str, str]]) -> str:
    """Return a Markdown row per fault, with a column per state."""
    found = covered(struck)
    columns = list(next(iter(found.values())))
    lines = [f"| fault | {' | '.join(columns)} |", f"| --- |{' ---: |' * len(columns)}"]
    for kind, times in found.items():
        lines.append(f"| {kind} | {' | '.join(str(times[column] or '') for column in columns)} |")
    return "\n".join(lines)


def _column(state: str) -> str:
    if state in CHILD_COLUMNS or state in ORDER_COLUMNS:
        return state
    return "child over" if state.startswith("child") else "none"
