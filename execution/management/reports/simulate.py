"""The report of ``manage.py simulate``."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from execution.core.simulation.baseline import PLAIN
from execution.core.simulation.measures import Cost, Summary, compare, summary
from execution.management.reports.page import Chart, Report
from execution.management.reports.traces import axes, bars

Pairs = Mapping[str, Sequence[tuple[Cost, Cost]]]
PARTS = (("spread", "spread_bp", "--buy"), ("drift", "drift_bp", "--warn"), ("fee", "fee_bp", "--benchmark"))


def simulation_report(algorithm: str, pairs: Pairs, what: str, printed: str) -> Report:
    """Return the report. ``what`` names the markets: kinds, or a recording's symbols."""
    means = {
        name: {kind: summary([pair[place] for pair in found]) for kind, found in pairs.items()}
        for place, name in enumerate((algorithm, PLAIN))
    }
    runs = sum(len(found) for found in pairs.values())
    charts = [_costs(means, what), _parts(means), _saved(algorithm, pairs)]
    return Report(f"{algorithm} against {PLAIN} in {runs:,} markets", charts, printed)


def _costs(means: Mapping[str, Mapping[str, Summary]], what: str) -> Chart:
    traces = [
        bars(
            name,
            list(by_kind),
            [mean.cost_bp for mean in by_kind.values()],
            colour,
            error_y={
                "type": "data",
                "array": [mean.standard_error_bp for mean in by_kind.values()],
                "color": "--text",
                "thickness": 1,
            },
        )
        for (name, by_kind), colour in zip(means.items(), ("--buy", "--book-1"), strict=True)
    ]
    ours, plain = (sum(mean.cost_bp for mean in by.values()) / len(by) for by in means.values())
    words = (
        f"The mean over all {what}s is {ours:.3f} bp against {plain:.3f} bp. Lines show one standard error."
    )
    return Chart("Cost", words, traces, axes("bp of the mid at arrival", barmode="group"))


def _parts(means: Mapping[str, Mapping[str, Summary]]) -> Chart:
    pairs = [(kind, name) for kind in next(iter(means.values())) for name in means]
    traces = [
        bars(part, [], [getattr(means[name][kind], field) for kind, name in pairs], colour)
        | {"x": [[kind for kind, _ in pairs], [name for _, name in pairs]]}
        for part, field, colour in PARTS
    ]
    words = "Spread, drift and fee sum to the cost. A part below zero is a gain."
    return Chart("Parts of the cost", words, traces, axes("bp", barmode="relative"))


def _saved(algorithm: str, pairs: Pairs) -> Chart:
    traces = [
        {
            "type": "box",
            "name": kind,
            "y": [plain.cost_bp - ours.cost_bp for ours, plain in found],
            "marker": {"color": "--buy", "size": 4},
            "boxmean": True,
            "showlegend": False,
        }
        for kind, found in pairs.items()
    ]
    compared = {kind: compare(*zip(*found, strict=True)) for kind, found in pairs.items()}
    found = ", ".join(
        f"{kind} {each.saved_bp:.3f} ± {each.standard_error_bp:.3f}" for kind, each in compared.items()
    )
    words = f"A box has a value for each market: the cost of {PLAIN} less that of {algorithm}. "
    words += f"Means in bp: {found}."
    return Chart("Saved in each market", words, traces, axes("bp"))
