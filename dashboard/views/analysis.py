"""The pages of costs: the report of one order, and the analysis of many."""

from __future__ import annotations

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_GET

from dashboard.access import order_seen, person_of
from dashboard.forms.filters import read_filter
from dashboard.present.analysis_charts import chart_panels
from dashboard.present.analysis_tables import analysis_csv, panels_of
from dashboard.present.numbers import (
    DASH,
    amount,
    difference,
    fill_delay,
    lateness,
    participation,
    percent,
    points,
    price,
    tone,
)
from dashboard.present.order_pills import order_pill
from dashboard.present.report_tables import heads_of, report_csv, report_table
from dashboard.responses import csv_response, filter_refused
from execution.core.orders.terms import ALGORITHMS
from execution.core.tca.buckets import MIN_ORDERS
from execution.payloads.encode import moment_of
from execution.payloads.reports import GROUPS, Predicted, Report
from execution.selectors.orders.order_filter import AnalysisFilter
from execution.selectors.orders.visibility import sees_several
from execution.selectors.tca.analysis import analysis_page
from execution.selectors.tca.reports import report_read, shown_split

#: One hour in milliseconds.
HOUR = 3_600_000


def _report(request: HttpRequest, public_id: str) -> Report:
    order_id = order_seen(request, public_id)
    return report_read(order_id, timezone.now())


@require_GET
@login_required
def order_report(request: HttpRequest, public_id: str) -> HttpResponse:
    """Show an order's report. The page reads it again at an interval until it is final."""
    report = _report(request, public_id)
    algorithm = ALGORITHMS.get(report["algorithm"])
    context = {
        "report": report,
        "pill": order_pill(report["status"]),
        "refresh": _refresh(report),
        "algorithm": algorithm.label if algorithm else report["algorithm"].upper(),
        "heads": heads_of(report),
        "lines": report_table(report),
        "facts": _facts(report),
        "charts": {
            "split_bp": shown_split(report["split_bp"]),
            "markouts": report["markouts"],
            "side": report["side"],
        },
    }
    return render(request, "dashboard/report.html", context)


def _by(predicted: Predicted | None) -> str:
    return "" if predicted is None else f" by {'its route' if predicted['by'] == 'route' else 'simulation'}"


def _refresh(report: Report) -> int:
    """Return the interval in seconds at which the page reads a live report again.

    It is longer for an order that began over an hour ago, because a longer report takes more time to make.
    """
    began = report["started_at"]
    return 5 if began is None or report["at"] - began < HOUR else 60


def _facts(report: Report) -> list[tuple[str, list[tuple[str, str, str]]]]:
    tick, base, quote = report["tick"], report["base"], report["quote"]
    predicted = report["predicted"]
    expected = DASH if predicted is None else points(predicted["cost_bp"])
    if predicted is not None and predicted["standard_error_bp"] is not None:
        expected += f" ± {amount(predicted['standard_error_bp'], 1)}"
    fees = ", ".join(f"{amount(fee['amount'])} {fee['currency']}" for fee in report["fees"]) or DASH
    return [
        (
            "Predicted and actual",
            [
                (f"Predicted{_by(predicted)}, bp", expected, ""),
                _cost("Actual total, bp", report["split_bp"]["total"]),
                (
                    f"Actual total, {quote}",
                    amount(report["split"]["total"], 2),
                    tone(report["split"]["total"], 2),
                ),
                _cost(
                    "Actual − predicted, bp",
                    difference(report["split_bp"]["total"], predicted and predicted["cost_bp"]),
                ),
            ],
        ),
        (
            "Market while it worked",
            [
                ("Arrival mid", price(report["arrival_mid"], tick), ""),
                ("VWAP", price(report["market_vwap"], tick), ""),
                ("TWAP", price(report["market_twap"], tick), ""),
                (f"Volume, {base}", amount(report["market_volume"], 2), ""),
                ("Watched", percent(report["watched"]), ""),
                ("Participation", participation(report["participation"]), ""),
            ],
        ),
        (
            "Not done",
            [
                (f"Unfilled, {base}", amount(report["unfilled"]), ""),
                (
                    f"Opportunity, {quote}",
                    amount(report["opportunity"], 2),
                    tone(report["opportunity"], 2),
                ),
                _cost("Opportunity, bp of the order", report["opportunity_bp"]),
                _cost("Shortfall, bp of the order", report["shortfall_bp"]),
            ],
        ),
        (
            "Time against the first plan",
            [
                (
                    "Finished" if report["status"] == "completed" else "Ended",
                    lateness(report["end_lag_seconds"]),
                    "",
                ),
                ("Began, UTC", _clock(report["started_at"]), ""),
                ("Ended, UTC", _clock(report["ended_at"]), ""),
                ("Average fill delay", fill_delay(report["mean_lag_seconds"]), ""),
            ],
        ),
        ("Fees paid", [("By currency", fees, ""), (f"In {quote}", amount(report["split"]["fees"], 2), "")]),
    ]


def _clock(at: int | None) -> str:
    return DASH if at is None else f"{moment_of(at):%Y-%m-%d %H:%M:%S}"


def _cost(name: str, value: str | None) -> tuple[str, str, str]:
    return name, points(value), tone(value)


@require_GET
@login_required
def order_report_export(request: HttpRequest, public_id: str) -> HttpResponseBase:
    report = _report(request, public_id)
    return csv_response(report_csv(report), f"report-{public_id}.csv")


@require_GET
@login_required
def analysis(request: HttpRequest) -> HttpResponse:
    """Show the costs of the orders in the filter, by group."""
    person = person_of(request)
    chosen = read_filter(person, AnalysisFilter, request.GET.dict())
    page = None if chosen.problems else analysis_page(person=person, chosen=chosen.filter)
    context = {
        "chosen": chosen,
        "page_data": page,
        "charts": chart_panels(page["charts"]) if page else [],
        "few": MIN_ORDERS,
        "panels": panels_of(page) if page else [],
        "groups": [
            {
                "label": name.capitalize(),
                "query": chosen.query(group=name),
                "chosen": name == chosen.filter.group,
            }
            for name in GROUPS
            if name != "trader" or sees_several(person)
        ],
    }
    return render(request, "dashboard/analysis.html", context)


@require_GET
@login_required
def analysis_export(request: HttpRequest) -> HttpResponseBase:
    """Export the figures of the page with this filter as CSV, with all digits."""
    person = person_of(request)
    chosen = read_filter(person, AnalysisFilter, request.GET.dict())
    if chosen.problems:
        return filter_refused(chosen.problems)
    page = analysis_page(person=person, chosen=chosen.filter)
    return csv_response(analysis_csv(page), f"analysis-{timezone.now():%Y%m%d-%H%M%S}.csv")
