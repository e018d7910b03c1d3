"""The report of a run as text."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from execution.verification.benchmark.figures import shown, table
from execution.verification.late_orders import Punctuality


def report(result: Mapping[str, Any]) -> str:
    """Return the events, the parents' outcomes, the figures, and then PASS or the problems."""
    parts = [
        f"seed {result['seed']}, {result['parents']} parents, faults for {result['seconds']:g} s",
        table(["event", "at, s"], [[each["what"], f"{each['at']:.1f}"] for each in result["events"]]),
        _outcomes(result["outcomes"]),
        table(["figure", "value"], _figures(result)),
    ]
    for title, lines in (("Not completed:", "not_completed"), ("Resumed by the supervisor:", "resumed")):
        if result[lines]:
            parts.append("\n".join((title, *(f"  {line}" for line in result[lines]))))
    return "\n\n".join((*parts, verdict(result))) + "\n"


def mild_report(result: Mapping[str, Any]) -> str:
    """Return the number of orders that completed on time under mild faults, and why the others did not."""
    kinds = ", ".join(result["kinds"]) or "no fault"
    found = Punctuality(result["completed"], result["dust"], result["late"])
    lines = [f"{result['dialect']}, {kinds}: {found.words(result['orders'])}"]
    lines += [f"  {text}" for text in (*found.late, *found.dust)]
    figures = ", ".join(f"{name} {count}" for name, count in result["children"].items())
    return "\n".join((*lines, figures, verdict(result))) + "\n"


def verdict(result: Mapping[str, Any]) -> str:
    problems = result["problems"]
    if not problems:
        return (
            "PASS: the desk's books equal the venues' ledgers, trade by trade; nothing open, over, or twice"
        )
    return "\n".join((f"FAIL: {len(problems)} problems", *(f"  {text}" for text in problems)))


def _outcomes(counts: Mapping[str, Mapping[str, int]]) -> str:
    states = sorted({state for row in counts.values() for state in row})
    rows = [[name, *(str(row.get(state, 0)) for state in states)] for name, row in counts.items()]
    sums = [str(sum(row.get(state, 0) for row in counts.values())) for state in states]
    return table(["parents", *states], [*rows, ["all", *sums]])


def _figures(result: Mapping[str, Any]) -> list[list[str]]:
    children = result["children"]
    return [
        ["children intended", shown(children["children"])],
        ["children sent", shown(children["sent"])],
        ["children that were unknown for a time", shown(children["unknown"])],
        ["children proven absent", shown(children["absent"])],
        ["fills", shown(children["fills"])],
        ["longest time any order had no owner", shown(result["longest_without_owner"], 1, "s")],
        ["healing to all at rest", shown(result["converged"], 1, "s")],
        ["last parent's end to all at rest", shown(result["converged_after_end"], 1, "s")],
    ]
