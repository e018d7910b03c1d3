from __future__ import annotations

from typing import Any

from django.contrib.auth import views
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.templatetags.static import static
from django.views.decorators.http import require_safe

from dashboard.access import person_of


@require_safe
@login_required
def home(request: HttpRequest) -> HttpResponse:
    """Redirect to the page that a person's work begins on."""
    if person_of(request).role == "admin":
        return redirect("accounts")
    return redirect("wall" if person_of(request).role == "supervisor" else "orders")


class LogoutView(views.LogoutView):
    """Log out, and have the browser drop what it kept of the desk; the theme, which it stores, may stay."""

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        response = super().post(request, *args, **kwargs)
        response.headers["Clear-Site-Data"] = '"cache"'
        return response


@require_safe
def favicon(_request: HttpRequest) -> HttpResponse:
    """Answer the request that browsers make unasked; without an answer it would fail."""
    return redirect(static("mark.svg"), permanent=True)
