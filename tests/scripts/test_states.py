"""The words of the scripts for states: of orders and children, halts, baskets, and of the line to the server."""

from __future__ import annotations

from typing import Any

import pytest

from dashboard.present.order_pills import order_pill
from execution.core.states import CHILD_LIVE, ORDER_FINAL, ChildStatus, OrderStatus
from tests.scripts.bare import Scripts

#: The page names the states of each group, as ``templates/base.html`` does; the words of a pill for each state.
PILLS = """async ([groups, statuses, name]) => {
  Object.assign(document.body.dataset, groups);
  const states = await import("/static/js/lib/states.js");
  const row = { unsettled: 0, outcome: "", needs_person: true, reason: "", waits: "" };
  return statuses.map((status) => {
    const pill = states[name]({ ...row, status });
    return [pill.textContent, pill.className, states.isFinal(status), states.isLiveChild(status)];
  });
}"""
GROUPS = {"finalOrders": " ".join(sorted(ORDER_FINAL)), "liveChildren": " ".join(sorted(CHILD_LIVE))}


def test_every_state_of_an_order_has_a_sign_and_its_word(scripts: Scripts) -> None:
    statuses = list(OrderStatus)
    for status, found in zip(statuses, scripts.run(PILLS, [GROUPS, statuses, "orderPill"]), strict=True):
        text, kind, is_final, _ = found
        assert is_final == (status in ORDER_FINAL)
        assert ("needs attention" in text) == (not is_final), "somebody is needed while it lives"
        words = text.removeprefix("!").removesuffix(", needs attention")
        assert words[1:] == status.replace("_", " ")
        assert (words[0] == "?") == (status == "pending_approval"), "? is the sign of an unknown state, too"
        assert kind.startswith("pill")
        pill = order_pill(status)
        tones = {pill.tone, "" if is_final else "bad"} - {""}
        assert (words, set(kind.split()[1:])) == (f"{pill.sign}{pill.word}", tones), "as the server's pill"


def test_every_state_of_a_child_has_a_sign_and_its_word(scripts: Scripts) -> None:
    statuses = list(ChildStatus)
    for status, found in zip(statuses, scripts.run(PILLS, [GROUPS, statuses, "childPill"]), strict=True):
        text, _, _, is_live = found
        assert is_live == (status in CHILD_LIVE)
        assert text[1:] == status.replace("_", " ")
        assert (text[0] == "?") == (status == "unknown")


@pytest.mark.parametrize(
    ("status", "unsettled", "shown", "reason"),
    [
        ("paused", 2, "pausing", "pausing: 2 children not settled · news"),
        ("paused", 0, "paused", "news"),
        ("closing", 1, "closing", "closing: 1 child not settled · news"),
        ("working", 1, "working", "news"),
    ],
)
def test_a_pause_and_an_end_say_what_they_wait_for(
    scripts: Scripts, status: str, unsettled: int, shown: str, reason: str
) -> None:
    order = {"status": status, "unsettled": unsettled, "reason": "news"}
    assert scripts.result("lib/states", "shownStatus", order) == shown
    assert scripts.result("lib/states", "reasonOf", order) == reason
    assert scripts.result("lib/states", "reasonOf", order | {"waits": "limit"}) == f"{reason} · limit"


def test_an_order_is_filled_in_part_between_nothing_and_everything(scripts: Scripts) -> None:
    cases = [[{"filled": filled, "quantity": "1"}] for filled in ("0", "0.000000001", "0.999", "1", "1.1")]
    assert scripts.results("lib/states", "isPartFilled", cases) == [False, True, True, False, False]


# --- halts -----------------------------------------------------------------------------------------

HALT: dict[str, Any] = {
    "scope": "desk", "subject": "the desk", "kind": "stop", "set_at": 0, "flat_at": None, "lifted_at": None,
    "settled": 3, "children": 5, "time_to_flat": None,
}  # fmt: skip


@pytest.mark.parametrize(
    ("changes", "title", "state", "progress"),
    [
        ({}, "Desk halt", "halting", "3 of 5 settled, 41 s since the halt was set"),
        ({"flat_at": 9, "time_to_flat": 1420}, "Desk halt", "halted", "no child order open after 1.42 s"),
        ({"lifted_at": 9}, "Desk halt", "lifted", "3 of 5 settled"),
        ({"kind": "no_new_orders"}, "Desk halt", "no new orders", "live orders go on"),
        ({"scope": "account", "subject": "alpha", "children": 0, "settled": 0}, "Halt of account alpha", "halting",
         "0 of 0 settled, 41 s since the halt was set"),
        ({"scope": "trader", "subject": "ann"}, "Halt of trader ann", "halting",
         "3 of 5 settled, 41 s since the halt was set"),
        ({"scope": "order", "subject": "k3x", "lifted_at": 9, "kind": "no_new_orders"}, "Halt of order k3x", "lifted",
         "live orders go on"),
    ],
)  # fmt: skip
def test_a_halt_says_of_what_it_is_and_how_far(
    scripts: Scripts, changes: dict[str, Any], title: str, state: str, progress: str
) -> None:
    halt = HALT | changes
    assert scripts.result("halts/halt_text", "titleOf", halt) == title
    assert scripts.result("halts/halt_text", "stateOf", halt)[1] == state
    assert scripts.result("halts/halt_text", "progressOf", halt, 41_000) == progress
    assert title.endswith(scripts.result("halts/halt_text", "subjectOf", halt)) or title == "Desk halt"


# --- baskets and groups ----------------------------------------------------------------------------

PROBLEM = """async ([name, bytes, most]) => {
  const { decoded, fileProblem } = await import("/static/js/basket/file.js");
  const problem = fileProblem(name, Uint8Array.from(bytes), most);
  return [problem, problem ? null : decoded(Uint8Array.from(bytes))];
}"""


@pytest.mark.parametrize(
    ("content", "problem", "text"),
    [
        (b"", "a.csv is empty.", None),
        ("symbol,€\n".encode(), "", "symbol,€\n"),
        (b"\xef\xbb\xbfsymbol", "", "symbol"),
        (b"caf\xe9", 'a.csv is not UTF-8. Save it as UTF-8: in a spreadsheet, "CSV UTF-8".', None),
        (b"x" * 5_000, "a.csv has 5,000 bytes. A basket has at most 1,000 characters.", None),
    ],
)
def test_a_file_is_read_as_utf_8_or_says_why_not(
    scripts: Scripts, content: bytes, problem: str, text: str | None
) -> None:
    assert scripts.run(PROBLEM, ["a.csv", list(content), 1_000]) == [problem, text]


def test_figures_of_a_basket_that_are_not_known_are_a_dash(scripts: Scripts) -> None:
    nothing = {"bought": None, "sold": None, "net": None}
    basket = {
        "notional": {"bought": "1000", "sold": "0", "net": "-1000", "currency": "USDT"},
        "filled": {"bought": "500.005", "sold": "0", "net": "-500"}, "filled_share": "0.9999", "cost_bp": "-1.25",
    }  # fmt: skip
    unknown = {
        "notional": nothing | {"currency": "USDT"}, "filled": nothing, "filled_share": None, "cost_bp": None,
    }  # fmt: skip
    known, none = scripts.results("basket/standing", "figures", [[basket], [unknown]])
    assert [value for _, value, _, _ in known] == [">99.9 %", "1,000.00", "0.00", "−1,000.00", "−1.2 bp"]
    assert known[1][2] == "USDT, 500.00 so far"
    assert [name for name, *_ in known[1:4]] == ["to buy", "to sell", "net when done"]
    assert known[4][3] == "good"
    assert [value for _, value, _, _ in none] == ["–"] * 5
    assert none[1][2] == "USDT, so far: not known"
    counts = [{"working": 3, "pending_approval": 1}, {}]
    words = scripts.results("basket/standing", "countWords", [[each] for each in counts])
    assert words == ["3 working, 1 pending approval", ""]


def test_a_group_of_orders_says_how_many_lag(scripts: Scripts) -> None:
    groups = [{"orders": 1, "behind": 0, "paused": 0}, {"orders": 3, "behind": 2, "paused": 1}]
    words = scripts.results("home/head", "groupWords", [[each] for each in groups])
    assert words == ["1 order", "3 orders · 2 behind · 1 paused"]
    sums = scripts.results("home/head", "openWords", [[{"USDT": "196000", "EUR": None}], [{}]])
    assert sums == ["196 k USDT · – EUR", ""]


def test_the_watchlist_is_short_and_exact_where_it_can_be(scripts: Scripts) -> None:
    changes = [None, "0", "-0.00315", "0.1", "-1"]
    words = scripts.results("home/watchlist", "changeWords", [[change] for change in changes])
    assert words == ["–", "0.00", "−0.32", "+10.00", "−100.00"]
    cases = [
        ("0", "0.0001"),
        ("1234.5678", "0.0001"),
        ("-0.00012345", None),
        ("123456789.5", "0.1"),
        ("-2", "1"),
    ]
    shown = scripts.results("home/watchlist", "shortQuantity", cases)
    assert shown == ["0", "1,234.57", "−0.00012", "123,456,790", "−2"]


def test_a_ladder_says_how_far_a_size_reaches(scripts: Scripts) -> None:
    ladder: dict[str, Any] = {"tick": "0.1", "lot": "0.001", "base": "BTC", "side": "buy", "limit": None}
    ladder |= {"books": [{"used": True}, {"used": True}], "asks": [], "bids": []}
    size = {
        "quantity": "0.0667",
        "price": "64520",
        "cost_bp": "0.24",
        "average_bp": "0.1",
        "carried": "0.0667",
    }
    short = size | {"price": None, "carried": "0.01", "cost_bp": None}
    far = size | {"quantity": "1", "price": "64530", "cost_bp": "0.4"}
    slices = "slice 0.0667 BTC reaches 64,520.0: +0.2 bp, average +0.1 bp"
    whole = "whole order 1 BTC reaches 64,530.0: +0.4 bp, average +0.1 bp"
    asks = [{"price": "64520", "depth": "0.5"}, {"price": "64530", "depth": "2"}]
    limit = {"limit": "64521.5", "books": [{"used": True}, {"used": False}]}
    cases: list[tuple[dict[str, Any], list[list[str]]]] = [
        ({"slice": size, "order": far, "asks": asks}, [["slice", slices], ["order", whole]]),
        ({"slice": size, "order": far, "asks": asks[1:]}, [["slice", slices], ["slice", whole]]),
        ({"slice": size, "order": size}, [["order", slices.replace("slice", "whole order")]]),
        ({"slice": None, "order": None}, []),
        ({"slice": short, "order": None}, [["slice", "slice 0.0667 BTC: these books carry only 0.010 BTC"]]),
        ({"slice": None, "order": short} | limit, [["order",
            "whole order 0.0667 BTC: this book carries only 0.010 BTC within the limit 64,521.5"]]),
        ({"slice": short | {"carried": "0"}, "order": far} | limit, [["none",
            "limit 64,521.5: nothing to buy in this book"]]),
    ]  # fmt: skip
    for changes, lines in cases:
        assert scripts.result("market/ladder", "reachLines", ladder | changes, "whole order") == lines


def test_sizes_of_a_ladder_have_the_places_that_fit(scripts: Scripts) -> None:
    cases = [("0.00001", 7.7), ("0.001", 12_345.6), ("0.001", 1_279.454), ("1", 20_000_000), (None, 5)]
    assert scripts.results("market/ladder", "fittingPlaces", cases) == [5, 1, 2, 0, None]


#: The steps that a pane asks for after it was told to watch a market, and when a ladder comes.
STEPS = """async ([isChosen, group, events]) => {
  const { MarketPane } = await import("/static/js/market/pane.js");
  const asked = [];
  const socket = { send: (message) => asked.push([message.symbol, message.group]) };
  const given = { isChosen, choice: { group }, book: {}, wish: null, socket };
  const pane = Object.assign(Object.create(MarketPane.prototype), given);
  for (const [name, subject] of events) pane[name](subject);
  return asked;
}"""


def test_the_step_that_the_desk_chose_stays_until_another_symbol(scripts: Scripts) -> None:
    full = {"symbol": "BTC/USDT", "tick": "0.01", "step": "1", "asks": [{}] * 12, "bids": [{}] * 12}
    finer, thin = full | {"step": "0.1"}, full | {"bids": [{}] * 11}
    btc, sol = ["watch", {"symbol": "BTC/USDT"}], ["watch", {"symbol": "SOL/USDT"}]
    events = [btc, ["holdGroup", thin], ["holdGroup", full], ["holdGroup", finer], sol, ["holdGroup", full]]
    asked = scripts.run(STEPS, [False, None, events])
    assert asked == [["BTC/USDT", None], ["BTC/USDT", 100], ["SOL/USDT", None]]
    chosen = scripts.run(STEPS, [True, 10, events])
    assert chosen == [["BTC/USDT", 10], ["SOL/USDT", 10]], "a person's choice stays"


# --- the line to the server ------------------------------------------------------------------------

#: What a page hears and asks when these messages come: handlers by name with their version, and what is sent.
HEARD = """async (messages) => {
  const { LiveSocket } = await import("/static/js/lib/socket.js");
  const heard = [];
  const note = (message) => heard.push(`${message.type} ${message.version ?? ""}`.trim());
  const socket = new LiveSocket(null, { snapshot: note, delta: note, beat: note }, 1000);
  socket.socket = { readyState: WebSocket.OPEN, send: (text) => heard.push(`asks ${JSON.parse(text).type}`) };
  for (const message of messages) socket.heard(message);
  return [heard, socket.state, socket.version, socket.now() >= 1000];
}"""


def delta(since: int, version: int) -> dict[str, Any]:
    return {"type": "delta", "from": since, "version": version}


@pytest.mark.parametrize(
    ("messages", "heard", "version"),
    [
        ([delta(1, 2)], [], None),
        (
            [{"type": "snapshot", "version": 1}, delta(1, 2), delta(2, 3)],
            ["snapshot 1", "delta 2", "delta 3"],
            3,
        ),
        (
            [{"type": "snapshot", "version": 1}, delta(2, 3), delta(3, 4)],
            ["snapshot 1", "asks snapshot"],
            None,
        ),
        (
            [
                {"type": "snapshot", "version": 1},
                delta(5, 6),
                {"type": "snapshot", "version": 6},
                delta(6, 7),
            ],
            ["snapshot 1", "asks snapshot", "snapshot 6", "delta 7"],
            7,
        ),
        ([{"type": "beat", "now": 5_000}], ["beat"], None),
    ],
)
def test_a_gap_in_the_versions_asks_for_a_new_snapshot(
    scripts: Scripts, messages: list[dict[str, Any]], heard: list[str], version: int | None
) -> None:
    assert scripts.run(HEARD, messages) == [heard, "live", version, True]


def test_each_piece_of_news_is_told_once(scripts: Scripts) -> None:
    scripts.run("() => localStorage.clear()")
    first, second, none = scripts.run("""async () => {
      const { claim } = await import("/static/js/lib/told.js");
      return [await claim(["a", "b"]), await claim(["b", "c"]), await claim([])];
    }""")
    assert (first, second, none) == (["a", "b"], ["c"], [])
    scripts.clear()
    again = scripts.run("async () => (await import('/static/js/lib/told.js')).claim(['c', 'd'])")
    assert again == ["d"], "another page of this browser knows it"


def test_the_wall_names_what_waits_for_approval_beside_what_works(scripts: Scripts) -> None:
    money = [
        {"currency": "USDT", "working": "196000", "waiting": "5200000"},
        {"currency": "EUR", "working": "3000", "waiting": "0"},
    ]
    words = scripts.results("wall/panels", "workingWords", [[money], [[]], [money[1:]]])
    assert words == ["USDT · 3.0 k EUR · 5.2 M USDT pending approval", "", "EUR"]


def test_a_question_names_its_order_and_a_button_how_many(scripts: Scripts) -> None:
    order = {"side": "buy", "quantity": "0.6", "filled": "0.063", "symbol": "BTC/USDT", "base": "BTC"}
    order |= {"lot": "0.001", "algorithm": "twap", "id": "8tx6cgqp", "trader": "ronda"}
    cases = [[order], [order | {"filled": "0.6"}]]
    assert scripts.results("order/order_panels", "questionWords", cases) == [
        "BUY 0.6 BTC/USDT by TWAP · 0.537 BTC left · 8tx6cgqp · ronda",
        "BUY 0.6 BTC/USDT by TWAP · nothing left · 8tx6cgqp · ronda",
    ]
    counts = [["Cancel", 1], ["Resume", 3]]
    assert scripts.results("halts/waiting", "allWords", counts) == ["Cancel 1 order…", "Resume all 3 orders…"]


def test_what_takes_no_new_orders_can_still_be_halted(scripts: Scripts) -> None:
    page = """async (kinds) => {
      const { drawHalt } = await import("/static/js/wall/panels.js");
      return kinds.map((kind) => {
        const node = document.createElement("li");
        node.innerHTML = '<span data-part="halt"></span><a href="#">Halt…</a>';
        drawHalt(node, kind);
        const [pill, link] = node.children;
        return [pill.hidden, pill.className, pill.textContent, link.classList.contains("invisible")];
      });
    }"""
    stop, no_new, none = scripts.run(page, ["stop", "no_new_orders", ""])
    assert stop == [False, "pill bad", "■ halted", True]
    assert no_new == [False, "pill warn", "■ no new orders", False]
    assert (none[0], none[3]) == (True, False)
