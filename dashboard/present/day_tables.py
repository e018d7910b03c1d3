"""The report of a day as tables, with a small drawing of each mean and its standard error."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

from dashboard.present.numbers import DASH, amount, percent, points, tone
from dashboard.present.order_pills import order_pill
from execution.core.orders.terms import algorithm_label
from execution.payloads.analysis_charts import CostSummary
from execution.payloads.day_report import DayCurrency, DayGroup, DayOrder, DayReport, OpenOrder
from execution.payloads.encode import moment_of

#: The parts of the cost against arrival: what a cost says, and what a gain says.
PARTS = {
    "spread": ("prices away from the mid", "it earned the spread"),
    "drift": ("the market moved against it while it worked", "the market moved its way while it worked"),
    "delay": ("the market moved against it before it began", "the market moved its way before it began"),
}
#: The drawing is so wide, with room for the mark at both ends.
WIDTH, EDGE = Decimal(120), Decimal(6)


@dataclass(frozen=True, slots=True)
class Whisker:
    """Places on a line: ``zero``, the mean, and ``low`` and ``high``, the ends of its standard error."""

    zero: str
    mean: str
    low: str
    high: str
    is_few: bool


def day_tables(report: DayReport) -> dict[str, Any]:
    """Return the tables of the page."""
    day = date.fromisoformat(report["day"])
    ends = moment_of(report["until"])
    return {
        "day": day,
        "until": ends,
        "before": str(day - timedelta(days=1)),
        "after": str(day + timedelta(days=1)) if report["is_over"] else "",
        "currencies": [_currency(one) for one in report["currencies"]],
        "extremes": [
            ("Dearest orders", [_order(row) for row in report["dearest"]]),
            ("Cheapest orders", [_order(row) for row in report["cheapest"]]),
        ],
        "open_orders": [_open(row) for row in report["open"]],
        "halts": [
            {
                **row,
                "from": _when(row["set_at"], day),
                "to": _when(row["lifted_at"], day) if row["lifted_at"] else "in force",
            }
            for row in report["halts"]
        ],
        "alerts": [{**row, "at": _when(row["raised_at"], day)} for row in report["alerts"]],
    }


def _currency(one: DayCurrency) -> dict[str, Any]:
    groups = [
        ("", [one["whole"]]),
        ("By algorithm", one["algorithms"]),
        ("By account", one["accounts"]),
    ]
    scale = _scale(cost for _, rows in groups for group in rows for cost in (group["arrival"], group["vwap"]))
    whole = one["whole"]
    return {
        "currency": one["currency"],
        "orders": whole["orders"],
        "notional": amount(whole["notional"], 0),
        "figures": [
            ("Cost against arrival", *_figure(whole["arrival"])),
            ("Cost against VWAP", *_figure(whole["vwap"])),
        ],
        "paid": amount(one["paid"], 0),
        "sections": [(title, [_group(row, title, scale) for row in rows]) for title, rows in groups],
    }


def _figure(cost: CostSummary) -> tuple[str, str, str, str]:
    """Return the mean, its tone, its error and its number of orders."""
    error = "" if cost["standard_error"] is None else f"± {amount(cost['standard_error'], 1)}"
    return points(cost["mean"]), tone(cost["mean"]), error, _counted(cost)


def _counted(cost: CostSummary) -> str:
    unknown = f", {cost['unknown']} unknown" if cost["unknown"] else ""
    return f"n {cost['orders']}{unknown}"


def _group(row: DayGroup, title: str, scale: tuple[Decimal, Decimal]) -> dict[str, Any]:
    name = algorithm_label(row["name"]) if title == "By algorithm" else row["name"]
    return {
        "name": name if title else "All orders",
        "orders": row["orders"],
        "notional": amount(row["notional"], 0),
        "costs": [(*_figure(cost), whisker(cost, scale)) for cost in (row["arrival"], row["vwap"])],
    }


def _scale(costs: Iterable[CostSummary]) -> tuple[Decimal, Decimal]:
    """Return the range of all drawings of a table: the means with their errors, and zero."""
    ends = [Decimal(0)]
    for cost in costs:
        if cost["mean"] is not None:
            ends += [Decimal(cost["mean"]) + sign * Decimal(cost["standard_error"] or 0) for sign in (-1, 1)]
    low, high = min(ends), max(ends)
    return (low, high) if low < high else (low - 1, high + 1)


def whisker(cost: CostSummary, scale: tuple[Decimal, Decimal]) -> Whisker | None:
    """Return the drawing of a cost; None while the cost is unknown."""
    if cost["mean"] is None:
        return None
    mean, error = Decimal(cost["mean"]), Decimal(cost["standard_error"] or 0)

    def place(value: Decimal) -> str:
        low, high = scale
        return str(round(EDGE + (value - low) / (high - low) * (WIDTH - 2 * EDGE), 1))

    return Whisker(place(Decimal(0)), place(mean), place(mean - error), place(mean + error), cost["is_few"])


def _order(row: DayOrder) -> dict[str, Any]:
    return {
        **row,
        "algorithm": algorithm_label(row["algorithm"]),
        "notional": f"{amount(row['notional'], 0)} {row['currency']}",
        "cost": points(row["cost_bp"]),
        "tone": tone(row["cost_bp"]),
        "vwap_cost": points(row["vwap_cost_bp"]),
        "because": because(row),
    }


def because(row: DayOrder) -> str:
    """Return words for why an order was dear or cheap: the largest part of its cost or gain.

    The reason why the order ended follows.
    """
    split: Mapping[str, object] = row["split_bp"]
    parts = [(Decimal(str(split[name])), name) for name in PARTS if split[name] is not None]
    cost = Decimal(row["cost_bp"])
    if len(parts) < len(PARTS):
        said = "the parts of its cost are unknown"
    elif cost == 0:
        said = "no cost"
    else:
        part, name = (max if cost > 0 else min)(parts)
        said = f"mostly {name}, {points(part)} bp: {PARTS[name][cost < 0]}"
    return "; ".join(words for words in (said, row["reason"]) if words)


def _open(row: OpenOrder) -> dict[str, Any]:
    share = Decimal(row["filled"]) / Decimal(row["quantity"])
    return {
        **row,
        "algorithm": algorithm_label(row["algorithm"]),
        "quantity": amount(row["quantity"]),
        "filled": amount(row["filled"]),
        "done": percent(str(share)),
        "created": moment_of(row["created_at"]),
        "pill": order_pill(row["status"]) if row["status"] else None,
    }


def _when(milliseconds: int | None, day: date) -> str:
    """Return a time as text, with its date if it is not on ``day``."""
    if milliseconds is None:
        return DASH
    at: datetime = moment_of(milliseconds)
    return f"{at:%H:%M}" if at.date() == day else f"{at:%Y-%m-%d %H:%M}"
