"""The page of balances: dashes for what is not known, and the part that htmx asks for."""

from __future__ import annotations

from decimal import Decimal

import pytest
from django.utils import timezone

from dashboard.present.balance_tables import balance_tables
from execution.models import Balance
from execution.selectors.balances import balances
from tests.dashboard.api import Program
from tests.dashboard.desk_fixture import Desk, make_office


@pytest.fixture
def desk(db: None) -> Desk:
    return make_office()


def test_the_page_and_the_api_tell_the_same_and_what_is_not_known_is_a_dash(desk: Desk) -> None:
    desk.fill(desk.order(), 1)
    Balance.objects.create(account=desk.account, currency="XRP", free=None, locked=None, at=timezone.now())
    (account,) = balance_tables(balances(person=desk.trader, now=timezone.now()))["accounts"]
    rows = {row["currency"]: row for row in account["holdings"]}
    assert (rows["XRP"]["free"], rows["XRP"]["available"], rows["XRP"]["value"]["text"]) == ("–", "–", "–")
    assert (rows["XRP"]["bar"], account["value"], account["unpriced"]) == (None, "> 500,000.00", "BTC, XRP")
    page = desk.client(desk.trader).get("/balances/").content.decode()
    told = Program(desk.trader).get("/balances").json()
    (usdt,) = [row for row in told["accounts"][0]["holdings"] if row["currency"] == "USDT"]
    assert Decimal(usdt["available"]) == Decimal(usdt["free"]) - Decimal(usdt["reserved"])
    assert rows["USDT"]["available"] in page
    assert 'href="/orders/?symbol=BTC%2FUSDT"' in page
    (day,) = told["symbols"]
    assert (day["bought"], day["average"], day["open"], told["today"]["result"]) == (
        "0.1",
        "64500",
        None,
        None,
    )


def test_the_part_is_refreshed_and_a_lost_login_loads_the_page(desk: Desk) -> None:
    part = desk.client(desk.supervisor).get("/balances/", headers={"HX-Request": "true"}).content.decode()
    assert part.startswith('<div id="balances"')
    assert "fills of all orders of the desk" in part
    lost = desk.client(None).get("/balances/", headers={"HX-Request": "true"})
    assert lost.headers["HX-Refresh"] == "true"


def test_nothing_yet_says_what_to_do(desk: Desk) -> None:
    desk.account.traders.clear()
    page = desk.client(desk.trader).get("/balances/").content.decode()
    assert "An admin grants you the accounts" in page
    assert "Nothing was bought or sold today." in page
