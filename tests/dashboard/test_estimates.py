"""The ticket's figures: participation by what the market traded just now, and a dash where nobody knows."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

from django.utils import timezone

from dashboard.present.ticket_figures import Figure, Predicted, figures
from execution.core.orders.terms import parse_order_request
from execution.core.types import Quote
from execution.models import MarketSample
from execution.services.orders.orders import order_preview
from execution.services.orders.stages import Preview
from tests.dashboard.desk_fixture import Desk
from tests.dashboard.test_sentences import MARKET


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


def test_seconds_whose_volume_is_not_known_are_no_part_of_the_pace(office: Desk) -> None:
    office.samples(timezone.now() - timedelta(seconds=200), 120)
    unknown = MarketSample.objects.order_by("second").values_list("pk", flat=True)
    MarketSample.objects.filter(pk__in=list(unknown[:40])).update(volume=None, notional=None)
    assert participation(office).hint == "of 1,800 BTC/h"
    MarketSample.objects.filter(pk__in=list(unknown[:61])).update(volume=None, notional=None)
    assert participation(office).value == "–", "less than a minute of it is known"


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
        "the market's volume is not known",
    )
    assert (figures["spread now"].value, figures["spread now"].hint) == ("–", "no quote")
    assert (figures["worst at limit"].value, figures["worst at limit"].hint) == ("–", "no limit price")


def test_a_reference_of_several_venues_is_shown_to_a_digit_more_than_the_tick() -> None:
    quote = Quote(
        bid=Decimal("67002.59"), ask=Decimal("201017.65") / 3, bid_size=None, ask_size=None, at=timezone.now()
    )
    (spread,) = [figure for figure in figures(None, MARKET, quote, None) if figure.label == "spread now"]
    assert spread.hint == "67,002.59 / 67,005.88"


def test_the_expected_cost_says_why_it_is_missing_or_how_sure_it_is(office: Desk) -> None:
    request = parse_order_request(
        {
            "symbol": "BTC/USDT",
            "side": "buy",
            "quantity": "2.5",
            "unit": "base",
            "algorithm": "twap",
            "accounts": [office.account.public_id],
            "limit_price": "65200",
            "parameters": {"duration": "01:00:00"},
        }
    )
    found = order_preview(person=office.trader, request=request, now=timezone.now())

    def expected(preview: Preview | None, predicted: Predicted | None) -> tuple[str, str]:
        (figure,) = [
            one
            for one in figures(preview, None, None, None, predicted)
            if one.label == "expected cost, with fees"
        ]
        return figure.value, figure.hint

    assert expected(None, None) == ("–", "no plan yet")
    assert expected(found, None) == ("–", "not simulated")
    assert expected(found, Predicted(pending=True)) == ("–", "being simulated")
    known = Predicted(cost_bp=Decimal("-1.25"), error_bp=Decimal("0.4"), markets=200)
    assert expected(found, known) == ("−1.2 bp", "± 0.4 bp, 200 simulated markets")
