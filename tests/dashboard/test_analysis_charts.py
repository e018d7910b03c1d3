"""The charts of the analysis: their figures, their sentences, what is left out, and that page and API agree."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime
from decimal import Decimal

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from dashboard.present.analysis_charts import chart_panels, size_words
from execution.models import Order, OrderReport
from execution.payloads.analysis_charts import AnalysisCharts
from execution.selectors.orders.order_filter import AnalysisFilter
from execution.selectors.tca import parts
from execution.selectors.tca.analysis import analysis_page
from execution.services.records.reports import report_keep
from tests.dashboard.api import Program
from tests.dashboard.desk_fixture import Desk
from tests.dashboard.many_reports import many_reports
from tests.dashboard.reported import ended_order

ALL = AnalysisFilter()
NOW = datetime(2026, 3, 20, 16, 20, tzinfo=UTC)
DATA = re.compile(r'<script id="analysis-charts" type="application/json">(.*?)</script>', re.DOTALL)


def charts(office: Desk, chosen: AnalysisFilter = ALL) -> AnalysisCharts:
    return analysis_page(person=office.trader, chosen=chosen)["charts"]


def sentences(found: AnalysisCharts) -> dict[str, str]:
    return {panel.name: panel.sentence for panel in chart_panels(found)}


def test_means_are_weighted_by_notional(office: Desk) -> None:
    ended_order(office, "a", prices=("64564.5",))  # 10 bp
    ended_order(office, "b", prices=("64629", "64629"))  # 20 bp, twice the quantity
    found = charts(office)
    whole = found["whole"]
    assert (found["currency"], whole["orders"], whole["unknown"], whole["is_few"]) == ("USDT", 2, 0, True)
    assert whole["mean"] is not None
    assert Decimal("16.66") < Decimal(whole["mean"]) < Decimal("16.68")
    assert whole["quartiles"] == {"lower": "12.5", "median": "15", "upper": "17.5"}
    for buckets in (found["weeks"], found["hours"], found["sizes"]):
        assert sum(one["cost"]["orders"] for one in buckets) == 2
    assert sum(one["orders"] for one in found["distribution"]) == 2
    (venue,) = found["venues"]
    assert (venue["venue"], venue["figures"]["cost_bp"]["mean"]) == ("paper", whole["mean"])


def test_an_order_without_a_fill_is_unknown_and_not_zero(office: Desk) -> None:
    ended_order(office, "a", prices=("64564.5",))
    ended_order(office, "b", prices=(), status="cancelled")
    found = charts(office)
    assert (found["whole"]["orders"], found["whole"]["unknown"], found["whole"]["mean"]) == (1, 1, "10")
    assert sum(one["cost"]["unknown"] for one in found["weeks"]) == 1
    assert {panel.unknown for panel in chart_panels(found)} == {1, 2}, "neither has a prediction"


def test_orders_in_another_currency_are_left_out_and_counted(office: Desk) -> None:
    for key in ("a", "b", "c"):
        ended_order(office, key)
    other = OrderReport.objects.latest("pk")
    other.report |= {"quote": "EUR"}
    other.save()
    found = charts(office)
    assert (found["currency"], found["other_currencies"], found["whole"]["orders"]) == ("USDT", 1, 2)
    page = office.client(office.trader).get("/analysis/").content.decode()
    assert "1 in other currencies are left out" in page


def test_predictions_are_compared_with_what_was_achieved_with_fees(office: Desk) -> None:
    ended_order(office, "a", predicted={"cost_bp": "3"})
    ended_order(office, "b")
    found = charts(office)["predictions"]
    (pair,) = found["orders"]
    report = OrderReport.objects.get(order__public_id=pair["order"]).report
    assert (pair["predicted_bp"], pair["achieved_bp"]) == ("3", report["split_bp"]["total"])
    assert (found["error"]["orders"], found["error"]["unknown"], found["steps"]) == (1, 1, [])
    assert found["error"]["mean"] == str(Decimal(pair["achieved_bp"]) - 3)


def test_hour_and_week_are_those_of_the_start(office: Desk) -> None:
    order = ended_order(office, "a", keep=False)
    Order.objects.filter(pk=order.pk).update(started_at=datetime(2026, 3, 4, 14, 59, tzinfo=UTC))
    assert report_keep(order_pk=order.pk, now=timezone.now())
    found = charts(office)
    assert [one["hour"] for one in found["hours"]] == [14]
    assert [one["week"] for one in found["weeks"]] == ["2026-03-02"]


def test_a_filter_applies_to_all_charts(office: Desk) -> None:
    many_reports(office, 60, now=NOW)
    for chosen in (
        AnalysisFilter(algorithm="vwap"),
        AnalysisFilter(side="sell"),
        AnalysisFilter(venue="beta"),
    ):
        page = analysis_page(person=office.supervisor, chosen=chosen)
        assert page["whole"] is not None
        found, orders = page["charts"], page["whole"]["orders"]
        counted = found["whole"]["orders"] + found["whole"]["unknown"]
        assert 0 < counted == orders < 61
        for buckets in (found["weeks"], found["hours"]):
            assert sum(one["cost"]["orders"] + one["cost"]["unknown"] for one in buckets) == counted
        sized = sum(one["cost"]["orders"] + one["cost"]["unknown"] for one in found["sizes"])
        assert sized + found["unsized"] == counted
        assert sum(one["orders"] for one in found["distribution"]) == found["whole"]["orders"]
    assert [one["venue"] for one in found["venues"]] == ["beta"], "the last filter chose a venue"


def test_grouping_changes_no_chart(office: Desk) -> None:
    many_reports(office, 40, now=NOW)
    assert charts(office, AnalysisFilter(group="venue")) == charts(office, AnalysisFilter(group="symbol"))


def test_the_newest_reports_count_when_there_are_too_many(
    office: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    many_reports(office, 30, now=NOW)
    monkeypatch.setattr(parts, "MAX_REPORTS", 10)
    page = analysis_page(person=office.supervisor, chosen=ALL)
    assert page["whole"] is not None
    assert (page["whole"]["orders"], page["left_out"]) == (10, 20)
    kept = {row["order"] for row in page["charts"]["predictions"]["orders"]}
    newest = OrderReport.objects.order_by("-pk").values_list("order__public_id", flat=True)[:10]
    assert kept <= set(newest)
    assert "20 older ones are left out" in office.client(office.supervisor).get("/analysis/").content.decode()


def test_page_and_api_have_the_same_charts_in_few_queries(office: Desk) -> None:
    many_reports(office, 50, now=NOW)
    with CaptureQueriesContext(connection) as queries:
        found = charts(office)
    assert len(queries) == 2
    page = office.client(office.trader).get("/analysis/").content.decode()
    drawn = DATA.search(page)
    assert drawn is not None
    assert json.loads(drawn[1]) == json.loads(json.dumps(found))
    assert Program(office.trader).get("/analysis").json()["charts"] == json.loads(json.dumps(found))
    for name in sentences(found):
        assert f'id="chart-{name}"' in page
        assert f'data-file="analysis-{name}"' in page


def test_few_orders_are_said_to_be_few(office: Desk) -> None:
    ended_order(office, "a", prices=("64564.5",), predicted={"cost_bp": "3"})
    said = sentences(charts(office))
    assert said["weeks"] == "The newest 4 weeks have fewer than 5 orders."
    assert said["hours"] == "No hour has 5 orders."
    assert said["venues"] == "No venue has 5 orders."
    assert said["sizes"] == "No size has 5 orders."
    assert said["distribution"] == "Fewer than 5 orders have a known cost."
    assert said["predictions"] == "Fewer than 5 orders have a prediction."


def test_without_a_known_cost_nothing_is_drawn(office: Desk) -> None:
    ended_order(office, "a", prices=(), status="cancelled")
    page = office.client(office.trader).get("/analysis/").content.decode()
    assert page.count("No order has a known cost.") == 5
    assert "No order has both a prediction and a known cost." in page
    assert 'class="chart"' not in page


def test_sentences_answer_with_numbers(office: Desk) -> None:
    many_reports(office, 400, now=NOW)
    found = analysis_page(person=office.supervisor, chosen=ALL)["charts"]
    said = sentences(found)
    number = r"[+−]?[0-9.]+ ± [0-9.]+ bp \(n [0-9]+\)"
    assert re.fullmatch(
        rf"Newest 4 weeks {number}, the 4 before {number}: (cheaper|dearer|no clear change)\.", said["weeks"]
    )
    ranked = sorted(found["venues"], key=lambda row: Decimal(row["figures"]["cost_bp"]["mean"] or 0))
    cheapest, dearest = ranked[0]["venue"], ranked[-1]["venue"]
    assert re.fullmatch(rf"Dearest {dearest}, {number}\. Cheapest {cheapest}, {number}\.", said["venues"])
    assert re.fullmatch(rf"Dearest [0-9]+:00, {number}\. Cheapest [0-9]+:00, {number}\.", said["hours"])
    assert re.fullmatch(rf"Smallest .* to .* {number}, largest .* to .* {number}\.", said["sizes"])
    assert len(found["predictions"]["steps"]) == 5


def test_sizes_in_words() -> None:
    assert size_words("1000", "3000") == "1 k to 3 k"
    assert size_words("300", "1000") == "300 to 1 k"
    assert size_words("3000000", "10000000") == "3 M to 10 M"


def test_weeks_without_an_order_are_no_weeks(office: Desk) -> None:
    many_reports(office, 2, now=NOW, weeks=20)
    assert len(analysis_page(person=office.supervisor, chosen=ALL)["charts"]["weeks"]) in (2, 3)
