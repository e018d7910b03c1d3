"""The ticket's figures: participation by what the market traded just now, and a dash where nobody knows."""

from __future__ import annotations

from datetime import timedelta

from django.utils import timezone

from dashboard.estimates import Figure
from execution.models import MarketSample
from tests.dashboard.office import Desk


def participation(office: Desk, **changes: str) -> Figure:
    response = office.client(office.trader).post("/orders/new/preview/", office.form(**changes))
    found: list[Figure] = response.context["figures"]
    return next(figure for figure in found if figure.label == "participation")


def test_participation_is_the_orders_pace_against_the_markets(office: Desk) -> None:
    office.samples(timezone.now() - timedelta(seconds=200), 120)  # half a BTC a second
    figure = participation(office)
    assert (figure.value, figure.hint) == ("0.1 %", "of 1,800 BTC/h")
    assert participation(office, duration="00:00:30", slices="3").value == "16.7 %"


def test_less_than_a_minute_of_the_market_is_not_enough(office: Desk) -> None:
    office.samples(timezone.now() - timedelta(seconds=200), 59)
    assert participation(office).value == "–"


def test_what_is_older_than_five_minutes_says_nothing_of_now(office: Desk) -> None:
    office.samples(timezone.now() - timedelta(seconds=900), 300)
    assert participation(office).value == "–"


def test_a_market_without_trades_gives_no_participation_rather_than_zero(office: Desk) -> None:
    office.samples(timezone.now() - timedelta(seconds=200), 120)
    MarketSample.objects.update(volume=0)
    figure = participation(office)
    assert (figure.value, figure.hint) == ("–", "market 0 BTC/h")


def test_what_nobody_knows_is_a_dash_with_its_reason(office: Desk) -> None:
    response = office.client(office.trader).post("/orders/new/preview/", office.form(limit_price=""))
    figures = {figure.label: figure for figure in response.context["figures"]}
    assert (figures["participation"].value, figures["participation"].hint) == (
        "–",
        "the market was not watched",
    )
    assert (figures["spread now"].value, figures["spread now"].hint) == ("–", "no quote")
    assert (figures["worst at limit"].value, figures["worst at limit"].hint) == ("–", "no limit price")
