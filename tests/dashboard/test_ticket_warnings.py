"""Warnings of the ticket, once and in words of its side, and its buttons during a halt."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.utils import timezone

from execution.core.types import Quote
from execution.models import Account, Credential, Halt, Market, MarketSample
from execution.selectors import ticket
from execution.selectors.alerts.rows import alert_news
from execution.services.orders import order_market
from tests.dashboard.desk_fixture import Desk


@pytest.fixture
def quoted(monkeypatch: pytest.MonkeyPatch) -> None:
    quote = Quote(Decimal(64_000), Decimal(64_001), Decimal(1), Decimal(2), timezone.now())
    for module in (order_market, ticket):
        monkeypatch.setattr(module, "quote_latest", lambda *_: quote)


def shown(office: Desk, page: str = "preview", **changes: Any) -> Any:
    client = office.client(office.trader)
    return client.post(f"/orders/new/{page}/", office.form(**changes), HTTP_HX_REQUEST="true")


def traded(office: Desk, per_second: str) -> None:
    """Return the market of the last five minutes."""
    MarketSample.objects.all().delete()
    last = timezone.now().replace(microsecond=0) - timedelta(seconds=3)
    MarketSample.objects.bulk_create(
        MarketSample(
            venue=office.venue,
            symbol="BTC/USDT",
            second=last - timedelta(seconds=n),
            volume=Decimal(per_second),
        )
        for n in range(280)
    )


@pytest.mark.parametrize(
    ("per_second", "tone", "mark"), [("0.01", "", ""), ("0.003", "warn", "!"), ("0.0004", "bad", "!!")]
)
def test_a_large_part_of_the_market_is_warned_of(
    office: Desk, quoted: None, per_second: str, tone: str, mark: str
) -> None:
    """2.5 BTC in an hour are 7, 23 and 174 % of what these markets trade."""
    traded(office, per_second)
    answer = shown(office)
    (figure,) = [each for each in answer.context["figures"] if each.label == "participation"]
    warnings = [each for each in answer.context["checks"] if each["text"].startswith("Participation is")]
    assert figure.tone == tone
    assert [each["mark"] for each in warnings] == ([mark] if mark else [])
    review = shown(office, "review").content.decode()
    assert ("Participation is" in review) == bool(mark)


@pytest.mark.parametrize("unit", ["base", "quote"])
@pytest.mark.parametrize("limit", ["", "63900", "64500"])
@pytest.mark.parametrize("side", ["buy", "sell"])
def test_max_is_never_refused(office: Desk, quoted: None, side: str, limit: str, unit: str) -> None:
    Market.objects.update(lot=Decimal("0.01"))
    asked = {"side": side, "limit_price": limit, "unit": unit}
    most = shown(office, **asked).context["data"]["helpers"]["shares"]["100"]
    checked = shown(office, **asked, quantity=most)
    assert not [each for each in checked.context["problems"] if each.field == "quantity"], most


def test_a_limit_far_from_the_market_is_said_once(office: Desk, quoted: None) -> None:
    """The review asks to confirm it, and does not say it among the checks as well."""
    for page in ("preview", "review"):
        assert (
            shown(office, page, limit_price="69000").content.decode().count("Change the price, or confirm it")
            == 1
        )


def test_a_sell_goes_where_its_price_is_best(office: Desk, quoted: None) -> None:
    beta = Account.objects.create(label="beta", venue=office.venue, environment="paper", symbols=["BTC/USDT"])
    Credential.objects.create(account=beta, sealed=b"sealed", last_four="1234")
    beta.traders.set([office.trader])
    page = shown(
        office, "review", side="sell", limit_price="", accounts=[office.account.public_id, beta.public_id]
    )
    assert "each slice where the price is best after fees" in page.content.decode()
    assert "cheapest" not in page.content.decode()


def halted(office: Desk, **scope: Any) -> Halt:
    data = {"kind": "stop", "scope": "desk", "reason": "a drill", "set_by": office.supervisor} | scope
    return Halt.objects.create(set_at=timezone.now(), swept_at=timezone.now(), **data)


def test_a_halt_is_told_to_the_people_under_it(office: Desk) -> None:
    def told(person: Any) -> list[str]:
        return [halt["subject"] for halt in alert_news(person=person, now=timezone.now())["halts"]]

    halted(office, scope="trader", trader=office.other)
    assert (told(office.other), told(office.trader), told(office.supervisor)) == (["other"], [], ["other"])
    halted(office, scope="symbol", symbol="ETH/USDT")
    halted(office)
    assert told(office.trader) == ["ETH/USDT", "the desk"]
    assert told(office.admin) == []
    office.account.traders.remove(office.other)
    halted(office, scope="account", account=office.account)
    assert (told(office.trader)[-1], told(office.other)[-1]) == ("alpha", "the desk")
    Halt.objects.update(lifted_at=timezone.now())
    assert told(office.trader) == []


def test_the_review_says_why_a_halt_refuses_it(office: Desk, quoted: None) -> None:
    halted(office)
    problems = shown(office, "review").context["data"]["problems"]
    assert [(each["field"], each["code"]) for each in problems] == [("", "trading_halted")]
    assert "The desk is halted by supervisor: a drill." in problems[0]["message"]
