"""The facts about a child order, as reports, trades and polls prove them. No figure of a fact ever falls.

The exchange may answer twice, late, out of order, or without a number. Each rule here works with answers in any order.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from execution.core.guarantees.promise import Guarantees
from execution.core.states import CHILD_FINAL, CHILD_TRANSITIONS, ChildEvent, ChildStatus, child_after
from execution.core.types import ZERO, OrderReport, Side, TimeInForce, VenueStatus

POLL_KINDS = ("open_orders", "closed_orders", "trades")
POLLS_NEEDED = 3
POLLS_APART = timedelta(seconds=2)
#: ABSENT is never concluded earlier than this after the last possible send.
ABSENT_AFTER = timedelta(seconds=10)


@dataclass(frozen=True, slots=True)
class ChildFacts:
    """The known facts of a child order.

    ``reported`` is the highest filled quantity that the exchange has reported; None if it has reported none.
    ``filled`` is the sum of the recorded trades.
    """

    status: ChildStatus
    quantity: Decimal
    reported: Decimal | None
    filled: Decimal


@dataclass(frozen=True, slots=True)
class Merged:
    """The facts after a report. ``alert`` has a text if a person should know of it."""

    facts: ChildFacts
    changed: bool
    alert: str = ""
    #: The exchange reports the order's end without its filled quantity, so the desk must request it.
    wants_figure: bool = False


def is_over(facts: ChildFacts) -> bool:
    """Return True if the child is final and the exchange has reported its filled quantity.

    A child that is over can fill no more. Some of its trades may still be missing in the desk's records. Until they
    are recorded, the child is over but not settled.
    """
    return facts.status in CHILD_FINAL and facts.reported is not None


def settled(facts: ChildFacts) -> bool:
    """Return True if the child can fill no more and its recorded trades add up to the reported quantity."""
    return is_over(facts) and facts.filled == facts.reported


def event_of(report: OrderReport, quantity: Decimal) -> ChildEvent | None:
    """Return the event that a report causes for the state of a child of ``quantity``.

    Return None if the order was on the book and ended, and the report has no filled quantity. Such a report does not
    prove how the order ended.
    """
    filled = report.filled
    if report.status is VenueStatus.FILLED or (filled is not None and filled >= quantity):
        return ChildEvent.FILL
    if report.status is VenueStatus.OPEN or report.status is None:
        return ChildEvent.PART if filled else ChildEvent.OPENED
    if report.status is VenueStatus.REJECTED and not filled:
        return ChildEvent.REJECTED
    if filled is None:
        return None
    # A venue may say "rejected" with something executed: then it was on the book, and is gone.
    return ChildEvent.EXPIRED if report.status is VenueStatus.EXPIRED else ChildEvent.CANCELLED


def merge_report(facts: ChildFacts, report: OrderReport) -> Merged:
    """Return the facts after a report. The report may be old, so no figure falls, and a final state stays final."""
    event = event_of(report, facts.quantity)
    figure = report.filled
    if event is ChildEvent.FILL and figure is None:
        figure = facts.quantity
    if event is ChildEvent.REJECTED and figure is None:
        figure = ZERO
    reported = _higher(facts.reported, figure)
    status = facts.status if event is None else _status_after(facts.status, event)
    alert = ""
    if facts.status in CHILD_FINAL and reported != facts.reported and facts.reported is not None:
        alert = f"late fill: reported quantity rose from {facts.reported} to {reported} after it was {facts.status}"
    if facts.status is ChildStatus.ABSENT and event is not ChildEvent.REJECTED and event is not None:
        alert = "an order that was proven absent has appeared"
    if reported is not None and reported > facts.quantity:
        alert = f"overfilled by the venue: {reported} of {facts.quantity}"
    after = ChildFacts(status, facts.quantity, reported, facts.filled)
    return Merged(after, after != facts, alert, wants_figure=event is None)


def merge_fill(facts: ChildFacts, quantity: Decimal) -> Merged:
    """Return the facts after one more trade of ``quantity`` was recorded."""
    filled = facts.filled + quantity
    reported = _higher(facts.reported, filled)
    event = ChildEvent.FILL if filled >= facts.quantity else ChildEvent.PART
    status = _status_after(facts.status, event)
    alert = ""
    if filled > facts.quantity:
        alert = f"overfilled by the venue: {filled} of {facts.quantity}"
    elif facts.status in CHILD_FINAL and facts.reported is not None and filled > facts.reported:
        alert = f"late fill: {filled} is filled, but it was {facts.status} with {facts.reported}"
    if facts.status is ChildStatus.ABSENT:
        alert = "an order that was proven absent has filled"
    return Merged(ChildFacts(status, facts.quantity, reported, filled), True, alert)


def _status_after(status: ChildStatus, event: ChildEvent) -> ChildStatus:
    """Return the status after ``event``. A final status ignores an older event that it does not allow."""
    if status in CHILD_FINAL and (status, event) not in CHILD_TRANSITIONS:
        return status
    return child_after(status, event)


def _higher(known: Decimal | None, reported: Decimal | None) -> Decimal | None:
    if known is None or reported is None:
        return reported if known is None else known
    return max(known, reported)


#: Some exchanges accept a post-only order that would take, and end it at most this long after it was sent.
ENDS_AT_ONCE = timedelta(seconds=2)


def ended_as_it_would_take(
    *,
    time_in_force: TimeInForce,
    status: ChildStatus,
    filled: Decimal,
    cancel_wanted: bool,
    submitted_at: datetime | None,
    ended_at: datetime | None,
) -> bool:
    """Return True if an exchange accepted a post-only order and ended it at once, without a fill or a cancel.

    Some exchanges do so with a post-only order that would take. The desk treats that as a refusal.
    """
    if time_in_force is not TimeInForce.POST_ONLY or cancel_wanted or filled > ZERO:
        return False
    if status not in {ChildStatus.CANCELLED, ChildStatus.EXPIRED} or submitted_at is None or ended_at is None:
        return False
    return ended_at - submitted_at <= ENDS_AT_ONCE


# --- evidence of absence -------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Evidence:
    """The polls that did not show an order, by the kind of list that was read.

    A poll is included only if it began when the exchange should already have listed the order. Between the beginnings
    of two polls of one kind there are at least two seconds.
    """

    not_found: Mapping[str, tuple[datetime, ...]]

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Evidence:
        return cls(
            {kind: tuple(datetime.fromisoformat(at) for at in data.get(kind, ())) for kind in POLL_KINDS}
        )

    def to_json(self) -> dict[str, list[str]]:
        return {kind: [at.isoformat() for at in self.not_found.get(kind, ())] for kind in POLL_KINDS}

    @property
    def is_enough(self) -> bool:
        return all(len(self.not_found.get(kind, ())) >= POLLS_NEEDED for kind in POLL_KINDS)


def counts_from(last_possible_send: datetime, validity: timedelta, listing_delay: timedelta) -> datetime:
    """Return the time by which the exchange must list an order that has reached it.

    The request may take ``validity`` to arrive, and the order may be listed ``listing_delay`` after that. From the
    returned time on, a poll without the order is evidence that it does not exist.
    """
    return last_possible_send + validity + listing_delay


def evidence_counts_from(
    last_possible_send: datetime | None, guarantees: Guarantees, *, was_shown: bool
) -> datetime | None:
    """Return the time from which a poll without a child is evidence that it does not exist; None if no poll ever is.

    ``was_shown`` means that the exchange has shown the order before, so the request to create it has arrived already.
    """
    arrives_within = timedelta(0) if was_shown else guarantees.arrives_within
    if last_possible_send is None or arrives_within is None:
        return None
    return counts_from(last_possible_send, arrives_within, guarantees.listing_delay.value)


def add_not_found_observation(
    evidence: Evidence,
    *,
    kind: str,
    begun_at: datetime,
    window_from: datetime,
    intended_at: datetime,
    from_: datetime,
) -> Evidence:
    """Return ``evidence`` with one more poll that did not show the order, if the poll meets three conditions.

    It must have begun at ``from_`` or later, when the exchange should have listed the order. It must have searched
    from a time ``window_from`` that is before ``intended_at``. It must have begun at least two seconds after the last
    counted poll of its kind.
    """
    earlier = evidence.not_found.get(kind, ())
    too_early = begun_at < from_ or window_from >= intended_at
    if too_early or (earlier and begun_at - earlier[-1] < POLLS_APART) or len(earlier) >= POLLS_NEEDED:
        return evidence
    return Evidence({**evidence.not_found, kind: (*earlier, begun_at)})


def is_absent(evidence: Evidence, *, now: datetime, last_possible_send: datetime) -> bool:
    """Return True when the polls prove that the order never reached the book."""
    return evidence.is_enough and now - last_possible_send >= ABSENT_AFTER


def mismatch(report: OrderReport, side: Side, quantity: Decimal, price: Decimal | None) -> str:
    """Return the reason why an order at the exchange is not the one that was sent; empty if the two agree.

    A report without side or quantity cannot be compared, so the text is then not empty.
    """
    if report.side is None or report.quantity is None:
        return "the exchange reports neither its side nor its quantity"
    if report.side is not side:
        return f"it is a {report.side}, not a {side}"
    if report.quantity != quantity:
        return f"its quantity is {report.quantity}, not {quantity}"
    if price is not None and report.price is not None and report.price != price:
        return f"its price is {report.price}, not {price}"
    return ""
