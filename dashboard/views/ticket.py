"""The ticket, on which a person writes an order: its form, live preview, review before sending, and sending."""

from __future__ import annotations

import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from django.http import Http404, HttpRequest, HttpResponse, QueryDict
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_POST
from django_htmx.http import HttpResponseClientRedirect

from dashboard.access import person_of, trader_required
from dashboard.forms import fields
from dashboard.forms.clones import clone_of
from dashboard.forms.confirmations import confirmed_in, is_confirmation
from dashboard.forms.presets import LIMIT_WORDS, beginning
from dashboard.forms.ticket_links import DEFAULT_ALGORITHM, ticket_link
from dashboard.present import sentences
from dashboard.present.limit_fields import limit_fields
from dashboard.present.predictions import predicted_now
from dashboard.present.previews import preview_context
from dashboard.responses import see_other
from dashboard.views.presets import choices_for
from execution.core.numbers import without_grouping
from execution.core.orders.terms import ALGORITHMS, OrderRequest, parse_order_request
from execution.core.problem_codes import Code
from execution.core.problems import Problem, Refused
from execution.payloads.encode import epoch_ms
from execution.payloads.orders import TicketAccount
from execution.selectors.presets import last_used
from execution.selectors.room import room_words
from execution.selectors.ticket import accounts_left_out, order_asked, ticket_accounts
from execution.services.orders import orders as services
from execution.services.orders.confirmation import price_problems, quantity_must_be_typed

#: Problems of a value that nobody has written yet. A ticket that is filled from its address does not begin with them.
UNWRITTEN = frozenset({Code.VALUE_MISSING, Code.DURATION_OR_END_REQUIRED})


@dataclass(frozen=True, slots=True)
class ParsedTicket:
    """A posted ticket. It has the order request, or the reasons why the ticket cannot be read."""

    request: OrderRequest | None
    problems: tuple[Problem, ...]
    written: Mapping[str, str]
    accounts: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class TicketStart:
    """The values with which a new ticket begins. ``values`` are its parameters; None means the defaults.

    ``words`` say from which order the values come. ``is_used`` is True if they come from an order. In that case the
    page offers a way back to the defaults.
    """

    symbol: str
    accounts: tuple[str, ...]
    algorithm: str = DEFAULT_ALGORITHM
    values: Mapping[str, str] | None = None
    words: str = ""
    notes: tuple[str, ...] = ()
    #: The fields that the address of the ticket gives.
    written: Mapping[str, str] = field(default_factory=dict)

    @property
    def is_used(self) -> bool:
        return self.values is not None


def read_ticket(posted: QueryDict, now: datetime) -> ParsedTicket:
    written = {name: str(posted.get(name, "")) for name in posted}
    algorithm = written.get("algorithm", "")
    known = algorithm in ALGORITHMS
    accounts = tuple(posted.getlist("accounts"))
    raw: dict[str, Any] = {
        **{name: written.get(name, "") for name in ("symbol", "side", "unit")},
        **{name: without_grouping(written.get(name, "")) for name in ("quantity", "limit_price")},
        "algorithm": algorithm,
        "accounts": accounts,
        "client_reference": written.get("client_reference", ""),
        "parameters": fields.parameters_raw(algorithm, written, now) if known else {},
    }
    try:
        return ParsedTicket(parse_order_request(raw), (), written, accounts)
    except Refused as refused:
        return ParsedTicket(None, fields.problems_as_written(refused.problems, algorithm), written, accounts)


@trader_required
@require_http_methods(["GET", "POST"])
def ticket(request: HttpRequest) -> HttpResponse:
    """Show the form. A POST sends the order.

    ``?from=`` fills the form from an order that the person may see. With ``&left=1`` the quantity is only the part of
    that order that is not filled.

    A new ticket begins with the values that the person last used. With ``?start=defaults`` it begins with the
    defaults. Any other query fills the fields that it names, such as ``?symbol=BTC/USDT&side=sell``.
    """
    if request.method == "POST":
        return _send(request)
    if public_id := request.GET.get("from"):
        return _clone(request, public_id)
    return _started(request) if request.GET else _form(request)


def _started(request: HttpRequest) -> HttpResponse:
    """Show the form with the fields that the address names. Nothing is written, and nothing is sent."""
    accounts = ticket_accounts(person=person_of(request))
    link = ticket_link(request.GET, accounts)
    start = _start(request, accounts, link.given.get("symbol", ""), link.accounts or link.trading[:1])
    algorithm = link.given.get("algorithm", start.algorithm)
    if algorithm != start.algorithm:
        start = TicketStart(start.symbol, start.accounts, algorithm)
    if link.parameters:
        start = replace(start, values=_values(start) | link.parameters)
    written = {name: text for name, text in link.given.items() if name not in ("symbol", "algorithm")}
    start = replace(start, accounts=link.accounts or start.accounts, written=written)
    posted = QueryDict(mutable=True)
    begun = {"side": "buy", "unit": "base", "symbol": start.symbol, "algorithm": start.algorithm}
    posted.update(begun | _values(start) | {**link.given})
    posted.setlist("accounts", list(start.accounts))
    read = read_ticket(posted, timezone.now())
    problems = [problem for problem in read.problems if problem.code not in UNWRITTEN]
    return _form(request, problems=problems, notes=link.notes, start=start)


def _values(start: TicketStart) -> dict[str, str]:
    """Return the parameters that a ticket begins with, the defaults if there are no others."""
    if start.values is not None:
        return dict(start.values)
    return {each.name: each.value for each in fields.algorithm_fields(start.algorithm)}


def _start(
    request: HttpRequest, accounts: Sequence[TicketAccount], symbol: str = "", chosen: tuple[str, ...] = ()
) -> TicketStart:
    """Return what a new ticket begins with: what the person last used for the symbol, else for any other symbol."""
    chosen = chosen or tuple(account["id"] for account in accounts[:1])
    symbol = symbol or min((row["symbol"] for one in accounts[:1] for row in one["markets"]), default="")
    empty = TicketStart(symbol, chosen)
    if request.GET.get("start") == "defaults":
        return empty
    last = last_used(person=person_of(request), symbol=symbol)
    if last is None:
        return empty
    filling, words = beginning(last, symbol, accounts)
    if filling.get("trouble"):
        return replace(empty, words=words)
    return TicketStart(
        symbol=symbol,
        accounts=tuple(filling["accounts"] or chosen),
        algorithm=last.order.algorithm,
        values=filling["fields"],
        words=words,
        notes=tuple(filling["notes"]),
    )


def _clone(request: HttpRequest, public_id: str) -> HttpResponse:
    person, now = person_of(request), timezone.now()
    source = order_asked(person=person, public_id=public_id)
    if source is None:
        raise Http404("There is no such order.")
    wants_left = bool(request.GET.get("left"))
    clone = clone_of(source, granted=ticket_accounts(person=person), now=now, only_left=wants_left)
    posted = QueryDict(mutable=True)
    posted.update(clone.written)
    posted.setlist("accounts", list(clone.accounts))
    asked = read_ticket(posted, now)
    problems = asked.problems
    if asked.request is not None:
        found = services.order_preview(person=person, request=asked.request, now=now)
        problems = fields.problems_as_written(found.problems, asked.request.algorithm)
    return _form(request, asked, problems, notes=clone.notes)


def _form(
    request: HttpRequest,
    form: ParsedTicket | None = None,
    problems: Sequence[Problem] = (),
    notes: Sequence[Problem] = (),
    status: int = 200,
    start: TicketStart | None = None,
) -> HttpResponse:
    """Show the form with its posted values, or an empty one with the values of ``start``."""
    person = person_of(request)
    accounts = ticket_accounts(person=person)
    if form is not None:
        asked = form.written
        start = TicketStart(asked.get("symbol", ""), form.accounts, asked.get("algorithm", ""), asked)
    start = start or _start(request, accounts)
    algorithm = start.algorithm if start.algorithm in ALGORITHMS else DEFAULT_ALGORITHM
    written = form.written if form else start.written
    parameter_fields = fields.ticket_fields(algorithm, start.values)
    advanced = [each for each in parameter_fields if each.advanced]
    names = [each.name for each in advanced]
    context = {
        "accounts": accounts,
        "left_out": accounts_left_out(person_of(request)),
        "no_room": room_words() if not problems else "",
        "start": None if form else start,
        "chosen": start.accounts,
        "symbol": start.symbol,
        "unit_names": start.symbol.split("/") if "/" in start.symbol else ["base", "quote"],
        "symbols": sorted({market["symbol"] for account in accounts for market in account["markets"]}),
        "algorithms": ALGORITHMS.values(),
        "algorithm": algorithm,
        "presets": choices_for(person, accounts, algorithm, start.symbol),
        "limit_words": LIMIT_WORDS,
        "timing": [each for each in parameter_fields if not each.advanced],
        "advanced": advanced,
        "shows_more": form is not None or not {"client_reference", *names}.isdisjoint(written),
        "now": epoch_ms(timezone.now()),
        "field_defaults": fields.field_defaults(),
        "written": written,
        "problems": problems,
        "notes": notes,
        # A fresh key per rendered form; a refused form keeps its own, so that sending again stays one order.
        "key": written.get("key") or secrets.token_hex(16),
    }
    return render(request, "dashboard/ticket.html", context, status=status)


@trader_required
@require_POST
def preview(request: HttpRequest) -> HttpResponse:
    """Show the preview panel for the form's present values. Nothing is written."""
    return render(request, "dashboard/_preview.html", _preview(request))


@trader_required
@require_POST
def review(request: HttpRequest) -> HttpResponse:
    """Show the review before sending: the order in one sentence.

    It also shows the problems that prevent the order, or a note that order books have not arrived yet.
    """
    return _review(request, _preview(request))


def _review(request: HttpRequest, context: dict[str, Any], missing: Sequence[Problem] = ()) -> HttpResponse:
    found = context["preview"]
    context["missing"] = said = {problem.field: problem.message for problem in missing}
    if found is not None:
        context["waits"] = bool(found.books_awaited) and not context["problems"]
        context["sentence"] = sentences.order_sentence(found)
        context["must_type"] = quantity_must_be_typed(person_of(request), found)
        context["unit"] = sentences.unit_word(found)
        context["far_prices"] = price_problems(found)
        context |= limit_fields(found.verdict, request.POST, said)
    return render(request, "dashboard/_review.html", context)


def _preview(request: HttpRequest) -> dict[str, Any]:
    now = timezone.now()
    asked = read_ticket(request.POST, now)
    person = person_of(request)
    found = services.order_preview(person=person, request=asked.request, now=now) if asked.request else None
    problems = (
        fields.problems_as_written(found.problems, found.request.algorithm) if found else asked.problems
    )
    return preview_context(
        person=person,
        form=asked.written,
        accounts=asked.accounts,
        preview=found,
        problems=problems,
        now=now,
        predicted=predicted_now(found, now),
    )


def _send(request: HttpRequest) -> HttpResponse:
    now = timezone.now()
    asked = read_ticket(request.POST, now)
    key = asked.written.get("key", "").strip()
    problems = asked.problems
    if not key:
        message = "The form has no key. Load the page again."
        problems = (*problems, Problem("", message, code=Code.VALUE_MISSING))
    if asked.request is not None and not problems:
        try:
            order = services.order_submit(
                person=person_of(request),
                request=asked.request,
                key=key,
                now=now,
                confirmed=confirmed_in(asked.written),
            )
        except Refused as refused:
            problems = fields.problems_as_written(refused.problems, asked.request.algorithm)
        else:
            return _sent(request, order.public_id)
    if getattr(request, "htmx", False):
        if problems and all(is_confirmation(problem.field) for problem in problems):
            return _review(request, _preview(request), problems)
        return render(request, "dashboard/_review.html", {"problems": problems, "refused": True})
    return _form(request, asked, problems, status=422)


def _sent(request: HttpRequest, public_id: str) -> HttpResponse:
    if getattr(request, "htmx", False):
        return HttpResponseClientRedirect(reverse("order", args=[public_id]))
    return see_other("order", public_id)
