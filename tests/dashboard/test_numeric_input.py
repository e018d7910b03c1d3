"""Numeric text in every field that takes a number: exactly that number or a short refusal, and quickly."""

from __future__ import annotations

import json
import time
from datetime import datetime, timedelta
from decimal import Decimal, InvalidOperation
from typing import Any

import pytest
from django.utils.html import escape
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from dashboard.forms.fields import NUMBERS, algorithm_fields
from execution.admin import NumberField
from execution.core.numbers import NumberRefused, decimal_number, plain, without_grouping
from execution.core.orders.terms import ALGORITHMS, parse_parameters
from execution.models import Balance, Installation, Order, User
from tests.core.test_numbers import numeric_text
from tests.dashboard.api import Program, order_body
from tests.dashboard.desk_fixture import Desk
from tests.dashboard.test_accounts import form as account_form
from tests.dashboard.test_amend import as_shown, asked

MAX_REFUSAL = 8_192
#: A preview lists every slice of its plan: at most one a minute for a week.
MAX_SLICE, MOST_SLICES = 150, 7 * 24 * 60
#: Of the processor's time. A large power of ten computed with takes minutes, a preview a few hundredths.
MAX_SECONDS = 5.0
#: The fields of a ticket that are no parameters of an algorithm.
AMOUNTS = ("quantity", "limit_price")
#: A TWAP's numbers that may change while it runs.
AMENDABLE = ("urgency", "participation_cap", "i_would_price", "catch_up_cap", "collar_bp")
HUGE = ("1e20000000", "1e-1000000", "9" * 100_000, "0." + "0" * 100_000 + "1")

quick = settings(
    max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)


def numeric_parameters(algorithm: str) -> list[str]:
    numeric = (*NUMBERS, "duration", "datetime")
    return [field.name for field in algorithm_fields(algorithm) if field.widget in numeric]


FIELDS = [(name, field) for name in ALGORITHMS for field in (*AMOUNTS, *numeric_parameters(name))]
fields = st.sampled_from(FIELDS)


@pytest.fixture
def program(office: Desk) -> Program:
    return Program(office.trader)


def answered(ask: Any) -> Any:
    """Return the answer of a request; it is short, comes quickly, and is no failure of the desk."""
    began = time.process_time()
    answer = ask()
    assert time.process_time() - began < MAX_SECONDS
    slices = answer.content.count(b'"ends_at"') if answer.status_code < 400 else 0
    assert slices <= MOST_SLICES
    assert len(answer.content) < MAX_REFUSAL + slices * MAX_SLICE
    assert answer.status_code in (200, 201, 204, 303, 400, 422)
    return answer


def kept(order: Order, field: str) -> Any:
    """Return an order's stored value of a field: its number, a duration in seconds, or None."""
    assert order.terms is not None
    if field in AMOUNTS:
        return order.quantity_asked if field == "quantity" else order.terms.limit_price
    value = getattr(parse_parameters(order.algorithm, order.terms.parameters), field)
    return Decimal(value // timedelta(milliseconds=1)) / 1000 if isinstance(value, timedelta) else value


def exactly(value: Any, text: str) -> None:
    """Return whether ``value`` is the number in ``text``. Times and durations in words are no numbers."""
    if value is None or isinstance(value, datetime):
        return
    try:
        assert value == Decimal(text), text
    except InvalidOperation:
        assert set(text) & set(":smhdSMHD"), text


def widget_of(algorithm: str, name: str) -> str:
    return {field.name: field.widget for field in algorithm_fields(algorithm)}.get(name, "decimal")


def ticket_form(office: Desk, algorithm: str, **changes: str) -> dict[str, str]:
    more = {"iceberg": {"visible_quantity": "0.5"}, "pov": {"participation_rate": "10"}}.get(algorithm, {})
    return office.form(algorithm=algorithm, **(more | changes))


@quick
@given(fields, numeric_text)
@example(("twap", "quantity"), "0,050")
@example(("pov", "participation_rate"), "0,125")
@example(("iceberg", "visible_quantity"), "1_000")
@example(("twap", "slices"), "１０")
def test_a_ticket_takes_exactly_the_number_or_refuses_it(
    office: Desk, which: tuple[str, str], text: str
) -> None:
    (algorithm, field), client = which, office.client(office.trader)
    User.objects.update(confirm_above=None)
    form = ticket_form(office, algorithm, **{field: text})
    Order.objects.all().update(client_reference="seen")
    for path in ("preview/", "review/", ""):
        answered(
            lambda path=path: client.post(
                f"/orders/new/{path}", form | {"key": text or "-"}, HTTP_HX_REQUEST="true"
            )
        )
    made = Order.objects.exclude(client_reference="seen").first()
    if made is None or not text.strip():
        return
    value, written = kept(made, field), text.strip()
    if widget_of(algorithm, field) == "percent":
        value, written = value * 100, written.removesuffix("%").strip()
    exactly(value, without_grouping(written))


@quick
@given(fields, numeric_text)
@example(("twap", "quantity"), "0,050")
@example(("is", "risk_aversion"), "1e-1000000")
@example(("sor", "limit_price"), "1,234.50")
def test_the_api_takes_exactly_the_number_or_refuses_it(
    office: Desk, program: Program, which: tuple[str, str], text: str
) -> None:
    algorithm, field = which
    needed = {"iceberg": {"visible_quantity": "0.5"}, "pov": {"participation_rate": "0.1"}}.get(algorithm, {})
    body = order_body(office, algorithm=algorithm, parameters={"duration": 3600, **needed})
    if field in AMOUNTS:
        body[field] = text
    else:
        body["parameters"] = body["parameters"] | {field: text}
    answered(lambda: program.post("/orders/preview", body))
    known = Order.objects.count()
    launched = answered(lambda: program.launch(body, key=f"key-{known}"))
    if launched.status_code != 201:
        assert Order.objects.count() == known
    elif text:
        exactly(kept(Order.objects.latest("pk"), field), text)


@quick
@given(st.sampled_from([*AMOUNTS, *AMENDABLE, "duration"]), numeric_text)
@example("quantity", "0,050")
@example("i_would_price", "1e1000000")
@example("duration", "12991")
@example("duration", "164552")  # as many slices as the order is large enough for
def test_an_amendment_takes_exactly_the_number_or_refuses_it(
    office: Desk, program: Program, field: str, text: str
) -> None:
    Balance.objects.update(free=10**12)  # the orders of earlier examples reserve their part
    order = office.order(key=f"{Order.objects.count()}")
    form = as_shown(office, order, **{field: text})
    answered(lambda: asked(office, order, "preview/", **form))
    changes: dict[str, Any] = {field: text} if field in AMOUNTS else {"parameters": {field: text}}
    answered(lambda: program.post(f"/orders/{order.public_id}/amend/preview", changes))
    answered(lambda: program.post(f"/orders/{order.public_id}/amend", changes | {"terms_version": 1}))
    order.refresh_from_db()
    if order.plan_version == 1 or not text:
        return
    exactly(order.quantity if field == "quantity" else kept(order, field), text)


@quick
@given(numeric_text)
@example("1e400")
@example("1" * 5000)
def test_the_account_form_refuses_numbers_that_json_has_not(office: Desk, text: str) -> None:
    Installation.objects.get_or_create(
        mark="test", defaults={"environment": "paper", "sealing_key": "11" * 32}
    )
    client = office.client(office.admin)
    form = account_form(label=f"a{abs(hash(text))}"[:20], options=f'{{"timeout": {text}}}')
    began = time.process_time()
    answer = client.post("/accounts/new/", form)
    assert time.process_time() - began < MAX_SECONDS
    assert answer.status_code in (302, 303, 422)
    # The page gives back what was written, to be mended.
    empty = client.get("/accounts/new/")
    assert len(answer.content) - len(escape(form["options"])) - len(empty.content) < MAX_REFUSAL // 4


@pytest.mark.parametrize("text", HUGE, ids=["large", "small", "long", "fine"])
def test_no_field_is_computed_with_before_its_size_is_known(
    office: Desk, program: Program, text: str
) -> None:
    order = office.order()
    client = office.client(office.trader)
    for algorithm, field in FIELDS:
        form = ticket_form(office, algorithm, **{field: text})
        answered(lambda form=form: client.post("/orders/new/preview/", form, HTTP_HX_REQUEST="true"))
        answered(lambda form=form: client.post("/orders/new/", form, HTTP_HX_REQUEST="true"))
    for field in (*AMOUNTS, *AMENDABLE, "duration", "end_at"):
        answered(
            lambda field=field: asked(office, order, "preview/", **as_shown(office, order, **{field: text}))
        )
    assert Order.objects.count() == 1


def test_grouping_that_is_clear_is_taken_on_the_ticket_alone(office: Desk, program: Program) -> None:
    client = office.client(office.trader)
    sent = client.post(
        "/orders/new/", office.form(quantity="1.5", limit_price="65,200.10"), HTTP_HX_REQUEST="true"
    )
    assert "HX-Redirect" in sent.headers
    order = Order.objects.get()
    assert order.terms is not None
    assert plain(order.terms.limit_price or Decimal(0)) == "65200.1"
    for price in ("65,200", "0,125"):
        page = client.post(
            "/orders/new/", office.form(limit_price=price), HTTP_HX_REQUEST="true"
        ).content.decode()
        assert "its comma can be read in two ways; write" in page
    assert (
        "write it without commas: 65200.10"
        in program.launch(order_body(office, limit_price="65,200.10")).json()["detail"]
    )


def test_a_key_twice_in_a_body_is_refused(office: Desk, program: Program) -> None:
    body = json.dumps(order_body(office))[:-1] + ', "quantity": "50"}'
    answer = program.post("/orders", body, Idempotency_Key="key-1")
    assert answer.status_code == 400
    assert "the key 'quantity' is there more than once" in answer.json()["detail"]
    assert not Order.objects.exists()


@pytest.mark.parametrize(
    "changes", [{"confirm_limit": "yes"}, {"confirm_limit": 1}, {"confirm_i_would": "true"}]
)
def test_a_confirmation_is_true_or_false_and_nothing_like_it(
    program: Program, office: Desk, changes: dict[str, Any]
) -> None:
    assert program.launch(order_body(office, **changes)).status_code == 422


@pytest.mark.parametrize("page", ["1_0", "٣", "0", "1.5", "1000001", "1e7", "1" * 5000])
def test_a_page_is_a_plain_whole_number(program: Program, page: str) -> None:
    answer = answered(lambda: program.get("/orders", page=page))
    assert answer.status_code == 422


@pytest.mark.parametrize(
    ("days", "status"), [("30", 201), ("3_0", 422), ("٣", 422), ("0", 422), ("366", 422)]
)
def test_a_token_s_days_are_a_plain_whole_number(office: Desk, days: str, status: int) -> None:
    answer = office.client(office.trader).post("/me/", {"name": "a", "days": days, "scopes": ["read"]})
    assert answer.status_code == status


@pytest.mark.parametrize("text", ["1_000", "１０", "0,050", "1e999999", "NaN"])
def test_the_threshold_of_a_person_is_a_plain_number(office: Desk, text: str) -> None:
    with pytest.raises(Exception, match=":") as refused:
        NumberField().clean(text)
    assert len(str(refused.value)) < 200
    assert NumberField().clean("1,234.50") == Decimal("1234.50")


def test_a_number_that_is_refused_says_so_shortly() -> None:
    with pytest.raises(NumberRefused) as refused:
        decimal_number("9" * 10_000_000)
    assert len(str(refused.value)) < 100
