"""The pages' own modules: what they do with the page that they find."""

from __future__ import annotations

from typing import Any

import pytest
from playwright.sync_api import expect

from tests.scripts.bare import ADDRESS, Scripts

# --- limits ------------------------------------------------------------------------------------------

KINDS = """<select id="kind"><option value="notional" title="Bounds one order.">Notional</option>
<option value="open" title="Bounds all live orders.">Open</option><option value="plain">Plain</option></select>
<p id="kind-about"></p>"""


def test_the_chosen_kind_of_limit_says_what_it_bounds(scripts: Scripts) -> None:
    scripts.write(KINDS)
    scripts.start("limits")
    assert scripts.texts("#kind-about") == ["Bounds one order."]
    scripts.page.select_option("#kind", "open")
    assert scripts.texts("#kind-about") == ["Bounds all live orders."]
    scripts.page.select_option("#kind", "plain")
    assert scripts.texts("#kind-about") == [""]
    scripts.write("<p>Who only reads limits has no form.</p>")
    scripts.start("limits")


# --- halts -------------------------------------------------------------------------------------------

NOW = 1_790_000_000_000  # 14:13:20 UTC
HALT = {
    "id": "h1", "scope": "account", "subject": "alpha", "kind": "stop", "set_at": NOW - 90_000, "set_by": "sue",
    "swept_at": NOW - 89_000, "flat_at": None, "time_to_flat": None, "lifted_at": None, "lifted_by": "",
    "lift_reason": "", "reason": "odd fills", "orders": 3, "children": 4, "settled": 1, "keeps_time": False,
}  # fmt: skip
LIFTED = HALT | {
    "id": "h0", "kind": "no_new_orders", "set_at": NOW - 90_000_000, "lifted_at": NOW - 60_000, "lifted_by": "bob",
    "lift_reason": "all is well",
}  # fmt: skip
HALTS = '<div id="halts">{}</div>'.format(
    "".join(
        f'<table data-cards><thead><tr>{"<th>Head</th>" * 13}</tr></thead><tbody data-halts="{name}"></tbody>'
        f'</table><p data-empty="{name}">None</p>'
        for name in ("in-force", "former")
    )
)


def rows_of(scripts: Scripts, name: str) -> list[list[str]]:
    rows = scripts.page.locator(f'[data-halts="{name}"] tr').all()
    return [row.locator("td").all_text_contents() for row in rows]


def test_each_halt_has_a_row_and_a_lifted_one_says_who_lifted_it(scripts: Scripts) -> None:
    data = {"halts-in-force-data": [HALT], "halts-former-data": [LIFTED], "halts-now": NOW}
    scripts.write(HALTS, data)
    scripts.start("halts")
    kind, plain = "cancel everything and stop", "no new orders"
    assert rows_of(scripts, "in-force") == [
        ["◍halting", "h1", "account alpha", kind, "14:11:50", "sue", "3", "1 / 4", "–", "odd fills", "Lift…"]
    ]
    begun = ["2026-09-20 13:13:20", "sue", "–", "–", "–", "odd fills"]
    ended = ["14:12:20", "bob", "all is well"]
    assert rows_of(scripts, "former") == [["○lifted", "h0", "account alpha", plain, *begun, *ended]]
    expect(scripts.page.locator("[data-empty]:visible")).to_have_count(0)
    assert scripts.page.locator("[data-label='Head']").count() == 24, "cards on a phone"


def test_a_list_without_halts_says_so(scripts: Scripts) -> None:
    scripts.write(HALTS, {"halts-in-force-data": [], "halts-former-data": [LIFTED], "halts-now": NOW})
    scripts.start("halts")
    expect(scripts.page.locator('[data-empty="in-force"]')).to_be_visible()
    expect(scripts.page.locator('[data-empty="former"]')).to_be_hidden()
    assert scripts.page.locator("table").nth(0).is_hidden()


FLAT = {"flat_at": NOW - 88_580, "time_to_flat": 1420}


@pytest.mark.parametrize(
    ("changes", "now", "shown"),
    [
        ({}, NOW, ["90.00 s", "running"]),
        ({}, NOW - 95_000, ["0.00 s", "running"]),
        (FLAT, NOW, ["1.42 s", "flat"]),
        (FLAT | {"lifted_at": NOW}, NOW, ["1.42 s", "flat"]),
        ({"lifted_at": NOW}, NOW, ["–", "none"]),
        ({"kind": "no_new_orders"}, NOW, ["–", "none"]),
    ],
)
def test_the_time_to_flat_runs_until_nothing_is_open(
    scripts: Scripts, changes: dict[str, Any], now: int, shown: list[str]
) -> None:
    assert scripts.result("pages/halt", "timeToFlat", HALT | changes, now) == shown


def test_a_halt_says_what_happened_to_the_orders_time_when_it_is_lifted(scripts: Scripts) -> None:
    lift = {"lifted_at": NOW, "lifted_by": "bob", "lift_reason": "well"}
    cases = [[HALT], [HALT | lift], [HALT | lift | {"keeps_time": True}], [LIFTED]]
    found = [
        {fact[0]: fact[1] for fact in facts} for facts in scripts.results("pages/halt", "factsOf", cases)
    ]
    assert found[0] == {
        "Set": "2026-09-21 14:11:50.000 UTC by sue",
        "Cancels requested": "2026-09-21 14:11:51.000 UTC",
        "No child order open": "–",
        "Lifted": "not lifted",
    }
    assert found[1]["Lifted"] == "2026-09-21 14:13:20.000 UTC by bob: well"
    assert found[1]["In force for"] == "1 min 30 s"
    times = [facts.get("Orders' time") for facts in found]
    assert times == [None, "not given back", "given back: plans moved by the time of the halt", None]


HALT_FORM = """<form id="halt-form"><input name="csrfmiddlewaretoken" value="secret">
<fieldset><input type="radio" name="scope" value="desk" checked><input type="radio" name="scope" value="trader">
<select name="subject_trader"><option>ann</option><option>bob</option></select></fieldset>
<div id="halt-preview" data-source="/preview"><p data-phrase="halt desk"><b data-amount="1234.5"></b></p></div>
<b id="phrase-wanted"></b><input id="phrase" name="phrase"><input id="reason" name="reason">
<button id="halt-send"></button></form>"""
#: Answers are given by hand, each to the question of its number. No time asks one.
BY_HAND = """() => {
  window.asked = [];
  window.setInterval = () => 0;
  window.fetch = (address) => new Promise((answered) => asked.push({ address, answered }));
  window.answer = async (number, phrase) => {
    const text = `<p data-phrase="${phrase}"><b data-amount="2"></b></p>`;
    asked[number].answered({ ok: true, redirected: false, text: async () => text });
    await new Promise((done) => setTimeout(done));
  };
}"""


def test_a_halt_is_sent_only_with_its_phrase_and_a_reason(scripts: Scripts) -> None:
    scripts.write(HALT_FORM)
    scripts.start("halt_form")
    send = scripts.page.locator("#halt-send")
    assert scripts.texts("#phrase-wanted, [data-amount]") == ["1,234.50", "halt desk"]
    expect(send).to_be_disabled()
    scripts.page.fill("#phrase", " halt desk ")
    expect(send).to_be_disabled()
    scripts.page.fill("#reason", "odd fills")
    expect(send).to_be_enabled()
    scripts.page.fill("#phrase", "halt")
    expect(send).to_be_disabled()


def test_a_preview_that_a_later_one_overtook_is_left(scripts: Scripts) -> None:
    scripts.write(HALT_FORM)
    scripts.run(BY_HAND)
    scripts.start("halt_form")
    scripts.page.fill("#phrase", "halt desk")
    scripts.page.select_option("select", "bob")
    scripts.page.check('[value="desk"]')
    assert scripts.run("() => asked.map(({ address }) => address)") == [
        "/preview?scope=trader&subject_trader=bob",
        "/preview?scope=desk&subject_trader=bob",
    ], "the subject chooses its scope, and no secret or reason is in an address"
    scripts.run("() => answer(1, 'halt desk')")
    scripts.run("() => answer(0, 'halt bob')")
    assert scripts.texts("#phrase-wanted, [data-amount]") == ["2.00", "halt desk"]


# --- a person's own page, and the page of alerts -----------------------------------------------------

ME = """<input type="checkbox" id="notify"><small id="notify-hint">For new alerts.</small>
<input type="checkbox" id="sounds" data-setting="sounds">
<button data-sound="fill" disabled></button><button data-sound="alarm" disabled></button>"""
ALERTS = '<button id="notify" hidden></button><span id="notify-hint"></span>'
#: The browser's notifications, and what a person answers when they are asked.
ALLOWING = """([permission, answer]) => {
  if (permission === null) return delete window.Notification;
  window.Notification = class {
    static permission = permission;
    static async requestPermission() {
      return (this.permission = answer);
    }
  };
}"""
REFUSED = "This browser has refused notifications for the desk. Allow them in its settings."


@pytest.mark.parametrize(
    ("permission", "answer", "is_on", "is_offered", "hint"),
    [
        ("default", "granted", True, True, "For new alerts."),
        ("default", "denied", False, False, REFUSED),
        ("denied", "denied", False, False, REFUSED),
        (None, None, False, False, "This browser has no notifications here."),
    ],
)
def test_notifications_are_on_when_the_browser_allows_them(
    scripts: Scripts, permission: str | None, answer: str | None, is_on: bool, is_offered: bool, hint: str
) -> None:
    scripts.write(ME)
    scripts.run(ALLOWING, [permission, answer])
    scripts.start("me")
    box = scripts.page.locator("#notify")
    assert not box.is_checked()
    if permission == "default":
        box.click()
    expect(box).to_be_checked(checked=is_on)
    expect(box).to_be_enabled(enabled=is_offered)
    assert scripts.texts("#notify-hint") == [hint]
    if is_on:
        box.click()
        expect(box).not_to_be_checked()
        assert scripts.run("() => localStorage.getItem('tranche-notify')") == "off"


def test_a_sound_is_played_only_while_sounds_are_on(scripts: Scripts) -> None:
    scripts.write(ME)
    scripts.run("async () => (await import('/static/js/lib/settings.js')).watchSettings()")
    scripts.start("me")
    sounds = scripts.page.locator("[data-sound]:enabled")
    expect(sounds).to_have_count(0)
    scripts.page.check("#sounds")
    expect(sounds).to_have_count(2)
    scripts.page.uncheck("#sounds")
    expect(sounds).to_have_count(0)


def test_the_page_of_alerts_has_a_button_for_notifications(scripts: Scripts) -> None:
    scripts.write(ALERTS)
    scripts.run(ALLOWING, ["default", "granted"])
    scripts.start("alerts")
    button = scripts.page.locator("#notify")
    expect(button).to_have_text("Notify me in this browser")
    button.click()
    expect(button).to_have_text("Stop notifying this browser")
    assert scripts.texts("#notify-hint") == ["Notifications are on."]
    button.click()
    expect(button).to_have_text("Notify me in this browser")
    assert scripts.texts("#notify-hint") == [""]
    scripts.write(ALERTS)
    scripts.run(ALLOWING, ["denied", "denied"])
    scripts.start("alerts")
    expect(button).to_be_disabled()
    assert scripts.texts("#notify-hint") == [REFUSED]
    scripts.write(ALERTS)
    scripts.run(ALLOWING, [None, None])
    scripts.start("alerts")
    expect(button).to_be_hidden()


# --- times, the API, a basket ------------------------------------------------------------------------


def test_a_time_says_the_persons_own_once(scripts: Scripts) -> None:
    scripts.write('<time datetime="2026-09-21T18:45:00Z" title="18:45 UTC"></time><time>no moment</time>')
    scripts.start("local_times")
    named = "18:45 UTC · 22/09/2026, 00:15:00 your time"
    assert scripts.page.locator("time").first.get_attribute("title") == named
    scripts.run("() => document.body.dispatchEvent(new CustomEvent('htmx:afterSettle'))")
    assert scripts.page.locator("time").first.get_attribute("title") == named
    assert scripts.page.locator("time").last.get_attribute("title") is None


DOCUMENT = {
    "info": {"description": "The desk."},
    "paths": {
        "/orders": {
            "get": {
                "operationId": "orders", "summary": "List orders",
                "parameters": [
                    {"name": "limit", "in": "query", "required": False,
                     "schema": {"type": "integer", "minimum": 1, "maximum": 200, "default": 50}},
                    {"name": "state", "in": "query", "required": True, "schema": {"enum": ["live", "done"]}},
                ],
                "responses": {
                    "200": {"content": {"application/json": {"schema": {"$ref": "#/components/schemas/Row"}}}},
                    "403": {}, "422": {},
                },
            }
        }
    },
    "components": {"schemas": {
        "Row": {"required": ["id"], "properties": {
            "id": {"type": "string"}, "at": {"anyOf": [{"type": "string", "format": "date-time"}, {"type": "null"}]},
            "fills": {"type": "array", "items": {}},
        }}
    }},
}  # fmt: skip


def test_the_api_page_says_what_each_operation_takes_and_answers(scripts: Scripts) -> None:
    scripts.write('<div id="api" data-document="/openapi.json"><div id="api-body"></div></div>')
    scripts.page.route(f"{ADDRESS}openapi.json", lambda route: route.fulfill(json=DOCUMENT))
    scripts.start("api")
    expect(scripts.page.locator("table")).to_have_count(2)
    rows = [row.locator("td").all_text_contents() for row in scripts.page.locator("tbody tr").all()]
    assert rows == [
        ["limit", "query", "integer", "at least 1; at most 200; default 50"],
        ["state", "query, required", '"live" | "done"', ""],
        ["id", "required", "string", ""],
        ["at", "", "string (date-time) | null", ""],
        ["fills", "", "list of any", ""],
    ]
    assert scripts.texts(".hint") == ["Answers 200 Row; problems 403, 422"]
    scripts.page.unroute(f"{ADDRESS}openapi.json")
    scripts.start("api")
    expect(scripts.page.get_by_role("alert")).to_have_text(
        "The API description cannot be loaded: the document answers 404"
    )


BASKET = """<form id="basket-form" data-review="/review" data-costs="/costs" data-most="100">
<input name="csrfmiddlewaretoken" value="token"><input name="key" value="k1"><input name="name" value="">
<input type="file" id="basket-file"><p id="error-file"></p>
<textarea id="csv" name="csv" placeholder="side,symbol"></textarea>
<button type="button" id="csv-example"></button><button type="button" id="basket-review-button"></button></form>
<div id="basket-review"></div>"""
ASKED = "() => { window.asked = []; window.htmx = { ajax: (...given) => asked.push(given[2].values) }; }"
#: A review comes into the page, as htmx brings it.
REVIEWED = """(html) => {
  const host = document.getElementById("basket-review");
  host.innerHTML = html;
  host.dispatchEvent(new CustomEvent("htmx:afterSwap"));
}"""
CONFIRM = """<input type="checkbox" name="twice" value="yes" data-confirm><input name="why" data-confirm>
<button id="basket-send"></button>"""


def test_a_basket_is_sent_as_it_was_reviewed_and_confirmed(scripts: Scripts) -> None:
    scripts.write(BASKET)
    scripts.run(ASKED)
    scripts.start("basket_new")
    page = scripts.page
    page.click("#csv-example")
    assert page.input_value("#csv") == "side,symbol"
    expect(page.locator("#csv-example")).to_be_hidden()
    page.press("#csv", "Control+Enter")
    assert scripts.texts("#basket-review") == ["Reviewing…"]
    scripts.run(REVIEWED, CONFIRM)
    send = page.locator("#basket-send")
    expect(send).to_be_disabled()
    page.check("[name=twice]")
    expect(send).to_be_disabled()
    page.fill("[name=why]", "the client asked")
    expect(send).to_be_enabled()
    page.click("#basket-review-button")
    form = {"csv": "side,symbol", "name": "", "key": "k1", "csrfmiddlewaretoken": "token"}
    confirmed = {"twice": "yes", "why": "the client asked"}
    assert scripts.run("() => asked") == [form, form | confirmed]
    page.fill("#csv", "")
    expect(send).to_have_count(0)
    expect(page.locator("#csv-example")).to_be_visible()


def test_a_file_is_reviewed_at_once_and_one_that_is_no_basket_is_refused(scripts: Scripts) -> None:
    scripts.write(BASKET)
    scripts.run(ASKED)
    scripts.start("basket_new")
    choose = scripts.page.locator("#basket-file").set_input_files
    choose({"name": "month end.csv", "mimeType": "text/csv", "buffer": b"\xff\xfe"})
    expect(scripts.page.locator("#error-file")).to_contain_text("month end.csv is not UTF-8")
    choose({"name": "month end.csv", "mimeType": "text/csv", "buffer": b"buy,BTC"})
    expect(scripts.page.locator("#error-file")).to_have_text("")
    expect(scripts.page.locator("#basket-review")).to_have_text("Reviewing…")
    form = {"csv": "buy,BTC", "name": "month end", "key": "k1", "csrfmiddlewaretoken": "token"}
    assert scripts.run("() => asked") == [form]
