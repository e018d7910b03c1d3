"""The way in: one page for everybody, also for the Django admin."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.forms import AuthenticationForm
from django.contrib.auth.views import LoginView
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.views.decorators.http import require_http_methods

from dashboard.login import browser_remember


class DeskLoginView(LoginView):
    """Name and password; the browser is known from then on."""

    redirect_authenticated_user = True

    def form_valid(self, form: AuthenticationForm) -> HttpResponse:
        response = super().form_valid(form)
        browser_remember(self.request, response, form.get_user())
        return response


login: Any = require_http_methods(["GET", "HEAD", "POST"])(DeskLoginView.as_view())


def admin_login(request: HttpRequest) -> HttpResponse:
    """Send the admin's own login to the desk's: there is one way in."""
    query = request.META.get("QUERY_STRING", "")
    response = redirect("login")
    response.headers["Location"] += f"?{query}" if query else ""
    return response
