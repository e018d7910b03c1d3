"""A storm of findings or signals is one alert, and one process watches."""

from __future__ import annotations

import pytest
from django.db import IntegrityError, transaction

from execution.core.alerts.kinds import REPEAT_AFTER, AlertKind
from execution.models import Alert
from execution.services.alerts.watching import HELD_FOR, watch_claim
from execution.services.records.alerts import alert_signal
from tests.factories import NOW, Rows
from tests.services.alerting import SECOND, apply, storm


@pytest.mark.django_db
def test_a_storm_of_five_hundred_is_one_alert_with_a_count() -> None:
    assert apply(storm(500)) == 1
    alert = Alert.objects.get()
    assert (alert.count, alert.subjects.count(), alert.events) == (500, 500, 1)
    assert apply(storm(500), 1) == 0
    assert apply(storm(501), 2) == 1
    alert.refresh_from_db()
    assert (alert.count, alert.events, alert.text) == (501, 1, "order 500 is late"), (
        "it grew, and nobody was told"
    )
    apply(storm(501), REPEAT_AFTER.total_seconds())
    alert.refresh_from_db()
    assert (alert.events, alert.told_count) == (2, 501)


def test_five_hundred_signals_are_one_alert(rows: Rows) -> None:
    order = rows.submit()
    for number in range(500):
        alert_signal(kind=AlertKind.LATE_FILL, text=f"late fill {number}", at=NOW, order=order)
    apply([])
    alert = Alert.objects.get()
    assert (alert.count, alert.trader, alert.text) == (500, rows.trader, "late fill 499")
    with pytest.raises(ValueError, match="lasts"):
        alert_signal(kind=AlertKind.DISK_LOW, text="full", at=NOW)


@pytest.mark.django_db
def test_the_database_keeps_one_open_alert_of_a_group() -> None:
    apply(storm(1))
    first = Alert.objects.get()
    first.pk, first.public_id = None, "another0"
    with pytest.raises(IntegrityError), transaction.atomic():
        first.save()


@pytest.mark.django_db
def test_one_process_watches_and_another_takes_over_when_it_dies() -> None:
    assert watch_claim(holder="a", now=NOW)
    assert not watch_claim(holder="b", now=NOW + SECOND)
    assert watch_claim(holder="a", now=NOW + 3 * SECOND)
    assert not watch_claim(holder="b", now=NOW + HELD_FOR + SECOND)
    assert watch_claim(holder="b", now=NOW + HELD_FOR + 4 * SECOND)
