"""The tables of limits and approvals."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from dashboard.present.numbers import percent
from execution.core.numbers import grouped
from execution.payloads.encode import moment_of
from execution.payloads.limits import LimitRow

LEVEL_TONES = {"hard": "bad", "approval": "warn", "soft": "muted"}
LEVEL_WORDS = {"hard": "✕ refuses", "approval": "? needs approval", "soft": "! wants a reason"}
#: The share from which a limit counts as nearly used up.
NEAR = Decimal("0.8")


def limit_table(rows: Sequence[LimitRow]) -> list[dict[str, Any]]:
    """Return the rows of the limits' page. Only the first row of a kind shows the kind's name."""
    table, before = [], ""
    for row in rows:
        value = Decimal(row["value"])
        used = None if row["used"] is None else Decimal(row["used"])
        share = None if used is None or value <= 0 else used / value
        table.append(
            {
                **row,
                "label": row["label"] if row["label"] != before else "",
                "name": row["label"],
                "whose": {"desk": "the desk"}.get(row["scope"], row["subject"]),
                "amount": grouped(value),
                "used": None if used is None else grouped(used),
                "percent": None if share is None else min(round(share * 100), 100),
                "share": None if share is None else percent(str(share), 0),
                "tone": "" if share is None else "bad" if share > 1 else "warn" if share >= NEAR else "",
                "level_tone": LEVEL_TONES[row["level"]],
                "level_words": LEVEL_WORDS[row["level"]],
                "set_at": moment_of(row["set_at"]),
                "is_counted": row["kind"] in {"open_notional", "daily_notional"},
            }
        )
        before = row["label"]
    return table
