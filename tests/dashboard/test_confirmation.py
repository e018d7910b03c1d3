"""The confirmations of the ticket before it sends, several accounts on it, and an order sent again."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.utils import timezone

from execution.core.orders.terms import parse_order_request
from execution.models import Account, Balance, Credential, Market, Order, Venue
from execution.services.orders.orders import order_preview, order_submit
from tests.dashboard.desk_fixture import Desk


def sent(office: Desk, **changes: Any) -> Any:
    return office.client(office.trader).post("/orders/new/", office.form(**changes), HTTP_HX_REQUEST="true")


# --- a look-alike --------------------------------------------------------------------------------


def test_a_second_one_within_half_a_minute_is_asked_about_and_not_sent(office: Desk) -> None:
    first = sent(office)
    assert "HX-Redirect" in first.headers
    again = sent(office, key="key-2", quantity="2.50")
    assert Order.objects.count() == 1
    page = again.content.decode()
    assert "asks for the same and was sent" in page
    assert 'name="confirm_lookalike"' in page, "the question stays to be answered"
    assert "HX-Redirect" in sent(office, key="key-2", quantity="2.50", confirm_lookalike="yes").headers
    assert Order.objects.count() == 2


@pytest.mark.parametrize(
    "changes", [{"side": "sell"}, {"quantity": "2.6"}, {"unit": "quote", "quantity": "2500"}]
)
def test_another_order_is_no_look_alike(office: Desk, changes: dict[str, str]) -> None:
    sent(office)
    assert "HX-Redirect" in sent(office, key="key-2", **changes).headers


def test_an_order_of_half_a_minute_ago_or_of_somebody_else_is_no_look_alike(office: Desk) -> None:
    office.order(office.other)
    sent(office)
    Order.objects.update(created_at=timezone.now() - timedelta(seconds=31))
    Balance.objects.update(free=10**9)
    office.order(office.other, key="again")
    assert "HX-Redirect" in sent(office, key="key-2").headers


def test_the_same_form_sent_twice_is_no_look_alike_of_itself(office: Desk) -> None:
    assert sent(office).headers["HX-Redirect"] == sent(office).headers["HX-Redirect"]


def test_the_api_sends_a_look_alike_and_sees_it_in_the_checks(office: Desk) -> None:
    office.order(key="one")
    office.order(key="two")
    assert Order.objects.count() == 2
    raw = office.form() | {"parameters": {"duration": "01:00:00"}, "accounts": [office.account.public_id]}
    preview = order_preview(person=office.trader, request=parse_order_request(raw), now=timezone.now())
    assert [check.state for check in preview.checks if check.text.startswith("Possible duplicate")] == [
        "warn"
    ]
    assert not preview.problems


# --- the quantity typed again --------------------------------------------------------------------


def threshold(office: Desk, amount: str | None) -> None:
    office.trader.confirm_above = None if amount is None else Decimal(amount)
    office.trader.save()


@pytest.mark.parametrize("typed", ["", "2.4", "two", "2,5", "25", "NaN"])
def test_above_the_threshold_the_quantity_must_be_typed_again(office: Desk, typed: str) -> None:
    threshold(office, "162999")  # 2.5 BTC at the limit of 65,200 are 163,000
    answer = sent(office, confirm_quantity=typed)
    assert Order.objects.count() == 0
    assert 'name="confirm_quantity"' in answer.content.decode()
    assert (
        office.client(office.trader).post("/orders/new/", office.form(confirm_quantity=typed)).status_code
        == 422
    )
    assert Order.objects.count() == 0


@pytest.mark.parametrize("typed", ["2.5", " 2.500 "])
def test_typed_as_it_was_asked_it_is_sent(office: Desk, typed: str) -> None:
    threshold(office, "162999")
    assert "HX-Redirect" in sent(office, confirm_quantity=typed).headers


@pytest.mark.parametrize("amount", ["163000", None])
def test_up_to_the_threshold_and_without_one_nothing_is_typed(office: Desk, amount: str | None) -> None:
    threshold(office, amount)
    review = office.client(office.trader).post("/orders/new/review/", office.form()).content.decode()
    assert "confirm_quantity" not in review
    assert "HX-Redirect" in sent(office, confirm_quantity="").headers


def test_a_worth_that_nobody_knows_is_asked_about_too(office: Desk) -> None:
    threshold(office, "1000000000")
    answer = sent(office, limit_price="", confirm_quantity="")  # there is no quote either
    assert Order.objects.count() == 0
    assert "its value is not known" in answer.content.decode()
    assert "HX-Redirect" in sent(office, limit_price="", confirm_quantity="2.5").headers


def test_an_order_that_is_not_from_a_ticket_confirms_nothing(office: Desk) -> None:
    threshold(office, "1")
    assert office.order().status == "scheduled"


# --- several accounts ----------------------------------------------------------------------------


@pytest.fixture
def beta(office: Desk) -> Account:
    venue = Venue.objects.create(label="second", exchange="binance")
    account = Account.objects.create(label="beta", venue=venue, environment="paper", symbols=["BTC/USDT"])
    Credential.objects.create(account=account, sealed=b"sealed", last_four="9999")
    market = Market.objects.get(symbol="BTC/USDT")
    market.pk, market.venue, market.lot = None, venue, Decimal("0.01")
    market.save()
    Balance.objects.create(account=account, currency="USDT", free=Decimal(1000), locked=0, at=timezone.now())
    account.traders.set([office.trader])
    return account


def both(office: Desk, beta: Account, **changes: Any) -> dict[str, Any]:
    return office.form(**changes) | {"accounts": [office.account.public_id, beta.public_id]}


def test_the_ticket_offers_every_granted_account_and_no_other(office: Desk, beta: Account) -> None:
    mine = office.client(office.trader).get("/orders/new/").content.decode()
    assert f'value="{beta.public_id}"' in mine
    others = office.client(office.other).get("/orders/new/").content.decode()
    assert beta.public_id not in others
    assert "beta" not in others


def test_an_order_of_two_accounts_shows_both_and_names_them(office: Desk, beta: Account) -> None:
    client = office.client(office.trader)
    context = client.post("/orders/new/preview/", both(office, beta)).context
    assert [(place.label, place.price, place.free) for place in context["places"]] == [
        ("alpha", "–", "500,000.00"),
        ("beta", "–", "1,000.00"),
    ]
    assert not any(place.is_best for place in context["places"]), "without a quote nobody is cheapest"
    review = client.post("/orders/new/review/", both(office, beta)).content.decode()
    assert "on alpha or beta (each slice where the price is best after fees)" in review
    client.post("/orders/new/", both(office, beta))
    order = Order.objects.get()
    assert set(order.accounts.all()) == {office.account, beta}
    (row,) = client.get("/orders/").context["list"]["rows"]
    assert (row["account"], row["lot"]) == ("alpha, beta", "0.0001")


def test_an_account_that_is_not_granted_is_refused_by_name(office: Desk, beta: Account) -> None:
    response = office.client(office.other).post("/orders/new/", both(office, beta))
    assert response.status_code == 422
    assert Order.objects.count() == 0


# --- clones --------------------------------------------------------------------------------------


def test_a_clone_is_the_same_form_with_a_key_of_its_own(office: Desk) -> None:
    client = office.client(office.trader)
    client.post("/orders/new/", office.form(urgency="0.6", client_reference="mine"))
    order = Order.objects.get()
    context = client.get(f"/orders/new/?from={order.public_id}").context
    values = {field.name: field.value for field in (*context["timing"], *context["advanced"])}
    assert (values["duration"], values["slices"], values["urgency"]) == ("01:00:00", "12", "0.6")
    assert context["written"]["quantity"] == "2.5"
    assert context["written"]["limit_price"] == "65200"
    assert context["chosen"] == (office.account.public_id,)
    assert not context["problems"]
    assert not context["notes"]
    assert context["key"] not in ("", "key-1")
    form = {**office.form(), **context["written"], **values}
    form |= {"key": context["key"], "confirm_lookalike": "yes"}
    assert client.post("/orders/new/", form).status_code == 303
    first, second = Order.objects.order_by("pk")
    assert first.terms
    assert second.terms
    assert first.terms.parameters == second.terms.parameters
    assert second.client_reference == "", "a reference is of one order"


def test_a_fixed_end_that_has_passed_is_left_out_and_its_length_kept(office: Desk) -> None:
    past = timezone.now().replace(microsecond=0) - timedelta(hours=5)
    raw = office.form() | {
        "accounts": [office.account.public_id],
        "parameters": {"end_at": (past + timedelta(minutes=90)).isoformat()},
    }
    order = order_submit(person=office.trader, request=parse_order_request(raw), key="old", now=past)
    context = office.client(office.trader).get(f"/orders/new/?from={order.public_id}").context
    values = {field.name: field.value for field in context["timing"]}
    assert (values["end_at"], values["duration"]) == ("", "01:30:00")
    assert ["has passed" in note.message for note in context["notes"]] == [True]
    assert not context["problems"]


def test_what_does_not_fit_any_more_is_said_in_the_form(office: Desk, beta: Account) -> None:
    client = office.client(office.trader)
    client.post("/orders/new/", both(office, beta))
    order = Order.objects.get()
    beta.traders.clear()
    Market.objects.update(tick=Decimal(7))
    page = client.get(f"/orders/new/?from={order.public_id}").content.decode()
    assert "Account beta was left out" in page
    assert "65200" in page
    assert "tick" in page


def test_somebody_elses_order_cannot_be_cloned_unless_it_is_seen(office: Desk) -> None:
    order = office.order()
    address = f"/orders/new/?from={order.public_id}"
    assert office.client(office.other).get(address).status_code == 404
    assert office.client(office.trader).get("/orders/new/?from=nothere1").status_code == 404
    assert office.client(office.supervisor).get(address).status_code == 403
    office.other.sees_desk = True
    office.other.save()
    assert office.client(office.other).get(address).status_code == 200
