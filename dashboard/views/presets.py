"""The page of presets, on which people save, rename and delete them, and the ticket's choices among them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

from django.http import Http404, HttpRequest, HttpResponse, QueryDict
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from dashboard.access import person_of, presets_required, trader_required
from dashboard.forms import fields
from dashboard.forms.presets import LIMIT_WORDS, TicketPresets, preset_table, ticket_presets
from dashboard.responses import see_other
from execution.core.orders.presets import OF_ONE_ORDER, parse_preset
from execution.core.orders.terms import ALGORITHMS
from execution.core.problems import Problem, Refused
from execution.payloads.orders import TicketAccount
from execution.selectors.presets import last_used, preset_rows
from execution.selectors.ticket import ticket_accounts
from execution.selectors.wall.desk import halt_subjects
from execution.services.desk import presets as services

if TYPE_CHECKING:
    from execution.models import User


@require_http_methods(["GET", "HEAD", "POST"])
@presets_required
def presets(request: HttpRequest) -> HttpResponse:
    """List the presets that the person sees. A POST saves one: a trader's own, or a supervisor's for the desk."""
    if request.method != "POST":
        return _page(request)
    posted, now = request.POST, timezone.now()
    try:
        preset = services.preset_save(
            person=person_of(request),
            request=parse_preset(_asked(posted, now)),
            replaces=bool(posted.get("preset_replace")),
            now=now,
        )
    except Refused as refused:
        problems = fields.problems_as_written(refused.problems, posted.get("algorithm", ""))
        if getattr(request, "htmx", False):
            return render(request, "dashboard/_preset_saved.html", {"problems": problems})
        return _page(request, posted, problems)
    if getattr(request, "htmx", False):
        return render(
            request, "dashboard/_preset_saved.html", {"saved": preset.name, "key": preset.public_id}
        )
    return see_other("presets")


def _asked(posted: QueryDict, now: datetime) -> dict[str, Any]:
    """Return the preset in a posted ticket, in the form that ``parse_preset`` takes."""
    written = {name: str(posted.get(name, "")) for name in posted}
    algorithm = written.get("algorithm", "")
    for_any = written.get("preset_for") == "any"
    return {
        "name": written.get("preset_name", ""),
        "symbol": "" if for_any else written.get("symbol", ""),
        "algorithm": algorithm,
        "parameters": fields.parameters_raw(algorithm, written, now) if algorithm in ALGORITHMS else {},
        "accounts": posted.getlist("accounts") if written.get("preset_accounts") else (),
        "limit_mode": written.get("preset_limit", ""),
    }


ACTIONS = ("rename", "delete")


@require_POST
@presets_required
def preset_act(request: HttpRequest, public_id: str, action: str) -> HttpResponse:
    """Rename or delete one of the trader's own presets, or as a supervisor one of the desk's."""
    if action not in ACTIONS:
        raise Http404("There is no such action.")
    person, now = person_of(request), timezone.now()
    try:
        if action == "rename":
            name = request.POST.get("name", "")
            services.preset_rename(public_id=public_id, person=person, name=name, now=now)
        else:
            services.preset_delete(public_id=public_id, person=person, now=now)
    except services.PresetNotFound:
        raise Http404("There is no such preset.") from None
    except Refused as refused:
        return _page(request, None, refused.problems)
    return see_other("presets")


@require_safe
@trader_required
def ticket_choices(request: HttpRequest) -> HttpResponse:
    """Show the presets for the ticket's algorithm and symbol, with the values that each one fills in."""
    algorithm, symbol = request.GET.get("algorithm", ""), request.GET.get("symbol", "").strip()
    if algorithm not in ALGORITHMS:
        raise Http404("There is no such algorithm.")
    person = person_of(request)
    found = choices_for(person, ticket_accounts(person=person), algorithm, symbol)
    return render(request, "dashboard/_presets.html", {"presets": found})


def choices_for(
    person: User, accounts: Sequence[TicketAccount], algorithm: str, symbol: str
) -> TicketPresets:
    """Return the ticket's choices among presets for an algorithm and a symbol."""
    return ticket_presets(
        preset_rows(person),
        algorithm=algorithm,
        symbol=symbol,
        granted=accounts,
        last=last_used(person=person, symbol=symbol, algorithm=algorithm),
    )


def _page(
    request: HttpRequest, posted: Mapping[str, str] | None = None, problems: Sequence[Problem] = ()
) -> HttpResponse:
    person = person_of(request)
    is_supervisor = not person.may_trade
    table = preset_table(preset_rows(person), is_supervisor=is_supervisor)
    asked = dict(posted.items()) if posted else {}
    algorithm = asked["algorithm"] if asked.get("algorithm") in ALGORITHMS else "twap"
    kept = [
        field for field in fields.ticket_fields(algorithm, asked or None) if field.name not in OF_ONE_ORDER
    ]
    context = {
        "own": [row for row in table if not row["is_desk"]],
        "desk": [row for row in table if row["is_desk"]],
        "problems": problems,
        "is_supervisor": is_supervisor,
        "asked": asked,
        "algorithms": ALGORITHMS.values(),
        "algorithm": algorithm,
        "symbols": [name for _, name in halt_subjects()["symbol"]] if is_supervisor else [],
        "timing": [field for field in kept if not field.advanced],
        "advanced": [field for field in kept if field.advanced],
        "field_defaults": fields.field_defaults(),
        "limit_words": LIMIT_WORDS,
    }
    return render(request, "dashboard/presets.html", context, status=422 if problems else 200)
