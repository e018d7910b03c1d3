"""The analysis of many orders: groups, means with their numbers of orders, filters, and who sees what."""

from __future__ import annotations

import csv
import io
from decimal import Decimal

from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from dashboard.forms.filters import read_filter
from execution.payloads.reports import GROUPS
from execution.selectors.orders.order_filter import AnalysisFilter
from execution.selectors.tca.analysis import analysis_page
from execution.services.records.reports import report_keep
from tests.dashboard.api import Program, problem_of
from tests.dashboard.desk_fixture import Desk
from tests.dashboard.reported import ended_order, second_account

ALL = AnalysisFilter()
BY = {name: AnalysisFilter(group=name) for name in GROUPS}


def three(office: Desk) -> None:
    """Create costs of 10 and 20 bp of the trader's, 30 of somebody else's."""
    ended_order(office, "a", prices=("64564.5",))
    ended_order(office, "b", prices=("64629", "64629"), predicted={"cost_bp": "21"})
    ended_order(office, "c", prices=("64693.5",), person=office.other)


def test_means_have_the_number_of_orders_and_their_error_beside_them(office: Desk) -> None:
    three(office)
    page = analysis_page(person=office.trader, chosen=ALL)
    (group,) = page["groups"]
    assert (group["group"], group["orders"], page["waiting"]) == ("twap", 2, 0)
    cost = group["figures"]["cost_bp"]
    assert (cost["n"], cost["mean"], cost["standard_error"]) == (2, "15", "5")
    assert cost["weighted"] is not None
    assert Decimal("16.66") < Decimal(cost["weighted"]) < Decimal("16.68")  # two thirds of it at 20
    predicted = group["figures"]["predicted_bp"]
    assert (predicted["n"], predicted["mean"], predicted["standard_error"]) == (1, "21", None)


def test_everybody_sees_the_orders_that_are_theirs_to_see(office: Desk) -> None:
    three(office)
    orders = {
        person.username: (analysis_page(person=person, chosen=BY["trader"])["whole"] or {"orders": 0})[
            "orders"
        ]
        for person in (office.trader, office.other, office.supervisor, office.admin)
    }
    assert orders == {"trader": 2, "other": 1, "supervisor": 3, "admin": 0}


def test_each_way_to_group_counts_every_order(office: Desk) -> None:
    three(office)
    groups = {
        name: [row["group"] for row in analysis_page(person=office.supervisor, chosen=chosen)["groups"]]
        for name, chosen in BY.items()
    }
    assert groups == {
        "algorithm": ["twap"],
        "symbol": ["BTC/USDT"],
        "venue": ["paper"],
        "trader": ["other", "trader"],
    }


def test_an_order_at_two_venues_is_in_both_groups_with_what_it_did_there(office: Desk) -> None:
    beta = second_account(office)
    order = ended_order(office, "a", prices=("64564.5", "64629"), keep=False)
    order.accounts.add(beta)
    fill = order.fills.latest("executed_at")
    fill.account = beta
    fill.save()
    report_keep(order_pk=order.pk, now=timezone.now())
    page = analysis_page(person=office.trader, chosen=BY["venue"])
    assert [(row["group"], row["orders"], row["figures"]["cost_bp"]["mean"]) for row in page["groups"]] == [
        ("beta", 1, "20"),
        ("paper", 1, "10"),
    ]
    assert page["whole"] is not None
    assert page["whole"]["orders"] == 1
    cost = page["whole"]["figures"]["cost_bp"]
    assert (cost["n"], cost["mean"]) == (1, "15"), "the order once, with all that it did"
    assert page["groups"][0]["figures"]["opportunity_bp"]["n"] == 0  # not a venue's
    one = analysis_page(person=office.trader, chosen=AnalysisFilter(venue="beta"))
    assert [(row["group"], row["figures"]["cost_bp"]["mean"]) for row in one["groups"]] == [("twap", "20")]


def test_no_figure_is_known_of_more_orders_than_there_are(office: Desk) -> None:
    beta = second_account(office)
    for key in ("a", "b"):
        order = ended_order(office, key, prices=("64564.5", "64629"), keep=False)
        order.accounts.add(beta)
        fill = order.fills.latest("executed_at")
        fill.account = beta
        fill.save()
        report_keep(order_pk=order.pk, now=timezone.now())
    ended_order(office, "c", prices=(), status="cancelled")
    ended_order(office, "d", person=office.other)
    for by in BY:
        for venue in ("", "paper", "beta"):
            chosen = AnalysisFilter(group=by, venue=venue)
            page = analysis_page(person=office.supervisor, chosen=chosen)
            assert page["whole"] is not None
            for row in [*page["groups"], page["whole"]]:
                assert all(figure["n"] <= row["orders"] for figure in row["figures"].values()), (by, venue)
            assert page["whole"]["orders"] == {"": 4 if by != "venue" else 3, "paper": 3, "beta": 2}[venue]


def test_an_order_without_fills_counts_but_is_in_no_mean_of_costs(office: Desk) -> None:
    ended_order(office, "a", prices=(), status="cancelled")
    (group,) = analysis_page(person=office.trader, chosen=ALL)["groups"]
    assert (group["orders"], group["figures"]["cost_bp"]["n"], group["figures"]["cost_bp"]["mean"]) == (
        1,
        0,
        None,
    )
    assert group["figures"]["filled_share"]["mean"] == "0"


def test_what_has_ended_and_is_not_reported_yet_is_said(office: Desk) -> None:
    ended_order(office, "a", keep=False)
    page = analysis_page(person=office.trader, chosen=ALL)
    assert (page["groups"], page["whole"], page["waiting"]) == ([], None, 1)
    assert "1 ended, report not ready yet" in office.client(office.trader).get("/analysis/").content.decode()


def test_the_analysis_takes_as_many_queries_for_many_orders_as_for_one(office: Desk) -> None:
    counts = []
    for number in range(2):
        ended_order(office, f"order-{number}")
        with CaptureQueriesContext(connection) as queries:
            analysis_page(person=office.trader, chosen=ALL)
        counts.append(len(queries))
    assert counts == [2, 2]


def test_page_csv_and_api_show_the_same_and_a_filter_narrows_all(office: Desk) -> None:
    three(office)
    client = office.client(office.supervisor)
    for query, orders in (
        ("", 3),
        ("?trader=other", 1),
        ("?side=sell", 0),
        ("?group=trader&from=2026-01-01", 3),
    ):
        page = client.get(f"/analysis/{query}").content.decode()
        found = Program(office.supervisor).client.get(
            f"/api/v1/analysis{query}", headers=Program(office.supervisor).headers
        )
        rows = list(csv.DictReader(io.StringIO(client.get(f"/analysis/export.csv{query}").content.decode())))
        whole = found.json()["whole"]
        assert (whole["orders"] if whole else 0) == orders, query
        named = [row for row in rows if next(iter(row.values())) != "all"]
        assert sum(int(row["Orders"]) for row in named) == orders, query
        assert ("No reports match this filter." in page) == (not orders), query


def test_a_filter_that_is_not_understood_shows_nothing(office: Desk) -> None:
    three(office)
    client = office.client(office.trader)
    for query, word in (
        ("group=colour", "colour"),
        ("venue=nowhere", "nowhere"),
        ("algoritm=twap", "algoritm"),
        ("trader=other", "your own orders only"),
    ):
        page = client.get(f"/analysis/?{query}").content.decode()
        assert word in page
        assert "Correct the filter to see reports." in page
        assert "± " not in page
        assert client.get(f"/analysis/export.csv?{query}").status_code == 422
        name, _, value = query.partition("=")
        problem_of(Program(office.trader).get("/analysis", **{name: value}), 422)


def test_a_filter_survives_as_a_query(office: Desk) -> None:
    written = {"group": "venue", "algorithm": "twap", "from": "2026-03-01"}
    chosen = read_filter(office.trader, AnalysisFilter, written)
    assert not chosen.problems
    assert chosen.query() == "group=venue&algorithm=twap&from=2026-03-01"
    assert chosen.query(group="algorithm") == "algorithm=twap&from=2026-03-01"
