"""The words of the pages and their fit, in Chromium: the scripts' pure parts, the admin, narrow screens."""

from __future__ import annotations

import random
from datetime import timedelta
from decimal import Decimal
from itertools import accumulate
from typing import Any

import pytest
from django.utils import timezone
from playwright.sync_api import Browser, Page, expect

from dashboard.present import numbers
from execution.core.orders.schedule import finish_share, share_due
from execution.models import Fill, Order
from tests.browser.console_guard import Watched
from tests.browser.fit import too_wide
from tests.desk.database import ALIAS, order_of
from tests.desk.people import cancel_all
from tests.desk.running import RunningDesk, wait_until
from tests.desk.visitor import Visitor


@pytest.fixture(scope="module")
def opened() -> list[Page]:
    """Return the page that the scripts' tests share, without changing it."""
    return []


@pytest.fixture
def page(chromium: Browser, desk: RunningDesk, opened: list[Page]) -> Page:
    if not opened:
        opened.append(Watched(chromium, desk).page)
        opened[0].goto("/login/")
    return opened[0]


def called(page: Page, module: str, function: str, argument: dict[str, Any]) -> Any:
    """Return the result of a function of one of the scripts in lib/."""
    script = f"async (given) => (await import('/static/js/lib/{module}.js')).{function}(given)"
    return page.evaluate(script, argument)


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
    page: Page, status: str, unsettled: int, shown: str, reason: str
) -> None:
    order = {"status": status, "unsettled": unsettled, "reason": "news"}
    assert called(page, "states", "shownStatus", order) == shown
    assert called(page, "states", "reasonOf", order) == reason


#: Share, digits, and how both the scripts and the reports write it.
SHARES = [
    ("1", 1, "100.0 %"),
    ("0.99989", 0, ">99 %"),
    ("0.99989", 1, ">99.9 %"),
    ("0.9994", 1, "99.9 %"),
    ("0.0001", 1, "<0.1 %"),
    ("0", 1, "0.0 %"),
    ("1.25", 0, "125 %"),
    (None, 1, "–"),
]


@pytest.mark.parametrize(("share", "digits", "shown"), SHARES)
def test_a_part_is_not_shown_as_the_whole(page: Page, share: str | None, digits: int, shown: str) -> None:
    script = "async (given) => (await import('/static/js/lib/format.js')).percent(...given)"
    assert page.evaluate(script, [share, digits]) == shown
    assert numbers.percent(share, digits) == shown


def test_costs_are_written_and_coloured_as_in_the_reports(page: Page) -> None:
    """Sign, rounding and colour of the pages' scripts are those of the server's tables, ties and zeros included."""
    draw = random.Random(10)
    costs = ["0", "-0", "0.04", "-0.04", "0.05", "-0.05", "0.15", "-0.25", "9.95", "1234.5", "0.0000001"]
    costs += [str(Decimal(draw.randint(-3000, 3000)).scaleb(-draw.randint(1, 4))) for _ in range(500)]
    for places in (0, 1, 2):
        cases = [[cost, places] for cost in costs]
        assert in_script(page, "format", "points", cases) == [numbers.points(cost, places) for cost in costs]
        assert in_script(page, "format", "costClass", cases) == [numbers.tone(cost, places) for cost in costs]
        amounts = in_script(page, "format", "decimal", cases)
        assert amounts == [numbers.amount(cost, places) for cost in costs]


def in_script(page: Page, module: str, function: str, cases: list[list[Any]]) -> list[Any]:
    """Return the results of a script's function for each case."""
    script = """async ([module, name, cases]) => {
      const found = (await import(`/static/js/lib/${module}.js`))[name];
      return cases.map((given) => found(...given));
    }"""
    said: list[Any] = page.evaluate(script, [module, function, cases])
    return said


def test_the_pages_judge_an_order_against_its_plan_as_the_desk_does(page: Page) -> None:
    draw = random.Random(20)
    cases: list[Any] = []
    for _ in range(400):
        rises = [draw.randint(0, 5) for _ in range(draw.randint(1, 12))]
        times = accumulate(draw.randint(1, 20_000) for _ in rises)
        shares = [rise / max(1, sum(rises)) for rise in accumulate(rises)]
        line = [[0, 0.0], *(list(point) for point in zip(times, shares, strict=True))]
        cases.append([line, draw.randint(-1_000, 130_000), draw.choice([0, 1, draw.random(), *shares])])
    assert in_script(page, "plan", "shareDue", cases) == [share_due(*case) for case in cases]
    assert in_script(page, "plan", "finishShare", cases) == [
        pytest.approx(finish_share(*case)) for case in cases
    ]


#: A minute of ten slices, in shares.
LINE = [[at * 6_000, at / 10] for at in range(11)]


def pace(page: Page, now: int, filled: str, line: Any = LINE, **changes: Any) -> tuple[Any, str]:
    order = {"status": "working", "quantity": "1", "filled": filled, "started_at": 0, "end_at": 60_000}
    (found,) = in_script(page, "pace", "finishOf", [[order | changes, line, now]])
    (words,) = in_script(page, "pace", "paceWords", [[found, now]])
    return found, words


def test_an_order_that_keeps_to_its_plan_is_done_at_the_end_of_it(page: Page) -> None:
    for now in range(0, 60_000, 500):
        for filled in (now // 6_000, now // 6_000 + 1):  # the open slice has had its fill, or not yet
            found, words = pace(page, now, str(filled / 10))
            assert filled == 10 or (found, words) == ({"at": 60_000, "share": 1}, "done 00:01:00")


def test_an_order_behind_its_plan_ends_short_of_its_quantity(page: Page) -> None:
    found, words = pace(page, 18_000, "0.1")
    assert found == {"at": 60_000, "share": pytest.approx(0.5)}
    assert words == "50.0 % at the end"
    assert pace(page, 18_000, "0")[1] == "0.0 % at the end"


def test_without_a_plan_the_average_pace_is_carried_on(page: Page) -> None:
    assert pace(page, 15_000, "0.5", [])[0] == {"at": 30_000, "share": 1}
    assert pace(page, 30_000, "0.25", [])[1] == "50.0 % at the end"


@pytest.mark.parametrize("changes", [{"status": "paused"}, {"started_at": None}, {"filled": "1"}])
def test_without_a_pace_nothing_is_projected(page: Page, changes: dict[str, Any]) -> None:
    assert pace(page, 15_000, **({"filled": "0.2"} | changes)) == (None, "–")
    assert pace(page, 60_000, "0.2") == (None, "–"), "its end has come"


def test_the_admin_works_under_the_policy(browser: Browser, desk: RunningDesk) -> None:
    Visitor(desk).launch(duration="00:00:20")
    watched = Watched(browser, desk)
    page = watched.log_in("admin")
    page.goto("/admin/execution/order/")
    expect(page.locator(".environment")).to_have_text("PAPER")
    page.locator("#result_list tbody th a").first.click()
    expect(page.locator("h1")).to_have_text("View order")
    page.goto("/admin/execution/user/add/")
    expect(page.get_by_label("Username")).to_be_visible()
    assert watched.complaints == []


def test_an_accounts_symbols_are_proposed_from_the_exchanges_list(
    browser: Browser, desk: RunningDesk
) -> None:
    watched = Watched(browser, desk)
    page = watched.log_in("admin")
    page.goto("/accounts/")
    page.get_by_role("link", name="alpha", exact=True).first.click()
    proposed = page.locator("#symbol-choices option")
    page.locator("#symbols").fill("BTC/USDT, so")
    expect(proposed).to_have_count(1)
    expect(proposed).to_have_attribute("value", "BTC/USDT, SOL/USDT")
    assert watched.complaints == []


CUT_WITHOUT_TITLE = """() => [...document.querySelectorAll('td.wide')]
    .filter((node) => node.scrollWidth > node.clientWidth && !node.title).length"""


@pytest.mark.parametrize(
    ("person", "paths"), [("trader", ["/orders/"]), ("supervisor", ["/orders/", "/wall/"])]
)
def test_the_lists_fit_a_small_screen(
    browser: Browser, open_desk: RunningDesk, person: str, paths: list[str]
) -> None:
    """With an order of yesterday and one that goes on tomorrow. Their moments need more room than those of today."""
    visitor = Visitor(open_desk)
    ended, live = visitor.launch(duration="00:00:20"), visitor.launch(duration="23:59:59")
    wait_until(lambda: order_of(ended).status == "completed", within=60, what="the first order to end")
    yesterday = timezone.now() - timedelta(days=1)
    Order.objects.using(ALIAS).filter(public_id=ended).update(ended_at=yesterday)
    Fill.objects.using(ALIAS).filter(order__public_id=ended).update(executed_at=yesterday)
    watched = Watched(browser, open_desk)
    watched.page.set_viewport_size({"width": 1280, "height": 800})
    page = watched.log_in(person)
    for path in paths:
        page.goto(path)
        expect(page.locator(f'tr[data-id="{live}"]')).to_be_visible(timeout=60_000)
        assert too_wide(page) == []
        assert page.evaluate(CUT_WITHOUT_TITLE) == 0
    page.goto("/orders/")
    day = f"{yesterday:%m-%d %H:%M}" if yesterday.year == timezone.now().year else f"{yesterday:%Y-%m-%d}"
    for column in ("end", "last_fill"):
        expect(page.locator(f'tr[data-id="{ended}"] [data-column="{column}"]')).to_have_text(day)
    cancel_all(open_desk)
    assert watched.complaints == []


def test_moments_of_another_day_have_a_short_form(page: Page) -> None:
    now = 1_790_000_000_000  # 2026-09-21 14:13:20 UTC
    cases = {
        now: "14:13:20",
        now - 15 * 3_600_000: "09-20 23:13",
        now + 86_400_000: "09-22 14:13",
        now - 365 * 86_400_000: "2025-09-21",
    }
    assert in_script(page, "format", "shortMoment", [[at, now] for at in cases]) == list(cases.values())
    assert in_script(page, "format", "shortMoment", [[None, now]]) == ["–"]


def test_charts_take_a_volume_that_is_not_known_for_no_zero(page: Page) -> None:
    script = (
        """async ([name, module, given]) => (await import(`/static/js/charts/${module}.js`))[name](given)"""
    )
    samples = [
        [0, None, None, "2", "20"],
        [1000, None, None, None, None],
        [2000, None, None, None, None],
        [3000, None, None, "0", "0"],
        [4000, None, None, None, None],
        [60_000, None, None, None, None],
    ]
    view = {"samples": samples, "now": 61_000}
    unknown = page.evaluate(script, ["unknownStretches", "volume", view])
    assert unknown == [[1000, 3000], [4000, 60_000]], "and the newest one is still to come"
    order = {"started_at": 0, "ended_at": None, "algorithm": "pov", "quantity": "9"} | {
        "parameters": {"participation_rate": "0.5"}
    }
    due = page.evaluate(script, ["dueByVolume", "volume_target", view | {"order": order, "profile": []}])
    assert due == [[0, 0], [0, 1], [3000, 1]]


def ranges_of(page: Page, cases: list[list[Any]]) -> list[list[int]]:
    script = """async (cases) => {
      const { rangeOf } = await import("/static/js/charts/ranges.js");
      return cases.map(([name, frame]) => rangeOf(name, frame));
    }"""
    found: list[list[int]] = page.evaluate(script, cases)
    return found


HOUR = 3_600_000


def test_the_ranges_of_a_running_order_end_after_now(page: Page) -> None:
    running = {"start": 0, "whole": HOUR, "shown": HOUR, "now": HOUR // 2, "endedAt": None}
    recent, since, whole = ranges_of(page, [[name, running] for name in ("recent", "start", "all")])
    assert recent == [25 * 60_000, 30 * 60_000 + 15_000]
    assert since == [0, 36 * 60_000], "a fifth of half an hour ahead"
    assert whole == [0, HOUR]
    late = running | {"now": 58 * 60_000}
    assert ranges_of(page, [["start", late]]) == [[0, HOUR]], "not beyond the end"
    assert ranges_of(page, [["start", running | {"now": 1000}]]) == [[0, 60_000]], "a minute at least"
    young = running | {"now": 240_000}
    assert ranges_of(page, [["recent", young], ["start", young]]) == [[0, 288_000]] * 2


def test_the_ranges_of_an_order_that_waits_or_has_ended(page: Page) -> None:
    waits = {"start": HOUR, "whole": 2 * HOUR, "shown": 2 * HOUR, "now": 0, "endedAt": None}
    names = ("recent", "start", "all")
    assert ranges_of(page, [[name, waits] for name in names]) == [[HOUR, 2 * HOUR]] * 3
    ended = {"start": 0, "whole": HOUR, "shown": 660_000, "now": 9 * HOUR, "endedAt": 600_000}
    assert ranges_of(page, [[name, ended] for name in names]) == [
        [300_000, 615_000],
        [0, 660_000],
        [0, HOUR],
    ]


def test_the_ranges_contain_the_last_moment(page: Page) -> None:
    draw = random.Random(8)
    cases: list[list[Any]] = []
    for _ in range(400):
        start, length, now = draw.randint(0, HOUR), draw.randint(1, 24 * HOUR), draw.randint(0, 30 * HOUR)
        ended = draw.choice([None, start + draw.randint(0, length)])
        shown = start + length if ended is None else min(start + length, ended + length // 20)
        frame = {"start": start, "whole": start + length, "shown": shown, "now": now, "endedAt": ended}
        cases.append([draw.choice(["recent", "start", "all"]), frame])
    for (name, frame), (since, until) in zip(cases, ranges_of(page, cases), strict=True):
        last = frame["now"] if frame["endedAt"] is None else frame["endedAt"]
        assert frame["start"] <= since <= until, (name, frame)
        assert last <= frame["start"] or since <= last <= until, (name, frame)


@pytest.mark.parametrize(
    ("written", "proposed"),
    [
        ("so", ["SOL/USDT", "DSO/USDT"]),
        ("BTC/USDT, so", ["BTC/USDT, SOL/USDT", "BTC/USDT, DSO/USDT"]),
        ("BTC/USDT,SOL/USDT, so", ["BTC/USDT,SOL/USDT, DSO/USDT"]),
        ("BTC/USDT  ds", ["BTC/USDT, DSO/USDT"]),
        ("BTC/USDT, ", []),
        ("zzz", []),
    ],
)
def test_the_last_symbol_of_a_list_is_completed(page: Page, written: str, proposed: list[str]) -> None:
    names = ["BTC/USDT", "DSO/USDT", "SOL/USDT"]
    assert in_script(page, "complete", "proposals", [[written, names]]) == [proposed]


ORDER = {
    "status": "working", "quantity": "1", "filled": "0.3", "base": "BTC", "quote": "USDT", "lot": "0.01",
    "tick": "0.1", "average": "60010.25", "arrival_mid": None, "limit_price": "61000",
    "end_at": 60_000, "ended_at": None, "account": "alpha, beta", "parameters": {"visible_quantity": "0.2"},
}  # fmt: skip
FILL = {
    "child": 1,
    "at": 1000,
    "account": "alpha",
    "quantity": "0.3",
    "price": "60010.25",
    "fee_in_quote": "0",
}
MARKET = [[0, "60000", "60010", "2", "120010"], [1000, "60012", "60013", "1", "60012"]]


def chart_words(page: Page, name: str, **changes: Any) -> str:
    """Return what an order's chart says of an order that has filled 0.3 of 1 BTC, 18 seconds after its start."""
    view = {"order": ORDER, "line": LINE, "now": 18_000, "fills": [FILL], "children": [], "samples": MARKET}
    script = "async ([name, view]) => (await import('/static/js/charts/words.js')).ORDER_WORDS[name](view)"
    return str(page.evaluate(script, [name, view | changes]))


def test_each_chart_says_in_words_what_it_shows(page: Page) -> None:
    assert (
        chart_words(page, "progress")
        == "Progress: filled 0.30 of 1.00 BTC, schedule 0.30, on schedule, ends 00:01:00 UTC."
    )
    behind = chart_words(page, "progress", now=36_000)
    assert behind == "Progress: filled 0.30 of 1.00 BTC, schedule 0.50, 20.0 % behind, ends 00:01:00 UTC."
    assert chart_words(page, "price") == (
        "Price: last mid 60,012.50 USDT, from 60,005.00 to 60,012.50, own average 60,010.25, limit 61,000.0,"
        " 1 own fill."
    )
    assert (
        chart_words(page, "volume")
        == "Volume: the market traded 3.00 BTC, own 0.30 BTC, 10.0 % of the market."
    )
    assert (
        chart_words(page, "split") == "Split by account: alpha 0.30 BTC, 100 %, at 60,010.25; beta nothing."
    )
    child = {"sequence": 1, "at": 500, "quantity": "0.5", "ended_at": None}
    shown = chart_words(page, "visible", children=[child])
    assert shown == "Visible part: the books show 0.20 BTC, at most 0.20."


def test_a_chart_says_what_is_not_known_and_never_zero(page: Page) -> None:
    assert chart_words(page, "progress", line=[]) == "Progress: filled 0.30 of 1.00 BTC, ends 00:01:00 UTC."
    nothing = {"average": None, "limit_price": None}
    blind = chart_words(page, "price", samples=[[0, None, None, None, None]], order=ORDER | nothing, fills=[])
    assert blind == "Price: no mid is known, 0 own fills."
    assert (
        chart_words(page, "volume", samples=[]) == "Volume: the market's volume is not known, own 0.30 BTC."
    )
    gap = [[0, None, None, "2", "20"], [1000, None, None, None, None], [2000, None, None, "1", "10"]]
    assert chart_words(page, "volume", samples=gap, now=60_000) == (
        "Volume: the market traded 3.00 BTC, own 0.30 BTC, parts of the market's volume are not known."
    )
    script = "async (rows) => (await import('/static/js/charts/words.js')).barWords('Cost split', rows)"
    bars = page.evaluate(script, [["Spread", "1.25"], ["Drift", None], ["Fees", "-0.01"]])
    assert bars == "Cost split: Spread +1.2 bp, Drift not known, Fees 0.0 bp."


ROUTE = [{"label": "alpha", "quantity": "1.5"}, {"label": "beta", "quantity": "0"}]
#: A plan on the ticket, and what its chart says.
PLANS = [
    (
        {"slices": [[0, 1000, "0.1"], [1000, 2000, "0.2"]]},
        "2 slices of 0.1 to 0.2 BTC from 00:00:00 to 00:00:02 UTC, 0.3 BTC in all.",
    ),
    (
        {"slices": [[0, 1000, "0.5"]]},
        "1 slice of 0.5 BTC from 00:00:00 to 00:00:01 UTC, 0.5 BTC in all.",
    ),
    ({"slices": [[0, 1000, "2"]], "visible": "0.25"}, "parts of 0.25 BTC, 2 BTC in all."),
    (
        {"slices": [[0, 1000, "2"]], "unfilled": "0.5", "route": ROUTE},
        "alpha 1.5 BTC, beta nothing, 0.5 BTC not available.",
    ),
]


@pytest.mark.parametrize(("plan", "words"), PLANS)
def test_a_plan_is_said_as_its_algorithm_works(page: Page, plan: dict[str, Any], words: str) -> None:
    script = "async (plan) => (await import('/static/js/charts/words.js')).planWords(plan)"
    assert page.evaluate(script, {"base": "BTC"} | plan) == words
