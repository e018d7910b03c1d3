"""The report of a day as CSV: one table with a row for each line of the page, and the part of the page in a column."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from dashboard.present.exports import csv_text, moment, words
from execution.core.orders.terms import algorithm_label
from execution.payloads.analysis_charts import CostSummary
from execution.payloads.day_report import (
    DayAlert,
    DayCurrency,
    DayGroup,
    DayHalt,
    DayOrder,
    DayReport,
    OpenOrder,
)

#: A row has the cells of some columns. The others are empty.
Row = Mapping[str, str]
COSTS = ("Arrival", "VWAP")
HEADS = (
    *("Day", "Part", "Name", "Currency", "Orders", "Notional", "Cost against arrival"),
    *(
        f"{cost} {figure}"
        for cost in COSTS
        for figure in ("bp (+ is cost)", "standard error", "orders", "orders unknown")
    ),
    *("Spread bp", "Drift bp", "Delay bp", "Order", "State", "Trader", "Symbol", "Side", "Algorithm"),
    *("Quantity", "Filled", "From (UTC)", "Until (UTC)", "Text"),
)
#: Numbers of orders and alerts, with their names in the file.
COUNTS = {
    "orders": "orders with a final report",
    "unfilled": "of these without a fill",
    "waiting": "orders without a final report yet",
    "left_out": "orders beyond the newest 5,000",
    "open_count": "orders still open",
    "alert_count": "alerts",
}


def day_csv(report: DayReport) -> str:
    """Return the report as CSV. The first row says until when it reports."""
    rows = ({"Day": report["day"], **row} for row in _rows(report))
    return csv_text([HEADS, *([row.get(head, "") for head in HEADS] for row in rows)])


def _rows(report: DayReport) -> Iterator[Row]:
    of = report["of"] or "all orders of the desk"
    state = "the day is over" if report["is_over"] else "the day is not over"
    yield {"Part": "report", "Name": words(of), "Until (UTC)": moment(report["until"]), "Text": state}
    counts: Mapping[str, object] = report
    for key, name in COUNTS.items():
        yield {"Part": "count", "Name": name, "Orders": str(counts[key])}
    for currency in report["currencies"]:
        yield from _currency(currency)
    for part, orders in (("dearest", report["dearest"]), ("cheapest", report["cheapest"])):
        yield from (_order(part, order) for order in orders)
    yield from map(_open, report["open"])
    yield from map(_halt, report["halts"])
    yield from map(_alert, report["alerts"])


def _currency(one: DayCurrency) -> Iterator[Row]:
    currency = words(one["currency"])
    yield {**_group("all orders", one["whole"]), "Currency": currency, "Cost against arrival": one["paid"]}
    for part, groups in (("algorithm", one["algorithms"]), ("account", one["accounts"])):
        yield from ({**_group(part, group), "Currency": currency} for group in groups)


def _group(part: str, group: DayGroup) -> Row:
    return {
        "Part": part,
        "Name": words(group["name"]),
        "Orders": str(group["orders"]),
        "Notional": group["notional"],
        **_cost("Arrival", group["arrival"]),
        **_cost("VWAP", group["vwap"]),
    }


def _cost(name: str, cost: CostSummary) -> Row:
    return {
        f"{name} bp (+ is cost)": cost["mean"] or "",
        f"{name} standard error": cost["standard_error"] or "",
        f"{name} orders": str(cost["orders"]),
        f"{name} orders unknown": str(cost["unknown"]),
    }


def _order(part: str, row: DayOrder) -> Row:
    split: Mapping[str, object] = row["split_bp"]
    return {
        **_named(part, row),
        "Currency": words(row["currency"]),
        "Notional": row["notional"],
        "Arrival bp (+ is cost)": row["cost_bp"],
        "VWAP bp (+ is cost)": row["vwap_cost_bp"] or "",
        **{f"{name.capitalize()} bp": str(split[name] or "") for name in ("spread", "drift", "delay")},
        "State": row["status"].replace("_", " "),
        "Text": words(row["reason"]),
    }


def _open(row: OpenOrder) -> Row:
    return {
        **_named("open", row),
        "Quantity": row["quantity"],
        "Filled": row["filled"],
        "State": row["status"].replace("_", " "),
        "From (UTC)": moment(row["created_at"]),
    }


def _named(part: str, row: DayOrder | OpenOrder) -> Row:
    return {
        "Part": part,
        "Order": row["id"],
        "Trader": words(row["trader"]),
        "Symbol": words(row["symbol"]),
        "Side": row["side"].upper(),
        "Algorithm": words(algorithm_label(row["algorithm"])),
    }


def _halt(row: DayHalt) -> Row:
    return {
        "Part": "halt",
        "Name": words(f"{row['subject']}: {row['kind']}"),
        "From (UTC)": moment(row["set_at"]),
        "Until (UTC)": moment(row["lifted_at"]),
        "Text": words(f"{row['reason']}, by {row['set_by']}"),
    }


def _alert(row: DayAlert) -> Row:
    return {
        "Part": "alert",
        "Name": words(row["label"]),
        "State": row["severity"],
        "From (UTC)": moment(row["raised_at"]),
        "Text": words(row["text"]),
    }
