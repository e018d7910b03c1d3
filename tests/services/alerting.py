"""The watcher's work of each second, for tests of alerts."""

from __future__ import annotations

from datetime import timedelta

from execution.core.alerts.grouping import Finding
from execution.core.alerts.kinds import AlertKind
from execution.models import Alert
from execution.selectors.alerts.findings import Findings
from execution.services.alerts.watching import findings_apply
from tests.factories import NOW

SECOND = timedelta(seconds=1)
CRITICAL_AFTER = timedelta(seconds=60)


def look(findings: Findings, seconds: float = 0) -> list[Alert]:
    """Do the watcher's work of each second, and return the alerts that are open after it."""
    now = NOW + seconds * SECOND
    findings_apply(findings=findings.read(now), critical_after=CRITICAL_AFTER, now=now)
    return list(Alert.objects.filter(ended_at=None).order_by("kind"))


def apply(found: list[Finding], seconds: float = 0) -> int:
    return findings_apply(findings=found, critical_after=CRITICAL_AFTER, now=NOW + seconds * SECOND)


def storm(size: int, scope: str = "trader 1") -> list[Finding]:
    return [Finding(AlertKind.BEHIND_SCHEDULE, str(n), f"order {n} is late", scope) for n in range(size)]
