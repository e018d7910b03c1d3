"""The blotter: filters that are said when they are not understood, an export of all, and who may act."""

from __future__ import annotations

import csv
import io
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from dashboard.forms.filters import read_filter
from dashboard.present.exports import words
from execution.core.problems import Refused
from execution.models import Order, User
from execution.selectors.orders.blotter import (
    PAGE_SIZE,
    blotter_marks,
    blotter_page,
    blotter_rows,
)
from execution.selectors.orders.order_filter import OrderListFilter
from execution.services.orders.orders import OrderNotFound, order_cancel, order_pause
from tests.dashboard.bulk_orders import crowd
from tests.dashboard.desk_fixture import Desk


def exported(client: Client, query: str = "") -> list[dict[str, str]]:
    response: Any = client.get(f"/orders/export.csv{query}")
    assert response.status_code == 200
    text = b"".join(response.streaming_content).decode()
    return list(csv.DictReader(io.StringIO(text)))


def shown(client: Client, query: str = "") -> list[dict[str, Any]]:
    return list(client.get(f"/orders/{query}").context["list"]["rows"])


# --- filters -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("query", "numbers"),
    [
        ("?side=sell", [1, 3, 5]),
        ("?symbol=ETH/USDT", [1, 3, 5]),
        ("?symbol=BTC%2FUSDT&side=sell", []),
        ("?state=live", [0, 1, 2]),
        ("?state=paused", [1]),
        ("?state=final&side=buy", [4]),
        ("?algorithm=twap&account=alpha", [0, 1, 2, 3, 4, 5]),
        ("?q=desk-3", [3]),
        ("?q=CARRY", [0]),
        ("?from=2020-01-01&to=2999-12-31", [0, 1, 2, 3, 4, 5]),
        ("?to=2020-01-01", []),
    ],
)
def test_the_url_filters_and_the_export_is_the_same(office: Desk, query: str, numbers: list[int]) -> None:
    orders = crowd(office.account, office.trader, 6, live=3, parts=2)
    client = office.client(office.trader)
    wanted = {orders[number].public_id for number in numbers}
    rows = shown(client, query)
    assert {row["id"] for row in rows} == wanted
    assert [line["Order"] for line in exported(client, query)] == [row["id"] for row in rows]


def test_the_search_takes_the_beginning_of_an_id_and_letters_beyond_ascii(office: Desk) -> None:
    first, second = crowd(office.account, office.trader, 2, parts=1)
    Order.objects.filter(pk=second.pk).update(tags=["Überhang 50%"], client_reference="a_b")
    client = office.client(office.trader)
    assert [row["id"] for row in shown(client, f"?q={first.public_id[:5]}")] == [first.public_id]
    for query in ("Überhang", "50%25", "a_b"):
        assert [row["id"] for row in shown(client, f"?q={query}")] == [second.public_id]
    assert shown(client, "?q=a%25b") == [], "a wildcard is a letter like any other"


@pytest.mark.parametrize(
    ("query", "words"),
    [
        ("state=nonsense", ["'nonsense'", "live"]),
        ("side=long", ["'long'", "buy, sell"]),
        ("symbol=DOGE/USDT", ["'DOGE/USDT'", "BTC/USDT"]),
        ("account=beta", ["'beta'", "alpha"]),
        ("algorithm=sniper", ["'sniper'", "twap"]),
        ("trader=other", ["'other'", "your own orders only"]),
        ("from=yesterday", ["'yesterday'", "2026-03-01"]),
        ("to=9999-12-31", ["9999-12-31"]),
        ("from=2026-03-02&to=2026-03-01", ["2026-03-02", "2026-03-01"]),
        ("page=0", ["Page is 0", "1 to 1,000,000"]),
        ("page=٣", ["'٣'"]),
        ("q=" + "x" * 65, ["65", "64"]),
        ("sid=buy", ["'sid'", "side"]),
    ],
)
def test_a_filter_that_is_not_understood_is_said_and_shows_nothing(
    office: Desk, query: str, words: list[str]
) -> None:
    office.order()
    client = office.client(office.trader)
    response = client.get(f"/orders/?{query}")
    messages = [problem.message for problem in response.context["chosen"].problems]
    assert len(messages) == 1, messages
    assert all(word in messages[0] for word in words), messages
    assert response.context["list"]["rows"] == []
    assert "Correct the filter" in response.content.decode()
    refused = client.get(f"/orders/export.csv?{query}")
    assert refused.status_code == 422
    assert words[0] in refused.content.decode()


def test_a_symbol_that_is_no_longer_listed_filters_the_orders_it_has(office: Desk) -> None:
    (order,) = crowd(office.account, office.trader, 1)
    Order.objects.filter(pk=order.pk).update(symbol="OLD/USDT")
    assert not read_filter(office.trader, OrderListFilter, {"symbol": "OLD/USDT"}).problems
    assert read_filter(office.other, OrderListFilter, {"symbol": "OLD/USDT"}).problems, (
        "not theirs: as if it never was"
    )


def test_counts_are_of_what_the_other_filters_leave(office: Desk) -> None:
    crowd(office.account, office.trader, 6, live=3)
    found = blotter_page(person=office.trader, chosen=OrderListFilter(state="final", side="buy"))
    assert (found["total"], found["counts"]) == (1, {"all": 3, "needs": 0, "live": 2, "final": 1})


def test_what_needs_a_person_comes_first_then_what_lives(office: Desk) -> None:
    orders = crowd(office.account, office.trader, 6, live=4)
    Order.objects.filter(pk__in=[orders[3].pk, orders[5].pk]).update(needs_person=True)
    rows = shown(office.client(office.trader))
    # The last one needs nobody: it has ended.
    assert [row["id"] for row in rows] == [orders[number].public_id for number in (1, 3, 0, 2, 4, 5)]


# --- who sees and who acts -----------------------------------------------------------------------


def watcher(office: Desk) -> User:
    office.other.sees_desk = True
    office.other.save()
    return office.other


def test_who_was_granted_the_desk_watches_all_and_touches_nothing(office: Desk) -> None:
    order = office.order()
    client = office.client(watcher(office))
    assert [row["id"] for row in shown(client, "?trader=trader")] == [order.public_id]
    page = client.get(f"/orders/{order.public_id}/")
    assert page.status_code == 200
    assert 'data-act="cancel"' not in page.content.decode()
    assert "cancel-dialog" not in page.content.decode()
    for act in ("pause", "cancel"):
        refused = client.post(f"/orders/{order.public_id}/{act}/")
        assert refused.status_code == 422
        assert "Only its trader or a supervisor may act" in refused.content.decode()
    order.refresh_from_db()
    assert order.status == "scheduled"


def test_acting_on_a_visible_order_is_refused_and_an_invisible_one_is_not_there(office: Desk) -> None:
    order = office.order()
    arguments: Any = {"public_id": order.public_id, "reason": "", "now": timezone.now()}
    with pytest.raises(OrderNotFound):
        order_cancel(person=office.other, **arguments)
    with pytest.raises(OrderNotFound):
        order_cancel(person=office.admin, **arguments)
    with pytest.raises(Refused, match="Only its trader or a supervisor"):
        order_cancel(person=watcher(office), **arguments)
    assert order_pause(person=office.supervisor, **arguments).status == "paused"


def test_a_trader_who_became_an_admin_acts_no_more(office: Desk) -> None:
    order = office.order()
    office.trader.role = "admin"
    office.trader.save()
    with pytest.raises(OrderNotFound):
        order_cancel(public_id=order.public_id, person=office.trader, reason="", now=timezone.now())


def test_an_opened_row_has_children_and_fills_of_visible_orders_only(office: Desk) -> None:
    (order,) = crowd(office.account, office.trader, 1, parts=25)
    address = f"/orders/{order.public_id}/parts/"
    parts = office.client(office.trader).get(address).context["parts"]
    assert (len(parts["children"]), parts["children_total"]) == (20, 25)
    assert (len(parts["fills"]), parts["fills_total"]) == (20, 25)
    assert parts["children"][0]["sequence"] == 25, "the newest first"
    assert office.client(office.other).get(address).status_code == 404
    assert office.client(office.trader).post(address).status_code == 405


# --- the export ----------------------------------------------------------------------------------


def test_the_export_has_every_page_and_exact_decimals(office: Desk) -> None:
    orders = crowd(office.account, office.trader, PAGE_SIZE + 5, parts=1)
    Order.objects.filter(pk=orders[0].pk).update(quantity="0.123456789012345678", filled=0, notional=0)
    lines = exported(office.client(office.trader))
    assert len(lines) == PAGE_SIZE + 5
    (line,) = [line for line in lines if line["Order"] == orders[0].public_id]
    assert line["Quantity"] == "0.123456789012345678"
    assert line["Average"] == "", "unknown is empty, never zero"
    assert "Trader" not in line
    assert "Trader" in exported(office.client(office.supervisor))[0]


@pytest.mark.parametrize(
    ("text", "cell"),
    [
        *(
            (text, f"'{text}")
            for text in ("=1+1", "+1", "-1", "−1", "@SUM(A1)", "  =1", "＝1+1", "\u3000﹢1")
        ),
        ("\t=1", r"\t=1"),
        ("\r=1", r"\r=1"),
        ("\ufeff=1+1", r"\ufeff=1+1"),
        ("=\ufeff1", r"'=\ufeff1"),
        ("\u202e1+1=", r"\u202e1+1="),
        ("\x1b[31mred", r"\x1b[31mred"),
    ],
)
def test_no_cell_of_the_export_is_a_formula_or_hides_a_character(office: Desk, text: str, cell: str) -> None:
    (order,) = crowd(office.account, office.trader, 1)
    Order.objects.filter(pk=order.pk).update(client_reference=text, reason=text, tags=[text])
    (line,) = exported(office.client(office.trader))
    for head in ("Reference", "Tags"):
        assert line[head] == cell
    assert not line["Alerts and reason"].lstrip().startswith(tuple("=+-@"))


def test_a_negative_number_stays_a_number_and_plain_words_stay_as_they_are(office: Desk) -> None:
    (order,) = crowd(office.account, office.trader, 1)
    Order.objects.filter(pk=order.pk).update(arrival_bid="70000", arrival_ask="70000")
    (line,) = exported(office.client(office.trader))
    assert float(line["Cost bp (+ is cost)"]) < 0
    assert words("rests = good") == "rests = good"


# --- how much is read ----------------------------------------------------------------------------


def test_the_first_page_of_ten_thousand_orders_reads_one_page(office: Desk) -> None:
    crowd(office.account, office.trader, 10_000, full=200, parts=3)
    with CaptureQueriesContext(
        connection,
    ) as queries:
        found = blotter_page(person=office.trader, chosen=OrderListFilter())
    assert (len(found["rows"]), found["total"]) == (PAGE_SIZE, 10_000)
    assert len(queries) == 10
    with CaptureQueriesContext(connection) as queries:
        again = blotter_page(
            person=office.trader, chosen=OrderListFilter(), known={row["id"]: row for row in found["rows"]}
        )
    assert len(queries) == 2, "what has not moved is not read again"
    assert again == found
    with connection.cursor() as cursor:
        plan = _plan_of_marks(cursor, office.trader)
    assert "COVERING INDEX order_marks" in plan, plan
    parts = blotter_rows(person=office.trader, chosen=OrderListFilter())
    assert len(next(parts)) < 1000, "an export holds a part at a time"


def _plan_of_marks(cursor: Any, person: User) -> str:
    with CaptureQueriesContext(connection) as queries:
        assert blotter_marks(person=person) == (10_000, 10_000)
    cursor.execute("EXPLAIN QUERY PLAN " + queries.captured_queries[0]["sql"])
    return str(cursor.fetchall())


def test_the_marks_move_with_every_change(office: Desk) -> None:
    order = office.order()
    before = blotter_marks(person=office.trader)
    order_pause(public_id=order.public_id, person=office.trader, reason="", now=timezone.now())
    between = blotter_marks(person=office.trader)
    office.order(key="second", quantity="1")
    assert len({before, between, blotter_marks(person=office.trader)}) == 3
    assert blotter_marks(person=office.other) == (0, 0)


def test_a_known_row_is_read_again_when_its_order_moved(office: Desk) -> None:
    order = office.order()
    held = {row["id"]: row for row in blotter_page(person=office.trader, chosen=OrderListFilter())["rows"]}
    order_pause(public_id=order.public_id, person=office.trader, reason="news", now=timezone.now())
    (row,) = blotter_page(person=office.trader, chosen=OrderListFilter(), known=held)["rows"]
    assert (row["status"], row["reason"]) == ("paused", "news")
