"""The analysis of many orders as tables: a panel of costs and one of quality, and the same figures as CSV."""

from __future__ import annotations

from typing import Any

from dashboard.present import numbers
from dashboard.present.exports import csv_text, words
from execution.core.orders.terms import algorithm_label
from execution.payloads.reports import AnalysisPage, GroupRow, Mean
from execution.selectors.tca.analysis import FIGURES

#: The page's panels: the title, the text beside it, and the panel's figures.
PANELS = [
    (
        "Cost",
        "bp, + is cost",
        [
            "cost_bp",
            "vwap_cost_bp",
            "twap_cost_bp",
            "spread_bp",
            "drift_bp",
            "delay_bp",
            "fees_bp",
            "total_bp",
        ],
    ),
    (
        "After the fills, and predicted",
        "bp, + is cost",
        [
            "markout_10_bp",
            "markout_60_bp",
            "markout_300_bp",
            "predicted_bp",
            "predicted_error_bp",
            "opportunity_bp",
            "shortfall_bp",
        ],
    ),
    ("Quality", "shares and times", ["maker_share", "participation", "filled_share", "end_lag_seconds"]),
]
SHARES = {"maker_share", "participation", "filled_share"}


def panels_of(page: AnalysisPage) -> list[dict[str, Any]]:
    """Return each panel with its column heads and a row per group. With several groups, the last row is for all
    orders.
    """
    rows = [*page["groups"]]
    if page["whole"] is not None and len(rows) > 1:
        rows.append(page["whole"])
    return [
        {
            "title": title,
            "unit": unit,
            "heads": [FIGURES[key].label for key in keys],
            "rows": [_row(row, page, keys) for row in rows],
        }
        for title, unit, keys in PANELS
    ]


def _row(row: GroupRow, page: AnalysisPage, keys: list[str]) -> dict[str, Any]:
    return {
        "name": group_name(row["group"], page["by"]),
        "is_whole": row is page["whole"],
        "orders": row["orders"],
        "notional": ", ".join(
            f"{numbers.amount(value, 0)} {name}" for name, value in row["notional"].items()
        ),
        "cells": [_cell(key, row["figures"][key]) for key in keys],
    }


def _cell(key: str, mean: Mean) -> dict[str, Any]:
    return {
        "mean": _shown(key, mean["mean"]),
        "tone": "" if key in SHARES or key.endswith("_seconds") else numbers.tone(mean["mean"]),
        "error": "" if mean["standard_error"] is None else _shown(key, mean["standard_error"]).lstrip("+"),
        "weighted": _shown(key, mean["weighted"]),
        "n": mean["n"],
    }


def _shown(key: str, value: str | None) -> str:
    if key in SHARES:
        return numbers.percent(value)
    if key.endswith("_seconds"):
        return numbers.length(value)
    return numbers.points(value)


def group_name(name: str, by: str) -> str:
    return algorithm_label(name) if by == "algorithm" else name


def analysis_csv(page: AnalysisPage) -> str:
    """Return the analysis as CSV, one row for each group. With several groups, the last row is for all orders.

    The columns are the group, its orders and its notional. For each figure, four more columns have the number of
    orders, the mean, the weighted mean and the standard error.
    """
    head = [page["by"].capitalize(), "Orders", "Notional"]
    for key, figure in FIGURES.items():
        unit = "share" if key in SHARES else "s" if key.endswith("_seconds") else "bp, + is cost"
        head += [
            f"{figure.label} ({unit}): {part}"
            for part in ("orders", "mean", "weighted mean", "standard error")
        ]
    rows = [*page["groups"], *([page["whole"]] if page["whole"] and len(page["groups"]) > 1 else [])]
    return csv_text([head, *(_csv_row(row, page["by"]) for row in rows)])


def _csv_row(row: GroupRow, by: str) -> list[str]:
    notional = ", ".join(f"{value} {name}" for name, value in row["notional"].items())
    cells = [words(group_name(row["group"], by)), str(row["orders"]), words(notional)]
    for mean in row["figures"].values():
        cells += [str(mean["n"]), mean["mean"] or "", mean["weighted"] or "", mean["standard_error"] or ""]
    return cells
