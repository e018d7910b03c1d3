"""The report of a day: its orders and figures, what happened beside, days without orders, and a stable past."""

from __future__ import annotations

import csv
import io
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from django.utils import timezone

from dashboard.forms.report_day import read_day
from dashboard.present.day_csv import HEADS
from dashboard.present.day_tables import because, day_tables
from execution.models import Alert, AlertSubject, Fill, Halt, Order, OrderReport, User
from execution.payloads.day_report import DayReport
from execution.selectors.day_report import day_report
from execution.services.records.reports import report_keep
from tests.dashboard.api import Program, problem_of
from tests.dashboard.desk_fixture import Desk
from tests.dashboard.many_reports import many_reports
from tests.dashboard.reported import ended_order, second_account

DAY = date(2026, 3, 4)
NOON = datetime(2026, 3, 4, 12, tzinfo=UTC)
LATER = datetime(2026, 3, 6, tzinfo=UTC)


def ended_on(office: Desk, key: str, at: datetime = NOON, **more: Any) -> Order:
    """Return an order that ended at this time; its report was made from an hour ago."""
    order = ended_order(office, key, **more)
    Order.objects.filter(pk=order.pk).update(created_at=at - timedelta(hours=1), ended_at=at)
    return order


def read(office: Desk, person: User | None = None, day: date = DAY, now: datetime = LATER) -> DayReport:
    return day_report(person=person or office.supervisor, day=day, now=now)


def test_a_day_has_the_orders_that_ended_on_it(office: Desk) -> None:
    midnight = datetime(2026, 3, 4, tzinfo=UTC)
    ended_on(office, "before", midnight - timedelta(microseconds=1))
    first = ended_on(office, "first", midnight)
    last = ended_on(office, "last", midnight + timedelta(days=1) - timedelta(microseconds=1))
    ended_on(office, "after", midnight + timedelta(days=1))
    found = read(office)
    assert found["orders"] == 2
    named = {row["id"] for row in (*found["dearest"], *found["cheapest"])}
    assert named == {first.public_id, last.public_id}


def test_costs_are_weighted_and_by_algorithm_and_account(office: Desk) -> None:
    ended_on(office, "a", prices=("64564.5",))
    ended_on(office, "b", prices=("64629", "64629"))
    ended_on(office, "c", prices=(), status="cancelled")
    found = read(office)
    (usdt,) = found["currencies"]
    assert (usdt["currency"], usdt["whole"]["orders"], found["unfilled"]) == ("USDT", 3, 1)
    assert usdt["paid"] == "403.12"  # 1.25 at 64.5 and 2.5 at 129 above arrival
    arrival = usdt["whole"]["arrival"]
    assert (arrival["orders"], arrival["unknown"], arrival["mean"]) == (2, 1, "16.6689")
    assert [(row["name"], row["orders"]) for row in usdt["algorithms"]] == [("twap", 3)]
    assert [(row["name"], row["orders"]) for row in usdt["accounts"]] == [("alpha", 3)]
    assert usdt["algorithms"][0]["arrival"] == usdt["accounts"][0]["arrival"] == arrival


def test_an_order_on_two_accounts_counts_at_each_with_what_it_filled_there(office: Desk) -> None:
    beta = second_account(office)
    order = ended_on(office, "a", prices=("64564.5", "64629"))
    order.accounts.add(beta)
    for account, price, number in ((office.account, "64564.5", 1), (beta, "64629", 2)):
        order.children.create(
            account=account,
            sequence=number,
            client_id=f"child-{number}",
            symbol="BTC/USDT",
            side="buy",
            type="limit",
            quantity="1.25",
            filled="1.25",
            notional=str(1.25 * float(price)),
            time_in_force="GTC",
            purpose="rest",
            why="",
            status="filled",
            intended_at=NOON,
        )
    (usdt,) = read(office)["currencies"]
    assert [(row["name"], row["arrival"]["mean"]) for row in usdt["accounts"]] == [
        ("alpha", "10"),
        ("beta", "20"),
    ]
    assert usdt["whole"]["orders"] == 1


def test_dearest_and_cheapest_come_with_a_reason_and_none_is_in_both(office: Desk) -> None:
    for number, price in enumerate(("64400", "64500", "64600")):
        ended_on(office, f"order-{number}", prices=(price,))
    found = read(office)
    costs = [[float(row["cost_bp"]) for row in rows] for rows in (found["dearest"], found["cheapest"])]
    assert costs[0] == sorted(costs[0], reverse=True)
    assert costs[1] == sorted(costs[1])
    assert len(costs[0]) + len(costs[1]) == 3
    assert because(found["dearest"][0]) == "mostly spread, +15.5 bp: prices away from the mid"
    assert because(found["cheapest"][0]) == "mostly spread, −15.5 bp: it earned the spread"
    assert because(found["dearest"][1]) == "no cost"


def test_a_past_day_stays_as_it_was(office: Desk) -> None:
    ended_on(office, "a")
    open_order = office.order(key="open")
    Order.objects.filter(pk=open_order.pk).update(created_at=NOON, status="working")
    office.fill(open_order, 77, quantity="0.5")
    Fill.objects.filter(order=open_order).update(executed_at=NOON)
    halt = Halt.objects.create(
        kind="stop", scope="desk", reason="the market is broken", set_by=office.supervisor, set_at=NOON
    )
    alert = Alert.objects.create(
        kind="account_down",
        severity="critical",
        group_key="k",
        text="alpha is down",
        raised_at=NOON,
        waits_since=NOON,
        last_at=NOON,
        told_at=NOON,
    )
    AlertSubject.objects.create(alert=alert, key="1", text="alpha is down", at=NOON)
    before = read(office)
    assert [(row["filled"], row["status"]) for row in before["open"]] == [("0.5", "")]
    today = read(office, now=NOON + timedelta(hours=1))
    assert [row["status"] for row in today["open"]] == ["working"], "the day is not over"
    assert [(row["subject"], row["lifted_at"]) for row in before["halts"]] == [("the desk", None)]
    assert [(row["label"], row["text"]) for row in before["alerts"]] == [
        ("Exchange or account down", "alpha is down")
    ]
    # What comes after the day changes nothing of it.
    office.fill(open_order, 78, quantity="0.5")
    Fill.objects.filter(trade_id="78").update(executed_at=LATER)
    Order.objects.filter(pk=open_order.pk).update(status="completed", ended_at=LATER)
    Halt.objects.filter(pk=halt.pk).update(lifted_at=LATER, lifted_by=office.supervisor)
    AlertSubject.objects.create(alert=alert, key="2", text="beta is down", at=LATER)
    Alert.objects.filter(pk=alert.pk).update(text="beta is down", count=2, ended_at=LATER)
    ended_on(office, "later", LATER)
    assert read(office, now=LATER + timedelta(days=3)) == before


def test_today_says_until_when(office: Desk) -> None:
    found = read(office, day=DAY, now=NOON)
    assert (found["is_over"], found["until"]) == (False, round(NOON.timestamp() * 1000))
    page = office.client(office.supervisor).get("/analysis/day/").content.decode()
    assert "The day is not over." in page
    assert 'rel="next"' not in page
    yesterday = timezone.now().date() - timedelta(days=1)
    page = office.client(office.supervisor).get("/analysis/day/", {"day": str(yesterday)}).content.decode()
    assert "Final." in page
    assert "The day is not over." not in page


def test_orders_without_a_final_report_are_counted_beside(office: Desk) -> None:
    order = ended_on(office, "a", keep=False)
    found = read(office)
    assert (found["orders"], found["waiting"], found["currencies"]) == (0, 1, [])
    page = office.client(office.supervisor).get("/analysis/day/", {"day": str(DAY)}).content.decode()
    assert "1 ended without a final report yet and is not in the figures." in page
    assert "No order has a final report on this day." in page
    assert report_keep(order_pk=order.pk, now=timezone.now())
    assert read(office)["orders"] == 1


def test_a_day_without_orders_says_so(office: Desk) -> None:
    page = office.client(office.supervisor).get("/analysis/day/", {"day": "2026-03-04"}).content.decode()
    assert "No order ended on this day." in page
    assert "Costs by algorithm" not in page


def test_everybody_reads_about_the_orders_that_they_see(office: Desk) -> None:
    ended_on(office, "a")
    ended_on(office, "b", person=office.other)
    seen = {
        person.username: (read(office, person)["orders"], read(office, person)["of"])
        for person in (office.trader, office.other, office.supervisor, office.admin)
    }
    assert seen == {
        "trader": (1, "trader"),
        "other": (1, "other"),
        "supervisor": (2, ""),
        "admin": (0, "admin"),
    }
    assert "All orders of the desk" in office.client(office.supervisor).get("/analysis/day/").content.decode()
    assert "Orders of trader" in office.client(office.trader).get("/analysis/day/").content.decode()


@pytest.mark.parametrize(
    ("query", "words"),
    [
        ("day=yesterday", "It must be a day such as 2026-03-01."),
        ("day=2999-01-01", "It must not be after today"),
        ("dya=2026-03-04", "There is no filter"),
    ],
)
def test_a_day_that_is_not_understood_shows_no_report(office: Desk, query: str, words: str) -> None:
    page = office.client(office.trader).get(f"/analysis/day/?{query}").content.decode()
    assert words in page
    assert "Correct the filter to see a report." in page
    assert "Orders still open" not in page
    name, _, value = query.partition("=")
    problem_of(Program(office.trader).get("/analysis/day", **{name: value}), 422)


def test_an_empty_day_is_today() -> None:
    form = read_day({"day": " "}, DAY)
    assert (form.day, form.written, form.problems) == (DAY, "2026-03-04", ())


def test_page_and_api_have_the_same_report(office: Desk) -> None:
    many_reports(office, 60, now=timezone.now(), weeks=1)
    day = timezone.now().date() - timedelta(days=3)
    asked = Program(office.supervisor).get("/analysis/day", day=str(day)).json()
    page = office.client(office.supervisor).get("/analysis/day/", {"day": str(day)}).content.decode()
    assert asked["orders"] >= 5
    assert asked["of"] is None
    for row in (*asked["dearest"], *asked["cheapest"]):
        assert row["id"] in page
    tables = day_tables(read(office, day=day, now=timezone.now()))
    for *_, counted in tables["currencies"][0]["figures"]:
        assert counted in page


def rows_of(office: Desk, person: User, **query: str) -> list[dict[str, str]]:
    answer = office.client(person).get("/analysis/day/export.csv", query)
    assert answer.status_code == 200
    assert answer.headers["Content-Disposition"].startswith("attachment")
    return list(csv.DictReader(io.StringIO(answer.content.decode())))


def test_the_file_has_the_figures_of_the_report_with_all_digits(office: Desk) -> None:
    ended_on(office, "a", prices=("64564.5",))
    ended_on(office, "b", prices=("64629", "64629"))
    ended_on(office, "c", prices=(), status="cancelled")
    still = office.order(key="open")
    Order.objects.filter(pk=still.pk).update(created_at=NOON, status="working")
    found = rows_of(office, office.supervisor, day=str(DAY))
    report = read(office)
    assert {row["Day"] for row in found} == {str(DAY)}
    (whole,) = [row for row in found if row["Part"] == "all orders"]
    assert (whole["Currency"], whole["Orders"], whole["Cost against arrival"]) == ("USDT", "3", "403.12")
    assert (whole["Arrival bp (+ is cost)"], whole["Arrival orders"], whole["Arrival orders unknown"]) == (
        "16.6689",
        "2",
        "1",
    )
    assert [(row["Name"], row["Orders"]) for row in found if row["Part"] in ("algorithm", "account")] == [
        ("twap", "3"),
        ("alpha", "3"),
    ]
    costs = {row["id"]: row["cost_bp"] for row in (*report["dearest"], *report["cheapest"])}
    named = {
        row["Order"]: row["Arrival bp (+ is cost)"] for row in found if row["Part"] in ("dearest", "cheapest")
    }
    assert named == costs
    (open_row,) = [row for row in found if row["Part"] == "open"]
    assert (open_row["Order"], open_row["Filled"], open_row["From (UTC)"]) == (
        still.public_id,
        "0",
        "2026-03-04T12:00:00.000+00:00",
    )
    counts = {row["Name"]: row["Orders"] for row in found if row["Part"] == "count"}
    assert (counts["orders with a final report"], counts["of these without a fill"]) == ("3", "1")


def test_no_text_in_the_file_is_a_formula_and_a_foreign_order_is_not_in_it(office: Desk) -> None:
    office.other.username = "@other"
    office.other.save(update_fields=["username"])
    order = ended_on(office, "a", person=office.other)
    Order.objects.filter(pk=order.pk).update(reason="＝cmd()")
    Halt.objects.create(kind="stop", scope="desk", reason="+1", set_by=office.supervisor, set_at=NOON)
    found = rows_of(office, office.supervisor, day=str(DAY))
    texts = {row["Part"]: row["Text"] for row in found}
    assert texts["dearest"] == "'＝cmd()"
    assert texts["halt"].startswith("'+1, by ")
    assert {row["Trader"] for row in found if row["Part"] == "dearest"} == {"'@other"}
    starts = {cell[0] for row in found for head, cell in row.items() if head not in _figures() and cell}
    assert not starts & set("=+-@＝＋－＠")
    assert not [row for row in rows_of(office, office.trader, day=str(DAY)) if row["Order"]]


def _figures() -> set[str]:
    """Return the columns of numbers, which may begin with a minus."""
    return {head for head in HEADS if " bp" in head or "arrival" in head}


def test_the_file_is_refused_for_a_day_that_is_not_understood(office: Desk) -> None:
    answer = office.client(office.trader).get("/analysis/day/export.csv", {"day": "yesterday"})
    assert answer.status_code == 422
    assert "It must be a day such as 2026-03-01." in answer.content.decode()
    page = office.client(office.trader).get("/analysis/day/", {"day": str(DAY)}).content.decode()
    assert f'href="/analysis/day/export.csv?day={DAY}" download' in page


def test_whiskers_stay_on_their_line(office: Desk) -> None:
    many_reports(office, 60, now=timezone.now(), weeks=1)
    day = timezone.now().date() - timedelta(days=3)
    (one,) = day_tables(read(office, day=day, now=timezone.now()))["currencies"]
    drawn = [
        cost[4] for _, rows in one["sections"] for row in rows for cost in row["costs"] if cost[4] is not None
    ]
    assert drawn
    for mark in drawn:
        assert 0 < float(mark.low) <= float(mark.mean) <= float(mark.high) < 120
        assert 0 < float(mark.zero) < 120


def test_reports_are_read_in_few_queries(office: Desk, django_assert_max_num_queries: Any) -> None:
    many_reports(office, 40, now=timezone.now(), weeks=1)
    assert OrderReport.objects.count() == 40
    with django_assert_max_num_queries(16):
        read(office, day=timezone.now().date() - timedelta(days=2), now=timezone.now())
