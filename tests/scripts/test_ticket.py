"""The ticket: the symbols that it offers, what it says beside its fields, and its review."""

from __future__ import annotations

from typing import Any

import pytest
from playwright.sync_api import expect

from tests.scripts.bare import Scripts

# --- symbols -----------------------------------------------------------------------------------------

ACCOUNTS = [
    {"id": name, "markets": [{"symbol": symbol} for symbol in symbols]}
    for name, symbols in {"a": ["ETH", "BTC"], "b": ["BTC", "SOL", "ETH"], "c": ["XRP"]}.items()
]


@pytest.mark.parametrize(
    ("chosen", "symbols"),
    [
        (["a"], ["BTC", "ETH"]),
        (["b"], ["BTC", "ETH", "SOL"]),
        (["a", "b"], ["BTC", "ETH"]),
        (["a", "c"], []),
        ([], ["BTC", "ETH", "SOL", "XRP"]),
    ],
)
def test_a_symbol_is_offered_that_all_chosen_accounts_trade(
    scripts: Scripts, chosen: list[str], symbols: list[str]
) -> None:
    assert scripts.result("ticket/symbols", "commonSymbols", ACCOUNTS, chosen) == symbols
    assert scripts.result("ticket/symbols", "commonSymbols", [], chosen) == []


FILL = """async (offers) => {
  const { fillSymbols } = await import("/static/js/ticket/symbols.js");
  const select = document.createElement("select");
  return offers.map((symbols) => (fillSymbols(select, symbols), select.value));
}"""


def test_a_chosen_symbol_stays_while_it_is_offered(scripts: Scripts) -> None:
    offers = [["ETH"], ["BTC", "ETH"], ["BTC", "SOL"], []]
    assert scripts.run(FILL, offers) == ["ETH", "ETH", "BTC", ""]


# --- beside the fields -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("written", "line"),
    [
        ("", None),
        ("  ", None),
        ("61,000.5", "61000.5"),
        (" 61000 ", "61000"),
        ("sixty", None),
        ("Infinity", None),
        ("0", "0"),
    ],
)
def test_a_limit_is_drawn_when_it_is_a_number_that_is_not_refused(
    scripts: Scripts, written: str, line: str | None
) -> None:
    others, own = [{"field": "quantity"}], [{"field": "limit_price"}]
    cases: list[list[Any]] = [[written, []], [written, others], [written, own]]
    assert scripts.results("ticket/problems", "writtenLimit", cases) == [line, line, None]


MARKET = {"base": "BTC", "quote": "USDT", "tick": "0.10"}


def test_what_is_not_known_is_said_beside_no_field(scripts: Scripts) -> None:
    data = {"market": MARKET, "quantity": "0.5", "notional": "30005"}
    quantities: list[list[Any]] = [
        [data, "base"],
        [data, "quote"],
        [data | {"notional": None}, "base"],
        [data | {"market": None}, "base"],
    ]
    hints = scripts.results("ticket/hints", "quantityHint", quantities)
    assert hints == ["≈ 30,005.00 USDT", "≈ 0.5 BTC", "", ""]
    quote = {"market": MARKET, "quote": {"mid": "60010.25"}, "limit_distance": None}
    far = quote | {"limit_distance": "+1.2 %"}
    limits: list[list[Any]] = [[quote], [far], [far | {"quote": None}], [quote | {"market": None}]]
    hints = scripts.results("ticket/hints", "limitHint", limits)
    assert hints == ["mid 60,010.2", "+1.2 % against mid 60,010.2", "no quote", "mid 60,010.25"]


def test_a_size_is_that_of_the_text_which_the_server_read(scripts: Scripts) -> None:
    size = {"written": "0.5", "unit": "base", "words": "0.5 BTC"}
    cases: list[list[Any]] = [
        [size, "0.5", "base"],
        [size, "0.55", "base"],
        [size, "0.5", "quote"],
        [None, "", "base"],
    ]
    assert scripts.results("ticket/hints", "sizeWords", cases) == ["0.5 BTC", "", "", ""]


FORM = """<form id="ticket">
<input name="quantity"><p class="error" id="error-quantity"></p>
<input name="limit_price"><p class="error" id="error-limit_price"></p>
<details><summary>More</summary><input name="slices"><p class="error" id="error-slices"></p></details></form>
<ul id="preview"><li id="refused-beside" hidden></li>
<li data-refused="quantity"><b data-text>It is too small.</b></li>
<li data-refused="slices"><b data-text>It is too many.</b></li></ul>"""
PROBLEMS = [
    {"field": "quantity", "message": "It is too small."},
    {"field": "quantity", "message": "It is no number of lots."},
    {"field": "slices", "message": "It is too many."},
]
BESIDE = """async ([problems, used]) => {
  const { showProblems } = await import("/static/js/ticket/problems.js");
  const beside = showProblems(document.getElementById("ticket"), problems, (name) => used.includes(name));
  const shown = (selector) => [...document.querySelectorAll(selector)].filter((node) => !node.hidden);
  return {
    beside: [...beside],
    errors: [...document.querySelectorAll(".error")].map((node) => node.textContent),
    invalid: [...document.querySelectorAll("[aria-invalid]")].map((node) => node.name),
    listed: shown("[data-refused]").map((node) => node.dataset.refused),
    isNoticed: shown("#refused-beside").length > 0,
  };
}"""


def beside(scripts: Scripts, problems: list[Any], *used: str) -> dict[str, Any]:
    found: dict[str, Any] = scripts.run(BESIDE, [problems, used])
    return found


def test_a_problem_stands_beside_its_field_once_that_was_used(scripts: Scripts) -> None:
    scripts.write(FORM)
    found = beside(scripts, PROBLEMS)
    assert found == {
        "beside": [],
        "errors": ["", "", ""],
        "invalid": [],
        "listed": ["quantity", "slices"],
        "isNoticed": False,
    }
    found = beside(scripts, PROBLEMS, "quantity", "slices")
    assert found["errors"] == ["It is too small.", "", "It is too many."], "the first of a field"
    assert found["invalid"] == ["quantity", "slices"]
    assert found["beside"] == ["It is too small."], "who folded the fields does not see the other"
    assert (found["listed"], found["isNoticed"]) == (["slices"], False)
    scripts.run("() => { document.querySelector('details').open = true; }")
    found = beside(scripts, PROBLEMS, "quantity", "slices")
    assert (found["listed"], found["isNoticed"]) == ([], True)
    found = beside(scripts, [], "quantity", "slices")
    assert (found["errors"], found["invalid"]) == (["", "", ""], [])


REFUSING = """async ([problems, beside]) => {
  const { showRefused } = await import("/static/js/ticket/problems.js");
  showRefused(problems, new Set(beside));
  const host = document.getElementById("review-refused");
  return [host.hidden, [...host.children].map((node) => node.textContent)];
}"""


def test_what_stands_beside_no_field_is_said_above_the_button(scripts: Scripts) -> None:
    scripts.write('<div id="review-refused"></div>')
    problems = [*PROBLEMS[::2], PROBLEMS[2]]
    assert scripts.run(REFUSING, [problems, ["It is too small."]]) == [False, ["It is too many."]]
    assert scripts.run(REFUSING, [problems, [each["message"] for each in problems]]) == [True, []]


# --- the review --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("state", "words"),
    [
        ({"side": "buy", "size": "0.5 BTC"}, "Review BUY 0.5 BTC"),
        ({"side": "sell", "size": ""}, "Review SELL"),
        ({"side": "buy", "size": "0.5 BTC", "isWaiting": True}, "Waiting for the order books"),
        ({"side": "buy", "size": "", "isWaiting": True, "isHalted": True}, "Halted"),
    ],
)
def test_the_button_says_what_it_reviews_or_why_it_does_not(
    scripts: Scripts, state: dict[str, Any], words: str
) -> None:
    assert scripts.result("ticket/review", "reviewWords", state) == words


REVIEW = """<form id="ticket" data-review="/review"><input name="side" value="buy"><input name="quantity" value="1">
<details><summary>More</summary><input name="slices"></details>
<div id="review-refused" hidden></div><button type="button" id="review"><span id="review-text"></span></button></form>
<dialog id="review-dialog"><div id="review-body"></div><button id="send">Send</button></dialog>"""
#: A review of a ticket that tells what it is asked for, and of answers as htmx brings them.
BEGUN = """async (problems) => {
  const { Review } = await import("/static/js/ticket/review.js");
  const form = document.getElementById("ticket");
  window.told = [];
  window.htmx = { ajax: (method, path, { values }) => told.push(`${method} ${path} ${values.quantity}`) };
  const ticket = {
    form,
    problems,
    size: "1 BTC",
    posted: () => Object.fromEntries(new FormData(form)),
    hint: () => review.draw(),
    refresh: () => told.push("refresh"),
    refused: (found) => told.push(...found.map(({ message }) => message)),
  };
  const review = new Review(ticket);
  review.listen();
  window.answer = (html, refused, waits) => {
    const script = (id, value) => `<script type="application/json" id="${id}">${JSON.stringify(value)}</script>`;
    document.getElementById("review-body").innerHTML = html
      + (refused === null ? "" : script("review-problems", refused) + script("review-waits", String(waits)));
    review.received();
  };
}"""
ANSWER = "([html, refused, waits]) => answer(html, refused, waits)"


def review_of(scripts: Scripts, *problems: dict[str, str]) -> None:
    scripts.write(REVIEW)
    scripts.run(BEGUN, list(problems))


def told(scripts: Scripts) -> list[str]:
    found: list[str] = scripts.run("() => told.splice(0)")
    return found


def test_an_order_is_sent_when_everything_is_confirmed(scripts: Scripts) -> None:
    review_of(scripts)
    scripts.page.press("[name=quantity]", "Control+Enter")
    assert told(scripts) == ["POST /review 1"]
    expected = '<input type="checkbox" data-confirm><input id="typed" data-confirm data-expected="1000">'
    scripts.run(ANSWER, [expected, [], False])
    assert told(scripts) == ["refresh"], "what stands behind the question"
    send = scripts.page.locator("#send")
    expect(scripts.page.locator("dialog")).to_be_visible()
    expect(scripts.page.locator("[type=checkbox]")).to_be_focused()
    expect(send).to_be_disabled()
    scripts.page.check("[type=checkbox]")
    scripts.page.fill("#typed", "100")
    expect(send).to_be_disabled()
    scripts.page.fill("#typed", "1,000")
    expect(send).to_be_enabled()
    scripts.page.press("#typed", "Control+Enter")
    assert told(scripts) == [], "an open question is not asked again"
    scripts.run(ANSWER, ["<p>Nothing was created.</p>", None, False])
    expect(scripts.page.locator("dialog")).to_be_visible()
    scripts.run(ANSWER, ["<p data-approval></p>", [], False])
    expect(send).to_have_text("Send for approval")
    expect(send).to_be_focused()


SENDING = """() => {
  const event = new CustomEvent("htmx:beforeRequest", { cancelable: true });
  return document.getElementById("send").dispatchEvent(event);
}"""


def test_only_what_was_reviewed_is_sent(scripts: Scripts) -> None:
    review_of(scripts)
    scripts.page.click("#review")
    assert scripts.run(SENDING) is True
    scripts.run("() => { document.querySelector('[name=quantity]').value = '2'; }")
    assert scripts.run(SENDING) is False
    assert scripts.page.locator("#send").is_disabled()
    answered = "(successful) => document.getElementById('send').dispatchEvent({})".format(
        "new CustomEvent('htmx:afterRequest', { detail: { successful } })"
    )
    scripts.run(answered, True)
    assert scripts.page.locator("#send").is_disabled()
    scripts.run(answered, False)
    assert scripts.run("() => document.getElementById('send').disabled") is False


def test_a_review_that_waits_is_asked_for_again_until_something_else_is_written(scripts: Scripts) -> None:
    review_of(scripts)
    button = scripts.page.locator("#review")
    button.click()
    scripts.run(ANSWER, ["", [], True])
    expect(button).to_have_text("Waiting for the order books")
    assert button.get_attribute("aria-busy") == "true"
    expect(scripts.page.locator("dialog")).to_be_hidden()
    scripts.page.wait_for_function("() => told.length === 2")
    assert told(scripts) == ["POST /review 1"] * 2
    scripts.run(ANSWER, ["", [], True])
    scripts.page.fill("[name=quantity]", "2")
    expect(button).to_have_text("Review BUY 1 BTC")
    assert told(scripts) == []
    assert button.get_attribute("aria-busy") == "false"


def test_a_refused_review_leads_to_the_field(scripts: Scripts) -> None:
    review_of(scripts)
    scripts.page.click("#review")
    told(scripts)
    scripts.run(
        ANSWER,
        ["", [{"field": "", "message": "It fails."}, {"field": "slices", "message": "Too many."}], False],
    )
    assert told(scripts) == ["It fails.", "Too many."]
    expect(scripts.page.locator("[name=slices]")).to_be_focused()
    expect(scripts.page.locator("[name=slices]")).to_be_visible()
    expect(scripts.page.locator("dialog")).to_be_hidden()
    scripts.run(ANSWER, ["", [{"field": "", "message": "It fails."}], False])
    expect(scripts.page.locator("#review")).to_be_focused()


def test_nothing_is_reviewed_during_a_halt(scripts: Scripts) -> None:
    review_of(
        scripts,
        {"code": "trading_halted", "message": "Trading is halted."},
        {"code": "x", "message": "Other."},
    )
    scripts.page.click("#review")
    assert told(scripts) == []
    assert scripts.texts("#review-refused p") == ["Trading is halted."]
