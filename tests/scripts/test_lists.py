"""Lists in the scripts: what is chosen, shown, put together and completed, and which acts a row offers."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.scripts.bare import Scripts

# --- chosen rows -----------------------------------------------------------------------------------

#: Calls of a set of chosen rows, and afterwards its ids and the state of a box for a, b, c and d.
CHOSEN = """async (calls) => {
  const { Chosen } = await import("/static/js/lib/chosen.js");
  const chosen = new Chosen();
  for (const [name, ...given] of calls) chosen[name](...given);
  return [[...chosen.ids].sort().join(""), chosen.of(["a", "b", "c", "d"]), chosen.size];
}"""
SHOWN = ["a", "b", "c", "d"]


@pytest.mark.parametrize(
    ("calls", "ids", "box"),
    [
        ([], "", "none"),
        ([["set", "b", True]], "b", "some"),
        ([["set", "b", True], ["set", "b", False]], "", "none"),
        ([["set", "b", True, SHOWN], ["set", "d", True, SHOWN, True]], "bcd", "some"),
        ([["set", "d", True, SHOWN], ["set", "a", True, SHOWN, True]], "abcd", "all"),
        (
            [["setAll", SHOWN, True], ["set", "b", False, SHOWN], ["set", "c", False, SHOWN, True]],
            "ad",
            "some",
        ),
        ([["set", "gone", True], ["set", "b", True, SHOWN, True]], "bgone", "some"),
        ([["setAll", SHOWN, True], ["keep", ["b", "x"]]], "b", "some"),
        ([["setAll", SHOWN, True], ["clear"], ["set", "c", True, SHOWN, True]], "c", "some"),
    ],
)
def test_a_choice_goes_through_to_the_last_one_and_forgets_what_is_gone(
    scripts: Scripts, calls: list[list[Any]], ids: str, box: str
) -> None:
    found, state, size = scripts.run(CHOSEN, calls)
    assert (sorted(found), state) == (sorted(ids), box)
    assert size == (len(ids) if "gone" not in ids else 2)


# --- columns and views -----------------------------------------------------------------------------

KNOWN = ["choose", "open", "state", "id", "cost", "actions"]


@pytest.mark.parametrize(
    ("kept", "order", "hidden"),
    [
        (None, ["state", "id", "cost"], []),
        ({}, ["state", "id", "cost"], []),
        ({"order": ["cost", "id"], "hidden": ["id"]}, ["cost", "id", "state"], ["id"]),
        ({"order": ["old", "cost"], "hidden": ["old", "actions"]}, ["cost", "state", "id"], []),
    ],
)
def test_a_kept_layout_gets_new_columns_and_loses_old_ones(
    scripts: Scripts, kept: Any, order: list[str], hidden: list[str]
) -> None:
    layout = scripts.result("blotter/layout", "layoutOf", kept, KNOWN)
    assert layout == {"order": order, "hidden": hidden}
    assert scripts.result("blotter/layout", "keysOf", layout) == ["choose", "open", *order, "actions"]


@given(st.permutations(["state", "id", "cost", "end"]), st.data())
def test_a_moved_column_stays_among_the_others(
    scripts: Scripts, order: list[str], data: st.DataObject
) -> None:
    layout = {"order": order, "hidden": ["id"]}
    key, by = data.draw(st.sampled_from(order)), data.draw(st.integers(-9, 9))
    moved = scripts.result("blotter/layout", "moved", layout, key, by)
    others = [each for each in order if each != key]
    assert [each for each in moved["order"] if each != key] == others
    assert moved["order"].index(key) == min(3, max(0, order.index(key) + by))
    assert moved["hidden"] == ["id"]
    twice = scripts.result(
        "blotter/layout", "toggled", scripts.result("blotter/layout", "toggled", layout, key), key
    )
    assert sorted(twice["hidden"]) == ["id"]


def test_a_view_replaces_the_one_of_its_name(scripts: Scripts) -> None:
    views = [{"name": "mine", "query": "?a"}, {"name": "all", "query": ""}]
    found = scripts.result("blotter/layout", "withView", views, {"name": "mine", "query": "?b"})
    assert found == [{"name": "all", "query": ""}, {"name": "mine", "query": "?b"}]


@pytest.mark.parametrize("kept", ["", "not JSON", "null", "{"])
def test_what_another_program_kept_under_the_name_is_left_out(scripts: Scripts, kept: str) -> None:
    scripts.run("(text) => localStorage.setItem('tranche-test', text)", kept)
    assert scripts.result("blotter/layout", "readKept", "tranche-test") == {}
    assert scripts.result("blotter/layout", "readKept", "tranche-none") == {}


# --- groups ----------------------------------------------------------------------------------------

GROUPED = """async ([rows, order, by]) => {
  const { grouped } = await import("/static/js/home/groups.js");
  return grouped(new Map(rows.map((row) => [row.id, row])), order, by);
}"""
ROWS = [
    {"id": "a", "symbol": "ETH", "trader": "ann", "basket": None},
    {"id": "b", "symbol": "BTC", "trader": "bob", "basket": "k1"},
    {"id": "c", "symbol": "ETH", "trader": "ann", "basket": None},
]


@pytest.mark.parametrize(
    ("by", "groups"),
    [
        ("symbol", [("BTC", "b"), ("ETH", "ca")]),
        ("trader", [("ann", "ca"), ("bob", "b")]),
        ("basket", [("k1", "b"), ("", "ca")]),
        ("all", [("", "cba")]),
    ],
)
def test_live_orders_are_put_together_and_those_without_a_name_come_last(
    scripts: Scripts, by: str, groups: list[tuple[str, str]]
) -> None:
    found = scripts.run(GROUPED, [ROWS, ["c", "b", "a"], by])
    assert [(group["key"], "".join(group["ids"])) for group in found] == groups
    assert scripts.run(GROUPED, [ROWS, [], by]) == []


@given(st.lists(st.sampled_from("abcdef"), unique=True), st.lists(st.sampled_from("abcdef"), unique=True))
def test_a_list_under_the_pointer_stays_and_new_ones_follow(
    scripts: Scripts, shown: list[str], order: list[str]
) -> None:
    held = scripts.result("home/groups", "heldOrder", shown, order)
    assert sorted(held) == sorted(order)
    assert [each for each in held if each in shown] == [each for each in shown if each in order]
    assert [each for each in held if each not in shown] == [each for each in order if each not in shown]


def test_a_halt_names_the_orders_that_wait_by_symbol_and_by_trader(scripts: Scripts) -> None:
    grouped = scripts.results(
        "halts/waiting", "grouped", [[ROWS, "symbol"], [ROWS, "trader"], [[], "symbol"]]
    )
    assert grouped == [[["BTC", 1], ["ETH", 2]], [["ann", 2], ["bob", 1]], []]
    cases = [[ROWS, "all", ""], [ROWS, "symbol", "ETH"], [ROWS, "trader", "nobody"]]
    assert scripts.results("halts/waiting", "idsOf", cases) == [["a", "b", "c"], ["a", "c"], []]


# --- what an order says of itself in each list ------------------------------------------------------

IN_LISTS = """async (row) => {
  const { rowNode } = await import("/static/js/blotter/row.js");
  const { wallRow } = await import("/static/js/wall/row.js");
  const { tileNode } = await import("/static/js/home/tile.js");
  const layout = { order: ["progress", "ahead", "eta", "last_fill", "alerts"], hidden: [] };
  const viewer = document.createElement("div");
  viewer.dataset.userRole = "supervisor";
  document.body.replaceChildren(viewer);
  Object.assign(document.body.dataset, { finalOrders: "completed", liveChildren: "open" });
  const text = (node, selector) => node.querySelector(selector).textContent;
  return [
    text(rowNode(row, { now: row.now, layout }), '[data-column="alerts"]'),
    text(wallRow(row, row.now), "[data-alert]"),
    text(tileNode(row, { now: row.now }), "[data-eta]"),
  ];
}"""
NOW = 1_796_256_000_000  # 2026-12-03, midnight
LISTED: dict[str, Any] = {
    "id": "k3x", "trader": "ann", "account": "alpha", "symbol": "BTC/USDT", "base": "BTC", "quote": "USDT",
    "side": "buy", "algorithm": "twap", "quantity": "1", "filled": "0", "lot": "0.001", "tick": "0.1",
    "notional": None, "limit_price": None, "average": None, "arrival_mid": None, "cost_bp": None, "alerts": 0,
    "status": "working", "needs_person": False, "reason": "", "waits": "", "outcome": "", "unsettled": 0,
    "unknown_since": None, "behind": False, "schedule": [], "done": [], "actions": [], "last_fill_at": None,
    "created_at": NOW, "started_at": None, "start_at": NOW, "end_at": NOW + 1000, "ended_at": None, "now": NOW,
}  # fmt: skip


def test_a_list_says_why_an_order_needs_a_person_since_the_badge_says_that_it_does(scripts: Scripts) -> None:
    row = LISTED | {"status": "paused", "needs_person": True, "reason": "halted: the market is broken"}
    in_blotter, on_wall, _ = scripts.run(IN_LISTS, row)
    assert in_blotter == "! halted: the market is broken"
    assert on_wall == "halted: the market is broken"
    unexplained = scripts.run(IN_LISTS, row | {"reason": ""})
    assert unexplained[:2] == ["! needs attention", "needs attention: see its journal"]


def test_a_tile_says_the_short_start_of_an_order_that_waits_for_it(scripts: Scripts) -> None:
    row = LISTED | {"status": "scheduled", "start_at": NOW + 4_620_000}
    assert scripts.run(IN_LISTS, row)[2] == "starts 01:17:00"
    assert scripts.run(IN_LISTS, row | {"now": NOW - 60_000})[2] == "starts 12-03 01:17"


# --- acts and fields -------------------------------------------------------------------------------

ACTS = """async ([viewer, row]) => {
  const { actsOf } = await import("/static/js/blotter/acts.js");
  const node = document.createElement("div");
  Object.assign(node.dataset, viewer);
  document.body.replaceChildren(node);
  return actsOf(row).map(([act]) => act);
}"""


@pytest.mark.parametrize(
    ("viewer", "acts"),
    [
        ({"userRole": "trader", "userName": "ann", "mayTrade": ""}, ["pause", "cancel"]),
        ({"userRole": "trader", "userName": "bob", "mayTrade": ""}, []),
        ({"userRole": "trader", "userName": "ann"}, []),
        ({"userRole": "supervisor", "userName": "sue"}, ["pause", "cancel"]),
    ],
)
def test_a_row_offers_what_its_state_and_the_viewers_role_allow(
    scripts: Scripts, viewer: dict[str, str], acts: list[str]
) -> None:
    row = {"trader": "ann", "actions": ["pause", "amend", "cancel"]}
    assert scripts.run(ACTS, [viewer, row]) == acts
    assert scripts.run(ACTS, [viewer, row | {"actions": []}]) == []


MENU = """async ([keys, row]) => {
  const { openMenu } = await import("/static/js/blotter/menu.js");
  const layout = { order: ["progress", "ahead", "eta", "last_fill", "alerts"], hidden: [] };
  const viewer = document.createElement("div");
  Object.assign(viewer.dataset, { userRole: "trader", userName: "ann", mayTrade: "" });
  const menu = Object.assign(document.createElement("div"), { id: "row-menu", popover: "auto" });
  const button = document.createElement("button");
  document.body.replaceChildren(viewer, button, menu);
  openMenu(row, button);
  openMenu(row, button);
  const pressed = (key) => new KeyboardEvent("keydown", { key, bubbles: true });
  const key = (name) => document.activeElement.dispatchEvent(pressed(name));
  const focused = () => [...menu.children].indexOf(document.activeElement);
  const places = [focused(), ...keys.map((name) => (key(name), focused()))];
  return [[...menu.children].map((item) => item.textContent), places];
}"""


def test_the_arrows_go_round_the_menu_of_a_row(scripts: Scripts) -> None:
    row = {"id": "k3x", "trader": "ann", "actions": ["pause", "cancel"], "filled": "0", "quantity": "1"}
    items, places = scripts.run(MENU, [["ArrowDown", "ArrowDown", "ArrowUp", "ArrowUp", "ArrowUp", "x"], row])
    assert items == ["Pause", "Cancel…", "Clone", "The order's page"]
    assert places == [0, 1, 2, 1, 0, 3, 3], "opened twice, a key moves by one"
    part, _ = scripts.run(MENU, [[], row | {"filled": "0.5"}])
    assert part[2:] == ["Clone", "Clone what is left", "The order's page"]


@pytest.mark.parametrize(
    ("written", "proposed"),
    [
        ("so", ["SOL/USDT", "DSO/USDT"]),
        ("BTC/USDT, so", ["BTC/USDT, SOL/USDT", "BTC/USDT, DSO/USDT"]),
        ("BTC/USDT,SOL/USDT, so", ["BTC/USDT,SOL/USDT, DSO/USDT"]),
        ("BTC/USDT  ds", ["BTC/USDT, DSO/USDT"]),
        ("BTC/USDT, ", []),
        ("zzz", []),
        ("", []),
    ],
)
def test_the_last_symbol_of_a_list_is_completed(scripts: Scripts, written: str, proposed: list[str]) -> None:
    names = ["BTC/USDT", "DSO/USDT", "SOL/USDT"]
    assert scripts.result("lib/complete", "proposals", written, names) == proposed


APPLIES = """async ([isDay, value]) => {
  const { applies } = await import("/static/js/lib/filters.js");
  const field = document.createElement("input");
  if (isDay) field.dataset.day = "";
  field.value = value;
  return applies(field);
}"""


@pytest.mark.parametrize(
    ("is_day", "value", "applies"),
    [
        (False, "", True),
        (False, "BTC", True),
        (True, "", True),
        (True, " 2026-09-21 ", True),
        (True, "2026-09", False),
        (True, "2026-09-210", False),
    ],
)
def test_a_day_filters_when_it_is_whole(scripts: Scripts, is_day: bool, value: str, applies: bool) -> None:
    assert scripts.run(APPLIES, [is_day, value]) is applies
