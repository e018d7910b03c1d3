"""Traces of charts, in the colours of the desk."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from itertools import cycle
from typing import Any

#: Colours of things beside each other that have no colour of their own.
COLOURS = ("--buy", "--sell", "--benchmark", "--good", "--warn", "--book-0", "--bad", "--accent", "--book-2")
#: The points of a line beyond which a page would be slow: more than a chart has pixels.
MAX_POINTS = 1_500

Numbers = Iterable[float | None]
Trace = dict[str, Any]


def finite(values: Numbers) -> list[float | None]:
    """Return the values with None for those that are no number, as an unknown one."""
    return [value if value is not None and math.isfinite(value) else None for value in values]


def bars(name: str, names: Sequence[str], values: Numbers, colour: str, **more: Any) -> Trace:
    found = {"type": "bar", "name": name, "x": list(names), "y": finite(values), "marker": {"color": colour}}
    return found | more


def rows(name: str, names: Sequence[str], values: Numbers, colour: str, **more: Any) -> Trace:
    """Return horizontal bars, for long names."""
    found = {"type": "bar", "orientation": "h", "name": name, "y": list(names), "x": finite(values)}
    return found | {"marker": {"color": colour}} | more


def line(name: str, xs: Sequence[Any], ys: Numbers, colour: str, **more: Any) -> Trace:
    found = {"type": "scatter", "mode": "lines", "name": name, "x": list(xs), "y": finite(ys)}
    return found | {"line": {"color": colour, "width": 1.5}} | more


def points(name: str, xs: Sequence[Any], ys: Sequence[Any], colour: str, **more: Any) -> Trace:
    found = {"type": "scatter", "mode": "markers", "name": name, "x": list(xs), "y": list(ys)}
    return found | {"marker": {"color": colour, "size": 7}} | more


def axes(y: str = "", x: str = "", **more: Any) -> dict[str, Any]:
    """Return a layout with titles of the axes."""
    return {"xaxis": {"title": {"text": x}}, "yaxis": {"title": {"text": y}}} | more


def counted(tables: Mapping[str, Mapping[str, int]], colours: Mapping[str, str]) -> list[Trace]:
    """Return bars of counts by name, a trace for each kind. ``colours`` has those of some kinds."""
    kinds = sorted({kind for counts in tables.values() for kind in counts})
    others, traces = cycle(COLOURS), []
    for kind in kinds:
        colour = colours.get(kind) or next(others)
        traces.append(bars(kind, list(tables), [counts.get(kind, 0) for counts in tables.values()], colour))
    return traces


def thinned(items: Sequence[Any]) -> Sequence[Any]:
    """Return at most ``MAX_POINTS`` of the items, evenly spread, with the first."""
    return items[:: max(1, -(-len(items) // MAX_POINTS))]
