"""Amending from the order's page and over the API: what is shown, what is sent, and what is said of a refusal."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest

from execution.models import Order
from tests.dashboard.api import Program, problem_of
from tests.dashboard.desk_fixture import Desk
from tests.invariants import check_order


def asked(office: Desk, order: Order, path: str = "", **form: str) -> Any:
    client = office.client(office.trader)
    return client.post(f"/orders/{order.public_id}/amend/{path}", form, HTTP_HX_REQUEST="true")


def as_shown(office: Desk, order: Order, **changes: str) -> dict[str, str]:
    """Return the form as the dialog shows it, with changes."""
    shown = {
        "quantity": "2.5",
        "limit_price": "65200",
        "duration": "01:00:00",
        "end_at": "",
        "urgency": "0.5",
        "participation_cap": "",
        "i_would_price": "",
        "catch_up_cap": "3",
        "collar_bp": "50",
        "at_end": "cross",
        "outside_limit": "wait",
    }
    return {"shown": json.dumps(shown), "terms_version": "1"} | shown | changes


# --- the dialog ----------------------------------------------------------------------------------


def test_the_order_s_page_opens_the_dialog_for_its_trader_alone(office: Desk) -> None:
    order = office.order()
    page = office.client(office.trader).get(f"/orders/{order.public_id}/").content.decode()
    assert f'hx-get="/orders/{order.public_id}/amend/"' in page
    page = office.client(office.supervisor).get(f"/orders/{order.public_id}/").content.decode()
    assert "amend/" not in page


def test_the_form_shows_the_terms_as_they_are(office: Desk) -> None:
    order = office.order()
    page = office.client(office.trader).get(f"/orders/{order.public_id}/amend/").content.decode()
    for name, value in as_shown(office, order).items():
        assert f'name="{name}"' in page, name
        if name != "shown":
            assert value in page, name
    for name in ("slices", "start_at", "seed", "randomise_size"):
        assert f'name="{name}"' not in page, name


def test_what_is_as_it_was_shown_is_no_change(office: Desk) -> None:
    order = office.order()
    answer = asked(office, order, "preview/", **as_shown(office, order)).content.decode()
    assert "No changes yet" in answer
    assert "disabled" in answer
    sent = asked(office, order, **as_shown(office, order))
    assert (sent.status_code, sent.content.decode()) == (422, "The amendment changes nothing.")


def test_the_preview_shows_changes_and_plan_and_writes_nothing(office: Desk) -> None:
    order = office.order()
    form = as_shown(office, order, quantity="3", participation_cap="10", duration="02:00:00")
    answer = asked(office, order, "preview/", **form).content.decode()
    assert "Quantity: " in answer
    assert '<span class="number">2.5</span> becomes <b class="number">3</b>' in answer
    assert re.search(
        r"End: <span[^>]*>[0-9-]{10} [0-9:]{8} UTC</span> becomes <b[^>]*>[0-9-]{10} [0-9:]{8} UTC<", answer
    )
    assert "24 slices × 0.125 BTC" in answer
    assert "disabled" not in answer
    order.refresh_from_db()
    assert order.plan_version == 1


def test_sent_it_is_written_once(office: Desk) -> None:
    order = office.order()
    form = as_shown(office, order, quantity="2", participation_cap="10", limit_price="", reason="news")
    for _ in range(2):
        assert asked(office, order, **form).status_code == 204
    order.refresh_from_db()
    assert order.terms is not None
    assert (str(order.quantity), order.plan_version, order.terms.limit_price) == ("2", 2, None)
    assert order.terms.parameters["participation_cap"] == "0.1"
    assert "(news)" in order.journal.latest("version").reason
    check_order(order)


def test_a_refusal_speaks_in_the_form_s_units(office: Desk) -> None:
    order = office.order()
    form = as_shown(office, order, participation_cap="150")
    shown = asked(office, order, "preview/", **form).content.decode()
    assert "Participation cap is 150 %. It must be at most 100 %." in shown
    assert "Participation cap is 150 %" in asked(office, order, **form).content.decode()


def test_terms_that_changed_under_the_dialog_are_said(office: Desk) -> None:
    order = office.order()
    assert asked(office, order, **as_shown(office, order, quantity="2")).status_code == 204
    form = as_shown(office, order, quantity="2.2")
    assert "terms in the meantime" in asked(office, order, "preview/", **form).content.decode()
    sent = asked(office, order, **form)
    assert sent.status_code == 422
    assert "are version 2 now, not 1" in sent.content.decode()


def test_above_the_threshold_more_is_typed_again_and_less_is_not(office: Desk) -> None:
    office.trader.confirm_above = 100_000
    office.trader.save()
    order = office.order()
    form = as_shown(office, order, quantity="3")
    assert 'name="confirm_quantity"' in asked(office, order, "preview/", **form).content.decode()
    assert asked(office, order, **form).status_code == 422
    less = as_shown(office, order, quantity="2")
    assert 'name="confirm_quantity"' not in asked(office, order, "preview/", **less).content.decode()
    assert asked(office, order, **form, confirm_quantity="3").status_code == 204


# --- the API -------------------------------------------------------------------------------------


def test_a_program_sees_the_plan_and_amends_once(office: Desk) -> None:
    order = office.order()
    program = Program(office.trader)
    changes = {"quantity": "3", "limit_price": None, "parameters": {"urgency": "0.8", "duration": 7200}}
    changes["confirm_quantity"] = "3"  # it is worth more than the trader's threshold
    path = f"/orders/{order.public_id}/amend"
    shown = program.post(f"{path}/preview", changes)
    assert shown.status_code == 200
    seen = json.loads(shown.content)
    assert seen["problems"] == []
    assert (seen["terms_version"], seen["remaining"], len(seen["slices"])) == (1, "3", 24)
    assert [change["name"] for change in seen["changes"]] == ["quantity", "limit_price", "end_at", "urgency"]
    for _ in range(2):
        answer = program.post(path, changes | {"terms_version": seen["terms_version"]})
        assert answer.status_code == 200
        body = json.loads(answer.content)
        assert (body["quantity"], body["terms_version"], body["limit_price"]) == ("3", 2, None)
    conflict = problem_of(program.post(path, {"quantity": "2", "terms_version": 1}), 409)
    assert conflict["problems"][0] == {
        "field": "terms_version",
        "message": f"The terms of order {order.public_id} are version 2 now, not 1. Read them again.",
        "value": "1",
        "limit": "2",
        "code": "terms_changed",
    }


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"parameters": {"slices": 3}}, "slices"),
        ({"parameters": {"urgency": 0.5}}, "urgency"),
        ({"parameters": {"quantity": "1"}}, "quantity"),
        ({"quantity": "1e9"}, "quantity"),
        ({"limit_price": "65200.05"}, "limit_price"),
        ({"quantity": None}, "quantity"),
        ({}, ""),
    ],
)
def test_a_bad_change_is_a_422_that_names_it(office: Desk, body: dict[str, Any], field: str) -> None:
    order = office.order()
    answer = Program(office.trader).post(f"/orders/{order.public_id}/amend", body | {"terms_version": 1})
    assert problem_of(answer, 422)["problems"][0]["field"] == field


def test_an_amount_that_is_left_out_stays(office: Desk) -> None:
    order = office.order()
    body = {"parameters": {"urgency": "0.8"}, "terms_version": 1}
    answer = json.loads(Program(office.trader).post(f"/orders/{order.public_id}/amend", body).content)
    assert (answer["quantity"], answer["limit_price"]) == ("2.5", "65200")
