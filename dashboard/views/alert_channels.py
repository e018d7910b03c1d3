"""The admins' pages of alert channels: add, test, pause and remove. Secrets are encrypted at once."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from dashboard.access import admin_required, person_of
from dashboard.present.alerts import TAKES, channel_fields, channel_shown
from dashboard.responses import see_other
from execution.core.alerts.channels import SECRET, SIGNED
from execution.core.problems import Problem, Refused
from execution.selectors.alerts.channels import channel_rows, channel_types
from execution.services.alerts import channels as services


@require_GET
@never_cache
@admin_required
def channel_list(request: HttpRequest) -> HttpResponse:
    return _list(request)


def _list(request: HttpRequest, secret: str = "", status: int = 200) -> HttpResponse:
    now = timezone.now()
    context = {
        "channels": [channel_shown(row, now) for row in channel_rows()],
        "types": channel_types(),
        "secret": secret,
        "now": now,
    }
    return render(request, "dashboard/alert_channels.html", context, status=status)


@require_http_methods(["GET", "POST"])
@never_cache
@sensitive_post_parameters("url", *SECRET)
@admin_required
def channel_new(request: HttpRequest) -> HttpResponse:
    """Show the form of a channel type. A POST adds the channel. Its answer shows a webhook's secret, this one time."""
    if request.method != "POST":
        return _form(request, request.GET.get("type", SIGNED))
    raw = {name: str(text) for name, text in request.POST.items()}
    try:
        _, secret = services.channel_add(person=person_of(request), raw=raw, now=timezone.now())
    except Refused as refused:
        return _form(request, raw.get("type", SIGNED), refused.problems)
    return _list(request, secret, 201) if secret else see_other("alert_channels")


def _form(request: HttpRequest, kind: str, problems: Sequence[Problem] = ()) -> HttpResponse:
    if kind not in dict(channel_types()):
        raise Http404("There is no such type of channel.")
    written = {name: str(text) for name, text in request.POST.items()}
    context = {
        "kind": kind,
        "kind_label": dict(channel_types())[kind],
        "fields": channel_fields(kind, written),
        "takes": list(TAKES.items()),
        "written": {"takes": "everything" if kind == "signed" else "alerts", "least": "warning", **written},
        "problems": problems,
    }
    return render(request, "dashboard/alert_channel_new.html", context, status=422 if problems else 200)


ACTIONS: dict[str, Callable[..., object]] = {
    "test": services.channel_test,
    "pause": services.channel_pause,
    "resume": services.channel_resume,
    "remove": services.channel_remove,
}


@require_POST
@never_cache
@admin_required
def channel_act(request: HttpRequest, public_id: str, action: str) -> HttpResponse:
    if action not in ACTIONS:
        raise Http404("There is no such action.")
    try:
        ACTIONS[action](person=person_of(request), public_id=public_id, now=timezone.now())
    except services.ChannelNotFound:
        raise Http404("There is no such channel.") from None
    return see_other("alert_channels")
