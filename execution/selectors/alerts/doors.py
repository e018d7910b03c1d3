"""Findings about access: attempts to guess logins, and requests for access that nobody has decided."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta

from axes.models import AccessAttempt
from django.db.models import QuerySet, Sum

from execution.core.alerts.grouping import Finding
from execution.core.alerts.kinds import AlertKind
from execution.core.guessing import COUNTED_FOR, OF_ADDRESS, OF_ALL, OF_NAME
from execution.models import User
from execution.selectors.access import access_waiting

#: At most this many names and addresses are reported at a time. An attack may have thousands.
MAX_NAMED = 20
#: A request for access may wait for this long before it is a finding.
UNDECIDED_FOR = timedelta(minutes=30)
_WITHIN = f"within {COUNTED_FOR.total_seconds() / 60:.0f} min"


def logins_attacked(now: datetime) -> Iterator[Finding]:
    """Find attacks on logins: many failures with one name, from one address, or at the whole desk.

    The text does not show a name that no user has, because somebody may have typed a password as the name.
    """
    recent = AccessAttempt.objects.filter(attempt_time__gte=now - COUNTED_FOR)
    failures = int(recent.aggregate(failures=Sum("failures_since_start"))["failures"] or 0)
    if failures < OF_NAME:
        return
    if failures >= OF_ALL:
        text = f"{failures:,} logins have failed {_WITHIN}: the desk is guessed at"
        yield Finding(AlertKind.LOGINS_ATTACKED, "desk", text)
    names = _most(recent, "username", OF_NAME)
    known = set(User.objects.filter(username__in=names).values_list("username", flat=True))
    for name, count in names.items():
        whose = f"logins as {name}" if name in known else "logins with a name that nobody has"
        subject = f"name {name}" if name in known else "unknown name"
        yield Finding(AlertKind.LOGINS_ATTACKED, subject, f"{count:,} {whose} have failed {_WITHIN}")
    for address, count in _most(recent, "ip_address", OF_ADDRESS).items():
        text = f"{count:,} logins from {address or 'an unknown address'} have failed {_WITHIN}"
        yield Finding(AlertKind.LOGINS_ATTACKED, f"address {address}", text)


def _most(recent: QuerySet[AccessAttempt], column: str, least: int) -> dict[str, int]:
    counted = recent.values_list(column).annotate(failures=Sum("failures_since_start"))
    found = counted.filter(failures__gte=least).order_by("-failures", column)[:MAX_NAMED]
    return {str(value or ""): int(failures) for value, failures in found}


def access_undecided(now: datetime) -> Iterator[Finding]:
    """Find requests for access that have waited for a while without a decision.

    A request stays valid for a day, so people need no alert at once.
    """
    for request in access_waiting(now=now).filter(requested_at__lte=now - UNDECIDED_FOR):
        until = f"{request.expires_at:%Y-%m-%d %H:%M} UTC"
        text = (
            f"{request.requested_by.username} asked for a change of {request.subject}, "
            f"which waits for a second person until {until}"
        )
        yield Finding(AlertKind.ACCESS_WAITING, request.public_id, text, since=request.requested_at)
