"""What orders cost: the report of one, and the analysis of many."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_GET

from dashboard.access import person_of
from dashboard.forms.analysis_filters import Analysed, read_analysis
from dashboard.present.analysis_tables import analysis_csv, panels_of
from dashboard.present.numbers import DASH, amount, length, percent, points, price, tone
from dashboard.present.report_tables import heads_of, report_csv, report_table
from execution.core.orders.terms import ALGORITHMS
from execution.payloads.reports import Predicted, Report
from execution.selectors.orders.visibility import order_find, sees_several
from execution.selectors.tca.analysis import GROUPS, analysis_page
from execution.selectors.tca.reports import report_read

#: In milliseconds.
HOUR = 3_600_000


def _report(request: HttpRequest, public_id: str) -> Report:
    order_id = order_find(person=person_of(request), public_id=public_id)
    if order_id is None:
        raise Http404("There is no such order.")
    return report_read(order_id, timezone.now())


@require_GET
@login_required
def order_report(request: HttpRequest, public_id: str) -> HttpResponse:
    """An order's report; until it is final it is read again every few seconds."""
    report = _report(request, public_id)
    algorithm = ALGORITHMS.get(report["algorithm"])
    context = {
        "report": report,
        "refresh": _refresh(report),
        "algorithm": algorithm.label if algorithm else report["algorithm"].upper(),
        "heads": heads_of(report),
        "lines": report_table(report),
        "facts": _facts(report),
        "charts": {name: report[name] for name in ("split_bp", "markouts", "side")},
    }
    return render(request, "dashboard/report.html", context)


def _by(predicted: Predicted | None) -> str:
    return "" if predicted is None else f" by {'its route' if predicted['by'] == 'route' else 'simulation'}"


def _refresh(report: Report) -> int:
    """Seconds until a live report is read again: one of a whole day's samples takes seconds to make."""
    began = report["started_at"]
    return 5 if began is None or report["at"] - began < HOUR else 60


def _facts(report: Report) -> list[tuple[str, list[tuple[str, str, str]]]]:
    """Panels of name, value and class."""
    tick, base, quote = report["tick"], report["base"], report["quote"]
    predicted = report["predicted"]
    expected = DASH if predicted is None else points(predicted["cost_bp"])
    if predicted is not None and predicted["standard_error_bp"] is not None:
        expected += f" ± {amount(predicted['standard_error_bp'], 1)}"
    fees = ", ".join(f"{amount(fee['amount'])} {fee['currency']}" for fee in report["fees"]) or DASH
    total, error = report["split_bp"]["total"], report["predicted_error_bp"]
    return [
        (
            "Predicted and achieved",
            [
                (f"Predicted{_by(predicted)}, bp", expected, ""),
                ("Achieved total, bp", points(total), tone(total)),
                ("Achieved less predicted", points(error), tone(error)),
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
                ("Participation", percent(report["participation"]), ""),
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
                (
                    "Opportunity, bp of the order",
                    points(report["opportunity_bp"]),
                    tone(report["opportunity_bp"]),
                ),
                ("Shortfall, bp of the order", points(report["shortfall_bp"]), tone(report["shortfall_bp"])),
            ],
        ),
        (
            "Time against plan",
            [
                ("End later than planned", length(report["end_lag_seconds"]), ""),
                ("Average unit later", length(report["mean_lag_seconds"]), ""),
            ],
        ),
        ("Fees paid", [("By currency", fees, ""), (f"In {quote}", amount(report["split"]["fees"], 2), "")]),
    ]


@require_GET
@login_required
def order_report_export(request: HttpRequest, public_id: str) -> HttpResponse:
    report = _report(request, public_id)
    return _csv(report_csv(report), f"report-{public_id}.csv")


@require_GET
@login_required
def analysis(request: HttpRequest) -> HttpResponse:
    """What the orders of a filter achieved, by group."""
    person = person_of(request)
    chosen = read_analysis(person, request.GET.dict())
    page = None if chosen.problems else analysis_page(person=person, chosen=chosen.filter)
    context = {
        "chosen": chosen,
        "page_data": page,
        "panels": panels_of(page) if page else [],
        "groups": [
            {
                "label": name.capitalize(),
                "query": chosen.query(group=name),
                "chosen": name == chosen.filter.by,
            }
            for name in GROUPS
            if name != "trader" or sees_several(person)
        ],
        "fields": _fields(chosen),
        "query": chosen.query(),
        "is_filtered": bool(chosen.query(group="")),
    }
    return render(request, "dashboard/analysis.html", context)


def _fields(chosen: Analysed) -> list[dict[str, Any]]:
    """The filter's selects; what was written stays to be seen, known or not."""
    fields: list[tuple[str, str, list[tuple[str, str]]]] = [
        ("algorithm", "Algorithm", [(name, algorithm.label) for name, algorithm in ALGORITHMS.items()]),
        ("symbol", "Symbol", [(name, name) for name in chosen.choices.symbols]),
        ("venue", "Venue", [(name, name) for name in chosen.venues]),
        ("side", "Side", [("buy", "buy"), ("sell", "sell")]),
        ("trader", "Trader", [(name, name) for name in chosen.choices.traders]),
    ]
    return [
        {
            "name": name,
            "label": label,
            "options": [
                {"value": value, "label": text, "chosen": value == chosen.written.get(name)}
                for value, text in _with(options, chosen.written.get(name, ""))
            ],
            "active": bool(chosen.written.get(name)),
        }
        for name, label, options in fields
        if options
    ]


def _with(options: list[tuple[str, str]], value: str) -> list[tuple[str, str]]:
    return options if not value or value in dict(options) else [*options, (value, value)]


@require_GET
@login_required
def analysis_export(request: HttpRequest) -> HttpResponse:
    """Exactly what the page of this filter shows, with all digits."""
    person = person_of(request)
    chosen = read_analysis(person, request.GET.dict())
    if chosen.problems:
        text = "; ".join(problem.message for problem in chosen.problems)
        return HttpResponse(text, status=422, content_type="text/plain")
    page = analysis_page(person=person, chosen=chosen.filter)
    return _csv(analysis_csv(page), f"analysis-{timezone.now():%Y%m%d-%H%M%S}.csv")


def _csv(content: str, name: str) -> HttpResponse:
    return HttpResponse(
        content,
        content_type="text/csv; charset=utf-8",
        headers={"Content-Disposition": f'attachment; filename="{name}"', "Cache-Control": "no-store"},
    )
