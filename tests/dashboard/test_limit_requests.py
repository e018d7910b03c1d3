"""A wider limit on the page and over the API: it waits under Access, is shown beside the limits, and is confirmed."""

from __future__ import annotations

from typing import Any

from execution.models import AccessRequest, AuditEntry, TradingLimit
from tests.dashboard.api import Program, problem_of
from tests.dashboard.desk_fixture import Desk

LIMIT = {"kind": "order_notional", "scope": "desk", "level": "hard", "value": "90000", "reason": "a drill"}


def values() -> list[str]:
    return [
        str(value) for value in TradingLimit.objects.filter(ended_at=None).values_list("value", flat=True)
    ]


def test_a_wider_limit_waits_on_the_page_until_an_admin_confirms(office: Desk) -> None:
    supervisor, admin = office.client(office.supervisor), office.client(office.admin)
    tight = supervisor.post("/limits/", LIMIT)
    assert (tight.status_code, tight.headers["Location"]) == (303, "/limits/")
    wide = supervisor.post("/limits/", LIMIT | {"value": "95000"})
    assert (wide.status_code, wide.headers["Location"]) == (303, "/access/")
    assert values() == ["90000"]
    request = AccessRequest.objects.get()
    for client, sees in ((supervisor, True), (admin, True), (office.client(office.trader), False)):
        page = client.get("/limits/").content.decode()
        assert ("90,000 USDT → 95,000 USDT" in page) is sees
    assert "Widen a limit" in admin.get("/access/").content.decode()
    done = admin.post(f"/access/{request.public_id}/confirm/", {"hash": request.content_hash})
    assert (done.status_code, values()) == (303, ["95000"])
    assert "→" not in supervisor.get("/limits/").content.decode()


def test_the_end_of_a_limit_waits_and_a_refusal_is_shown(office: Desk) -> None:
    supervisor = office.client(office.supervisor)
    supervisor.post("/limits/", LIMIT)
    limit = TradingLimit.objects.get()
    path = f"/limits/{limit.public_id}/end/"
    assert supervisor.post(path, {"reason": "over"}).headers["Location"] == "/access/"
    assert values() == ["90000"]
    page = supervisor.post("/limits/", LIMIT | {"value": "99000"})
    assert page.status_code == 422
    assert "waits for a second person" in page.content.decode()


def test_alone_the_page_says_so_and_it_is_done(office: Desk) -> None:
    office.admin.delete()
    supervisor = office.client(office.supervisor)
    supervisor.post("/limits/", LIMIT)
    assert "nobody else could confirm it" in supervisor.get("/limits/").content.decode()
    wide = supervisor.post("/limits/", LIMIT | {"value": "95000"})
    assert (wide.headers["Location"], values()) == ("/limits/", ["95000"])
    assert AuditEntry.objects.latest("pk").kind == "access.alone"


def test_over_the_api_it_is_accepted_and_waits(office: Desk) -> None:
    program = Program(office.supervisor)
    made = program.post("/limits", LIMIT)
    assert (made.status_code, made.json()["value"]) == (201, "90000")
    waits = program.post("/limits", LIMIT | {"value": "95000"})
    assert waits.status_code == 202, waits.content
    row = waits.json()
    assert row["changes"] == [
        {"name": "Order notional for the desk, hard", "before": "90,000 USDT", "after": "95,000 USDT"}
    ]
    listed = program.get("/limits").json()
    assert ([each["value"] for each in listed["limits"]], listed["waiting"]) == (["90000"], [row])
    assert Program(office.trader).get("/limits").json()["waiting"] == []
    path = f"/limits/{made.json()['id']}/end"
    problem = problem_of(program.post(path, {"reason": "over"}), 422)
    assert problem["code"] == "access_waiting"
    assert (
        office.client(office.admin).post(f"/access/{row['id']}/refuse/", {"reason": "no"}).status_code == 303
    )
    ended: Any = program.post(path, {"reason": "over"})
    assert (ended.status_code, values()) == (202, ["90000"])
    request = AccessRequest.objects.get(state="waiting")
    confirmed = office.client(office.admin).post(
        f"/access/{request.public_id}/confirm/", {"hash": request.content_hash}
    )
    assert (confirmed.status_code, values()) == (303, [])
    problem_of(program.post("/limits/nothere0/end", {"reason": "over"}), 404)
