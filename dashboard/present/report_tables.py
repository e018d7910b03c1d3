"""An order's report as tables. Its page and its CSV have the same rows."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from dashboard.present import numbers
from dashboard.present.exports import csv_text, moment, words
from execution.payloads.reports import Report
from execution.selectors.tca.reports import shown_split

#: A figure of the order or of one of its venues, as exact text. None is unknown.
Read = Callable[[Mapping[str, Any]], str | None]
MARKOUT_NAMES = {10: "10 s", 60: "1 min", 300: "5 min"}


def _at(*path: str) -> Read:
    def read(part: Mapping[str, Any]) -> str | None:
        found: Any = part
        for name in path:
            found = found.get(name) if isinstance(found, Mapping) else None
        return None if found is None else str(found)

    return read


def _markout(seconds: int, name: str) -> Read:
    def read(part: Mapping[str, Any]) -> str | None:
        return next((row[name] for row in part["markouts"] if row["seconds"] == seconds), None)

    return read


@dataclass(frozen=True, slots=True)
class Line:
    """One figure of the report. ``kind`` is its format: bp, share, quantity, price or count."""

    label: str
    unit: str
    kind: str
    read: Read
    hint: str = ""
    note: Read | None = None


#: Costs in bp: the label, the place in the report, and the explanation.
COSTS = (
    ("Against arrival", ("cost_bp",), "average price against the arrival mid, before fees"),
    ("Against market VWAP", ("vwap_cost_bp",), "at all its venues while the order worked"),
    ("Against market TWAP", ("twap_cost_bp",), "mean of the mids while the order worked"),
    ("Spread", ("split_bp", "spread"), "each fill against the mid at that time; below 0 is earned"),
    ("Drift", ("split_bp", "drift"), "move of the mid after the order began to work"),
    ("Delay", ("split_bp", "delay"), "move of the mid from arrival until the order began to work"),
    ("Fees", ("split_bp", "fees"), ""),
    ("Total", ("split_bp", "total"), "sum of spread, drift, delay and fees, of the arrival notional"),
)


def lines_of(report: Report) -> list[Line]:
    """Return the figures that the report has for the whole order and also for each venue."""
    return [
        Line("Filled", report["base"], "quantity", _at("filled")),
        Line("Share", "", "share", _at("share"), "of what the order filled"),
        Line("Fills", "", "count", _at("fills")),
        Line("Average", report["quote"], "price", _at("average")),
        *(Line(label, "bp", "bp", _at(*path), hint) for label, path, hint in COSTS),
        *(_markout_line(seconds, name) for seconds, name in MARKOUT_NAMES.items()),
        Line("Maker share", "", "share", _at("maker_share")),
    ]


def _markout_line(seconds: int, name: str) -> Line:
    hint = "fills against the mid at that later time"
    read, share = _markout(seconds, "bp"), _markout(seconds, "share")
    return Line(f"Markout after {name}", "bp", "bp", read, hint, share)


#: Facts of the order alone, for the CSV: the label, the unit and the place in the report.
FACTS: list[tuple[str, str, str]] = [
    ("Quantity", "base", "quantity"),
    ("Unfilled", "base", "unfilled"),
    ("Arrival mid", "quote", "arrival_mid"),
    ("Market VWAP", "quote", "market_vwap"),
    ("Market TWAP", "quote", "market_twap"),
    ("Market volume", "base", "market_volume"),
    ("Market watched", "share", "watched"),
    ("Participation", "share", "participation"),
    ("Opportunity cost", "quote", "opportunity"),
    ("Opportunity cost", "bp of the order", "opportunity_bp"),
    ("Shortfall", "bp of the order", "shortfall_bp"),
    ("Finished later than planned", "s", "end_lag_seconds"),
    ("Average fill delay against plan", "s", "mean_lag_seconds"),
    ("Actual − predicted", "bp", "predicted_error_bp"),
]
TIMES = {
    "Arrived (UTC)": "created_at",
    "Began (UTC)": "started_at",
    "Planned end (UTC)": "planned_end_at",
    "Ended (UTC)": "ended_at",
}


def report_table(report: Report) -> list[dict[str, Any]]:
    """Return the rows of the report's table for the page.

    A row is a figure: its label, its unit, and a cell for the whole order. With several venues, it also has a cell for
    each venue.
    """
    parts = [_shown(part) for part in _context(report)]
    return [
        {
            "label": line.label,
            "unit": line.unit,
            "hint": line.hint,
            "is_total": line.label == "Total",
            "cells": [_cell(line, part, report) for part in parts],
        }
        for line in lines_of(report)
    ]


def _shown(part: Mapping[str, Any]) -> Mapping[str, Any]:
    split = shown_split(part["split_bp"])
    return {**part, "split_bp": split, "cost_bp": split["arrival"] or part["cost_bp"]}


def _context(report: Report) -> list[Mapping[str, Any]]:
    venues = report["venues"] if len(report["venues"]) > 1 else []
    whole = {**report, "share": "1" if report["fills"] else None}
    return [whole, *venues]


def heads_of(report: Report) -> list[str]:
    return ["Order", *(str(part["venue"]) for part in _context(report)[1:])]


def _cell(line: Line, part: Mapping[str, Any], report: Report) -> dict[str, str]:
    value = line.read(part)
    if line.kind == "bp":
        share = line.note(part) if line.note is not None else None
        partly = value is not None and share not in (None, "1")
        return {
            "text": numbers.points(value),
            "tone": numbers.tone(value),
            "note": f"of {numbers.percent(share, 0)}" if partly else "",
        }
    if line.kind == "share":
        text = numbers.percent(value)
    elif line.kind == "price":
        text = numbers.price(value, report["tick"])
    else:
        text = numbers.amount(value)
    return {"text": text, "tone": "", "note": ""}


def report_csv(report: Report) -> str:
    """Return the report as CSV, with columns for figure, unit, the order and each venue. Values are exact; unknown
    ones are empty.
    """
    parts = _context(report)
    head = ["Figure (+ is cost)", "Unit", *(words(name) for name in heads_of(report))]
    rows: list[list[str]] = [
        ["Order", "", report["id"]],
        ["State", "", ("final, " if report["is_final"] else "so far, ") + report["status"].replace("_", " ")],
        ["Trader", "", words(report["trader"])],
        ["Accounts", "", words(report["account"])],
        ["Symbol", "", words(report["symbol"])],
        ["Side", "", report["side"].upper()],
        ["Algorithm", "", words(report["algorithm"])],
    ]
    rows += [[label, "", moment(report[name])] for label, name in TIMES.items()]  # type: ignore[literal-required]
    rows += [[label, unit, report[name] or ""] for label, unit, name in FACTS]  # type: ignore[literal-required]
    rows += [["Fees paid", words(fee["currency"]), fee["amount"]] for fee in report["fees"]]
    predicted: Mapping[str, Any] = report["predicted"] or {}
    rows.append(["Predicted by", "", str(predicted.get("by") or "")])
    rows.append(["Predicted cost", "bp", str(predicted.get("cost_bp") or "")])
    rows.append(["Predicted cost, standard error", "bp", str(predicted.get("standard_error_bp") or "")])
    for line in lines_of(report):
        rows.append(
            [
                line.label,
                line.unit if line.kind != "share" else "share",
                *(line.read(part) or "" for part in parts),
            ]
        )
        if line.note is not None:
            rows.append([f"{line.label}, known of", "share", *(line.note(part) or "" for part in parts)])
    return csv_text([head, *rows])
