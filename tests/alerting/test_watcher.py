"""The watcher looks by itself, and no kind is held back so long that five seconds would not do."""

from __future__ import annotations

from datetime import timedelta

import pytest

from execution.alerting.watcher import LOOK_EVERY, Watcher
from execution.core.alerts.kinds import AlertKind
from execution.models import Alert, AlertWatch
from execution.services.records.alerts import alert_signal
from tests.factories import NOW, Rows

#: The bell asks by itself once a second, if no doorbell rings.
PAGE = timedelta(seconds=1)


@pytest.mark.parametrize("kind", list(AlertKind), ids=str)
def test_every_kind_is_on_the_page_within_five_seconds_of_its_condition(kind: AlertKind) -> None:
    """A child counts as unknown for too long after its 30 s: they are the condition itself."""
    patience = timedelta(0) if kind is AlertKind.CHILD_UNKNOWN else kind.patience
    looks = timedelta(seconds=LOOK_EVERY)
    found_late = looks + -(-patience // looks) * looks
    assert found_late + PAGE <= timedelta(seconds=5)


def test_one_watcher_of_two_looks(rows: Rows) -> None:
    alert_signal(kind=AlertKind.LATE_FILL, text="late", at=NOW, order=rows.submit())
    first, second = Watcher(lambda: NOW), Watcher(lambda: NOW)
    assert [first.look() > 0, second.look()] == [True, 0]
    assert AlertWatch.objects.get().watched_at == NOW
    assert Alert.objects.get(kind="late_fill").text == "late"
