"""Whether a child must be asked about: its answer and the stream should have told by now."""

from __future__ import annotations

from datetime import datetime, timedelta

from execution.core.states import ChildStatus
from execution.core.types import TimeInForce
from execution.engine.symbol_poll import RESTING
from execution.selectors.decisions.sessions import SessionChild

#: A cancel that was not confirmed for this long is checked.
ANSWERED_WITHIN = timedelta(seconds=1)


def is_sent(child: SessionChild) -> bool:
    """Return True if the child may have been sent: only then can the venue know it."""
    return child.status is not ChildStatus.PENDING_SUBMIT


def wants_poll(child: SessionChild, now: datetime, stream_is_healthy: bool) -> bool:
    """Return True if something about a child that was sent is unsettled for longer than an answer or the stream takes.

    A request that has just left is no reason to ask: polls cost the budget that creates need.
    """
    sent_at = child.last_possible_send_at
    if child.status in RESTING and child.time_in_force is TimeInForce.IOC:
        # It never rests: what became of it was not told.
        return sent_at is None or sent_at + ANSWERED_WITHIN < now
    if child.status in RESTING:
        return not stream_is_healthy
    if child.status is ChildStatus.SUBMITTED:
        return sent_at is None or sent_at < now
    if child.status is ChildStatus.CANCELLING:
        return child.cancel_requested_at is None or child.cancel_requested_at < now - ANSWERED_WITHIN
    return True
