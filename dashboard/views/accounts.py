"""The admins' pages of accounts and keys: the list, one account, and the actions on it. No secret is ever rendered."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any

from django.http import Http404, HttpRequest, HttpResponse, QueryDict
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from dashboard.access import admin_required, person_of
from dashboard.again import ask_again, asked_again, must_answer
from dashboard.forms.reasons import posted_reason
from dashboard.present.accounts import account_shown, audit_shown, key_shown, sorted_accounts
from dashboard.responses import see_other
from execution.core.account_options import holds_credentials, parse_options
from execution.core.problems import Problem, Refused
from execution.selectors import accounts as selectors
from execution.selectors.access import access_waiting
from execution.selectors.reconciliation import account_differences
from execution.services.accounts import accounts, changes, credentials
from execution.services.desk import doors, four_eyes

#: Names of form fields whose text is never shown in a form again.
SECRET_FIELDS = {"api_key": "apiKey", "api_secret": "secret", "api_passphrase": "password"}


@require_GET
@never_cache
@admin_required
def account_list(request: HttpRequest) -> HttpResponse:
    """Show every account. For a request by htmx, return only the table."""
    now = timezone.now()
    context = {
        "accounts": sorted_accounts(selectors.account_rows(), now),
        "added": [each.subject for each in access_waiting(now=now) if each.kind == "account.add"],
        "now": now,
    }
    is_part = getattr(request, "htmx", False)
    return render(request, f"dashboard/{'_account_rows' if is_part else 'accounts'}.html", context)


@require_http_methods(["GET", "POST"])
@never_cache
@sensitive_post_parameters(*SECRET_FIELDS)
@admin_required
@asked_again
def account_new(request: HttpRequest) -> HttpResponse:
    """Show the form. A POST requests the account with its key, or shows the problems beside the fields."""
    if request.method != "POST":
        return _form(request)
    try:
        asked = _asked(request.POST)
        waiting = doors.account_create_ask(person=person_of(request), new_account=asked, now=timezone.now())
    except Refused as refused:
        return _form(request, refused.problems)
    account_id = selectors.account_id_of(asked.label)
    return see_other("access") if waiting or account_id is None else see_other("account", account_id)


def _asked(posted: QueryDict) -> accounts.NewAccount:
    chosen = posted.get("venue", "").strip()
    label = posted.get("label", "").strip()
    return accounts.NewAccount(
        label=label,
        venue=chosen or label,
        exchange="" if chosen else posted.get("exchange", "").strip(),
        environment=selectors.installation_environment(),
        options=None if chosen else parse_options(posted.get("options", "") or "{}"),
        symbols=_symbols(posted),
        traders=posted.getlist("traders"),
        secrets=_secrets(posted),
    )


def _symbols(posted: QueryDict) -> list[str]:
    return posted.get("symbols", "").upper().replace(",", " ").split()


def _secrets(posted: QueryDict) -> dict[str, str]:
    parts = {name: posted.get(field, "").strip() for field, name in SECRET_FIELDS.items()}
    return {name: text for name, text in parts.items() if text}


def _form(request: HttpRequest, problems: Sequence[Problem] = ()) -> HttpResponse:
    posted = request.POST
    names = {name: field for field, name in SECRET_FIELDS.items()}
    context = {
        "venues": selectors.venue_choices(),
        "listed": selectors.listed_symbols(),
        "traders": selectors.trader_names(),
        "is_shared": four_eyes.has_second_person(person=person_of(request), now=timezone.now()),
        "written": {name: text for name, text in posted.items() if _may_be_shown(name, str(text))},
        "granted": posted.getlist("traders"),
        "problems": [(names.get(problem.field, problem.field), problem.message) for problem in problems],
    }
    return render(request, "dashboard/account_new.html", context, status=422 if problems else 200)


def _may_be_shown(name: str, text: str) -> bool:
    return name not in SECRET_FIELDS and not (name == "options" and holds_credentials(text))


@require_GET
@never_cache
@admin_required
def account_detail(request: HttpRequest, public_id: str) -> HttpResponse:
    """Show one account. For a request by htmx, return only the part of the page that is refreshed."""
    return _detail(request, public_id, is_part=bool(getattr(request, "htmx", False)))


def _detail(
    request: HttpRequest, public_id: str, problems: Sequence[Problem] = (), *, is_part: bool = False
) -> HttpResponse:
    facts = selectors.account_facts(public_id)
    if facts is None:
        raise Http404("There is no such account.")
    now = timezone.now()
    context = {
        "account": account_shown(facts, now),
        "former": [key_shown(key, now) for key in facts["former_keys"]],
        "audit": audit_shown(facts),
        "others": facts["others"],
        "listed": [] if is_part else selectors.symbols_listed_at(facts["venue"]),
        "differences": account_differences(public_id, now),
        "problems": [problem.message for problem in problems],
        "waiting": access_waiting(now=now, subject=facts["label"]),
        "now": now,
    }
    template = "dashboard/_account_state.html" if is_part else "dashboard/account.html"
    return render(request, template, context, status=422 if problems else 200)


# --- what is done to an account ---------------------------------------------------------------------


class FormRequest:
    """The person, the account and the form of a request."""

    def __init__(self, request: HttpRequest, public_id: str, now: datetime) -> None:
        self.who: dict[str, Any] = {"person": person_of(request), "account_id": public_id, "now": now}
        self.posted = request.POST

    @property
    def reason(self) -> str:
        return posted_reason(self.posted)

    @property
    def trader(self) -> str:
        return self.posted.get("trader", "").strip()


ACTIONS: dict[str, Callable[[FormRequest], object]] = {
    "check": lambda asking: credentials.credential_check(**asking.who),
    "suspend": lambda asking: credentials.credential_suspend(**asking.who, reason=asking.reason),
    "resume": lambda asking: doors.key_resume_ask(**asking.who, reason=asking.reason),
    "retire": lambda asking: credentials.credential_retire(**asking.who, reason=asking.reason),
    "replace": lambda asking: doors.key_replace_ask(
        **asking.who, secrets=_secrets(asking.posted), reason=asking.reason
    ),
    "grant": lambda asking: doors.account_grant_ask(**asking.who, trader=asking.trader),
    "revoke": lambda asking: changes.account_revoke(**asking.who, trader=asking.trader),
    "close": lambda asking: changes.account_close(**asking.who, reason=asking.reason),
    "open": lambda asking: doors.account_open_ask(**asking.who),
    "symbols": lambda asking: changes.account_symbols(**asking.who, symbols=_symbols(asking.posted)),
    "exclusive": lambda asking: changes.account_exclusive(
        **asking.who, is_exclusive=True, reason=asking.reason
    ),
    "shared": lambda asking: changes.account_exclusive(
        **asking.who, is_exclusive=False, reason=asking.reason
    ),
    "assumptions": lambda asking: changes.account_assumptions_accept(**asking.who, reason=asking.reason),
}


#: Actions that give access. A person must prove their identity again for each.
OPENING = frozenset({"resume", "replace", "grant", "open", "assumptions"})


@require_POST
@never_cache
@sensitive_post_parameters(*SECRET_FIELDS)
@admin_required
def account_act(request: HttpRequest, public_id: str, action: str) -> HttpResponse:
    """Carry out one action of an admin. A refusal shows the account with the reason and changes nothing."""
    if action not in ACTIONS:
        raise Http404("There is no such action.")
    if action in OPENING and must_answer(request):
        return ask_again(request)
    try:
        ACTIONS[action](FormRequest(request, public_id, timezone.now()))
    except accounts.AccountNotFound:
        raise Http404("There is no such account.") from None
    except Refused as refused:
        return _detail(request, public_id, refused.problems)
    return see_other("account", public_id)
