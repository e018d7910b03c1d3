"""Percentiles and tables as text. A figure that was not measured is a dash."""

from __future__ import annotations

import math
from collections.abc import Sequence

DASH = "–"


def percentile(values: Sequence[float], share: float) -> float | None:
    """Return the least value with at least ``share`` (0 to 1) of all values at or below it; None without values."""
    if not 0 < share <= 1:
        raise ValueError(f"share is {share}; it must be above 0 and at most 1")
    if not values:
        return None
    return sorted(values)[math.ceil(share * len(values)) - 1]


def median(values: Sequence[float]) -> float | None:
    """Return the middle value, or the mean of the two middle ones; None without values."""
    ordered = sorted(values)
    if not ordered:
        return None
    middle = len(ordered) // 2
    return ordered[middle] if len(ordered) % 2 else (ordered[middle - 1] + ordered[middle]) / 2


def total(values: Sequence[float | None]) -> float | None:
    """Return the sum; None when a part is unknown, because the sum without it would be wrong."""
    known = [value for value in values if value is not None]
    return sum(known) if known and len(known) == len(values) else None


def shown(value: float | None, places: int = 0, unit: str = "") -> str:
    """Return a number as text with thousands separators and its unit. An unknown number becomes a dash."""
    if value is None:
        return DASH
    return f"{value:,.{places}f}{f' {unit}' if unit else ''}"


def table(
    heads: Sequence[str], rows: Sequence[Sequence[str]], *, markdown: bool = False, texts: int = 1
) -> str:
    """Return a table with aligned columns: the first ``texts`` to the left, the numbers after them to the right."""
    if markdown:
        rule = [*("---" for _ in heads[:texts]), *("---:" for _ in heads[texts:])]
        return "\n".join(f"| {' | '.join(row)} |" for row in (heads, rule, *rows))
    widths = [max(len(row[column]) for row in (heads, *rows)) for column in range(len(heads))]
    return "\n".join(_line(row, widths, texts) for row in (heads, ["-" * width for width in widths], *rows))


def _line(row: Sequence[str], widths: Sequence[int], texts: int) -> str:
    cells = [
        text.ljust(width) if column < texts else text.rjust(width)
        for column, (text, width) in enumerate(zip(row, widths, strict=True))
    ]
    return "  ".join(cells).rstrip()
