"""Presets of a person and of the desk: who may save, rename and delete which, and what is recorded."""

from __future__ import annotations

from typing import Any

import pytest

from execution.core.orders.presets import parse_preset
from execution.core.problem_codes import Code
from execution.core.problems import Refused
from execution.models import AuditEntry, Preset, Role, User
from execution.selectors.presets import last_used, preset_rows, presets_fitting
from execution.services.desk import presets as services
from execution.services.desk.presets import PresetNotFound, preset_delete, preset_rename, preset_save
from tests.factories import NOW, SYMBOL, Rows


def save(person: User, name: str = "calm", *, replaces: bool = False, **changes: Any) -> Preset:
    raw = {"name": name, "algorithm": "twap", "parameters": {"duration": "2h", "urgency": "0.2"}}
    return preset_save(person=person, request=parse_preset(raw | changes), replaces=replaces, now=NOW)


def names(person: User) -> list[tuple[str, bool]]:
    return [(row["name"], row["is_desk"]) for row in preset_rows(person)]


def refusal(act: Any) -> Code:
    with pytest.raises(Refused) as caught:
        act()
    (problem,) = caught.value.problems
    return problem.code


def test_a_traders_preset_is_theirs_and_a_supervisors_is_the_desks(rows: Rows) -> None:
    save(rows.trader)
    save(rows.supervisor, "the desk's")
    stranger = User.objects.create(username="stranger", role=Role.TRADER)
    assert names(rows.trader) == [("calm", False), ("the desk's", True)]
    assert names(stranger) == names(rows.supervisor) == [("the desk's", True)]
    assert names(User.objects.create(username="an-admin", role=Role.ADMIN)) == []


def test_only_changes_of_the_desks_presets_are_in_the_audit(rows: Rows) -> None:
    own = save(rows.trader)
    preset_rename(public_id=own.public_id, person=rows.trader, name="calmer", now=NOW)
    preset_delete(public_id=own.public_id, person=rows.trader, now=NOW)
    assert not AuditEntry.objects.filter(kind__startswith="preset").exists()
    desk = save(rows.supervisor)
    preset_rename(public_id=desk.public_id, person=rows.supervisor, name="calmer", now=NOW)
    preset_rename(public_id=desk.public_id, person=rows.supervisor, name="calmer", now=NOW)
    preset_delete(public_id=desk.public_id, person=rows.supervisor, now=NOW)
    entries = AuditEntry.objects.filter(kind__startswith="preset").order_by("sequence")
    assert [(entry.kind, entry.data["name"], entry.data.get("before")) for entry in entries] == [
        ("preset_saved", "calm", None),
        ("preset_renamed", "calmer", "calm"),
        ("preset_deleted", "calmer", None),
    ]
    assert {entry.actor for entry in entries} == {f"supervisor:{rows.supervisor.username}"}


def test_a_name_is_used_once_for_an_algorithm_and_a_symbol(rows: Rows) -> None:
    first = save(rows.trader)
    assert refusal(lambda: save(rows.trader)) is Code.PRESET_EXISTS
    save(rows.trader, symbol=SYMBOL)
    save(rows.supervisor)
    save(rows.trader, algorithm="vwap", parameters={"duration": "2h"})
    again = save(rows.trader, replaces=True, parameters={"duration": "3h"})
    assert (again.pk, again.parameters["duration"]) == (first.pk, "PT3H")
    other = save(rows.trader, "other")
    taken = lambda: preset_rename(public_id=other.public_id, person=rows.trader, name="calm", now=NOW)  # noqa: E731
    assert refusal(taken) is Code.PRESET_EXISTS
    assert Preset.objects.filter(owner=rows.trader).count() == 4


def test_nobody_changes_what_is_not_theirs(rows: Rows) -> None:
    own, desk = save(rows.trader), save(rows.supervisor)
    stranger = User.objects.create(username="stranger", role=Role.TRADER)
    for person, preset in ((stranger, own), (stranger, desk), (rows.trader, desk), (rows.supervisor, own)):
        with pytest.raises(PresetNotFound):
            preset_delete(public_id=preset.public_id, person=person, now=NOW)
        with pytest.raises(PresetNotFound):
            preset_rename(public_id=preset.public_id, person=person, name="mine", now=NOW)
    assert Preset.objects.count() == 2


def test_an_admin_has_none(rows: Rows) -> None:
    admin = User.objects.create(username="an-admin", role=Role.ADMIN)
    assert refusal(lambda: save(admin)) is Code.ROLE_NOT_ALLOWED


def test_symbol_and_accounts_are_the_persons(rows: Rows) -> None:
    assert refusal(lambda: save(rows.trader, symbol="DOGE/USDT")) is Code.SYMBOL_NOT_LISTED
    assert refusal(lambda: save(rows.trader, accounts=["nobody's"])) is Code.ACCOUNT_UNKNOWN
    assert refusal(lambda: save(rows.supervisor, accounts=[rows.account.label])) is Code.ACCOUNT_UNKNOWN
    by_label = save(rows.trader, accounts=[rows.account.label, rows.account.public_id])
    assert by_label.accounts == [rows.account.public_id]
    (row,) = preset_rows(rows.trader)
    assert row["accounts"] == [{"id": rows.account.public_id, "label": rows.account.label}]


def test_there_is_a_most(rows: Rows, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(services, "MAX_PRESETS", 2)
    save(rows.trader, "one")
    save(rows.trader, "two")
    assert refusal(lambda: save(rows.trader, "three")) is Code.LENGTH_OUT_OF_RANGE
    save(rows.trader, "two", replaces=True)
    save(rows.supervisor, "three")


def test_those_that_fit_come_from_the_nearest_to_the_farthest(rows: Rows) -> None:
    save(rows.supervisor, "desk any")
    save(rows.supervisor, "desk symbol", symbol=SYMBOL)
    save(rows.trader, "own any")
    save(rows.trader, "own symbol", symbol=SYMBOL)
    save(rows.trader, "of vwap", algorithm="vwap", parameters={"duration": "1h"})
    listed = preset_rows(rows.trader)
    fitting = presets_fitting(listed, algorithm="twap", symbol=SYMBOL)
    assert [row["name"] for row in fitting] == ["own symbol", "own any", "desk symbol", "desk any"]
    elsewhere = presets_fitting(listed, algorithm="twap", symbol="ETH/USDT")
    assert [row["name"] for row in elsewhere] == ["own any", "desk any"]


def test_a_preset_that_does_not_hold_any_more_says_why_and_stays_as_it_is(rows: Rows) -> None:
    preset = save(rows.trader)
    Preset.objects.update(parameters={**preset.parameters, "urgency": "2", "patience": "1"})
    (row,) = preset_rows(rows.trader)
    assert {problem["field"] for problem in row["problems"]} == {"urgency", "patience"}
    assert row["parameters"]["urgency"] == "2"


def test_last_used_is_the_newest_of_the_symbol_else_of_any(rows: Rows) -> None:
    assert last_used(person=rows.trader, symbol=SYMBOL) is None
    order = rows.submit()
    found = last_used(person=rows.trader, symbol=SYMBOL)
    assert found is not None
    assert (found.order.symbol, found.at) == (SYMBOL, order.created_at)
    elsewhere = last_used(person=rows.trader, symbol="ETH/USDT")
    assert elsewhere is not None
    assert elsewhere.order.symbol == SYMBOL
    assert last_used(person=rows.trader, symbol=SYMBOL, algorithm="vwap") is None
    assert last_used(person=rows.supervisor, symbol=SYMBOL) is None, "everybody has their own"
