"""Presets over the API: saved, listed and deleted by a program, and refused as on a page."""

from __future__ import annotations

from typing import Any

import pytest

from execution.models import Preset
from tests.dashboard.api import Program, problem_of
from tests.dashboard.desk_fixture import Desk
from tests.dashboard.test_presets import saved

BODY = {
    "name": "calm",
    "symbol": "BTC/USDT",
    "algorithm": "twap",
    "parameters": {"duration": 3600, "urgency": "0.2"},
}


def test_a_program_saves_lists_and_deletes(office: Desk) -> None:
    program = Program(office.trader)
    made = program.post("/presets", BODY | {"accounts": ["alpha"]})
    assert made.status_code == 201, made.content
    assert made.json()["parameters"]["urgency"] == "0.2"
    assert made.json()["accounts"] == [{"id": office.account.public_id, "label": "alpha"}]
    saved(office.supervisor, "house")
    listed = program.get("/presets").json()["presets"]
    assert [(row["name"], row["symbol"], row["is_desk"]) for row in listed] == [
        ("calm", "BTC/USDT", False),
        ("house", None, True),
    ]
    parameters = listed[0]["parameters"]
    order = {"symbol": "BTC/USDT", "side": "buy", "quantity": "1", "unit": "base", "accounts": ["alpha"]}
    sent = program.launch(order | {"algorithm": "twap", "parameters": parameters, "limit_price": "65200"})
    assert sent.status_code == 201, sent.content
    assert program.post(f"/presets/{made.json()['id']}/delete").status_code == 204
    assert program.post(f"/presets/{made.json()['id']}/delete").status_code == 404
    assert [row["name"] for row in program.get("/presets").json()["presets"]] == ["house"]


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"name": ""}, "length_out_of_range"),
        ({"parameters": {"duration": 3600, "urgency": 0.2}}, "value_wrong_type"),
        ({"parameters": {"duration": 3600, "i_would_price": "60000"}}, "preset_of_one_order"),
        ({"limit_mode": "never"}, "value_not_allowed"),
        ({"quantity": "1"}, "field_unknown"),
        ({"symbol": "DOGE/USDT"}, "symbol_not_listed"),
    ],
)
def test_a_program_is_refused_as_a_person_is(office: Desk, changes: dict[str, Any], code: str) -> None:
    problem = problem_of(Program(office.trader).post("/presets", BODY | changes), 422)
    assert problem["code"] == code
    assert not Preset.objects.exists()


def test_a_program_replaces_only_on_request(office: Desk) -> None:
    program = Program(office.trader)
    program.post("/presets", BODY)
    assert problem_of(program.post("/presets", BODY), 422)["code"] == "preset_exists"
    assert program.post("/presets", BODY | {"replaces": True}).status_code == 201
