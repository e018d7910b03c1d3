"""One filter of orders: pages, exports, sockets and the API refuse the same values with the same words."""

from __future__ import annotations

from datetime import date
from typing import Any, cast
from urllib.parse import parse_qsl

import pytest

from dashboard.forms.filters import read_filter
from dashboard.live.consumers import NOT_FOUND, OrdersConsumer
from execution.selectors.orders.order_filter import AnalysisFilter, OrderListFilter
from tests.dashboard.api import Program, problem_of
from tests.dashboard.desk_fixture import Desk

LONG = "x" * 100
SHARED = [
    ("side=up", {"side": ("up", "buy, sell")}),
    ("symbol=ODD/ODD", {"symbol": ("ODD/ODD", "BTC/USDT")}),
    ("algorithm=odd", {"algorithm": ("odd", "twap, vwap, iceberg, sor, pov, is")}),
    ("trader=other", {"trader": ("other", "trader")}),
    ("from=2026-02-30", {"from": ("2026-02-30", "YYYY-MM-DD")}),
    ("from=2026-03-02&to=2026-03-01", {"from": ("2026-03-02", "2026-03-01")}),
    # The model's own names of these fields are no names of a filter.
    ("since=2026-03-02&until=2026-03-01", {"since": ("since", None), "until": ("until", None)}),
    (f"{LONG}=1&side=up", {LONG[:80] + "…": (LONG[:80] + "…", None), "side": ("up", "buy, sell")}),
]
LISTS = [
    ("state=odd&page=0", {"state": ("odd", None), "page": ("0", "1000000")}),
    ("page=1.5", {"page": ("1.5", "1")}),
    ("account=nowhere", {"account": ("nowhere", "alpha")}),
    (f"q={LONG}", {"q": ("100", "64")}),
]
ANALYSES = [
    (
        "group=odd&state=live",
        {"group": ("odd", "algorithm, symbol, venue, trader"), "state": ("state", None)},
    ),
    ("venue=nowhere", {"venue": ("nowhere", "paper")}),
]
CASES = [
    *(("orders", *case) for case in [*SHARED, *LISTS]),
    *(("analysis", *case) for case in [*SHARED, *ANALYSES]),
]


@pytest.mark.parametrize(("name", "query", "wrong"), CASES)
def test_a_filter_is_refused_everywhere_with_the_same_words(
    office: Desk, name: str, query: str, wrong: dict[str, tuple[str, str | None]]
) -> None:
    client = office.client(office.trader)
    page = client.get(f"/{name}/?{query}")
    problems: Any = page.context["chosen"].problems
    said = {problem.field: (problem.value, problem.limit) for problem in problems}
    assert said == {field: (value, limit or said[field][1]) for field, (value, limit) in wrong.items()}
    assert all(limit for _, limit in said.values())
    export = client.get(f"/{name}/export.csv?{query}")
    assert (export.status_code, export.content.decode()) == (422, " ".join(p.message for p in problems))
    asked = Program(office.trader).get(f"/{name}", **dict(parse_qsl(query)))
    answer = problem_of(asked, 422)["problems"]
    assert [problem["message"] for problem in answer] == [problem.message for problem in problems]
    if name == "orders":
        socket = OrdersConsumer()
        socket.scope = cast("Any", {"query_string": query.encode()})
        assert socket.refusal(office.trader) == NOT_FOUND


def test_what_can_be_read_beside_what_cannot_stays_in_the_form(office: Desk) -> None:
    form = read_filter(office.trader, OrderListFilter, {"side": "up", "from": "2026-03-01", "state": "live"})
    assert (form.filter.since, form.filter.state, form.filter.side) == (date(2026, 3, 1), "live", "")
    side = next(field for field in form.selects() if field["name"] == "side")
    assert [option["label"] for option in side["options"] if option["chosen"]] == ["up"]


def test_an_empty_field_filters_nothing_and_stands_in_no_address(office: Desk) -> None:
    form = read_filter(office.trader, OrderListFilter, {"side": " ", "q": "", "state": "all", "page": "2"})
    assert (form.problems, form.query(), form.is_filtered, form.filter.page) == ((), "", False, 2)
    by_venue = read_filter(office.trader, AnalysisFilter, {"group": "venue"})
    assert (by_venue.query(), by_venue.is_filtered) == ("group=venue", False)


def test_the_document_lists_the_fields_of_the_filter(office: Desk) -> None:
    document = office.client(office.trader).get("/api/v1/openapi.json").json()
    for path, model in (("/api/v1/orders", OrderListFilter), ("/api/v1/analysis", AnalysisFilter)):
        parameters = {part["name"]: part["schema"] for part in document["paths"][path]["get"]["parameters"]}
        assert list(parameters) == model.names()
        assert parameters["side"] == {"$ref": "#/components/schemas/Side"}
        assert parameters["from"]["format"] == "date"
