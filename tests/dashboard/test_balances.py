"""The page of balances: dashes for what is not known, and the part that htmx asks for."""

from __future__ import annotations

import re
from decimal import Decimal
from typing import Any, cast

import pytest
from django.utils import timezone
from hypothesis import given
from hypothesis import strategies as st

from dashboard.present.balance_tables import balance_tables
from dashboard.present.limit_bars import limit_bars
from execution.models import Balance
from execution.payloads.limits import LimitRow
from execution.selectors.balances import balances
from execution.services.desk.limits import limit_set, parse_limit_request
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


def test_fees_stand_beside_the_result_and_a_fee_that_is_not_told_is_a_dash(desk: Desk) -> None:
    order = desk.order()
    desk.fill(desk.order(key="other"), 1)
    type(order).objects.filter(public_id__isnull=False).update(fees={"USDT": "1"})
    today = balance_tables(balances(person=desk.trader, now=timezone.now()))["today"]
    assert (today["fees"]["text"], today["result"]["text"], today["after_fees"]["text"]) == ("1.00", "–", "–")
    page = " ".join(desk.client(desk.trader).get("/balances/").content.decode().split())
    assert "<dt>Fees paid</dt><dd>1.00</dd>" in page
    desk.fill(order, 2, fee=None, fee_currency="")
    page = " ".join(desk.client(desk.trader).get("/balances/").content.decode().split())
    assert "<dt>Fees paid</dt><dd>–</dd>" in page


def limit(desk: Desk, **about: str) -> None:
    raw = {"kind": "open_notional", "scope": "desk", "level": "hard", "value": "200000"} | about
    request = parse_limit_request(raw)
    limit_set(person=desk.supervisor, request=request, reason="a test", now=timezone.now())


def test_a_limit_of_a_symbol_stands_at_its_currency_and_others_beside(desk: Desk) -> None:
    desk.order()
    limit(desk, scope="symbol", subject="BTC/USDT")
    limit(desk, scope="symbol", subject="BTC/USDT", level="soft", value="150000")
    limit(desk, value="400000")
    page = " ".join(desk.client(desk.trader).get("/balances/").content.decode().split())
    exposure, _, others = page.partition('id="bounds-title"')
    at_btc = exposure[exposure.index('id="exposure-title"') :]
    assert 'Open notional <span class="muted">of BTC/USDT</span>' in at_btc
    assert "✕ refuses above 200,000" in at_btc
    assert "! wants a reason above 150,000" in at_btc
    assert at_btc.count('class="bar-limit"') == 3, "one in the heading, and one for each level"
    assert "109 %" in at_btc, "163,000 of the lowest limit"
    assert "of the desk" in others
    assert "41 %" in others
    # The page of the limits says the same, also where a share is too small for a digit.
    limit(desk, kind="daily_notional", value="90000000")
    page = desk.client(desk.supervisor).get("/limits/").content.decode()
    assert {">109 %<", ">41 %<", ">&lt;1 %<"} <= {f">{text}<" for text in re.findall(r">([^<>]+ %)<", page)}


def bounding(value: str, used: str | None) -> LimitRow:
    row: Any = {"label": "open notional", "scope": "desk", "subject": "", "level": "hard", "unit": "USDT"}
    return cast("LimitRow", row | {"value": value, "used": used})


def test_what_is_not_known_has_no_bar_and_no_share() -> None:
    (bar,) = limit_bars([bounding("1000", None)])
    assert (bar["used"], bar["share"], bar["width"], bar["tone"]) == ("–", "–", "0", "")


amounts = st.decimals(min_value="0.01", max_value="1e12", places=2).map(str)


@given(st.lists(amounts, min_size=1, max_size=3), st.none() | amounts)
def test_a_bar_reaches_beyond_a_mark_only_if_its_limit_is_exceeded(
    values: list[str], used: str | None
) -> None:
    (bar,) = limit_bars([bounding(value, used) for value in values])
    width = Decimal(bar["width"])
    assert 0 <= width <= 100
    assert len(bar["marks"]) == len(values)
    for value, mark in zip(values, bar["marks"], strict=True):
        assert 0 <= Decimal(mark) <= 100
        if used is not None and Decimal(used) <= Decimal(value):
            assert width <= Decimal(mark)
        elif used is not None:
            assert width >= Decimal(mark)
    assert bar["is_above"] == (used is not None and Decimal(used) > min(map(Decimal, values)))
