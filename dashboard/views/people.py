"""The admins' pages of people: the list, a new person, and one person with what they may do, use and have open."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from django.http import Http404, HttpRequest, HttpResponse, QueryDict
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from dashboard.access import admin_required, person_of
from dashboard.again import ask_again, asked_again, must_answer
from dashboard.forms.people import SECRET_FIELDS, posted_password, posted_person
from dashboard.forms.reasons import posted_reason
from dashboard.present.limit_tables import limit_table
from dashboard.present.order_pills import order_pill
from dashboard.present.people import ROLES, person_audit
from dashboard.responses import see_other
from execution.core.problem_codes import Code
from execution.core.problems import Problem, Refused, refuse
from execution.core.types import Role
from execution.selectors import people as selectors
from execution.selectors.access import access_waiting
from execution.selectors.limits import limit_rows
from execution.services.accounts import changes
from execution.services.accounts.accounts import AccountNotFound
from execution.services.desk import doors, person_entry
from execution.services.desk import people as services


@require_GET
@never_cache
@admin_required
def people_list(request: HttpRequest) -> HttpResponse:
    return render(request, "dashboard/people.html", {"people": selectors.people_rows()})


@require_http_methods(["GET", "POST"])
@never_cache
@sensitive_post_parameters(*SECRET_FIELDS)
@admin_required
@asked_again
def person_new(request: HttpRequest) -> HttpResponse:
    """Show the form. A POST adds the person, or shows the problems."""
    if request.method != "POST":
        return _new(request, {"role": Role.TRADER, "confirm_above": "100000"})
    try:
        person, _ = person_entry.person_add(
            entry=posted_person(request.POST),
            password=posted_password(request.POST),
            changed_by=person_of(request),
            now=timezone.now(),
        )
    except Refused as refused:
        return _new(request, _written(request.POST), refused.problems)
    return see_other("person", person.public_id)


def _new(request: HttpRequest, written: Mapping[str, str], problems: Sequence[Problem] = ()) -> HttpResponse:
    context = {"written": written, "roles": ROLES, "problems": problems}
    return render(request, "dashboard/person_new.html", context, status=422 if problems else 200)


def _written(posted: QueryDict) -> dict[str, str]:
    return {name: str(text) for name, text in posted.items() if name not in SECRET_FIELDS}


@require_GET
@never_cache
@admin_required
def person_detail(request: HttpRequest, public_id: str) -> HttpResponse:
    return _detail(request, public_id)


def _detail(request: HttpRequest, public_id: str, problems: Sequence[Problem] = ()) -> HttpResponse:
    """Show the person. A refused change is shown as it was written."""
    facts = selectors.person_facts(public_id)
    if facts is None:
        raise Http404("There is no such person.")
    now = timezone.now()
    own_limits = [
        row for row in limit_rows(now) if row["scope"] == "trader" and row["subject"] == facts["name"]
    ]
    context = {
        "person": {
            **facts,
            "orders": [{**row, "pill": order_pill(row["status"])} for row in facts["orders"]],
        },
        "written": _written(request.POST) if "username" in request.POST else facts["entry"],
        "roles": ROLES,
        "limits": limit_table(own_limits),
        "audit": person_audit(facts["audit"]),
        "waiting": access_waiting(now=now, subject=facts["name"]),
        "sessions": selectors.login_rows(
            person_pk=facts["pk"], current=request.session.session_key or "", now=now
        ),
        "is_self": facts["pk"] == person_of(request).pk,
        "problems": problems,
        "now": now,
    }
    return render(request, "dashboard/person.html", context, status=422 if problems else 200)


def _grant(who: dict[str, Any], posted: QueryDict) -> object:
    return doors.account_grant_ask(**_access(who, posted))


def _revoke(who: dict[str, Any], posted: QueryDict) -> object:
    return changes.account_revoke(**_access(who, posted))


def _access(who: dict[str, Any], posted: QueryDict) -> dict[str, Any]:
    """Return the service's arguments for granting or revoking the account that the form names."""
    name = selectors.person_name(who["public_id"])
    if name is None:
        raise services.PersonNotFound(who["public_id"])
    account = posted.get("account", "").strip()
    if not account:
        refuse("account", "Choose an account.", code=Code.VALUE_MISSING)
    return {"person": who["changed_by"], "account_id": account, "trader": name, "now": who["now"]}


ACTIONS: dict[str, Callable[[dict[str, Any], QueryDict], object]] = {
    "change": lambda who, posted: person_entry.person_edit(**who, entry=posted_person(posted)),
    "password": lambda who, posted: person_entry.person_password(**who, password=posted_password(posted)),
    "grant": _grant,
    "revoke": _revoke,
    "disable": lambda who, posted: services.person_disable(**who, reason=posted_reason(posted)),
    "logout": lambda who, posted: services.person_logout(**who, reason=posted_reason(posted)),
    "factor": lambda who, posted: doors.factor_remove_ask(**who, reason=posted_reason(posted)),
    "enable": lambda who, posted: doors.person_enable_ask(**who, reason=posted_reason(posted)),
}
#: Actions that may give access. A person must prove their identity again for each.
OPENING = frozenset({"change", "password", "grant", "factor", "enable"})


@require_POST
@never_cache
@sensitive_post_parameters(*SECRET_FIELDS)
@admin_required
def person_act(request: HttpRequest, public_id: str, action: str) -> HttpResponse:
    """Carry out one action of an admin on a person. A refusal shows the reason and changes nothing."""
    if action not in ACTIONS:
        raise Http404("There is no such action.")
    if action in OPENING and must_answer(request):
        return ask_again(request)
    who = {"public_id": public_id, "changed_by": person_of(request), "now": timezone.now()}
    try:
        waiting = ACTIONS[action](who, request.POST)
    except services.PersonNotFound:
        raise Http404("There is no such person.") from None
    except AccountNotFound:
        raise Http404("There is no such account.") from None
    except Refused as refused:
        return _detail(request, public_id, refused.problems)
    # A request about an account does not stand on the person's page.
    return see_other("access") if action == "grant" and waiting else see_other("person", public_id)
