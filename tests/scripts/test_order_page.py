"""An order's page: what it knows of its order after each message, and the tabs of its tables."""

from __future__ import annotations

from typing import Any

import pytest
from playwright.sync_api import expect

from tests.scripts.bare import Scripts

ORDER = {"quantity": "2", "waits": ""}
SLICES = [
    {"key": 2, "number": 2, "starts_at": 30_000, "ends_at": 60_000, "quantity": "1"},
    {"key": 1, "number": 1, "starts_at": 0, "ends_at": 30_000, "quantity": "1"},
]
FILLS = [{"key": "t2", "at": 9_000}, {"key": "t1", "at": 4_000}]
SNAPSHOT = {"order": ORDER, "slices": SLICES, "children": [], "fills": FILLS, "journal": [], "profile": [1]}
NOTHING: dict[str, Any] = {"slices": [], "children": [], "fills": [], "journal": []}
#: Calls of what a page knows of an order, what each returned, and the view afterwards.
CALLS = """async ([shows, snapshot, calls]) => {
  const { OrderState } = await import("/static/js/order/order_state.js");
  const state = new OrderState({ shows }, snapshot);
  const returned = calls.map(([name, message]) => state[name](message) ?? null);
  return [state.view(61_000), returned];
}"""


def after(
    scripts: Scripts, *calls: tuple[str, Any], schedule: bool = True
) -> tuple[dict[str, Any], list[Any]]:
    view, returned = scripts.run(CALLS, [{"schedule": schedule}, SNAPSHOT, [list(call) for call in calls]])
    return view, returned


def keys(rows: list[dict[str, Any]]) -> list[Any]:
    return [row["key"] for row in rows]


def test_a_view_has_its_parts_in_the_order_of_time(scripts: Scripts) -> None:
    view, _ = after(scripts)
    assert (keys(view["slices"]), keys(view["fills"])) == ([1, 2], ["t1", "t2"])
    assert view["line"][-1] == [60_000, 1]
    assert after(scripts, schedule=False)[0]["line"] == [], "neither ahead nor behind"


def test_a_change_replaces_rows_of_its_keys_and_a_new_plan_replaces_all_slices(scripts: Scripts) -> None:
    fill, third = {"key": "t1", "at": 10_000}, SLICES[0] | {"key": 3, "number": 3}
    change = NOTHING | {"order": ORDER | {"quantity": "3"}, "fills": [fill], "slices": [third]}
    view, _ = after(scripts, ("change", change))
    assert (keys(view["fills"]), keys(view["slices"])) == (["t2", "t1"], [1, 2, 3])
    assert (view["order"]["quantity"], view["profile"]) == ("3", [1])
    view, _ = after(scripts, ("change", change | {"replan": True, "profile": [2]}))
    assert (keys(view["slices"]), view["profile"]) == ([3], [2])


def test_the_market_is_kept_until_a_snapshot_and_says_whether_the_order_waits(scripts: Scripts) -> None:
    late, early, again = [2_000, "1"], [1_000, "1"], [2_000, "5"]
    heard = [
        ("hear", {"samples": [late, early], "waits": "for a book"}),
        ("hear", {"samples": [again], "waits": "for a book"}),
    ]
    view, returned = after(scripts, *heard)
    assert view["samples"] == [early, again]
    assert (view["order"]["waits"], returned) == ("for a book", [True, False])
    view, _ = after(scripts, *heard, ("take", SNAPSHOT))
    assert view["samples"] == []


#: The facts of an order that is due at its end.
NOW = """async (status) => {
  Object.assign(document.body.dataset, { finalOrders: "cancelled", liveChildren: "open" });
  const { drawNow } = await import("/static/js/order/order_panels.js");
  const order = { status, due_at: 60000, reserves: [], account: "alpha", owner: "a", waits: "", why: "" };
  const form = { shows: { schedule: false, pace: false } };
  drawNow({ order, slices: [], children: [], line: [], form, now: 0 });
}"""


def test_a_paused_order_has_no_next_decision(scripts: Scripts) -> None:
    for status, due in (("working", "00:01:00"), ("paused", "–")):
        scripts.write('<dl id="now"></dl>')
        scripts.run(NOW, status)
        facts = dict(zip(scripts.texts("#now dt"), scripts.texts("#now dd"), strict=True))
        assert facts["Next decision in"] == due


TABS = """<div class="tab-list"><button id="tab-children"><b></b></button><button id="tab-fills"><b></b></button>
<button id="tab-journal"><b></b></button></div><div id="panel-rows"></div>"""
BEGUN = """async (name) => {
  const { RowTabs } = await import("/static/js/order/row_tabs.js");
  window.drawn = [];
  window.tabs = new RowTabs(["children", "fills", "journal"], [], () => drawn.push(tabs.shown));
  tabs.listen();
  tabs.select(name);
}"""


@pytest.mark.parametrize(("name", "shown"), [("fills", "fills"), ("slices", "children"), ("", "children")])
def test_the_address_chooses_a_tab(scripts: Scripts, name: str, shown: str) -> None:
    scripts.write(TABS)
    scripts.run(BEGUN, name)
    assert scripts.run("() => drawn") == [shown]
    panel = scripts.page.locator("#panel-rows")
    assert panel.get_attribute("aria-labelledby") == f"tab-{shown}"
    assert scripts.page.locator('[aria-selected="true"]').get_attribute("id") == f"tab-{shown}"
    assert scripts.page.locator('[tabindex="0"]').count() == 1


def test_the_arrows_go_round_the_tabs(scripts: Scripts) -> None:
    scripts.write(TABS)
    scripts.run(BEGUN, "children")
    scripts.page.locator("#tab-children").focus()
    for key in ("ArrowLeft", "ArrowRight", "ArrowRight", "x"):
        scripts.page.keyboard.press(key)
    assert scripts.run("() => drawn") == ["children", "journal", "children", "fills"]
    expect(scripts.page.locator("#tab-fills")).to_be_focused()
    scripts.page.click("#tab-journal")
    assert scripts.page.url.endswith("#journal")
    assert scripts.run("() => drawn.at(-1)") == "journal"
    rows = "{ children: new Map([[1, {}], [2, {}]]), fills: new Map(), journal: new Map() }"
    scripts.run(f"() => tabs.draw({rows}, {{}})")
    assert scripts.texts(".tab-list b") == ["2", "0", "0"]
    assert scripts.texts("#panel-rows td") == ["The journal is empty."]
