"""Halts over the API: previewed, confirmed by the phrase, followed and lifted, by supervisors alone."""

from __future__ import annotations

import pytest

from execution.models import Halt
from tests.dashboard.api import Program, order_body, problem_of
from tests.dashboard.desk_fixture import Desk

DESK = {"kind": "stop", "scope": "desk"}


def test_a_halt_is_previewed_set_followed_and_lifted(office: Desk) -> None:
    order = office.order()
    program = Program(office.supervisor)
    preview = program.post("/halts/preview", DESK).json()
    assert (preview["phrase"], preview["orders"]) == ("HALT DESK", 1)
    assert Halt.objects.count() == 0
    body = {**DESK, "phrase": preview["phrase"], "reason": "a drill"}
    made = program.post("/halts", body)
    assert made.status_code == 201, made.content
    halt = made.json()
    assert (halt["orders"], halt["lifted_at"], halt["set_by"]) == (1, None, "supervisor")
    assert program.get(f"/orders/{order.public_id}").json()["status"] == "paused"
    problem = problem_of(Program(office.trader).launch(order_body(office), key="other"), 422)
    assert "a drill" in problem["detail"]
    assert [row["id"] for row in program.get("/halts").json()["halts"]] == [halt["id"]]
    assert "reason" in problem_of(program.post(f"/halts/{halt['id']}/lift", {"reason": ""}), 422)["detail"]
    lifted = program.post(f"/halts/{halt['id']}/lift", {"reason": "the drill is over"}).json()
    assert (lifted["lifted_by"], lifted["lift_reason"]) == ("supervisor", "the drill is over")
    assert program.get("/halts").json()["halts"] == []
    assert len(program.get("/halts", lifted="true").json()["halts"]) == 1
    assert program.get(f"/orders/{order.public_id}").json()["status"] == "paused"


def test_without_the_phrase_nothing_is_halted(office: Desk) -> None:
    program = Program(office.supervisor)
    problem = problem_of(program.post("/halts", {**DESK, "phrase": "halt", "reason": "a drill"}), 422)
    assert problem["problems"][0] == {
        "field": "phrase",
        "message": "Type HALT DESK to confirm.",
        "value": "halt",
        "limit": "HALT DESK",
        "code": "confirmation_phrase_wrong",
    }
    problem_of(program.post("/halts/preview", {**DESK, "scope": "account", "subject": "nowhere"}), 422)
    problem_of(program.get("/halts/nothere0"), 404)
    problem_of(program.post("/halts/nothere0/lift", {"reason": "none"}), 404)
    assert Halt.objects.count() == 0


@pytest.mark.parametrize("role", ["trader", "admin"])
def test_nobody_else_halts_or_sees_halts(office: Desk, role: str) -> None:
    program = Program(getattr(office, role))
    body = {**DESK, "phrase": "HALT DESK", "reason": "a drill"}
    for answer in (
        program.post("/halts", body),
        program.post("/halts/preview", DESK),
        program.get("/halts"),
        program.get("/halts/nothere0"),
        program.post("/halts/nothere0/lift", {"reason": "none"}),
    ):
        problem_of(answer, 403)
    assert Halt.objects.count() == 0
