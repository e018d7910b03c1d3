"""An order's report: read, kept, shown, sent and written; nothing unknown becomes a number."""

from __future__ import annotations

import csv
import io
from datetime import timedelta
from decimal import Decimal
from typing import Any

from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from dashboard.present.report_tables import report_table
from execution.models import Fill, MarketSample, OrderReport
from execution.payloads.reports import Report
from execution.selectors.tca import market_tape
from execution.selectors.tca.reports import report_make, report_read
from execution.services.accounts.markets import samples_record
from execution.services.records.journal import journal_append
from execution.services.records.reports import report_keep, reports_keep
from tests.dashboard.api import Program
from tests.dashboard.desk_fixture import Desk
from tests.dashboard.reported import ended_order, record, second_account

PREDICTED = {"cost_bp": "6.4", "standard_error_bp": "1.2", "seeds": 20, "at": "2026-03-01T12:00:00+00:00"}


def cells(text: str) -> dict[str, list[str]]:
    return {row[0]: row[1:] for row in csv.reader(io.StringIO(text))}


def test_the_report_of_an_order_says_what_its_fills_say(office: Desk) -> None:
    order = ended_order(office, "a", predicted=PREDICTED, keep=False)
    report = report_make(order.pk, timezone.now())
    assert (report["is_final"], report["fills"], report["filled"]) == (True, 2, "2.5")
    assert (report["average"], report["arrival_mid"]) == ("64500", "64500")
    assert (report["cost_bp"], report["vwap_cost_bp"], report["twap_cost_bp"]) == ("0", "0", "0")
    assert report["split"] == {"spread": "0", "drift": "0", "delay": "0", "fees": "4", "total": "4"}
    assert report["split_bp"]["total"] == "0.2481"
    assert report["maker_share"] == "0.5"
    assert [row["share"] for row in report["markouts"]] == ["1", "1", "1"]
    assert report["watched"] == "1"
    assert (report["unfilled"], report["opportunity_bp"]) == ("0", "0")
    assert report["predicted"] == {"by": "simulation", **PREDICTED}
    assert report["predicted_error_bp"] == "-6.1519"
    assert (report["fees"], report["venues"][0]["venue"]) == ([{"currency": "USDT", "amount": "2"}], "paper")


def test_an_order_that_did_nothing_has_a_report_of_dashes(office: Desk) -> None:
    order = office.order()
    report = report_make(order.pk, timezone.now())
    assert report["is_final"] is False
    unknown = (
        "average",
        "cost_bp",
        "market_vwap",
        "market_volume",
        "participation",
        "maker_share",
        "predicted",
    )
    assert {report[name] for name in unknown} == {None}  # type: ignore[literal-required]
    assert set(report["split_bp"].values()) == {None}
    page = office.client(office.trader).get(f"/orders/{order.public_id}/report/")
    assert "–" in page.content.decode()
    assert "+0.0" not in page.content.decode()


def test_the_market_of_two_venues_is_both_of_them_and_each_has_its_part(office: Desk) -> None:
    beta = second_account(office)
    order = ended_order(office, "a", keep=False)
    order.accounts.add(beta)
    assert order.started_at is not None
    record(beta.venue, order.started_at - timedelta(seconds=10), 500, "64530", volume="0.25")
    last = order.fills.latest("executed_at")
    last.account = beta
    last.save()
    report = report_make(order.pk, timezone.now())
    assert (report["market_vwap"], report["market_twap"]) == ("64510", "64515")
    assert report["market_volume"] == "45.75"
    assert [(part["venue"], part["filled"], part["share"]) for part in report["venues"]] == [
        ("beta", "1.25", "0.5"),
        ("paper", "1.25", "0.5"),
    ]
    opened = market_tape.tape_open(order.pk)
    assert opened is not None
    live = market_tape.tape_read(opened, order.pk, timezone.now())
    assert (live["volume"], live["vwap"]) == ("45.75", "64510")
    assert live["samples"][0][1:] == ("64514", "64516", "0.75", "48382.5")


def test_the_live_split_follows_new_fills_and_late_samples(office: Desk) -> None:
    order = ended_order(office, "a", prices=("64510",), keep=False, status="working", ended_at=None)
    opened = market_tape.tape_open(order.pk)
    assert opened is not None
    now = timezone.now()
    first = market_tape.tape_read(opened, order.pk, now)
    parts = {"spread": "1.6", "drift": "0", "delay": "0", "fees": "0.2", "total": "1.8"}
    assert first["split_bp"] == {"arrival": "1.6", **parts}
    fill = office.fill(order, 77, quantity="1.25", price="64520", fee_in_quote=Decimal(2))
    Fill.objects.filter(pk=fill.pk).update(executed_at=now)
    MarketSample.objects.filter(second__gt=now - timedelta(seconds=60)).delete()
    unknown = market_tape.tape_read(opened, order.pk, now + timedelta(seconds=1))["split_bp"]
    assert (unknown["spread"], unknown["drift"], unknown["total"]) == (None, None, "2.6")
    record(office.venue, now.replace(microsecond=0) - timedelta(seconds=2), 1, "64500")
    late = market_tape.tape_read(opened, order.pk, now + timedelta(seconds=2))["split_bp"]
    assert (late["spread"], late["drift"], late["total"]) == ("2.3", "0", "2.6")


def test_a_report_says_how_much_of_the_volume_was_known(office: Desk) -> None:
    order = ended_order(office, "a", keep=False)
    assert order.started_at is not None
    lost = MarketSample.objects.filter(
        second__gte=order.started_at, second__lt=order.started_at + timedelta(seconds=15)
    )
    assert lost.update(volume=None, notional=None) == 15
    report = report_make(order.pk, timezone.now())
    assert (report["watched"], report["market_volume"]) == ("0.75", "23")
    assert report["participation"] == "0.1087", "of 23 and not of 30.5: at most this"
    assert report["market_vwap"] == "64500"


def test_a_second_that_is_mended_comes_again_and_counts_once(office: Desk) -> None:
    order = ended_order(office, "a", prices=("64510",), keep=False, status="working", ended_at=None)
    MarketSample.objects.all().delete()
    now = timezone.now().replace(microsecond=0)
    order.started_at = now - timedelta(seconds=100)
    order.save()
    record(office.venue, now - timedelta(seconds=100), 100, "64500")
    hole = MarketSample.objects.filter(
        second__gte=now - timedelta(seconds=60), second__lt=now - timedelta(seconds=50)
    )
    assert hole.update(volume=None, notional=None) == 10
    tape = market_tape.tape_open(order.pk)
    assert tape is not None
    first = market_tape.tape_read(tape, order.pk, now)
    assert (first["volume"], first["vwap"], len(first["samples"])) == ("45", "64500", 100)
    assert [row[3:] for row in first["samples"][40:50]] == [(None, None)] * 10
    assert market_tape.tape_read(tape, order.pk, now)["samples"] == [], "nothing has changed"
    mended = [MarketSample(venue=office.venue, symbol="BTC/USDT", second=row.second) for row in hole]
    for sample in mended:
        sample.volume, sample.notional = Decimal(2), Decimal(2 * 64_600)
    samples_record(samples=mended)
    again = market_tape.tape_read(tape, order.pk, now + timedelta(seconds=2))
    assert [row[1:] for row in again["samples"]] == [("64499", "64501", "2", "129200")] * 10
    assert (again["volume"], tape.since) == ("65", now - timedelta(seconds=3))
    last = market_tape.tape_read(tape, order.pk, now + timedelta(seconds=400))
    assert (last["volume"], last["samples"]) == ("65", [])


def test_a_market_of_which_nothing_is_known_has_no_volume(office: Desk) -> None:
    order = ended_order(office, "a", keep=False)
    MarketSample.objects.update(volume=None, notional=None)
    tape = market_tape.tape_open(order.pk)
    assert tape is not None
    live = market_tape.tape_read(tape, order.pk, timezone.now())
    assert (live["volume"], live["vwap"], live["participation"]) == (None, None, None)
    report = report_make(order.pk, timezone.now())
    assert (report["market_volume"], report["participation"], report["watched"]) == (None, None, "0")


# --- kept ----------------------------------------------------------------------------------------


def test_a_report_is_kept_five_minutes_after_the_end_and_only_once(office: Desk) -> None:
    now = timezone.now()
    order = ended_order(office, "a", keep=False, ended_at=now - timedelta(minutes=5))
    kept: Any = {"now": now, "samples_since": now - timedelta(days=7)}
    assert reports_keep(**kept) == 0
    kept["now"] = now + timedelta(seconds=10)
    assert reports_keep(**kept) == 1
    assert reports_keep(**kept) == 0
    assert report_keep(order_pk=order.pk, now=kept["now"]) is False
    assert OrderReport.objects.get().report["filled"] == "2.5"


def test_a_kept_report_outlives_its_samples_and_takes_a_late_prediction(office: Desk) -> None:
    order = ended_order(office, "a")
    MarketSample.objects.all().delete()
    order.predicted = PREDICTED
    order.save()
    report = report_read(order.pk, timezone.now())
    assert (report["market_vwap"], report["predicted"]) == ("64500", {"by": "simulation", **PREDICTED})
    assert report["predicted_error_bp"] == "-6.1519"


def test_what_is_told_later_makes_the_report_again_while_its_samples_are_there(office: Desk) -> None:
    order = ended_order(office, "a")
    now = timezone.now()
    journal_append(order=order, kind="fill_detail", actor="venue", at=now)
    long_gone = now
    assert reports_keep(now=now, samples_since=long_gone) == 0
    assert reports_keep(now=now, samples_since=now - timedelta(days=7)) == 1
    assert OrderReport.objects.get().version == order.version


# --- shown ---------------------------------------------------------------------------------------


def test_page_csv_and_api_say_the_same(office: Desk) -> None:
    order = ended_order(office, "a", prices=("64600",), predicted=PREDICTED, status="expired")
    client = office.client(office.trader)
    page = client.get(f"/orders/{order.public_id}/report/").content.decode()
    report: Report = Program(office.trader).get(f"/orders/{order.public_id}/report").json()
    table = cells(client.get(f"/orders/{order.public_id}/report.csv").content.decode())
    assert report["cost_bp"] == table["Against arrival"][1] == "15.5039"
    assert "+15.5" in page
    assert "+6.4 ± 1.2" in page
    assert table["Predicted cost"] == ["bp", "6.4"]
    assert table["Unfilled"] == ["base", "1.25"]
    assert table["Markout after 5 min"][1] == report["markouts"][2]["bp"]
    assert "hx-trigger" not in page  # it is final


def test_a_live_report_is_read_again(office: Desk) -> None:
    page = office.client(office.trader).get(f"/orders/{office.order().public_id}/report/").content.decode()
    assert 'hx-trigger="every 5s"' in page
    long = ended_order(office, "long", keep=False, status="working", ended_at=None)
    page = office.client(office.trader).get(f"/orders/{long.public_id}/report/").content.decode()
    assert 'hx-trigger="every 60s"' in page


def test_a_kept_report_is_read_in_few_queries(office: Desk) -> None:
    order = ended_order(office, "a")
    with CaptureQueriesContext(
        connection,
    ) as queries:
        report_read(order.pk, timezone.now())
    assert len(queries) == 1


def test_the_figures_of_the_table_add_up(office: Desk) -> None:
    report = report_make(ended_order(office, "a", keep=False).pk, timezone.now())
    parts = {"spread": "0.45", "drift": "0.02", "delay": "-0.12", "fees": "10", "total": "10.35"}
    report |= {"cost_bp": "0.35", "split_bp": parts}  # type: ignore[typeddict-item]
    shown = {row["label"]: row["cells"][0]["text"] for row in report_table(report)}
    assert [shown[name] for name in ("Spread", "Drift", "Delay")] == ["+0.5", "0.0", "−0.1"]
    assert [shown[name] for name in ("Against arrival", "Fees", "Total")] == ["+0.4", "+10.0", "+10.4"]


def test_the_report_says_when_the_order_worked_and_a_unit_once(office: Desk) -> None:
    order = ended_order(office, "a", keep=False)
    page = office.client(office.trader).get(f"/orders/{order.public_id}/report/").content.decode()
    assert '<span class="pill good"><span aria-hidden="true">●</span>completed</span>' in page
    assert f"{order.started_at:%Y-%m-%d %H:%M:%S}" in page
    assert f"{order.ended_at:%Y-%m-%d %H:%M:%S}" in page
    assert '<td class="muted">%</td>' not in page
