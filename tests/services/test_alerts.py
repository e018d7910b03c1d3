"""Alerts out of rows: each kind by its condition, a storm as one, acknowledged, owned, escalated and ended."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from axes.models import AccessAttempt
from django.utils import timezone

from execution.core.alerts.grouping import Finding
from execution.core.alerts.kinds import QUIET, AlertKind
from execution.core.faults import DISK, Fault
from execution.core.problems import Refused
from execution.core.types import Rejected, Unknown, VenueStatus
from execution.models import (
    AccessRequest,
    Account,
    Alert,
    AlertSignal,
    AuditEntry,
    ChildOrder,
    Difference,
    DifferenceKind,
    Order,
    Role,
    User,
    Worker,
)
from execution.selectors.alerts.findings import Findings
from execution.selectors.alerts.rows import alert_news, alert_rows, subject_rows
from execution.services.accounts.sessions import account_failed, account_seen
from execution.services.alerts.handling import AlertNotFound, alert_acknowledge, alert_own
from execution.services.alerts.watching import watch_claim
from execution.services.children.children import child_outcome, child_report
from execution.services.children.fills import fill_record
from execution.services.engine.faults import worker_fault_set
from execution.services.orders.orders import order_cancel, order_pause
from execution.services.records.alerts import alert_signal
from tests.factories import NOW, SYMBOL, Rows, report_of, trade_of
from tests.services.alerting import SECOND, apply, look, storm
from tests.services.limiting import bound


def seen(rows: Rows, seconds: float = 0) -> None:
    at = NOW + seconds * SECOND
    account_seen(account_pk=rows.account.pk, polled_at=at, stream_at=at, latency_ms=1.0)


@pytest.fixture
def calm(rows: Rows) -> Rows:
    """Return a desk without a problem."""
    seen(rows)
    assert look(Findings(), 1) == []
    return rows


# --- each kind by its condition --------------------------------------------------------------------


def behind(rows: Rows) -> None:
    rows.working(now=NOW - 120 * SECOND)


def unknown(rows: Rows) -> None:
    child = rows.resting()
    child_outcome(child_pk=child.pk, outcome=Unknown("timed out"), now=NOW)
    ChildOrder.objects.update(submitted_at=NOW - 31 * SECOND)


def refused(rows: Rows) -> None:
    child = rows.resting()
    child_outcome(child_pk=child.pk, outcome=Rejected("InvalidOrder", "no"), now=NOW)
    for number in range(2):
        child.pk, child.sequence, child.client_id = None, child.sequence + 1, f"again{number}"
        child.status, child.reason, child.ended_at, child.is_settled = (
            "rejected",
            "InvalidOrder: no",
            NOW,
            True,
        )
        child.save()
    Order.objects.update(version=99)


def stale(rows: Rows) -> None:
    rows.submit()
    rows.quote(at=NOW - 10 * SECOND)


def down(rows: Rows) -> None:
    for _ in range(3):
        account_failed(account_pk=rows.account.pk, error="no connection", now=NOW)


def overfill(rows: Rows) -> None:
    child = rows.resting()
    fill_record(
        account_pk=rows.account.pk, trade=trade_of(child, "1", "5", client_id=child.client_id), now=NOW
    )


def late(rows: Rows) -> None:
    child = rows.resting()
    child_report(account_pk=rows.account.pk, report=report_of(child, VenueStatus.CANCELLED, "0"), now=NOW)
    fill_record(account_pk=rows.account.pk, trade=trade_of(child, "1", "0.00001"), now=NOW)


def engine_lost(rows: Rows) -> None:
    Worker.objects.create(
        boot_id="dead", host="far", process_id=7, started_at=NOW - 90 * SECOND, lease_until=NOW - SECOND
    )


def engine_failing(rows: Rows) -> None:
    worker_fault_set(worker_pk=rows.worker.pk, fault=Fault("halts", "KeyError", "abc", NOW))


def difference(rows: Rows) -> None:
    for kind in (DifferenceKind.LOST_TRADE, DifferenceKind.FOREIGN):
        Difference.objects.create(
            account=rows.account, kind=kind, symbol=SYMBOL, key="77", opened_at=NOW, last_seen_at=NOW
        )


def paused(rows: Rows) -> None:
    order = rows.submit()
    Order.objects.filter(pk=order.pk).update(status="paused", needs_person=True, reason="a halt")


def disk_low(rows: Rows) -> None:
    worker_fault_set(
        worker_pk=rows.worker.pk, fault=Fault(DISK, "less than 200 MB of disk are free", "", NOW)
    )


def signalled(kind: AlertKind) -> Callable[[Rows], None]:
    return lambda rows: alert_signal(kind=kind, text="told by another part of the desk", at=NOW, scope="desk")


def limit_near(rows: Rows) -> None:
    bound(rows, "open_notional", 20_000)
    rows.submit()


def limit_broken(rows: Rows) -> None:
    rows.submit()
    bound(rows, "open_notional", 15_000)


def approval_waiting(rows: Rows) -> None:
    bound(rows, "order_notional", 10_000, "approval")
    rows.submit()


def logins_attacked(_rows: Rows) -> None:
    AccessAttempt.objects.create(
        username="trader", ip_address="198.51.100.1", failures_since_start=20, attempt_time=NOW
    )
    AccessAttempt.objects.update(attempt_time=NOW)


def access_waiting(rows: Rows) -> None:
    half_an_hour_ago = NOW - timedelta(minutes=30)
    AccessRequest.objects.create(
        kind="account.grant",
        subject="alpha",
        target="grant:alpha:trader",
        content={},
        changes=[],
        content_hash="",
        requested_by=rows.supervisor,
        requested_at=half_an_hour_ago,
        expires_at=half_an_hour_ago + timedelta(days=1),
    )


CAUSES: dict[AlertKind, tuple[Callable[[Rows], None], str]] = {
    AlertKind.BEHIND_SCHEDULE: (behind, "is behind its schedule"),
    AlertKind.CHILD_UNKNOWN: (unknown, "sent at 11:59:29 UTC: unknown: timed out"),
    AlertKind.REFUSALS: (refused, "3 children of BUY BTC/USDT"),
    AlertKind.MARKET_DATA_STALE: (stale, f"alpha: no fresh quote of {SYMBOL}"),
    AlertKind.ACCOUNT_DOWN: (down, "account alpha at alpha: down: no connection"),
    AlertKind.OVERFILL: (overfill, "overfilled: 5 of 0.3"),
    AlertKind.LATE_FILL: (late, "late fill: 0.00001 is filled"),
    AlertKind.ENGINE_LOST: (engine_lost, "engine far:7 is lost"),
    AlertKind.ENGINE_FAILING: (engine_failing, "halts has failed since 12:00:00 UTC"),
    AlertKind.DIFFERENCE: (difference, "trade without a child 77"),
    AlertKind.ORDER_PAUSED: (paused, "waits for a person: a halt"),
    AlertKind.DISK_LOW: (disk_low, "less than 200 MB of disk are free"),
    AlertKind.LIMIT_NEAR: (limit_near, "open notional of the desk: 18,000.00 USDT of 20,000.00 USDT"),
    AlertKind.LIMIT_BROKEN: (limit_broken, "open notional of the desk: 18,000.00 USDT of 15,000.00 USDT"),
    AlertKind.APPROVAL_WAITING: (approval_waiting, "of trader waits for approval until 12:15:00 UTC"),
    AlertKind.LOGINS_ATTACKED: (logins_attacked, "20 logins as trader have failed within 15 min"),
    AlertKind.ACCESS_WAITING: (access_waiting, "supervisor asked for a change of alpha, which waits"),
    AlertKind.KEY_CHANGED: (signalled(AlertKind.KEY_CHANGED), "told by another part"),
    AlertKind.JOURNAL_BROKEN: (signalled(AlertKind.JOURNAL_BROKEN), "told by another part"),
}


@pytest.mark.parametrize("kind", list(AlertKind), ids=str)
def test_each_kind_is_raised_by_its_condition_within_three_looks(calm: Rows, kind: AlertKind) -> None:
    cause, said = CAUSES[kind]
    cause(calm)
    findings = Findings()
    found = next(filter(None, ([a for a in look(findings, second) if a.kind == kind] for second in range(4))))
    assert [alert.count for alert in found] == [1]
    assert said in found[0].text
    assert found[0].severity == kind.severity
    assert not AlertSignal.objects.exists()
    assert len([a for a in look(findings, 4) if a.kind == kind]) == 1, "the next look changes nothing"


def test_without_any_engine_one_alert_says_so(calm: Rows) -> None:
    long_ago = NOW - timedelta(hours=1)
    Worker.objects.update(lease_until=long_ago, stopped_at=None)
    texts = [alert.text for alert in look(Findings())]
    assert texts == ["no engine runs: nothing is traded and nothing is cancelled"]
    Worker.objects.update(stopped_at=long_ago - SECOND)
    assert not [one for one in Findings().read(NOW) if one.kind is AlertKind.ENGINE_LOST], (
        "it was told to stop"
    )


def test_a_request_for_access_is_not_told_before_its_time(calm: Rows) -> None:
    access_waiting(calm)
    AccessRequest.objects.update(requested_at=NOW - timedelta(minutes=29))
    findings = Findings()
    assert [look(findings, second) for second in range(4)] == [[]] * 4
    (alert,) = look(findings, 61)
    assert alert.kind == AlertKind.ACCESS_WAITING


def test_an_approval_whose_time_is_half_over_opens_its_alert_again(calm: Rows) -> None:
    """Whoever has acknowledged it has perhaps forgotten it; it would expire in silence."""
    approval_waiting(calm)
    findings = Findings()
    (alert,) = look(findings, 1)
    alert_acknowledge(public_id=alert.public_id, person=calm.supervisor, note="", now=NOW)
    half = timedelta(minutes=7, seconds=30).total_seconds()
    (alert,) = [a for a in look(findings, half - 1) if a.kind == AlertKind.APPROVAL_WAITING]
    assert (alert.count, alert.acknowledged_at is None) == (1, False)
    (alert,) = [a for a in look(findings, half) if a.kind == AlertKind.APPROVAL_WAITING]
    assert (alert.count, alert.acknowledged_at) == (2, None)
    assert "still waits for approval, and expires at 12:15:00 UTC" in alert.text
    order = Order.objects.get().public_id
    assert [subject["order"] for subject in subject_rows(alert.public_id)] == [order, order]


# --- what people do, and what time does ----------------------------------------------------------------


def test_an_alert_is_acknowledged_once_with_a_note_and_owned(calm: Rows) -> None:
    paused(calm)
    (alert,) = look(Findings())
    act: dict[str, Any] = {"public_id": alert.public_id, "person": calm.supervisor, "now": NOW}
    alert_acknowledge(**act, note=" looking ")
    alert_acknowledge(**act, note="again")
    (row,) = alert_rows(person=calm.supervisor, state="acknowledged")
    assert (row["acknowledged_by"], row["note"], row["owner"]) == ("supervisor", "looking", "")
    alert_own(**act | {"person": calm.trader})
    alert_own(**act | {"person": calm.trader})
    (row,) = alert_rows(person=calm.trader, state="acknowledged", owner="trader")
    assert (row["owner"], row["acknowledged_by"]) == ("trader", "supervisor")
    kinds = (
        AuditEntry.objects.filter(subject=alert.public_id)
        .order_by("pk")
        .values_list("kind", "actor", "reason")
    )
    assert list(kinds) == [
        ("alert_acknowledged", "supervisor:supervisor", "looking"),
        ("alert_owned", "trader:trader", ""),
    ]


def test_traders_see_their_own_alerts_and_admins_those_of_no_order(calm: Rows) -> None:
    paused(calm)
    down(calm)
    findings = Findings()
    for second in range(4):
        look(findings, second)
    people = {
        "trader": calm.trader,
        "supervisor": calm.supervisor,
        "other": User.objects.create(username="other", role=Role.TRADER),
        "watcher": User.objects.create(username="watcher", role=Role.TRADER, sees_desk=True),
        "admin": User.objects.create(username="admin", role=Role.ADMIN),
    }
    shown = {
        name: sorted(row["kind"] for row in alert_rows(person=person, state="open"))
        for name, person in people.items()
    }
    assert shown == {
        "trader": ["order_paused"],
        "supervisor": ["account_down", "order_paused"],
        "other": [],
        "watcher": ["order_paused"],
        "admin": ["account_down"],
    }
    act: dict[str, Any] = {
        "public_id": Alert.objects.get(kind="order_paused").public_id,
        "note": "",
        "now": NOW,
    }
    with pytest.raises(Refused, match="Only its trader or a supervisor"):
        alert_acknowledge(person=people["watcher"], **act)
    for name in ("other", "admin"):
        with pytest.raises(AlertNotFound):
            alert_acknowledge(person=people[name], **act)
    assert alert_news(person=calm.supervisor, now=NOW)["critical"] == 1


@pytest.mark.django_db
def test_what_nobody_acknowledges_escalates_once_and_a_warning_waits_longer() -> None:
    critical = Finding(AlertKind.DISK_LOW, "here", "the disk is full")
    found = [*storm(1), critical]
    apply(found)
    apply(found, 59)
    assert not Alert.objects.exclude(escalated_at=None).exists()
    assert apply(found, 60) == 1
    assert apply(found, 61) == 0
    assert [alert.kind for alert in Alert.objects.exclude(escalated_at=None)] == ["disk_low"]
    apply(found, 300)
    assert Alert.objects.exclude(escalated_at=None).count() == 2


@pytest.mark.django_db
def test_an_acknowledged_alert_does_not_escalate_and_opens_again_when_it_grows() -> None:
    supervisor = User.objects.create(username="supervisor", role=Role.SUPERVISOR)
    apply(storm(1))
    alert_acknowledge(public_id=Alert.objects.get().public_id, person=supervisor, note="", now=NOW)
    apply(storm(1), 400)
    assert Alert.objects.get().escalated_at is None
    apply(storm(2), 401)
    alert = Alert.objects.get()
    assert (alert.acknowledged_at, alert.count) == (None, 2)
    assert alert.events == 3, "raised, acknowledged, and told again: the last time was long ago"
    apply(storm(2), 701)
    assert Alert.objects.get().escalated_at == NOW + 701 * SECOND


@pytest.mark.django_db
def test_a_condition_that_is_over_ends_its_alert_after_a_quiet_while_and_comes_back_as_a_new_one() -> None:
    apply(storm(2))
    apply(storm(1), 1)
    apply([], 2)
    apply(storm(1), 3)
    apply([], 4)
    apply([], 4 + QUIET.total_seconds() - 1)
    assert Alert.objects.get().ended_at is None, "it came back in between"
    apply([], 4 + QUIET.total_seconds())
    assert Alert.objects.get().ended_at == NOW + 4 * SECOND + QUIET
    apply(storm(1), 60)
    assert Alert.objects.count() == 2
    supervisor = User.objects.create(username="supervisor", role=Role.SUPERVISOR)
    ended = Alert.objects.exclude(ended_at=None).get()
    with pytest.raises(Refused, match="ended by itself"):
        alert_own(public_id=ended.public_id, person=supervisor, now=NOW)


def test_an_order_that_ends_ends_its_alert(calm: Rows) -> None:
    order = calm.submit()
    order_pause(public_id=order.public_id, person=calm.trader, reason="a look", now=NOW)
    Order.objects.update(needs_person=True, version=99)
    findings = Findings()
    assert [alert.kind for alert in look(findings)] == ["order_paused"]
    order_cancel(public_id=order.public_id, person=calm.trader, reason="enough", now=NOW)
    Order.objects.update(status="cancelled", ended_at=NOW)
    seen(calm, 30)
    look(findings, 1)
    assert look(findings, 31) == []


def test_the_news_say_when_nobody_watches(rows: Rows) -> None:
    now = timezone.now()
    assert not alert_news(person=rows.supervisor, now=now)["is_watched"]
    watch_claim(holder="a", now=now)
    assert alert_news(person=rows.supervisor, now=now)["is_watched"]
    assert not alert_news(person=rows.supervisor, now=now + 11 * SECOND)["is_watched"]
    assert Account.objects.exists()
