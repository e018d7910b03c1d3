"""The proof that a child of unknown fate never reached the exchange's book: observations that did not find it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db import transaction

from execution.core.guarantees.promise import Guarantees
from execution.core.reconcile import Evidence, add_not_found_observation, counts_from, is_absent
from execution.core.states import ChildEvent, ChildStatus
from execution.services.children.children import child_locked, end_unfilled, journal_child
from execution.services.records.journal import DESK


@dataclass(frozen=True, slots=True)
class NotFoundObservation:
    """A successful poll that did not show the order, over a window from ``window_from``."""

    kind: str
    begun_at: datetime
    window_from: datetime


@transaction.atomic
def child_not_found(
    *,
    child_pk: int,
    polls: Sequence[NotFoundObservation],
    guarantees: Guarantees,
    now: datetime,
) -> bool:
    """Add polls to an unknown child's evidence; True when they prove that it never reached the book.

    ``guarantees`` are the exchange's. Nothing is proven where nothing bounds when a create may arrive, or once its
    trades are listed no longer.
    """
    child, order = child_locked(child_pk)
    arrives_within = guarantees.arrives_within
    if child.status != ChildStatus.UNKNOWN or child.last_possible_send_at is None or arrives_within is None:
        return False
    if now - child.intended_at >= guarantees.trades_kept.value:
        return False
    from_ = counts_from(child.last_possible_send_at, arrives_within, guarantees.listing_delay.value)
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
    reason = "absent: three polls each of open orders, closed orders and trades did not find it"
    end_unfilled(child, ChildEvent.PROVEN_ABSENT, reason, now)
    journal_child(order, child, DESK, child.reason, now)
    return True
