"""Limits on open and daily notional as bars, with a mark at each limit."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from dashboard.present.limit_tables import LEVEL_WORDS, NEAR
from dashboard.present.numbers import DASH, amount, percent
from execution.core.numbers import grouped
from execution.payloads.limits import LimitRow

#: The place of the largest limit on a bar, whose width is 100. The rest is for an amount above it.
LAST = Decimal(96)


def limit_bars(rows: Sequence[LimitRow]) -> list[dict[str, Any]]:
    """Return a bar for each sum that is bounded. The limits of all levels on one sum share a bar."""
    sums: dict[tuple[str, ...], list[LimitRow]] = {}
    for row in rows:
        sums.setdefault((row["label"], row["scope"], row["subject"], row["unit"]), []).append(row)
    return [_bar(limits) for limits in sums.values()]


def _bar(limits: Sequence[LimitRow]) -> dict[str, Any]:
    one = min(limits, key=lambda row: Decimal(row["value"]))
    values = [Decimal(row["value"]) for row in limits]
    used = None if one["used"] is None else Decimal(one["used"])
    lowest, most = min(values), max(*values, used or Decimal(0), Decimal(0))
    share = None if used is None or lowest <= 0 else used / lowest
    is_above = used is not None and used > lowest
    return {
        "label": one["label"],
        "whose": "the desk" if one["scope"] == "desk" else one["subject"],
        "base": one["subject"].partition("/")[0] if one["scope"] == "symbol" else "",
        "unit": one["unit"],
        "used": DASH if used is None else amount(used, 0),
        "share": DASH if share is None else percent(str(share), 0),
        "width": "0" if used is None else _place(used, most),
        "marks": [_place(value, most) for value in values],
        "limits": ", ".join(
            f"{LEVEL_WORDS[row['level']]} above {grouped(Decimal(row['value']))}" for row in limits
        ),
        "is_above": is_above,
        "tone": "bad" if is_above else "warn" if share is not None and share >= NEAR else "",
    }


def _place(value: Decimal, most: Decimal) -> str:
    return f"{value / most * LAST:.2f}" if most else "0"
