"""The nightly check of the hash chains of the audit and of every order's journal.

The check runs in steps, because a task may run only for seconds, and a large journal takes minutes.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, time, timedelta

from django.db.models import Q

from execution.core.alerts.kinds import AlertKind
from execution.models import JournalCheck
from execution.payloads.journal import BreakRow
from execution.selectors.chains import audit_breaks, audit_count, break_words, orders_verify
from execution.services.records.alerts import alert_signal

#: A check begins once a day, at the first minute after this time (UTC).
NIGHT = time(2, 0)
#: The most breaks that a check stores. Its ``broken`` counts all.
MAX_KEPT = 200
#: The most breaks of a check that raise alerts.
MAX_ALERTED = 20
#: The longest time for which a step that was cut off still holds its check.
STEP_ENDS = timedelta(minutes=5)


def journal_check_step(*, now: datetime, has_time: Callable[[], bool]) -> JournalCheck | None:
    """Continue the current check, or begin the one that is due, until ``has_time`` returns False.

    Return the check, or None when no check is due or another process works on it.

    The audit is checked first, then the orders, one block at a time. After each block the check's row is written, so
    that the next step continues after that block.
    """
    check = _check_due(now)
    if check is None or not _hold(check, now):
        return None
    if check.after_order is None:
        _note(check, audit_breaks(), now)
        check.after_order, check.entries = 0, audit_count()
        check.save()
    while has_time():
        block = orders_verify(after=check.after_order)
        if block.last is None:
            check.ended_at = now
            break
        _note(check, block.breaks, now)
        check.after_order = block.last
        check.orders += block.orders
        check.entries += block.entries
        check.save()
    check.held_until = None
    check.save()
    return check


def _check_due(now: datetime) -> JournalCheck | None:
    """Return the unfinished check. If there is none, and no check has begun since the last night began, return a new
    one.
    """
    newest = JournalCheck.objects.order_by("-started_at", "-pk").first()
    if newest is not None and newest.ended_at is None:
        return newest
    night = datetime.combine(now.date(), NIGHT, tzinfo=now.tzinfo)
    night = night if now >= night else night - timedelta(days=1)
    if newest is not None and newest.started_at >= night:
        return None
    return JournalCheck.objects.create(started_at=now)


def _hold(check: JournalCheck, now: datetime) -> bool:
    """Claim the check for one step. Return False while another process works on it."""
    free = Q(held_until=None) | Q(held_until__lte=now)
    check.held_until = now + STEP_ENDS
    taken = JournalCheck.objects.filter(free, pk=check.pk, ended_at=None).update(held_until=check.held_until)
    return taken == 1


def _note(check: JournalCheck, breaks: list[BreakRow], now: datetime) -> None:
    """Store the breaks with the check, and alert people to the first of them."""
    for one in breaks[: max(0, MAX_ALERTED - check.broken)]:
        subject = f"{one['table']} {one['order']} {one['sequence']}"
        text = f"the journal is broken: {break_words(one)}"
        alert_signal(kind=AlertKind.JOURNAL_BROKEN, text=text, at=now, scope="journal", subject=subject)
    check.broken += len(breaks)
    check.breaks = [*check.breaks, *breaks][:MAX_KEPT]
