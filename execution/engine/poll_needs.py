"""The choice of children to poll, because neither an answer nor the stream has reported on them in time."""

from __future__ import annotations

from datetime import datetime, timedelta

from execution.core.states import CHILD_FINAL, ChildStatus
from execution.core.types import TimeInForce
from execution.engine.symbol_poll import RESTING
from execution.selectors.decisions.sessions import SessionChild

#: Pause between polls of unsettled children.
UNSETTLED = 1.5  # seconds
#: The trades of ended children are read apart from the polls if a list of trades takes no more of the limit than this.
CHEAP_TRADES = 0.5  # seconds of it
#: A child whose cancel or end was not reported for this long is polled.
ANSWERED_WITHIN = timedelta(seconds=1)


def is_sent(child: SessionChild) -> bool:
    """Return True if the child may have been sent. The venue cannot know any other child."""
    return child.status is not ChildStatus.PENDING_SUBMIT


def wants_poll(child: SessionChild, now: datetime, stream_is_healthy: bool, *, with_ended: bool) -> bool:
    """Return True if something about a sent child is missing for longer than an answer or the stream takes.

    A request that was just sent is no reason for a poll, because polls use up the rate limit that sends need. If a
    child's end and filled quantity are known, only its trades are missing. Such a child needs a poll only if
    ``with_ended``. Otherwise ``EndedFills`` reads its trades.
    """
    sent_at = child.last_possible_send_at
    if child.status in CHILD_FINAL and child.reported_filled is not None:
        return with_ended
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
