"""The blotter sorted by any column: in the page, its socket, its file and the API, and what is unknown comes last."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from execution.models import Order
from execution.selectors.orders.blotter import blotter_page
from execution.selectors.orders.order_filter import SORTS, OrderListFilter
from tests.dashboard.api import Program
from tests.dashboard.bulk_orders import crowd
from tests.dashboard.desk_fixture import Desk


@pytest.fixture
def three(office: Desk) -> list[Order]:
    """Of 2, 10 and 3 BTC: as texts they would stand in another order. The second has no arrival and nothing done."""
    orders = crowd(office.account, office.trader, 3, live=3)
    facts = (
        (Decimal(2), Decimal(1), "64000"),
        (Decimal(10), Decimal(0), None),
        (Decimal(3), Decimal(3), "64100"),
    )
    for order, (quantity, filled, mid) in zip(orders, facts, strict=True):
        bid = None if mid is None else Decimal(mid)
        Order.objects.filter(pk=order.pk).update(
            quantity=quantity,
            filled=filled,
            notional=filled * 64050,
            arrival_bid=bid,
            arrival_ask=bid,
            side="buy",
        )
        order.terms.limit_price = None if mid is None else Decimal(65_000)  # type: ignore[union-attr]
        order.terms.save()  # type: ignore[union-attr]
    return orders


@pytest.mark.parametrize(
    ("sort", "numbers"),
    [
        ("quantity", [0, 2, 1]),
        ("-quantity", [1, 2, 0]),
        ("filled", [1, 0, 2]),
        ("done", [1, 0, 2]),
        ("cost", [2, 0, 1]),
        ("-cost", [0, 2, 1]),
        ("average", [0, 2, 1]),
        ("arrival", [0, 2, 1]),
        ("-arrival", [2, 0, 1]),
        ("notional", [0, 2, 1]),
        ("-created", [0, 1, 2]),
        ("created", [2, 1, 0]),
        ("last_fill", [2, 1, 0]),
    ],
)
def test_the_rows_are_in_the_order_of_a_column(
    office: Desk, three: list[Order], sort: str, numbers: list[int]
) -> None:
    wanted = [three[number].public_id for number in numbers]
    client = office.client(office.trader)
    assert [row["id"] for row in client.get(f"/orders/?sort={sort}").context["list"]["rows"]] == wanted
    found = Program(office.trader).get("/orders", sort=sort).json()
    assert [row["id"] for row in found["orders"]] == wanted
    export: Any = client.get(f"/orders/export.csv?sort={sort}")
    lines = b"".join(export.streaming_content).decode().splitlines()[1:]
    assert [line.split(",")[1] for line in lines] == wanted


def test_every_column_sorts_both_ways_and_no_other(office: Desk, three: list[Order]) -> None:
    for name in SORTS:
        for sort in (name, f"-{name}"):
            found = blotter_page(person=office.trader, chosen=OrderListFilter(sort=sort))
            assert len(found["rows"]) == 3, sort
    page = office.client(office.trader).get("/orders/?sort=secret")
    assert page.context["list"]["rows"] == []
    assert "There is no sort" in page.content.decode()


def test_a_head_sorts_up_then_down_then_not(office: Desk, three: list[Order]) -> None:
    client = office.client(office.trader)
    for query, following, order in (
        ("?side=buy", "side=buy&sort=cost", ""),
        ("?side=buy&sort=cost", "side=buy&sort=-cost", "ascending"),
        ("?side=buy&sort=-cost", "side=buy", "descending"),
    ):
        found = client.get(f"/orders/{query}").context
        assert found["sorts"]["cost"] == {"query": following, "order": order}
        assert found["chosen"].is_filtered
    assert not client.get("/orders/?sort=cost").context["chosen"].is_filtered, "sorting leaves nothing out"


def test_a_row_has_its_notional_and_none_is_invented(office: Desk, three: list[Order]) -> None:
    rows = {
        row["id"]: row["notional"]
        for row in office.client(office.trader).get("/orders/").context["list"]["rows"]
    }
    assert [rows[order.public_id] for order in three] == ["128050", None, "192150"]


def test_days_are_written_as_iso_has_them_and_stay_as_they_were_written(office: Desk) -> None:
    client = office.client(office.trader)
    assert (
        'name="from" class="mono active" data-day value="2026-03-01"'
        in client.get("/orders/?from=2026-03-01").content.decode()
    )
    page = client.get("/orders/?from=03/01/2026").content.decode()
    assert 'value="03/01/2026"' in page
    assert "It must be a day such as 2026-03-01." in page
