"""Measures the home page with 200 live orders: ``uv run pytest -q -s -n0 tests/benchmarks/home.py``.

No test: its name keeps it out of the run, and nothing fails for being slow.
"""

from __future__ import annotations

import json
from datetime import timedelta

import pytest
from django.db import connection
from django.db.models import F
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from dashboard.live.home import home_changes
from execution.models import Order
from execution.selectors.home.desk import Home
from tests.benchmarks.blotter import measured
from tests.dashboard.bulk_orders import crowd
from tests.dashboard.desk_fixture import make_office

LIVE = 200
#: Orders that move between two updates of a desk that works them over an hour.
MOVED = 3


@pytest.mark.django_db
def test_two_hundred_live_orders() -> None:
    office = make_office()
    orders = crowd(office.account, office.trader, LIVE, live=LIVE, parts=30)
    client, home, who = office.client(office.trader), Home(), office.trader
    client.get("/")  # the templates are compiled once
    home.read_rows(who, timezone.now(), whole=True)
    before = home.picture(timezone.now())
    some = [order.pk for order in orders[:MOVED]]

    def read() -> None:
        Order.objects.filter(pk__in=some).update(version=F("version") + 1)
        home.read_rows(who, timezone.now())

    def later() -> dict[str, object]:
        return home_changes(before, home.picture(timezone.now() + timedelta(minutes=1)))

    with CaptureQueriesContext(connection) as asked:
        client.get("/")
    print(f"\nGET /: {len(asked)} statements, {len(client.get('/').content) / 1024:.0f} KiB")
    print("GET /                         ", measured(lambda: client.get("/")))
    print("rows, nothing moved           ", measured(lambda: home.read_rows(who, timezone.now())))
    print(f"rows, {MOVED} orders moved         ", measured(read))
    print("the picture and what differs  ", measured(later))
    print("the snapshot as JSON          ", measured(lambda: json.dumps(home_changes(None, before))))
