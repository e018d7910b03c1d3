"""The proof that a child of unknown fate never reached the exchange's book: observations that did not find it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from django.db import transaction

from execution.core.reconcile import Evidence, add_not_found_observation, counts_from, is_absent
from execution.core.states import ChildEvent, ChildStatus, child_after
from execution.core.types import ZERO
from execution.services.children.children import child_locked, journal_child
from execution.services.children.fills import facts_keep, facts_of
from execution.services.records.journal import DESK


@dataclass(frozen=True, slots=True)
class NotFoundObservation:
    """A successful look that did not show the order, over a window from ``window_from``."""

    kind: str
    begun_at: datetime
    window_from: datetime


@transaction.atomic
def child_not_found(
    *,
    child_pk: int,
    looks: Sequence[NotFoundObservation],
    validity: timedelta,
    listing_delay: timedelta,
    now: datetime,
) -> bool:
    """Add looks to an unknown child's evidence; True when they prove that it never reached the book."""
    child, order = child_locked(child_pk)
    if child.status != ChildStatus.UNKNOWN or child.last_possible_send_at is None:
        return False
    evidence = Evidence.from_json(child.evidence)
    for look in looks:
        evidence = add_not_found_observation(
            evidence,
            kind=look.kind,
            begun_at=look.begun_at,
            window_from=look.window_from,
            intended_at=child.intended_at,
            from_=counts_from(child.last_possible_send_at, validity, listing_delay),
        )
    child.evidence = evidence.to_json()
    if not is_absent(evidence, now=now, last_possible_send=child.last_possible_send_at):
        child.save(update_fields=["evidence"])
        return False
    child.reason = "absent: three looks each at open orders, closed orders and trades did not show it"
    status = child_after(ChildStatus.UNKNOWN, ChildEvent.PROVEN_ABSENT)
    facts_keep(child, replace(facts_of(child), status=status, reported=ZERO), now)
    journal_child(order, child, DESK, child.reason, now)
    return True
