"""The supervisors' search in the journal and the audit, and its export."""

from __future__ import annotations

from django.core.handlers.asgi import ASGIRequest
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_GET

from dashboard.access import person_of, supervisor_required
from dashboard.forms.filters import read_filter
from dashboard.present.entry_tables import details_of, entry_lines
from dashboard.responses import csv_response, filter_refused, in_thread
from execution.core.journal import actor_name
from execution.selectors.chains import break_words, last_check
from execution.selectors.orders.entries import (
    TEXT_DAYS,
    EntryPage,
    entries_all,
    entries_page,
    entry_kinds,
    is_text_bounded,
    known_breaks,
)
from execution.selectors.orders.order_filter import SOURCES, EntryFilter

#: The most breaks that the page lists. ``manage.py journal verify`` lists all.
MAX_LISTED = 20
LABELS = dict(zip(SOURCES, ("Orders", "Audit"), strict=True))


@require_GET
@supervisor_required
def journal(request: HttpRequest) -> HttpResponse:
    """Show a page of the entries that match the filter, with the known breaks of their hash chains."""
    chosen = read_filter(person_of(request), EntryFilter, request.GET.dict())
    now, source = timezone.now(), chosen.filter.source
    found = EntryPage([], None) if chosen.problems else entries_page(chosen.filter, now)
    breaks = [] if chosen.problems else [break_words(one) for one in known_breaks(chosen.filter)]
    context = {
        "chosen": chosen,
        "source": source,
        "clear": "?source=audit" if source == "audit" else "?",
        "subject": "Order" if source == "orders" else "About",
        "sources": [
            {"label": label, "query": chosen.query(source=name, kind=""), "chosen": name == source}
            for name, label in LABELS.items()
        ],
        "rows": [
            {**row, "who": actor_name(row["actor"]), "details": details_of(row["data"])} for row in found.rows
        ],
        "older": found.older and chosen.query(before=found.older),
        "newest": chosen.query() if chosen.filter.before else None,
        "kinds": entry_kinds(source),
        "breaks": breaks[:MAX_LISTED],
        "more_breaks": max(0, len(breaks) - MAX_LISTED),
        "check": last_check(),
        "text_days": TEXT_DAYS.days if is_text_bounded(chosen.filter) else None,
    }
    return render(request, "dashboard/journal.html", context)


@require_GET
@supervisor_required
def journal_export(request: HttpRequest) -> HttpResponseBase:
    """Export all entries of the filter as CSV."""
    chosen = read_filter(person_of(request), EntryFilter, request.GET.dict())
    if chosen.problems:
        return filter_refused(chosen.problems)
    now, source = timezone.now(), chosen.filter.source
    lines = entry_lines(entries_all(chosen.filter, now), "Order" if source == "orders" else "About")
    content = in_thread(lines) if isinstance(request, ASGIRequest) else lines
    return csv_response(content, f"journal-{source}-{now:%Y%m%d-%H%M%S}.csv")
