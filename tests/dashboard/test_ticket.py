"""The ticket: one form makes one order, and bad input is refused with the value and the limit."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from django.utils import timezone

from dashboard.forms.fields import parameters_raw
from dashboard.forms.market_watch import MarketWatch
from execution import notify
from execution.core.types import Quote
from execution.models import Account, Credential, Estimate, Order
from execution.selectors import ticket
from execution.services.orders import order_market
from tests.dashboard.desk_fixture import Desk


def test_a_good_form_makes_an_order_and_leads_to_its_page(office: Desk) -> None:
    response = office.client(office.trader).post("/orders/new/", office.form())
    order = Order.objects.get()
    assert response.status_code == 303
    assert response.headers["Location"] == f"/orders/{order.public_id}/"
    assert (str(order.quantity), order.side, order.slices.count()) == ("2.5", "buy", 12)


def test_the_same_form_posted_twice_makes_one_order(office: Desk) -> None:
    client = office.client(office.trader)
    first = client.post("/orders/new/", office.form(), HTTP_HX_REQUEST="true")
    second = client.post("/orders/new/", office.form(), HTTP_HX_REQUEST="true")
    assert first.headers["HX-Redirect"] == second.headers["HX-Redirect"]
    assert Order.objects.count() == 1


def test_the_same_key_with_another_body_is_refused(office: Desk) -> None:
    client = office.client(office.trader)
    client.post("/orders/new/", office.form())
    response = client.post("/orders/new/", office.form(quantity="3"))
    assert response.status_code == 422
    assert "used for another order" in response.content.decode()
    assert Order.objects.count() == 1


@pytest.mark.parametrize(
    ("quantity", "unit", "words"),
    [
        ("2.5", "base", "2.5 BTC"),
        ("1,234,567.5", "quote", "1,234,567.5 USDT"),
        ("0,05", "base", None),
        ("", "base", None),
    ],
)
def test_the_review_button_says_a_size_only_where_the_quantity_was_read(
    office: Desk, quantity: str, unit: str, words: str | None
) -> None:
    form = office.form(quantity=quantity, unit=unit)
    size = office.client(office.trader).post("/orders/new/preview/", form).context["data"]["size"]
    assert size == (None if words is None else {"written": quantity, "unit": unit, "words": words})


def test_the_units_of_a_new_ticket_are_the_currencies_of_its_symbol(office: Desk) -> None:
    page = office.client(office.trader).get("/orders/new/?symbol=BTC/USDT").content.decode()
    assert '<option value="base" selected>BTC</option><option value="quote">USDT</option>' in page


def test_every_form_has_a_key_of_its_own(office: Desk) -> None:
    client = office.client(office.trader)
    assert client.get("/orders/new/").context["key"] != client.get("/orders/new/").context["key"]


def test_a_refused_form_keeps_its_key_and_what_was_written(office: Desk) -> None:
    page = office.client(office.trader).post("/orders/new/", office.form(quantity="0")).content.decode()
    assert 'value="key-1"' in page
    assert 'value="65200"' in page


PAST = f"{timezone.now() - timedelta(days=2):%Y-%m-%dT%H:%M}"


@pytest.mark.parametrize(
    ("changes", "field", "words"),
    [
        ({"symbol": "DOGE/USDT"}, "symbol", ["DOGE/USDT"]),
        ({"quantity": "0"}, "quantity", ["0"]),
        ({"quantity": ""}, "quantity", ["missing"]),
        ({"quantity": "NaN"}, "quantity", ["NaN"]),
        ({"quantity": "-1"}, "quantity", ["-1", "above 0"]),
        ({"quantity": "0.00015"}, "quantity", ["0.00015", "0.0001"]),
        ({"quantity": "0.0001", "limit_price": "10"}, "quantity", ["0.0001", "minimum"]),
        ({"quantity": "100"}, "quantity", ["6,526,520.00", "500,000.00"]),
        ({"limit_price": "65200.123"}, "limit_price", ["65,200.123", "0.1"]),
        ({"duration": "", "end_at": PAST}, "end_at", ["past"]),
        ({"duration": "soon"}, "duration", ["soon"]),
        ({"slices": "5000"}, "slices", ["5,000", "1,800"]),
        ({"slices": "0"}, "slices", ["0", "at least 1"]),
        ({"participation_cap": "120"}, "participation_cap", ["120 %", "100 %"]),
        ({"collar_bp": "0"}, "collar_bp", ["0"]),
        ({"accounts": "somebody"}, "accounts", ["somebody"]),
    ],
)
def test_bad_input_names_field_value_and_limit_and_creates_nothing(
    office: Desk, changes: dict[str, str], field: str, words: list[str]
) -> None:
    client = office.client(office.trader)
    context = client.post("/orders/new/preview/", office.form(**changes)).context
    messages = [problem["message"] for problem in context["data"]["problems"] if problem["field"] == field]
    assert messages, context["data"]["problems"]
    assert all(word in messages[0] for word in words), messages
    assert client.post("/orders/new/", office.form(**changes)).status_code == 422
    assert Order.objects.count() == 0


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"quantity": "100"}, "The order needs 6,526,520.00 USDT with fees. alpha has 500,000.00 USDT free"),
        ({"limit_price": "65200.123"}, "Limit price 65,200.123 is finer than the tick"),
        ({"quantity": "0.00015"}, "Quantity 0.00015 is finer than the lot"),
        ({"participation_cap": "120"}, "120 %"),
        ({"slices": "5000"}, "5,000 slices are too many"),
        ({"accounts": "somebody"}, "You have no account &#x27;somebody&#x27;"),
        ({"quantity": ""}, "uantity is missing"),
    ],
)
def test_a_refusal_stands_once_among_the_checks_as_the_form_writes_it(
    office: Desk, changes: dict[str, str], message: str
) -> None:
    page = office.client(office.trader).post("/orders/new/preview/", office.form(**changes)).content.decode()
    checks = page.partition('<ul class="checks">')[2].partition("</ul>")[0]
    assert checks.count(message) == 1, checks
    assert checks.count('class="fail"') == 1 + ("missing" not in message), "the hidden line, and the refusal"
    assert "Balance: 6,526" not in checks


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        (
            {"limit_price": "65200.123"},
            "Balance: the order needs up to 163,163.31 USDT with fees, 500,000.00 can be used on alpha",
        ),
        (
            {"quantity": "0.00015"},
            "Balance: 500,000.00 USDT free on alpha; the amount needed is not known",
        ),
        (
            {"duration": "", "end_at": PAST},
            "Balance: the order needs up to 163,163.00 USDT with fees, 500,000.00 can be used on alpha",
        ),
    ],
)
def test_a_balance_that_is_known_is_known_beside_another_refusal(
    office: Desk, changes: dict[str, str], said: str
) -> None:
    page = office.client(office.trader).post("/orders/new/preview/", office.form(**changes)).content.decode()
    assert said in page
    assert "Balance of USDT on alpha is not known" not in page


def test_what_is_confirmed_in_the_review_is_not_said_twice(
    office: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    office.order()
    quote = Quote(Decimal("60000"), Decimal("60001"), Decimal(1), Decimal(1), timezone.now())
    monkeypatch.setattr(order_market, "quote_latest", lambda *_: quote)
    page = office.client(office.trader).post("/orders/new/review/", office.form()).content.decode()
    assert page.count("The collar allows 0.5 %") == 1
    assert page.count("just now") + page.count(" s ago") <= 1, "the look-alike"
    assert page.count('name="confirm_limit"') == page.count('name="confirm_lookalike"') == 1
    assert "Possible duplicate:" not in page


def test_the_preview_shows_the_plan_and_creates_nothing(office: Desk) -> None:
    response = office.client(office.trader).post("/orders/new/preview/", office.form())
    data = response.context["data"]
    assert len(data["plan"]["slices"]) == 12
    assert data["quote"] is None  # unknown is not zero
    assert "exact total 2.5" in response.content.decode()
    assert Order.objects.count() == 0


def test_an_empty_form_has_a_preview_too(office: Desk) -> None:
    response = office.client(office.trader).post("/orders/new/preview/", {})
    assert response.status_code == 200
    assert response.context["data"]["plan"] is None


def test_the_preview_says_what_the_market_beside_it_shows(office: Desk) -> None:
    client = office.client(office.trader)
    wish = client.post("/orders/new/preview/", office.form(side="sell", collar_bp="25")).context["data"][
        "watch"
    ]
    read = MarketWatch.model_validate({"type": "watch", **wish})
    assert (read.symbol, read.accounts) == ("BTC/USDT", (office.account.public_id,))
    assert (read.side, read.quantity, read.collar_bp) == ("sell", Decimal("2.5"), Decimal(25))
    assert read.limit == Decimal(65_200)
    assert read.slice is not None
    assert abs(read.slice - Decimal("2.5") / 12) < Decimal("0.0001"), "the first of twelve, on the lot"
    empty = client.post("/orders/new/preview/", {"quantity": "much", "collar_bp": "wide"}).context["data"][
        "watch"
    ]
    read = MarketWatch.model_validate({"type": "watch", **empty})
    assert (read.symbol, read.accounts, read.slice, read.quantity) == ("", (), None, None)
    none = client.post("/orders/new/preview/", office.form(limit_price="-1")).context["data"]["watch"]
    assert MarketWatch.model_validate({"type": "watch", **none}).limit is None, "a refused limit is none"
    assert read.collar_bp == Decimal(50), "what a ticket has that says nothing"


def test_the_review_says_the_order_in_one_sentence(office: Desk) -> None:
    page = office.client(office.trader).post("/orders/new/review/", office.form()).content.decode()
    assert "BUY 2.5 BTC for USDT on alpha, by TWAP in 12 slices over 1 h" in page
    assert "never above 65,200 USDT." in page


@pytest.mark.parametrize("written", ["16:30", "16:30:00"])
def test_a_time_without_a_day_is_todays(written: str) -> None:
    now = datetime(2030, 1, 31, 23, 59, tzinfo=UTC)
    assert parameters_raw("twap", {"end_at": written}, now)["end_at"].startswith("2030-01-31T16:30")


def test_an_end_instead_of_a_duration_is_fixed(office: Desk) -> None:
    ends = (timezone.now() + timedelta(minutes=90)).replace(microsecond=0)
    office.client(office.trader).post("/orders/new/", office.form(duration="", end_at=ends.isoformat()))
    terms = Order.objects.get().terms
    assert terms is not None
    assert terms.end_at == ends
    assert terms.end_is_fixed


def test_the_expected_cost_is_worked_out_apart_and_then_shown(
    office: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[int] = []
    monkeypatch.setattr(notify, "estimate", asked.append)
    quote = Quote(Decimal(64_000), Decimal(64_001), Decimal(1), Decimal(2), timezone.now())
    monkeypatch.setattr(order_market, "quote_latest", lambda *_: quote)
    client = office.client(office.trader)
    assert "being simulated" in client.post("/orders/new/preview/", office.form()).content.decode()
    assert len(asked) == 1
    Estimate.objects.update(
        result={"cost_bp": "2.31", "standard_error_bp": "0.20", "seeds": 16}, done_at=timezone.now()
    )
    shown = client.post("/orders/new/preview/", office.form()).content.decode()
    assert "+2.3 bp" in shown
    assert "± 0.2 bp, 16 simulated markets" in shown


def test_the_ticket_links_what_reserves_a_balance_and_its_buttons_take_what_is_left(
    office: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    order = office.order(key="one")
    quote = Quote(Decimal(64_000), Decimal(64_001), Decimal(1), Decimal(2), timezone.now())
    for module in (order_market, ticket):
        monkeypatch.setattr(module, "quote_latest", lambda *_: quote)
    client = office.client(office.trader)
    answer = client.post("/orders/new/preview/", office.form(limit_price=""), HTTP_HX_REQUEST="true")
    text = answer.content.decode()
    assert f'<a class="number" href="/orders/{order.public_id}/">{order.public_id}</a>' in text
    assert "reserved by 1 live order" in text
    most = answer.context["data"]["helpers"]["shares"]["100"]
    form = office.form(limit_price="", quantity=most)
    checked = client.post("/orders/new/preview/", form, HTTP_HX_REQUEST="true").content.decode()
    assert "can be used" in checked
    assert "The order needs" not in checked


@pytest.mark.parametrize("state", ["refused", "suspended", "retired", ""])
def test_an_account_without_a_key_in_use_is_not_offered(office: Desk, state: str) -> None:
    beta = Account.objects.create(label="beta", venue=office.venue, environment="paper", symbols=["BTC/USDT"])
    beta.traders.set([office.trader])
    if state:
        Credential.objects.create(account=beta, sealed=b"sealed", last_four="1234", state=state)
    page = office.client(office.trader).get("/orders/new/").content.decode()
    assert f'value="{beta.public_id}"' not in page
    assert f'value="{office.account.public_id}"' in page
    assert f"<b>beta</b> is not offered: {f'its key is {state}' if state else 'it has no key'}." in page
    Credential.objects.create(account=beta, sealed=b"sealed", last_four="4321")
    page = office.client(office.trader).get("/orders/new/").content.decode()
    assert f'value="{beta.public_id}"' in page
    assert "is not offered" not in page


def test_without_any_key_the_ticket_says_whom_to_ask(office: Desk) -> None:
    Credential.objects.update(state="refused")
    page = office.client(office.trader).get("/orders/new/").content.decode()
    assert "You have no account to trade on. Ask an admin for a key." in page
