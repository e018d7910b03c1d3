"""The supervisors' wall, a page that shows the whole desk."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_GET

from dashboard.access import supervisor_required
from execution.payloads.encode import epoch_ms
from execution.selectors.wall.desk import Wall


@require_GET
@supervisor_required
def wall(request: HttpRequest) -> HttpResponse:
    now = timezone.now()
    picture = Wall().read(now)
    data = {**picture, "rows": list(picture["rows"].values()), "now": epoch_ms(now)}
    return render(request, "dashboard/wall.html", {"wall": data})
