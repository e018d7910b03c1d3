"""The conclusions from polls that do not find a child order.

There are two explanations. The child never reached the exchange's book. Or the exchange showed it once, and no longer
lists it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from django.db import transaction

from execution.core.guarantees.promise import Guarantees
from execution.core.numbers import plain
from execution.core.reconcile import (
    POLL_KINDS,
    POLLS_APART,
    POLLS_NEEDED,
    Evidence,
    add_not_found_observation,
    is_absent,
)
from execution.core.states import CHILD_ON_THE_BOOK, ChildEvent, ChildStatus, child_after
from execution.models import ChildOrder
from execution.selectors.decisions.evidence import (
    may_be_forgotten_from,
    misses_trades,
    polls_count_from,
    was_shown,
)
from execution.services.children.children import child_locked, end_unfilled, journal_child
from execution.services.children.fills import facts_keep, facts_of
from execution.services.records.journal import DESK


@dataclass(frozen=True, slots=True)
class NotFoundObservation:
    """A successful poll that did not show the child order. The poll covered the time from ``window_from`` on."""

    kind: str
    begun_at: datetime
    window_from: datetime


#: Polls further apart than this are not counted together.
GONE_WITHIN = timedelta(minutes=1)
_GONE = "gone"


@transaction.atomic
def child_gone(*, child_pk: int, begun_at: datetime, guarantees: Guarantees, now: datetime) -> bool:
    """Record a poll that does not show a child which an earlier poll or report of the exchange had shown.

    Return True if this poll makes the child's outcome unknown. That takes three such polls, at least two seconds
    apart and all within a minute. A poll counts only if it began so late that the exchange must list the child.
    """
    child, order = child_locked(child_pk)
    sent = child.last_possible_send_at
    if child.status not in CHILD_ON_THE_BOOK or not child.exchange_id or sent is None:
        return False
    polls = [datetime.fromisoformat(at) for at in child.evidence.get(_GONE, ())]
    polls = [at for at in polls if begun_at - at <= GONE_WITHIN]
    too_early = begun_at < sent + guarantees.listing_delay.value
    if too_early or (polls and begun_at - polls[-1] < POLLS_APART):
        return False
    polls.append(begun_at)
    child.evidence = {_GONE: [at.isoformat() for at in polls]}
    if len(polls) < POLLS_NEEDED:
        child.save(update_fields=["evidence"])
        return False
    child.status = child_after(ChildStatus(child.status), ChildEvent.OUTCOME_UNKNOWN)
    child.reason = "unknown: the exchange lists it no longer, and finds no such order"
    child.evidence = {}
    child.save(update_fields=["status", "reason", "evidence"])
    journal_child(order, child, DESK, child.reason, now)
    return True


@transaction.atomic
def child_not_found(
    *,
    child_pk: int,
    polls: Sequence[NotFoundObservation],
    guarantees: Guarantees,
    now: datetime,
) -> bool:
    """Record polls that did not find a child of unknown outcome. Return True if these and earlier polls end the child.

    A child ends in one of two cases. Either the polls prove that it never reached the book. Or the exchange once
    showed it, and may no longer list it now; its trades then give the filled quantity. ``guarantees`` are the
    exchange's. Some exchanges guarantee so little that polls prove nothing: a request to create a child may arrive at
    any time, or trades of that time are no longer listed.
    """
    child, order = child_locked(child_pk)
    from_ = polls_count_from(child, guarantees)
    if child.status != ChildStatus.UNKNOWN or child.last_possible_send_at is None or from_ is None:
        return False
    if now - child.intended_at >= guarantees.trades_kept.value:
        return False
    evidence = Evidence.from_json(child.evidence)
    for poll in polls:
        evidence = add_not_found_observation(
            evidence,
            kind=poll.kind,
            begun_at=poll.begun_at,
            window_from=poll.window_from,
            intended_at=child.intended_at,
            from_=from_,
        )
    child.evidence = evidence.to_json()
    if not is_absent(evidence, now=now, last_possible_send=child.last_possible_send_at):
        child.save(update_fields=["evidence"])
        return False
    if was_shown(child):
        forgotten_from = may_be_forgotten_from(child, guarantees)
        is_due = forgotten_from is not None and now >= forgotten_from
        # The evidence may be hours old by now: this poll has to say the same.
        is_shown_nowhere = {poll.kind for poll in polls} == set(POLL_KINDS)
        if not is_due or not is_shown_nowhere or misses_trades(child):
            child.save(update_fields=["evidence"])
            return False
        words = f"ended: the exchange tells of it no longer, and its trades add up to {plain(child.filled)}"
        end_forgotten(child, words, now)
        journal_child(order, child, DESK, child.reason, now)
        return True
    reason = "absent: three polls each of open orders, closed orders and trades did not find it"
    end_unfilled(child, ChildEvent.PROVEN_ABSENT, reason, now)
    journal_child(order, child, DESK, child.reason, now)
    return True


def end_forgotten(child: ChildOrder, reason: str, now: datetime) -> None:
    """End a child that the exchange no longer shows. The sum of its recorded trades becomes its filled quantity."""
    child.reason = reason
    status = child_after(ChildStatus(child.status), ChildEvent.FORGOTTEN)
    facts_keep(child, replace(facts_of(child), status=status, reported=child.filled), now)
